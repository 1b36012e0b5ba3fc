/** Real FTP clients, run in a folder of their own against our server. */
import { type Served, withFtpServer } from "./ftp_server.ts";
import { missingProgram, processTestUnless } from "./permissions.ts";
import { type Ended, runCommand } from "./process.ts";

/** A server, and a client's folder. */
export interface Place extends Served {
  /** The client's folder, with `mine` in it. */
  local: string;
  /** Runs the client there; `input` is what its user types. */
  run(command: string, args: string[], input?: string): Promise<Ended>;
}

/** What is in `mine`. */
export const MINE: string = "mine\n".repeat(100_000);

/** A test with a client that may be missing; undefined: our own. The served folder holds `a b` too. */
export function clientTest(
  program: string | undefined,
  name: string,
  fn: (place: Place) => Promise<void>,
): void {
  processTestUnless(
    program && missingProgram(program),
    `${program ?? "our own client"} and ftpd: ${name}`,
    () =>
      withFtpServer(async (served) => {
        const local = `${served.outside}/local`;
        await Deno.mkdir(local);
        await Deno.writeTextFile(`${local}/mine`, MINE);
        await Deno.writeTextFile(`${served.root}/a b`, "blanks");
        await fn({
          ...served,
          local,
          run: (command, args, stdin) =>
            runCommand(command, args, {
              cwd: local,
              env: { HOME: served.outside },
              ...(stdin === undefined ? {} : { stdin }),
            }),
        });
      }),
  );
}

/** The text of a file. */
export function read(path: string): string {
  return Deno.readTextFileSync(path);
}
