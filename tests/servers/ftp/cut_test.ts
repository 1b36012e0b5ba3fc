/**
 * Connections of the FTP server that are cut, at each step of a session, by FIN
 * and by RST: no upload that is not whole, no open descriptor, no port in use.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { delay } from "@std/async/delay";
import { command } from "../../../servers/ftp.ts";
import { parseExtendedPassive } from "../../../tools/protocol/ftp_address.ts";
import { FtpControl, onlyPort } from "../../support/ftp_server.ts";
import { processTestUnless } from "../../support/permissions.ts";
import { ServerProcess } from "../../support/process.ts";
import { connectResettable, type Resettable } from "../../support/resettable.ts";
import { writeAll } from "../../../tools/net/writer.ts";

const noProc = Deno.build.os === "linux" ? undefined : "needs /proc";

/** Larger than what sockets hold, so that a transfer of it does not end by itself. */
const LARGE = 64 * 1024 * 1024;
/** So many entries that their listing is larger as well. */
const MANY = 60_000;

/** A client at some step. */
interface AtStep {
  client: FtpControl;
  data?: Resettable;
}

interface Step {
  name: string;
  /** The transfer that has begun. */
  verb?: string;
  /** There is a data connection. */
  hasData?: true;
  /** Brings a client there that is connected. `file` is a name that only this session uses. */
  reach(client: FtpControl, file: string): Promise<AtStep>;
}

async function loggedIn(client: FtpControl): Promise<AtStep> {
  assertEquals(await client.codes("USER ftp", "PASS x", "TYPE I"), [331, 230, 200]);
  return { client };
}

async function passive(client: FtpControl): Promise<number> {
  await loggedIn(client);
  return parseExtendedPassive(await client.ask("EPSV"));
}

async function connected(client: FtpControl, line?: string): Promise<Required<AtStep>> {
  const data = await connectResettable(await passive(client));
  if (line !== undefined) assertMatch(await client.ask(line), /^150 /);
  return { client, data };
}

const STEPS: Step[] = [
  { name: "before a command", reach: (client) => Promise.resolve({ client }) },
  {
    name: "within a command",
    async reach(client): Promise<AtStep> {
      await client.raw("US");
      return { client };
    },
  },
  {
    name: "after USER",
    async reach(client): Promise<AtStep> {
      assertEquals(await client.codes("USER ftp"), [331]);
      return { client };
    },
  },
  { name: "after the login", reach: loggedIn },
  {
    name: "with replies on their way",
    async reach(client): Promise<AtStep> {
      await client.raw("HELP\r\n".repeat(1000));
      return { client };
    },
  },
  {
    name: "after EPSV",
    async reach(client): Promise<AtStep> {
      await passive(client);
      return { client };
    },
  },
  {
    name: "with a data connection for nothing",
    hasData: true,
    reach: (client) => connected(client),
  },
  ...["STOR", "STOU", "APPE", "RETR", "MLSD"].flatMap((verb): Step[] => {
    const line = (file: string): string => `${verb} ${verb === "MLSD" ? "many" : file}`;
    return [
      {
        name: `after 150 to ${verb}`,
        verb,
        async reach(client, file): Promise<AtStep> {
          await passive(client);
          assertMatch(await client.ask(line(file)), /^150 /);
          return { client };
        },
      },
      {
        name: `before the data of ${verb}`,
        verb,
        hasData: true,
        reach: (client, file) => connected(client, line(file)),
      },
      {
        name: `amid the data of ${verb}`,
        verb,
        hasData: true,
        async reach(client, file): Promise<AtStep> {
          const { data } = await connected(client, line(file));
          if (/STO|APPE/.test(verb)) {
            await writeAll(data, new Uint8Array(1000));
            while (!/: 1000 bytes so far/.test(await client.ask("STAT")));
          } else await data.read(new Uint8Array(1000));
          return { client, data };
        },
      },
    ];
  }),
];

/** What the process `pid` has open: kinds, and files by their names. */
function descriptors(pid: number): string[] {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].flatMap(({ name }) => {
    try {
      return [Deno.readLinkSync(`/proc/${pid}/fd/${name}`).replace(/:\[.*/, "")];
    } catch {
      return []; // Closed just now.
    }
  }).sort();
}

/** Waits until what the process has open is as it was. */
async function settles(pid: number, before: string[]): Promise<void> {
  // The kernel tells nobody when another process closes something.
  while (descriptors(pid).join() !== before.join()) await delay(2);
}

interface Place {
  root: string;
  server: ServerProcess;
  connect(): Promise<FtpControl & { stream: Resettable }>;
}

/** A server with one port for data, a folder with many entries, and large files. */
async function withServer(large: string[], fn: (place: Place) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  const { first } = onlyPort();
  const args = [
    root,
    "--write",
    "--host",
    "127.0.0.1",
    "--port",
    "0",
    "--passive-ports",
    `${first}`,
  ];
  await using server = await ServerProcess.start("servers/ftp.ts", args, {
    permissions: command.permissions,
  });
  try {
    await Deno.mkdir(`${root}/many`);
    await Deno.writeTextFile(`${root}/many/first`, "");
    for (let i = 0; i < MANY / 1000; i++) {
      await Promise.all(Array.from(
        { length: 1000 },
        (_, j) => Deno.link(`${root}/many/first`, `${root}/many/${"x".repeat(150)}${i}-${j}`),
      ));
    }
    for (const name of large) {
      await Deno.writeTextFile(`${root}/${name}`, "");
      await Deno.truncate(`${root}/${name}`, LARGE);
    }
    const port = await server.port();
    await fn({
      root,
      server,
      async connect(): Promise<FtpControl & { stream: Resettable }> {
        const stream = await connectResettable(port);
        const client = Object.assign(new FtpControl(stream), { stream });
        assertMatch(await client.reply(), /^220 /);
        return client;
      },
    });
  } finally {
    await server.stop("SIGKILL");
    await Deno.remove(root, { recursive: true });
  }
}

/** Cuts the connections of a client, and ends what is left of the session. */
async function cut(
  { client, data }: AtStep,
  control: Resettable,
  which: "control" | "data" | "both",
  how: "close" | "reset",
  inTransfer: boolean,
): Promise<void> {
  if (which === "data") {
    await data?.[how]();
    if (inTransfer && how === "reset") {
      // Before it was accepted, the server waits for another one.
      await client.raw("ABOR\r\n");
      assertMatch(await client.reply(), /^426 /);
    }
    if (inTransfer) assertMatch(await client.reply(), /^[24]26 /);
    assertEquals(await client.codes("NOOP", "QUIT"), [200, 221]);
    client.close();
    return;
  }
  // In this order, as the system does it for a program that is killed.
  await control[how]();
  if (which === "both") await data?.[how]();
  else if (data) {
    // The server ends it.
    while (await data.read(new Uint8Array(65536)).catch(() => null));
    data.close();
  }
}

for (const how of ["close", "reset"] as const) {
  for (const which of ["control", "data", "both"] as const) {
    const steps = STEPS.filter(({ hasData }) => hasData || which !== "data")
      .map((step, i) => ({ ...step, file: `${step.verb === "RETR" ? "large" : "new"}${i}` }));
    const downloads = steps.map(({ file }) => file).filter((file) => file.startsWith("large"));
    processTestUnless(
      noProc,
      `ftpd: ${which} cut by ${how} at any step leaves nothing`,
      () =>
        withServer(downloads, async ({ server, root, connect }) => {
          const before = descriptors(server.pid);
          for (const { name, verb, reach, file } of steps) {
            const client = await connect();
            await cut(await reach(client, file), client.stream, which, how, verb !== undefined);
            await settles(server.pid, before);
            // APPE keeps what came; and what ends by FIN while the client is still there is whole.
            const stays = verb === "APPE" ||
              which === "data" && how === "close" && /STO/.test(`${verb}`);
            const left = [...Deno.readDirSync(root)].map(({ name }) => name)
              .filter((name) => !/^(?:large\d+|many)$/.test(name));
            assertEquals(left, stays ? [file] : [], name);
            if (stays) await Deno.remove(`${root}/${file}`);
            else if (verb && verb !== "MLSD") {
              await server.says(new RegExp(`broke off .* path=/${file} reason=`));
            }
            // The one port for data is free again.
            const next = await connect();
            await passive(next);
            assertEquals(await next.codes("QUIT"), [221]);
            next.close();
            await settles(server.pid, before);
          }
          assert(!/failed|cannot accept/.test(server.stderr), server.stderr);
        }),
    );
  }
}
