/** A server's certificate and key, checked before the first client comes. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { EXIT, Failure, fileFailure } from "../program/failure.ts";

/** A server's certificate chain and private key, in PEM. */
export interface Identity {
  cert: string;
  key: string;
}

/** Reads the files of `--cert` and `--key`. Throws Failure (exit code 4) when they are not what a server needs. */
export async function readIdentity(certPath: string, keyPath: string): Promise<Identity> {
  const cert = await readFile(certPath);
  const key = await readFile(keyPath);
  const certificate = parsed(certPath, "certificate", () => new X509Certificate(cert));
  const privateKey = parsed<KeyObject>(
    keyPath,
    "private key without a passphrase",
    () => createPrivateKey(key),
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new Failure(EXIT.file, `${keyPath}: not the key of the certificate in ${certPath}`);
  }
  return { cert, key };
}

async function readFile(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw fileFailure(path, error);
  }
}

function parsed<T>(path: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new Failure(EXIT.file, `${path}: there is no ${what} in PEM form in it`, {
      cause: error,
    });
  }
}
