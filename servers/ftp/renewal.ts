/** A certificate that is read again when SIGHUP says so, as certbot and its like want of servers. */
import { type Identity, readIdentity } from "../../tools/net/tls_identity.ts";
import type { Log } from "../../tools/program/log.ts";

/** The certificate and key of a server, the latest that were good. */
export class RenewedIdentity implements Disposable {
  #identity: Identity;
  readonly #renew: () => void;

  private constructor(identity: Identity, cert: string, key: string, log: Log) {
    this.#identity = identity;
    this.#renew = (): void => {
      readIdentity(cert, key).then((renewed) => {
        this.#identity = renewed;
        log.say("the certificate is renewed");
      }).catch((error) => log.say(`the certificate stays as it was: ${error.message}`));
    };
    if (Deno.build.os !== "windows") Deno.addSignalListener("SIGHUP", this.#renew);
  }

  /** Reads the files of `--cert` and `--key`, and listens for the signal. Throws Failure. */
  static async read(cert: string, key: string, log: Log): Promise<RenewedIdentity> {
    return new RenewedIdentity(await readIdentity(cert, key), cert, key, log);
  }

  /** For the next handshake. */
  get current(): Identity {
    return this.#identity;
  }

  [Symbol.dispose](): void {
    if (Deno.build.os !== "windows") Deno.removeSignalListener("SIGHUP", this.#renew);
  }
}
