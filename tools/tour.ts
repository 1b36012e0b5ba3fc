/** A guided run: starts the servers on free loopback ports, and runs each client against them. */
import { fromFileUrl } from "@std/path";
import { Log } from "./program/log.ts";
import { say, writeOut } from "./program/terminal.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url));
let failures = 0;
let steps = 0;

/** Shows a command and runs it; `expected` must be in what came back. */
async function step(what: string, file: string, args: string[], expected: RegExp): Promise<void> {
  steps++;
  await writeOut(`\n# ${what}\n$ deno run -A ${file} ${args.join(" ")}\n`);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", `--config=${ROOT}deno.json`, ROOT + file, ...args],
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  await writeOut(text.replace(/^/gm, "  ").trimEnd() + "\n");
  if (code === 0 && expected.test(text)) return;
  failures++;
  say(`tour: this went wrong (exit code ${code})`);
}

const { start } = await (await import("./labsock/registry.ts")).PROGRAMS
  .find(({ names }) => names[0] === "daytimed")
  ?.load() as unknown as typeof import("../servers/daytime.ts");
const daytimed = start({
  hosts: ["127.0.0.1"],
  port: 0,
  tcp: true,
  udp: true,
  format: "%c",
  utc: false,
  maxConnections: 100,
  maxPerAddress: 100,
  log: new Log({ name: "daytimed", form: "text", quiet: true }),
});
const portOf = (transport: string): number =>
  daytimed.addrs.find((addr) => addr.transport === transport)?.port ?? 0;
const web = Deno.serve(
  {
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
  },
  (request) =>
    new URL(request.url).pathname === "/moved"
      ? Response.redirect(new URL("/", request.url))
      : new Response("Hello from a small web server.\n"),
);
const url = `http://127.0.0.1:${web.addr.port}`;

const year = /\b\d{4}\b/;
await step(
  "What time is it? (daytime, TCP)",
  "clients/daytime.ts",
  [`127.0.0.1:${portOf("tcp")}`],
  year,
);
await step("The same by UDP", "clients/daytime.ts", [`127.0.0.1:${portOf("udp")}`, "--udp"], year);
await step("Fetch a page", "clients/http.ts", [`${url}/`], /^Hello/);
await step(
  "Follow a redirect, with the dialogue",
  "clients/http.ts",
  ["-v", "-L", `${url}/moved`],
  /> GET \/moved[^]*> GET \/ /,
);
await web.shutdown();
await daytimed.shutdown();
await writeOut(`\n${steps - failures} of ${steps} steps went well.\n`);
Deno.exit(failures > 0 ? 1 : 0);
