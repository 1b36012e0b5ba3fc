/** An FTP server with a tree of files in memory, for any number of sessions. */
import type { FtpClient } from "../../clients/ftp/client.ts";
import { concat } from "../../tools/protocol/bytes.ts";
import { type FactsEntry, formatFacts } from "../../tools/protocol/ftp_facts.ts";
import { formatTimeVal, parseTimeVal } from "../../tools/protocol/ftp_time.ts";
import { Secret } from "../../tools/protocol/secret.ts";
import { type Act, connect, FtpServer, perform, type Script, sends } from "./ftp_script.ts";
import { bytes, readAll } from "./stream.ts";

/** A file of the tree. */
export interface TreeFile {
  data: Uint8Array;
  modified: Date;
}

/** The time of files that were given none. */
export const OLD = new Date("2020-11-23T00:40:12Z");

/** The tree and its server. Paths have no slash at their ends; the root is the empty one. */
export class FtpTree {
  readonly files = new Map<string, TreeFile>();
  readonly folders = new Set<string>([""]);
  /** Lines of MLSD that a folder has besides. */
  readonly extra = new Map<string, string[]>();
  /** What the sessions do otherwise than a server usually does, the first session first. */
  readonly scripts: Script[] = [];
  /** What is answered to a command, instead of doing it; undefined for most. */
  refuses: (command: string) => string | undefined = () => undefined;
  /** What each session was asked for. */
  readonly commands: string[][] = [];

  /** Adds files, such as `a/b`, and the folders they are in. */
  constructor(files: Record<string, string | Uint8Array> = {}) {
    for (const [path, data] of Object.entries(files)) this.put(path, data);
  }

  /** Adds a file and the folders that it is in. */
  put(path: string, data: string | Uint8Array, modified = OLD): void {
    this.files.set(path, { data: bytes(data), modified });
    for (let at = path.indexOf("/"); at > 0; at = path.indexOf("/", at + 1)) {
      this.folders.add(path.slice(0, at));
    }
  }

  /** The content of all files as text. */
  get contents(): Record<string, string> {
    return Object.fromEntries(
      [...this.files].map(([path, { data }]) => [path, new TextDecoder().decode(data)]),
    );
  }

  /** All commands of all sessions that begin with one of `verbs`. */
  asked(...verbs: string[]): string[] {
    return this.commands.flat().filter((line) => verbs.includes(line.split(" ", 1)[0] ?? ""));
  }

  /** A session that is logged in. */
  async connect(): Promise<FtpClient> {
    const script = Object.entries(this.#usual()).map(([verb, act]): [string, Act] => [
      verb,
      async (argument, server) =>
        this.refuses(`${verb} ${argument}`) ?? await perform(act, argument, server),
    ]);
    const server = new FtpServer({ ...Object.fromEntries(script), ...this.scripts.shift() });
    const client = await connect(server);
    await client.login({ user: "guest", password: new Secret("secret") });
    server.commands = [];
    this.commands.push(server.commands);
    return client;
  }

  #usual(): Record<string, Act> {
    let cwd = "";
    let offset = 0;
    let renamed = "";
    const full = (path: string): string => {
      const parts: string[] = [];
      for (const part of (path.startsWith("/") ? path : `${cwd}/${path}`).split("/")) {
        if (part === "..") parts.pop();
        else if (part !== "" && part !== ".") parts.push(part);
      }
      return parts.join("/");
    };
    const inFile = (act: (file: TreeFile) => string) => (path: string): string => {
      const file = this.files.get(full(path));
      return file ? act(file) : "550 no such file";
    };
    const stores = (appends: boolean) => async (path: string, server: FtpServer) => {
      const parent = full(path).replace(/(?:^|\/)[^/]*$/, "");
      if (!this.folders.has(parent)) return "553 no such folder";
      await server.say("150 go on");
      const data = await readAll(await server.data());
      const old = appends
        ? this.files.get(full(path))?.data ?? new Uint8Array(0)
        : new Uint8Array(0);
      this.files.set(full(path), { data: concat([old, data]), modified: new Date() });
      return "226 done";
    };
    return {
      FEAT: "211-Features\r\n MLST type*;size*;modify*;unique*;\r\n UTF8\r\n211 End",
      OPTS: "200 ok",
      PWD: () => `257 "/${cwd}"`,
      CWD: (path) => {
        if (!this.folders.has(full(path))) return "550 no such folder";
        cwd = full(path);
        return "250 ok";
      },
      MKD: (path) => {
        if (this.folders.has(full(path))) return "550 exists";
        this.folders.add(full(path));
        return `257 "/${full(path)}"`;
      },
      RMD: (path) => {
        if (this.#list(full(path)).length > 0) return "550 not empty";
        return this.folders.delete(full(path)) ? "250 ok" : "550 no such folder";
      },
      DELE: (path) => this.files.delete(full(path)) ? "250 ok" : "550 no such file",
      RNFR: (path) => {
        renamed = full(path);
        return this.files.has(renamed) ? "350 go on" : "550 no such file";
      },
      RNTO: (path) => {
        const file = this.files.get(renamed);
        if (!file) return "503 no RNFR";
        this.files.delete(renamed);
        this.files.set(full(path), file);
        return "250 ok";
      },
      MLSD: async (path, server) => {
        if (!this.folders.has(full(path))) return "550 no such folder";
        const lines = this.#list(full(path)).map((entry) => formatFacts(entry));
        lines.push(...this.extra.get(full(path)) ?? []);
        return await perform(sends(lines.map((line) => `${line}\r\n`).join("")), path, server);
      },
      LIST: "502 no LIST",
      SIZE: inFile(({ data }) => `213 ${data.length}`),
      MDTM: inFile(({ modified }) => `213 ${formatTimeVal(modified).slice(0, 14)}`),
      MFMT: (argument) => {
        const [, time = "", path = ""] = /^(\d+) (.*)$/.exec(argument) ?? [];
        const file = this.files.get(full(path));
        if (file) file.modified = parseTimeVal(time) ?? file.modified;
        return file ? `213 Modify=${time}; ${path}` : "550 no such file";
      },
      REST: (digits) => {
        offset = Number(digits);
        return "350 go on";
      },
      RETR: async (path, server) => {
        const file = this.files.get(full(path));
        const from = offset;
        offset = 0;
        if (!file) return "550 no such file";
        return await perform(sends(file.data.subarray(from)), path, server);
      },
      STOR: stores(false),
      APPE: stores(true),
    };
  }

  #list(folder: string): FactsEntry[] {
    const names = (paths: Iterable<string>): [path: string, name: string][] =>
      [...paths].filter((path) => path !== "" && path.replace(/\/?[^/]*$/, "") === folder)
        .map((path) => [path, path.slice(path.lastIndexOf("/") + 1)]);
    return [
      ...names(this.folders).map(([path, name]) => ({
        name,
        type: "dir" as const,
        exact: false,
        unique: path,
      })),
      ...names(this.files.keys()).map(([path, name]) => {
        const { data, modified } = this.files.get(path) ?? { data: "", modified: OLD };
        return { name, type: "file" as const, size: data.length, modified, exact: true };
      }),
    ];
  }
}
