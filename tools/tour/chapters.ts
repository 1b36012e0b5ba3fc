/** What the tour shows: every program has its place here. */
import type { Chapter } from "./chapter.ts";

const ANY_PORT = ["--host", "127.0.0.1", "--port", "0"];

/** The chapters, in the order they are played. */
export const CHAPTERS: Chapter[] = [
  {
    title: "labsock: all programs in one",
    about: "Every protocol here is a program or two, and labsock runs any of them by its name.",
    steps: [{
      what: "What is there?",
      program: "labsock",
      args: ["--list"],
      shows: /^daytimed /m,
    }],
  },
  {
    title: "daytime (RFC 867)",
    about: "The simplest service there is: a client connects, and is told the day and the time.\n" +
      "Nothing is asked, so nothing can go wrong in the asking.",
    servers: [{ program: "daytimed", args: ANY_PORT }],
    steps: [
      {
        what: "By TCP: connect, read one line.",
        program: "daytime",
        args: ["{daytimed}"],
        shows: /day, .* \d{4} \d\d:\d\d:\d\d/,
      },
      {
        what: "By UDP: send an empty datagram, wait for one.",
        program: "daytime",
        args: ["{daytimed.udp}", "--udp"],
        shows: /day, .* \d{4} \d\d:\d\d:\d\d/,
      },
    ],
  },
  {
    title: "Chat",
    about:
      "Lines in, lines out: what one person says all others read. nc -C does as a client, too.\n" +
      "Here nobody types, so the client only looks in.",
    servers: [{ program: "chatd", args: [...ANY_PORT, "--motd", "Be nice to each other."] }],
    steps: [{
      what: "Come in under a name, and leave.",
      program: "chat",
      args: ["{chatd}", "--nick", "ada"],
      shows: /Be nice[^]*you are now ada/,
    }],
  },
  {
    title: "FTP (RFC 959)",
    about:
      "Files and folders over two connections: one for commands, and one for each piece of data.",
    files: { cake: "Flour, eggs, sugar.\n" },
    servers: [{ program: "ftpd", args: ["{folder}", "--write", ...ANY_PORT] }],
    steps: [
      {
        what: "What is there?",
        program: "ftp",
        args: ["ftp://{ftpd}/"],
        shows: /cake/,
      },
      {
        what: "Fetch a file, and look at the dialogue: > is sent, < received.",
        program: "ftp",
        args: ["-v", "-o", "copy", "ftp://{ftpd}/cake"],
        shows: /> RETR cake\n[^]*< 150 [^]*< 226 /,
      },
      {
        what: "Store it under another name, and ask the server for its size.",
        program: "ftp",
        args: ["-n", "{ftpd}"],
        input: "user anonymous guest@\nput copy pie\nquote SIZE pie\nbye\n",
        shows: /213 20/,
      },
    ],
  },
  {
    title: "TFTP (RFC 1350)",
    about:
      "Files in datagrams, with next to nothing around them: how machines without a disk boot.",
    files: { cake: "Flour, eggs, sugar.\n" },
    servers: [{ program: "tftpd", args: ["{folder}", "--write", ...ANY_PORT] }],
    steps: [
      {
        what: "Fetch a file, and look at the packets: > is sent, < received.",
        program: "tftp",
        args: ["-v", "{tftpd.udp}", "get", "cake", "copy"],
        shows: /> RRQ [^]*< OACK [^]*> ACK [^]*< DATA [^]*> ACK /,
      },
      {
        what: "As in 1980: without options, block by block.",
        program: "tftp",
        args: ["-v", "--no-options", "{tftpd.udp}", "put", "copy", "pie"],
        shows: /> WRQ [^]*< ACK [^]*> DATA [^]*< ACK /,
      },
      {
        what: "A file that is not there is exit code 1, for scripts.",
        program: "tftp",
        args: ["{tftpd.udp}", "get", "bread"],
        shows: /not found/i,
        code: 1,
      },
    ],
  },
  {
    title: "HTTP (RFC 9112)",
    about: "A request is lines of text and so is the head of its answer; then comes the page.\n" +
      "The server is Deno's own.",
    web,
    steps: [
      { what: "Fetch a page.", program: "http", args: ["http://{web}/"], shows: /^Hello/ },
      {
        what: "Fetch a page that has moved, and look at the dialogue: > is sent, < received.",
        program: "http",
        args: ["-v", "-L", "http://{web}/old"],
        shows: /> GET \/old [^]*> GET \/ [^]*Hello/,
      },
      {
        what: "An answer of 400 or above is exit code 1, for scripts.",
        program: "http",
        args: ["-i", "http://{web}/nowhere"],
        shows: /404 Not Found[^]*There is no such page/,
        code: 1,
      },
    ],
  },
  {
    title: "The proxy: looking on",
    about: "It stands between a client and a server, passes everything on, and shows it.",
    web,
    servers: [{
      program: "proxy",
      args: ["0", "127.0.0.1", "{web.port}", "--host", "127.0.0.1"],
    }],
    steps: [{
      what: "Fetch the page from the proxy, which fetches it from the server.",
      program: "http",
      args: ["http://{proxy}/"],
      shows: /^Hello/,
    }],
  },
];

/** A web server with one page, and one that has moved. */
function web(request: Request): Response {
  const { pathname } = new URL(request.url);
  if (pathname === "/old") return Response.redirect(new URL("/", request.url));
  return pathname === "/"
    ? new Response("Hello from a small web server.\n")
    : new Response("There is no such page.\n", { status: 404 });
}
