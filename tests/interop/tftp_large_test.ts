/** The TFTP client and files that are larger than the numbers of blocks: those go round. */
import { assertEquals, assertMatch } from "@std/assert";
import { DONE, PEERS, peerTest } from "../clients/tftp/peers.ts";
import { runCommand } from "../support/process.ts";
import { pattern } from "../support/tftp_line.ts";

const MIB = 2 ** 20;
// In blocks of 512 bytes the numbers go round twice.
const TWICE_ROUND = 70 * MIB + 77;
// In blocks of 65464 bytes they go round once.
const HUGE = 5 * 2 ** 30 + 1;

for (const kind of PEERS) {
  const how = kind.windows ? "windows" : "lock-step";
  peerTest(kind, `70 MiB in blocks of 512 bytes, in ${how}`, async ({ tftp, served, cwd }) => {
    await Deno.writeFile(`${served}/large`, pattern(TWICE_ROUND));
    assertEquals(await tftp(["get", "large", "-b", "512"]), DONE);
    assertEquals((await runCommand("cmp", [`${served}/large`, `${cwd}/large`])).code, 0);
    if (!kind.writes) return;
    assertEquals(await tftp(["put", "large", "copy", "-b", "512"]), DONE);
    assertEquals((await runCommand("cmp", [`${served}/large`, `${served}/copy`])).code, 0);
  });

  // One server is enough for that, and this one is the fastest.
  if (!kind.windows) continue;
  peerTest(kind, "5 GiB in blocks of 65464 bytes", async ({ tftp, served }) => {
    using file = await Deno.create(`${served}/huge`);
    await file.truncate(HUGE);
    const { code, stderr } = await tftp(["-b", "65464"], "verbose\nget huge /dev/null\n");
    assertEquals(code, 0);
    assertMatch(stderr, /^huge: 5\.0 GiB in /m);
  });
}
