/** What a chapter of the tour is, and how it is played. */
import { join } from "@std/path";
import { findProgram } from "../labsock/registry.ts";
import { Deadline } from "../net/deadline.ts";
import { EXIT } from "../program/failure.ts";
import { onStop } from "../program/signals.ts";
import { Child } from "./child.ts";

/**
 * One chapter: servers, and the clients that talk to them. In arguments `{NAME}`
 * stands for the address of the server NAME (`127.0.0.1:PORT`), `{NAME.udp}` for
 * its UDP address, `{NAME.port}` for its port alone, and `{folder}` for the
 * chapter's folder, in which everything runs.
 */
export interface Chapter {
  title: string;
  /** What the reader is about to see. */
  about: string;
  /** The files in its folder, by name. */
  files?: Record<string, string>;
  servers?: { program: string; args: string[] }[];
  /** A web server, `{web}`, for clients that need one of somebody else's. */
  web?: (request: Request) => Response;
  steps: Step[];
}

/** A command, and what must come of it. */
export interface Step {
  what: string;
  program: string;
  args: string[];
  /** What its user types. */
  input?: string;
  /** Must be in what it prints. */
  shows: RegExp;
  /** Its exit code; 0 unless given. */
  code?: number;
}

/** What chapters are played with. */
export interface Stage {
  write(text: string): Promise<void>;
  /** How long a server may take to start, and a step to end, in milliseconds. */
  patience: number;
}

/**
 * Plays a chapter; returns what went wrong, one line for each thing. A signal ends the process, and
 * whatever the chapter has started.
 */
export async function play(chapter: Chapter, stage: Stage): Promise<string[]> {
  await stage.write(`\n== ${chapter.title} ==\n${chapter.about}\n`);
  const folder = await Deno.makeTempDir();
  const web = chapter.web &&
    Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, chapter.web);
  const known = new Map([["folder", folder]]);
  const setPort = (name: string, port: string): void => {
    known.set(name, name.endsWith(".port") ? port : `127.0.0.1:${port}`);
  };
  ["web", "web.port"].forEach((name) => setPort(name, `${web?.addr.port}`));
  const servers = new Map<string, Child>();
  const children: Child[] = [];
  const wrong: string[] = [];
  using _signals = onStop(() => {
    for (const child of children) child.kill("SIGTERM");
    Deno.removeSync(folder, { recursive: true });
    Deno.exit(EXIT.interrupted);
  });

  const start = async (program: string, args: string[]): Promise<Child> => {
    const file = findProgram(program)?.file ?? `tools/${program}.ts`;
    const filled = args.map((arg) =>
      arg.replace(PLACEHOLDER, (word, name) => known.get(name) ?? word)
    );
    await stage.write(`$ deno run -A ${[file, ...filled.map(quoted)].join(" ")}\n`);
    const child = new Child(file, filled, folder);
    children.push(child);
    return child;
  };

  const startServer = async (program: string, args: string[]): Promise<boolean> => {
    await stage.write("\n");
    const server = await start(program, args);
    servers.set(program, server);
    using _deadline = new Deadline(stage.patience, () => server.kill("SIGKILL"));
    // It must listen wherever an argument wants to reach it.
    let ready = true;
    for (const name of placeholders(chapter).filter((name) => name.split(".")[0] === program)) {
      const port = await server.port(name.endsWith(".udp") ? "udp" : "tcp");
      ready &&= port !== undefined;
      setPort(name, `${port}`);
    }
    await stage.write(indented(server.said()));
    if (!ready) wrong.push(`${program} did not start`);
    return ready;
  };

  const takeStep = async (
    { what, program, args, input = "", shows, code = 0 }: Step,
  ): Promise<void> => {
    await stage.write(`\n${what}\n`);
    const client = await start(program, args);
    using deadline = new Deadline(stage.patience, () => client.kill("SIGKILL"));
    const ended = await client.ends(input);
    const text = client.said();
    await stage.write(indented(text));
    if (deadline.expired) wrong.push(`"${what}" took too long`);
    else if (ended !== code) wrong.push(`"${what}" ended with exit code ${ended}`);
    else if (!shows.test(text)) wrong.push(`"${what}" showed something else than expected`);
  };

  const stopServer = async (program: string, server: Child): Promise<void> => {
    using _deadline = new Deadline(stage.patience, () => server.kill("SIGKILL"));
    server.kill("SIGTERM");
    const code = await server.ends("");
    const log = server.said();
    if (log !== "") await stage.write(`\nWhat ${program} said meanwhile:\n${indented(log)}`);
    if (code !== 0) wrong.push(`${program} ended with exit code ${code}`);
  };

  try {
    for (const [name, text] of Object.entries(chapter.files ?? {})) {
      await Deno.writeTextFile(join(folder, name), text);
    }
    let ready = true;
    for (const { program, args } of chapter.servers ?? []) {
      ready &&= await startServer(program, args);
    }
    for (const step of ready ? chapter.steps : []) await takeStep(step);
    for (const [program, server] of [...servers].reverse()) await stopServer(program, server);
  } finally {
    await web?.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
  return wrong;
}

const PLACEHOLDER = /\{(\w+(?:\.\w+)?)\}/g;

/** The names that stand in braces in the chapter's arguments. */
function placeholders({ servers = [], steps }: Chapter): string[] {
  const args = [...servers, ...steps].flatMap(({ args }) => args);
  return [
    ...new Set(args.flatMap((arg) => [...arg.matchAll(PLACEHOLDER)].map(([, name = ""]) => name))),
  ];
}

/** `word` as a shell would need it. */
function quoted(word: string): string {
  return /^[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

// More than fills a screen hides the rest of the tour.
const MOST_LINES = 30;

function indented(text: string): string {
  if (text === "") return "";
  const lines = text.trimEnd().split("\n");
  const more = lines.length - MOST_LINES;
  return [...lines.slice(0, MOST_LINES), ...more > 0 ? [`(${more} more lines)`] : []]
    .map((line) => `  ${line}\n`).join("");
}
