/** Commands that begin, end or describe the session. */
import { resolve } from "@std/path";
import type { PromptCommand } from "../../tools/program/prompt.ts";
import type { Word } from "../../tools/program/words.ts";
import { maskCommand } from "../../tools/protocol/ftp_command.ts";
import { Secret } from "../../tools/protocol/secret.ts";
import { visible } from "../../tools/protocol/text.ts";
import { FtpError } from "./client.ts";
import type { Shell } from "./shell.ts";

/** See `COMMANDS`. */
export const SESSION_COMMANDS: PromptCommand<Shell>[] = [
  {
    names: ["open"],
    usage: "HOST[:PORT] [PORT] | URL",
    help: "Connect to a server and log in.",
    words: [1, 2],
    holdsSecret: ([url]) => /:\/\/.*@/.test(url?.text ?? ""),
    run: async (shell, [host, port]) => {
      await shell.open(host?.text ?? "", port?.text);
    },
  },
  {
    names: ["user"],
    usage: "NAME [PASSWORD [ACCOUNT]]",
    help: "Log in; what is missing is asked for.",
    words: [1, 3],
    holdsSecret: (words) => words.length > 1,
    run: async ({ connection }, [name, password, account]) => {
      await connection.login(
        { name: name?.text ?? "", password: secret(password) },
        secret(account),
      );
    },
  },
  {
    names: ["close", "disconnect"],
    usage: "",
    help: "End the session.",
    words: [0, 0],
    run: async (shell) => {
      await shell.connection.close();
    },
  },
  {
    names: ["bye", "quit", "exit"],
    usage: "",
    help: "End the session and the program.",
    words: [0, 0],
    run: async (shell) => {
      shell.over = true;
      await shell.connection.close();
    },
  },
  {
    names: ["status"],
    usage: "",
    help: "Show the connection and the settings.",
    words: [0, 0],
    run: async (shell) => {
      const { settings, connection, console } = shell;
      const { session, user, peer } = connection;
      const onOff = (value: boolean): string => value ? "on" : "off";
      await console.write(lines([
        session
          ? `Connected to ${peer}${session.tlsVersion ? `, ${session.tlsVersion}` : ""}`
          : "Not connected",
        ...session ? [user === undefined ? "Not logged in" : `Logged in as ${user}`] : [],
        `Local folder: ${resolve(shell.folder)}`,
        `Type: ${settings.ascii ? "ascii" : "binary"}; data: ${
          settings.passive ? "passive" : "active"
        }`,
        `Verbose: ${onOff(settings.verbose)}; trace: ${onOff(shell.trace.shown)}; prompt: ${
          onOff(settings.prompt)
        }; hash: ${settings.hash > 0 ? `${settings.hash} bytes` : "off"}`,
      ]));
    },
  },
  {
    names: ["system"],
    usage: "",
    help: "Show what runs on the server (SYST).",
    words: [0, 0],
    run: async ({ client, console }) => {
      await console.write(`${visible(await client.system())}\n`);
    },
  },
  {
    names: ["features"],
    usage: "",
    help: "List what the server can do (FEAT).",
    words: [0, 0],
    run: async ({ client, console }) => {
      const features = [...await client.features()];
      await console.write(lines(features.map((words) => words.join(" ").trim())));
    },
  },
  {
    names: ["site"],
    usage: "WORDS",
    help: "Send a command of the server's own (SITE).",
    words: [1, 1],
    raw: true,
    // Some servers change passwords so.
    holdsSecret: ([words]) => /pass|pswd/i.test(words?.text ?? ""),
    run: async ({ client, console }, [words]) => {
      await console.write(lines((await client.site(words?.text ?? "")).lines));
    },
  },
  {
    names: ["quote"],
    usage: "LINE",
    help: "Send a line as it is, and show the reply.",
    words: [1, 1],
    raw: true,
    holdsSecret: ([line]) => maskCommand(line?.text ?? "") !== line?.text,
    run: async ({ client, console }, [line]) => {
      const reply = await client.quote(line?.text ?? "");
      if (reply.code >= 400) throw new FtpError(reply);
      await console.write(lines(reply.lines));
    },
  },
];

function secret(word: Word | undefined): Secret | undefined {
  return word && new Secret(word.text);
}

/** Lines from the server, or about it, safe to show. */
function lines(lines: readonly string[]): string {
  return lines.map((line) => `${visible(line)}\n`).join("");
}
