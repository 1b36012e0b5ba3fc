import { assertEquals, assertRejects } from "@std/assert";
import { readIdentity } from "../../../tools/net/tls_identity.ts";
import { EXIT, Failure } from "../../../tools/program/failure.ts";
import { AUTHORITY, SERVER, STRANGER } from "../../support/identities.ts";
import { testWith } from "../../support/permissions.ts";

testWith(
  ["read", "write"],
  "readIdentity() reads a certificate and its key, and tells what does not fit",
  async () => {
    const folder = await Deno.makeTempDir();
    const [cert, key] = [`${folder}/cert.pem`, `${folder}/key.pem`];
    const write = async (certText: string, keyText: string): Promise<void> => {
      await Deno.writeTextFile(cert, certText);
      await Deno.writeTextFile(key, keyText);
    };
    const refused = async (words: string): Promise<void> => {
      const error = await assertRejects(() => readIdentity(cert, key), Failure);
      assertEquals([error.exitCode, error.message], [EXIT.file, words]);
    };

    await write(SERVER.cert + AUTHORITY, SERVER.key);
    assertEquals(await readIdentity(cert, key), { cert: SERVER.cert + AUTHORITY, key: SERVER.key });
    await write(SERVER.cert, STRANGER.key);
    await refused(`${key}: not the key of the certificate in ${cert}`);
    await write(SERVER.key, SERVER.key);
    await refused(`${cert}: there is no certificate in PEM form in it`);
    await write(SERVER.cert, SERVER.cert);
    await refused(`${key}: there is no private key without a passphrase in PEM form in it`);
    await write("", "");
    await refused(`${cert}: there is no certificate in PEM form in it`);
    await Deno.remove(key);
    await refused(`${key}: no such file or folder`);
    await Deno.remove(folder, { recursive: true });
  },
);
