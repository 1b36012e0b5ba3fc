import { assertEquals, assertStringIncludes } from "@std/assert";
import { command } from "../../clients/chat.ts";
import { processTest } from "../support/permissions.ts";
import { commandLine, run, ServerProcess } from "../support/process.ts";

const PERMISSIONS = { permissions: command.permissions };

/** A chat server on a port of its own. */
async function chatd(...args: string[]): Promise<{ server: ServerProcess; address: string }> {
  const server = await ServerProcess.start("servers/chat.ts", [
    "--host=127.0.0.1",
    "--port=0",
    ...args,
  ]);
  return { server, address: `127.0.0.1:${await server.port()}` };
}

processTest("chat says what comes by a pipe, shows the answers, and leaves", async () => {
  const { server, address } = await chatd("--history=10", "--motd=Welcome!");
  await using _server = server;
  const talk = await run("clients/chat.ts", [address, "--nick", "ada"], {
    ...PERMISSIONS,
    stdin: "Dinner!\n/who\nno end",
  });
  assertEquals([talk.code, talk.stderr], [0, ""]);
  assertEquals(talk.stdout.split("\n"), [
    "Welcome!",
    "* you are guest1, the only one here; /help lists the commands",
    "* you are now ada",
    "* 1 here: ada",
    "",
  ]);
  const later = await run("clients/chat.ts", [address], { ...PERMISSIONS, stdin: "" });
  assertStringIncludes(later.stdout, "Welcome!\n<ada> Dinner!\n<ada> no end\n");
});

processTest("chat says nothing under another name than that it was given", async () => {
  const { server, address } = await chatd("--history=10");
  await using _server = server;
  const ada = new Deno.Command(Deno.execPath(), {
    args: commandLine("clients/chat.ts", [address, "--nick", "ada"], command.permissions),
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const heard = ada.stdout.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; !text.includes("you are now ada");) text += (await heard.read()).value ?? "";
  const talk = await run("clients/chat.ts", [address, "--nick", "Ada"], {
    ...PERMISSIONS,
    stdin: "Dinner!\n",
  });
  assertEquals([talk.code, talk.stderr], [1, "chat: --nick Ada: ada is here already\n"]);
  const later = await run("clients/chat.ts", [address], { ...PERMISSIONS, stdin: "" });
  assertEquals(later.stdout.split("\n").filter((line) => line.startsWith("<")), []);
  await ada.stdin.close();
  await heard.cancel();
  assertEquals((await ada.status).code, 0);
});

processTest("chat says so when the server leaves, and that it is no success", async () => {
  const { server, address } = await chatd();
  await using _server = server;
  const client = new Deno.Command(Deno.execPath(), {
    args: commandLine("clients/chat.ts", [address], command.permissions),
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  await server.says(/joined /);
  assertEquals(await server.stop(), 0);
  // Standard input is still open.
  const { code, stderr } = await client.output();
  await client.stdin.close();
  assertEquals(code, 3);
  assertEquals(
    new TextDecoder().decode(stderr),
    `chat: ${address}: the server closed the connection\n`,
  );
});

processTest("chat: mistakes are one line, and the documented exit code", async () => {
  const refused = await run("clients/chat.ts", ["127.0.0.1:1"], PERMISSIONS);
  assertEquals(refused.code, 3);
  assertEquals(
    refused.stderr,
    "chat: 127.0.0.1:1: connection refused (is a server running there?)\n",
  );
  const words = await run("clients/chat.ts", [], PERMISSIONS);
  assertEquals([words.code, words.stderr.split("\n").length], [2, 2]);
});
