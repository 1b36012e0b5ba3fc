/** Tools that know FTP beside other things against our server: busybox, rclone, and those that fetch in pieces. */
import { assertEquals } from "@std/assert";
import { clientTest, MINE, read } from "../support/ftp_clients.ts";

clientTest("busybox", "ftpget and ftpput", async ({ run, port, local, root }) => {
  const at = ["-P", `${port}`, "127.0.0.1"];
  assertEquals((await run("busybox", ["ftpput", ...at, "stored", "mine"])).code, 0);
  assertEquals(read(`${root}/stored`), MINE);
  await Deno.writeTextFile(`${local}/back`, MINE.slice(0, 1000));
  assertEquals((await run("busybox", ["ftpget", "-c", ...at, "back", "stored"])).code, 0);
  assertEquals(read(`${local}/back`), MINE);
});

for (
  const [program, args] of [
    // Where 150 and 226 come to it in one piece, aria2 waits for 226 until its time is out: a minute, without -t.
    ["aria2c", ["-q", "-x4", "-s4", "-k1M", "-t2"]],
    ["axel", ["-q", "-n4"]],
  ] as const
) {
  clientTest(program, "one file by four sessions", async ({ run, port, local, root }) => {
    const large = Uint8Array.from({ length: 5_000_000 }, (_, i) => (i * 7919) >> 5);
    await Deno.writeFile(`${root}/large`, large);
    const { code } = await run(program, [...args, "-o", "got", `ftp://127.0.0.1:${port}/large`]);
    assertEquals(code, 0);
    assertEquals(await Deno.readFile(`${local}/got`), large);
  });
}

clientTest(
  "rclone",
  "a tree there and back, times included",
  async ({ run, port, local, root }) => {
    const rclone = async (...args: string[]): Promise<string> => {
      const at = ["--config", "/dev/null", "--ftp-host", "127.0.0.1", "--ftp-port", `${port}`];
      const { code, stdout, stderr } = await run("rclone", [...at, "--ftp-user", "ftp", ...args]);
      assertEquals(code, 0, stderr);
      return stdout;
    };
    await Deno.mkdir(`${local}/tree/deep`, { recursive: true });
    await Deno.writeTextFile(`${local}/tree/deep/ü b`, "text");
    const time = new Date("2001-02-03T04:05:06Z");
    await Deno.utime(`${local}/tree/deep/ü b`, time, time);
    const [password] = (await run("rclone", ["obscure", "x"])).stdout.split("\n");
    const login = ["--ftp-pass", `${password}`];
    await rclone("copy", ...login, "tree", ":ftp:tree");
    assertEquals(Deno.statSync(`${root}/tree/deep/ü b`).mtime, time);
    await rclone("sync", ...login, ":ftp:", "got");
    assertEquals(read(`${local}/got/tree/deep/ü b`), "text");
    assertEquals(await rclone("lsf", "-R", ...login, ":ftp:tree"), "deep/\ndeep/ü b\n");
    await rclone("moveto", ...login, ":ftp:tree/deep/ü b", ":ftp:moved");
    await rclone("purge", ...login, ":ftp:tree");
    assertEquals([...Deno.readDirSync(root)].map(({ name }) => name).sort(), [
      ".hidden",
      "a b",
      "hello",
      "moved",
      "sub",
    ]);
  },
);
