/** The one list of all programs. A compiled binary knows no modules but those imported literally. */
import type { Command, Main } from "../program/command.ts";

/** A program's module. What it does and needs stands in its `command`. */
export interface ProgramModule {
  command: Command;
  main: Main;
}

/** A program and the names it can be called by. */
export interface Entry {
  /** The first is the one its messages use; it acts differently under some of the others. */
  names: [string, ...string[]];
  kind: "client" | "server";
  /** Its file, from the top of the project. */
  file: string;
  load(): Promise<ProgramModule>;
}

/** All programs that `labsock` holds. */
export const PROGRAMS: readonly Entry[] = [
  {
    names: ["chat"],
    kind: "client",
    file: "clients/chat.ts",
    load: () => import("../../clients/chat.ts"),
  },
  {
    names: ["daytime"],
    kind: "client",
    file: "clients/daytime.ts",
    load: () => import("../../clients/daytime.ts"),
  },
  {
    names: ["ftp"],
    kind: "client",
    file: "clients/ftp.ts",
    load: () => import("../../clients/ftp.ts"),
  },
  {
    names: ["http", "gethttp"],
    kind: "client",
    file: "clients/http.ts",
    load: () => import("../../clients/http.ts"),
  },
  {
    names: ["tftp"],
    kind: "client",
    file: "clients/tftp.ts",
    load: () => import("../../clients/tftp.ts"),
  },
  {
    names: ["chatd"],
    kind: "server",
    file: "servers/chat.ts",
    load: () => import("../../servers/chat.ts"),
  },
  {
    names: ["daytimed"],
    kind: "server",
    file: "servers/daytime.ts",
    load: () => import("../../servers/daytime.ts"),
  },
  {
    names: ["ftpd"],
    kind: "server",
    file: "servers/ftp.ts",
    load: () => import("../../servers/ftp.ts"),
  },
  {
    names: ["proxy"],
    kind: "server",
    file: "servers/proxy.ts",
    load: () => import("../../servers/proxy.ts"),
  },
  {
    names: ["tftpd"],
    kind: "server",
    file: "servers/tftp.ts",
    load: () => import("../../servers/tftp.ts"),
  },
];

/** The program called `name`; undefined when there is none. */
export function findProgram(name: string): Entry | undefined {
  return PROGRAMS.find(({ names }) => names.includes(name));
}

/** The permissions of all `commands` together: a flag without a list stands for all its lists. */
export function union(commands: Command[]): string[] {
  const flags = [...new Set(commands.flatMap(({ permissions }) => permissions))];
  return flags.filter((flag) => !flag.includes("=") || !flags.includes(flag.split("=")[0] ?? ""))
    .sort();
}
