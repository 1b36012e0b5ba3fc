/** Real FTP clients at a terminal against our server: Ctrl-C ends a transfer, and the session goes on. */
import { stripVTControlCharacters } from "node:util";
import { assertEquals } from "@std/assert";
import { type Served, withFtpServer } from "../support/ftp_server.ts";
import { missingProgram, processTestUnless } from "../support/permissions.ts";
import { commandLine } from "../support/process.ts";
import { Talker } from "../support/talker.ts";

const LARGE = 8_000_000;
const CTRL_C = "\x03";
/** The exit code of `script` for a program that SIGABRT ended. */
const ABORTED = 128 + 6;

/** What is waited for, and what is typed then. */
type Step = [shown: RegExp, typed: string];

/** A client: its program, or undefined for our own, its command line, and a session in which a download is interrupted. An upload most clients end as if it were whole; ours does not. */
interface Client {
  program: string | undefined;
  command(port: number): string;
  steps: Step[];
  /** It jumps out of its handler of Ctrl-C, be it out of malloc, and may abort from then on: then only the server counts. */
  isFragile?: true;
}

const CLASSIC: Step[] = [
  [/ftp> $/, "user ftp x\n"],
  [/230 [^]*ftp> $/, "binary\n"],
  [/200 [^]*ftp> $/, "get large\n"],
  [/150 /, CTRL_C],
  [/426 [^]*226 [^]*ftp> $/, "get hello\n"],
  [/6 bytes received[^]*ftp> $/, "quit\n"],
];

const CLIENTS: Client[] = [
  { program: "tnftp", command: (port) => `tnftp -n 127.0.0.1 ${port}`, steps: CLASSIC },
  {
    program: "inetutils-ftp",
    command: (port) => `inetutils-ftp -n -p 127.0.0.1 ${port}`,
    steps: CLASSIC,
    isFragile: true,
  },
  {
    program: "lftp",
    command: (port) => `lftp -u ftp,x -p ${port} 127.0.0.1`,
    steps: [
      [/> $/, "get large\n"],
      [/large' at/, CTRL_C],
      [/nterrupt[^]*> $/, "get hello\n"],
      [/6 bytes transferred[^]*> $/, "exit\n"],
    ],
  },
  {
    program: undefined,
    command: (port) => {
      const args = commandLine("clients/ftp.ts", ["-n", "127.0.0.1", "--port", `${port}`]);
      return [Deno.execPath(), ...args].join(" ");
    },
    steps: [
      [/ftp> $/, "user ftp x\r"],
      [/230 [^]*ftp> $/, "get large\r"],
      [/\[=* +\] \d+%/, CTRL_C],
      [/the transfer was aborted[^]*ftp> $/, "put mine\r"],
      [/\[=* +\] \d+%/, CTRL_C],
      [/the transfer was aborted[^]*ftp> $/, "get hello\r"],
      [/hello: [^]*ftp> $/, "quit\r"],
    ],
  },
  {
    program: "ncftp",
    command: (port) => `ncftp -u ftp -p x -P ${port} 127.0.0.1`,
    steps: [
      [/ncftp \/ > $/, "get large\n"],
      [/large: .*ETA/, CTRL_C],
      [/ncftp \/ > $/, "get hello\n"],
      [/hello: [^]*ncftp \/ > $/, "quit\n"],
    ],
  },
];

/** Runs a session at a terminal of 80 columns, which `script` of util-linux makes. */
/** Whether the client came to its end. */
async function play({ port, outside, log }: Served, client: Client): Promise<boolean> {
  const { program, command, steps, isFragile } = client;
  const line = `stty cols 80; cd ${outside}/local; exec ${command(port)}`;
  await using talker = new Talker("script", ["-qec", line, "/dev/null"], {
    env: {
      ...program && { HOME: outside },
      XDG_STATE_HOME: outside,
      TERM: "xterm",
      SHELL: "/bin/sh",
    },
  });
  let seen = 0;
  for (const [shown, typed] of steps) {
    // What sets colours and moves the cursor is of no interest.
    const plain = (text: string): string => stripVTControlCharacters(text.slice(seen));
    try {
      await talker.until((text) => shown.test(plain(text)), `${shown}`);
    } catch (error) {
      if (!isFragile || await talker.ended() !== ABORTED) throw error;
      await log.says(/broke off .*path=\/large reason=/);
      return false;
    }
    seen = talker.text.length;
    await talker.type(typed);
  }
  await log.says(/broke off .*path=\/large reason=/);
  const code = await talker.ended();
  if (isFragile && code === ABORTED) return false;
  assertEquals(code, 0, talker.text);
  return true;
}

for (const client of CLIENTS) {
  const { program } = client;
  processTestUnless(
    (program && missingProgram(program)) ?? missingProgram("script"),
    `${program ?? "our own client"} and ftpd: Ctrl-C at a terminal`,
    () =>
      withFtpServer(async (served) => {
        const local = `${served.outside}/local`;
        await Deno.mkdir(local);
        for (const path of [`${local}/mine`, `${served.root}/large`]) {
          await Deno.writeFile(path, new Uint8Array(LARGE));
        }
        if (await play(served, client)) {
          assertEquals(await Deno.readTextFile(`${local}/hello`), "hello\n");
        }
        assertEquals(served.names(), [".hidden", "hello", "large", "sub"]);
      }, { maxRate: 2_000_000 }),
  );
}
