/** Data connections between link-local addresses, which Deno shows without their zone. */
import { assertEquals } from "@std/assert";
import { command as client } from "../../../clients/ftp.ts";
import { command } from "../../../servers/ftp.ts";
import { sessionTest } from "../../support/ftp_session.ts";
import { missingProgram, processTestUnless } from "../../support/permissions.ts";
import { commandLine, runCommand, ServerProcess } from "../../support/process.ts";

/** Makes a network of its own with a link, whose two ends are fe80::1 and fe80::2, and runs a command there. */
const IN_NETWORK = `
ip link set lo up && ip link add one type veth peer name two &&
for end in one:1 two:2; do
  ip link set "\${end%:*}" addrgenmode none && ip link set "\${end%:*}" up &&
  ip address add "fe80::\${end#*:}/64" dev "\${end%:*}" nodad || exit
done
exec "$0" "$@"`;

const OWN = commandLine(
  "clients/ftp.ts",
  ["-o", "-", "ftp://[fe80::1%one]:2121/hello"],
  client.permissions,
);

/** Clients that fetch `hello`: ours in both modes; curl can do no active mode here, and Python is here for nothing else. */
const CLIENTS = [
  [Deno.execPath(), ...OWN],
  [Deno.execPath(), ...OWN, "--active"],
  ["curl", "-sS", "ftp://[fe80::1%25one]:2121/hello"],
  [
    "python3",
    "-c",
    `
import ftplib
ftp = ftplib.FTP()
ftp.connect("fe80::1%one", 2121)
ftp.login()
ftp.set_pasv(False)
ftp.retrlines("RETR hello")`,
  ],
];

/** Why there can be no such network, or undefined. */
function missingNetwork(): string | undefined {
  for (const name of ["unshare", "nsenter", "ip", "curl", "python3"]) {
    const missing = missingProgram(name);
    if (missing !== undefined) return missing;
  }
  if (Deno.permissions.querySync({ name: "run" }).state !== "granted") return undefined;
  const args = ["-rn", "sh", "-c", IN_NETWORK, "true"];
  const { success } = new Deno.Command("unshare", { args, stderr: "null" }).outputSync();
  return success ? undefined : "no network of one's own can be made here";
}

processTestUnless(missingNetwork(), "ftpd: files move between link-local addresses", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/hello`, "hello\n");
  const server = commandLine("servers/ftp.ts", [folder, "--port", "2121"], command.permissions);
  await using running = new ServerProcess(
    "unshare",
    ["-rn", "sh", "-c", IN_NETWORK, Deno.execPath(), ...server],
  );
  try {
    await running.says(/listening on /);
    const inside = ["-t", `${running.pid}`, "-U", "-n", "--preserve-credentials"];
    for (const client of CLIENTS) {
      const { code, stdout, stderr } = await runCommand("nsenter", [...inside, ...client]);
      assertEquals([code, stdout, stderr], [0, "hello\n", ""]);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

for (const [local, code] of [["fe80::1%2", 200], ["fe80::1", 501]] as const) {
  sessionTest(`EPRT at ${local} is answered by ${code}`, async ({ client }) => {
    assertEquals(await client.codes("EPRT |2|fe80::2|50000|"), [code]);
  }, { ends: { peer: "fe80::2", local } });
}
