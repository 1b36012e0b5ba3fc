/** Mirrors from servers that fail in the middle. */
import { assertEquals, assertRejects } from "@std/assert";
import type { FtpClient } from "../../../clients/ftp/client.ts";
import { MOST_PROBLEMS } from "../../../clients/ftp/mirror.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { EXIT, Failure } from "../../../tools/program/failure.ts";
import { localTree, makeLocalTree, mirrored } from "../../support/ftp_mirror.ts";
import type { Act } from "../../support/ftp_script.ts";
import { perform, sends } from "../../support/ftp_script.ts";
import { FtpTree, OLD } from "../../support/ftp_tree.ts";
import { testWith } from "../../support/permissions.ts";
import { bytes } from "../../support/stream.ts";

function mirrorTest(name: string, fn: (local: string) => Promise<void>): void {
  testWith(["read", "write"], `mirror() ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await fn(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

const TEXT = "one two three four";
const PART = `.a.${TEXT.length}-${OLD.getTime() / 1000}.part`;

/** Sends `text`, and then breaks both connections. */
function breaksAfter(text: string): Act {
  return async (_, server) => {
    await server.say("150 here it comes");
    const data = await server.data();
    await writeAll(data, bytes(text));
    await data.closeWrite();
    server.control.close();
  };
}

mirrorTest("goes on with a file where the session was lost", async (local) => {
  const tree = new FtpTree({ "a": TEXT });
  tree.scripts.push({ RETR: breaksAfter("one two") });
  const { problems, bytes, bytesDone, exitCode } = await mirrored(() => tree.connect(), local);
  assertEquals([problems, bytes, bytesDone, exitCode], [[], TEXT.length, TEXT.length, 0]);
  assertEquals(tree.asked("REST", "RETR"), ["RETR a", "REST 7", "RETR a"]);
  assertEquals(localTree(local), { "a": TEXT });
});

mirrorTest("goes on with a file that broke off when more had been asked for", async (local) => {
  const tree = new FtpTree({ "a": "x", "b": TEXT, "c": "x" });
  let asked = 0;
  tree.scripts.push({
    RETR: async (path, server) => {
      if (path !== "b") return await perform(sends("x"), path, server);
      const answer = asked++ === 0
        ? sends("one", { last: "451 the disk has failed" })
        : sends(TEXT.slice(3));
      return await perform(answer, path, server);
    },
    REST: "350 go on",
  });
  const { problems, filesDone, waits } = await mirrored(() => tree.connect(), local, {
    retries: 1,
  });
  assertEquals([problems, filesDone, waits], [[], 3, [1]]);
  assertEquals(tree.asked("REST"), ["REST 3"]);
  assertEquals(localTree(local), { "a": "x", "b": TEXT, "c": "x" });
});

mirrorTest("makes a session again that was lost after a refusal", async (local) => {
  const tree = new FtpTree({ "a": "x", "b": "x", "c": "x" });
  tree.scripts.push({
    RETR: async (path, server) => {
      if (path === "a") return await perform(sends("x"), path, server);
      // As vsftpd when one of its processes dies.
      if (path === "b") return "500 OOPS: priv_sock_get_int";
      server.control.close();
    },
  });
  const { problems, filesDone } = await mirrored(() => tree.connect(), local);
  assertEquals([problems, filesDone], [["b: 500 OOPS: priv_sock_get_int"], 2]);
});

mirrorTest("goes on with what an earlier run left", async (local) => {
  makeLocalTree(local, { [PART]: "ONE TWO" }, new Date());
  const tree = new FtpTree({ "a": TEXT });
  const { bytes, bytesDone } = await mirrored(() => tree.connect(), local);
  assertEquals([bytes, bytesDone], [TEXT.length - 7, TEXT.length - 7]);
  assertEquals(tree.asked("REST"), ["REST 7"]);
  assertEquals(localTree(local), { "a": "ONE TWO three four" });
});

mirrorTest("gives a part that is whole its name, and asks for nothing", async (local) => {
  makeLocalTree(local, { [PART]: TEXT }, new Date());
  const tree = new FtpTree({ "a": TEXT });
  await mirrored(() => tree.connect(), local);
  assertEquals(tree.asked("RETR"), []);
  assertEquals(localTree(local), { "a": TEXT });
  assertEquals((await Deno.stat(`${local}/a`)).mtime, OLD);
});

mirrorTest("begins again when the file has changed since", async (local) => {
  makeLocalTree(local, { [PART]: "ONE TWO" }, new Date());
  const tree = new FtpTree();
  tree.put("a", TEXT, new Date(OLD.getTime() + 1000));
  await mirrored(() => tree.connect(), local);
  assertEquals(tree.asked("REST"), []);
  assertEquals(localTree(local), { "a": TEXT });
});

mirrorTest("begins again where there is no REST", async (local) => {
  makeLocalTree(local, { [PART]: "ONE TWO" }, new Date());
  const tree = new FtpTree({ "a": TEXT });
  tree.refuses = (command) => /^REST/.test(command) ? "502 what" : undefined;
  const { problems, bytesDone } = await mirrored(() => tree.connect(), local);
  assertEquals([problems, bytesDone], [[], TEXT.length - 7]);
  assertEquals(localTree(local), { "a": TEXT });
});

mirrorTest(
  "does not take a short file for the whole one, and keeps it as a part",
  async (local) => {
    const tree = new FtpTree({ "a": TEXT, "b": "x" });
    tree.scripts.push({
      RETR: async (path, server) => await perform(sends(path === "a" ? "one" : "x"), path, server),
    });
    const { problems, failed, exitCode } = await mirrored(() => tree.connect(), local);
    assertEquals([problems, failed, exitCode], [["a: the server sent 3 of 18 bytes"], 1, 1]);
    assertEquals(localTree(local), { [PART]: "one", "b": "x" });
  },
);

mirrorTest("leaves nothing of a file that is refused", async (local) => {
  const tree = new FtpTree({ "a": TEXT, "b": "x" });
  tree.refuses = (command) => command === "RETR a" ? "550 not yours" : undefined;
  const { problems, failed, filesDone, exitCode } = await mirrored(() => tree.connect(), local);
  assertEquals([problems, failed, filesDone, exitCode], [["a: 550 not yours"], 1, 1, 1]);
  assertEquals(localTree(local), { "b": "x" });
});

mirrorTest("passes over a folder that vanishes, and removes nothing of it", async (local) => {
  makeLocalTree(local, { "d/x": "x" }, OLD);
  const tree = new FtpTree({ "d/x": "y", "e/z": "z" });
  tree.refuses = (command) => command === "MLSD d" ? "550 no such folder" : undefined;
  const { problems, failed, exitCode } = await mirrored(() => tree.connect(), local, {
    delete: true,
  });
  assertEquals([problems, failed, exitCode], [["d: 550 no such folder"], 1, 1]);
  assertEquals(localTree(local), { "d/": "", "d/x": "x", "e/": "", "e/z": "z" });
});

mirrorTest("removes nothing of a folder that shows nothing", async (local) => {
  makeLocalTree(local, { "d/x": "x" }, OLD);
  const tree = new FtpTree({ "d/x": "x" });
  const shown: Record<string, string> = {
    "-a": "drwxr-xr-x 1 ftp ftp 0 Nov 23 2020 .\r\ndrwxr-xr-x 1 ftp ftp 0 Nov 23 2020 d\r\n",
  };
  const script = {
    FEAT: "500 what",
    // vsftpd says so of a folder that it cannot open.
    LIST: async (path: string, server: Parameters<typeof perform>[2]) =>
      await perform(sends(shown[path] ?? ""), path, server),
  };
  tree.scripts.push(script);
  const { problems, exitCode } = await mirrored(() => tree.connect(), local, { delete: true });
  assertEquals([problems, exitCode], [["d: the server does not show what is in it"], 1]);
  assertEquals(localTree(local), { "d/": "", "d/x": "x" });

  shown["-a d"] = "drwxr-xr-x 1 ftp ftp 0 Nov 23 2020 .\r\n";
  tree.scripts.push(script);
  await mirrored(() => tree.connect(), local, { delete: true });
  assertEquals(localTree(local), { "d/": "" });
});

mirrorTest("tries again what fails for the time being, longer and longer", async (local) => {
  const tree = new FtpTree({ "a": TEXT, "b": "x" });
  let refusals = 0;
  tree.refuses = (command) => command === "RETR a" && refusals++ < 3 ? "450 busy" : undefined;
  const once = await mirrored(() => tree.connect(), local, { retries: 2 });
  assertEquals([once.waits, once.problems, once.exitCode], [[1, 2], ["a: 450 busy"], EXIT.later]);
  assertEquals(once.notes, [
    "a: 450 busy; trying again in 1 s",
    "a: 450 busy; trying again in 2 s",
  ]);
  assertEquals((await mirrored(() => tree.connect(), local)).exitCode, 0);
  assertEquals(localTree(local), { "a": TEXT, "b": "x" });
});

mirrorTest("tries on as long as a file gets on", async (local) => {
  const tree = new FtpTree({ "a": TEXT });
  for (const word of ["one ", "two ", "three "]) tree.scripts.push({ RETR: breaksAfter(word) });
  const { problems, waits } = await mirrored(() => tree.connect(), local, { retries: 1 });
  assertEquals([problems, waits], [[], [1, 1]]);
  assertEquals(localTree(local), { "a": TEXT });
});

mirrorTest("goes on with the sessions that it gets", async (local) => {
  const tree = new FtpTree();
  for (let i = 0; i < 20; i++) tree.put(`f${i}`, `${i}`);
  let sessions = 0;
  const connect = async (): Promise<FtpClient> => {
    if (++sessions > 1) throw new Failure(EXIT.later, "421 too many of you");
    return await tree.connect();
  };
  const { filesDone, problems, waits } = await mirrored(connect, local, {
    sessions: 4,
    retries: 5,
  });
  assertEquals([filesDone, problems, waits], [20, [], []]);
});

mirrorTest("gives up when the server is gone, and says what is missing", async (local) => {
  const tree = new FtpTree({ "a": TEXT, "b": "x" });
  tree.scripts.push({ RETR: breaksAfter("one ") });
  let sessions = 0;
  const connect = async (): Promise<FtpClient> => {
    if (++sessions > 1) throw new Deno.errors.ConnectionRefused("refused");
    return await tree.connect();
  };
  const { problems, waits, exitCode, filesDone } = await mirrored(connect, local, { retries: 2 });
  assertEquals(problems, ["no session: connection refused (is a server running there?)"]);
  assertEquals([waits, exitCode, filesDone], [[1, 2], EXIT.unreachable, 0]);
  assertEquals(localTree(local), { [PART]: "one " });
});

mirrorTest("logs in once where that is refused", async (local) => {
  let sessions = 0;
  const connect = (): Promise<FtpClient> => {
    sessions++;
    return Promise.reject(new Failure(EXIT.refused, "530 no"));
  };
  const options = { sessions: 4, retries: 3 };
  await assertRejects(() => mirrored(connect, local, options), Failure, "530 no");
  assertEquals(sessions, 1);
});

mirrorTest("ends when it is told to, and keeps what it has", async (local) => {
  const tree = new FtpTree({ "a": TEXT, "b": "x" });
  const stop = new AbortController();
  tree.scripts.push({
    RETR: async (_, server) => {
      await server.say("150 here it comes");
      await writeAll(await server.data(), bytes("one "));
    },
  });
  const { problems, exitCode } = await mirrored(() => tree.connect(), local, {
    signal: stop.signal,
    onProgress: ({ bytesDone }) => bytesDone > 0 && stop.abort(),
  });
  assertEquals([problems, exitCode], [["interrupted"], EXIT.interrupted]);
  assertEquals(localTree(local), { [PART]: "one " });
});

mirrorTest("waits no longer when it is told to end", async (local) => {
  const stop = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  const connect = (): Promise<FtpClient> => Promise.reject(new Failure(EXIT.later, "421 wait"));
  const mirroring = mirrored(connect, local, {
    retries: 1,
    signal: stop.signal,
    wait: (_, signal) => {
      resolve();
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    },
  });
  await promise;
  stop.abort();
  await assertRejects(() => mirroring, Failure, "interrupted");
});

mirrorTest("goes on after a local file that cannot be written", async (local) => {
  const tree = new FtpTree({ "a": TEXT, "b": "x" });
  // In the way, and not seen when the folder was read.
  tree.scripts.push({
    RETR: async (path, server) => {
      if (path === "a") Deno.mkdirSync(`${local}/a`);
      return await perform(sends(path === "a" ? TEXT : "x"), path, server);
    },
  });
  const { problems, exitCode, filesDone } = await mirrored(() => tree.connect(), local);
  assertEquals([problems, exitCode, filesDone], [[`${local}/a: is a folder`], EXIT.file, 1]);
});

mirrorTest("tells of so many problems and no more", async (local) => {
  const tree = new FtpTree();
  const links = Array.from({ length: MOST_PROBLEMS + 5 }, (_, i) => `type=OS.unix=slink; l${i}`);
  tree.extra.set("", links);
  const { problems, skipped } = await mirrored(() => tree.connect(), local);
  assertEquals([problems.length, skipped], [MOST_PROBLEMS, MOST_PROBLEMS + 5]);
});
