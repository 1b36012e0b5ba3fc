/** The session of the dialogue: there may be none, and another one later. */
import { serverAddress } from "../../tools/net/client.ts";
import type { Console } from "../../tools/program/console.ts";
import { EXIT, Failure, UsageError } from "../../tools/program/failure.ts";
import { formatHostPort } from "../../tools/protocol/address.ts";
import { isUrl } from "../../tools/protocol/ftp_url.ts";
import type { Secret } from "../../tools/protocol/secret.ts";
import { parsePort } from "../../tools/protocol/units.ts";
import { blame } from "./blame.ts";
import { type FtpClient, FtpError, type FtpLogin, type Reply } from "./client.ts";
import { foldersOf, readUrl, type Server, serverOf, SERVICE } from "./command_line.ts";
import { type GivenLogin, GUEST, isGuest, knownLogin } from "./login.ts";

/** How sessions begin. */
export interface ConnectionOptions {
  connect(server: Server): Promise<FtpClient>;
  tls: boolean;
  port: number | undefined;
  encoding: string;
  /** Who logs in, wherever it is. */
  user: GivenLogin | undefined;
  /** Connect, and log in only when told to. */
  noLogin: boolean;
}

/** The session of the dialogue. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #console: Console;
  readonly #onReply: (reply: Reply) => void;
  #client: FtpClient | undefined;
  #server: Server | undefined;
  #login: FtpLogin | undefined;
  /** The wait that `interrupt` ends. */
  #waiting: PromiseWithResolvers<never> | undefined;

  constructor(
    options: ConnectionOptions,
    console: Console,
    onReply: (reply: Reply) => void,
  ) {
    this.#options = options;
    this.#console = console;
    this.#onReply = onReply;
  }

  /** The session; undefined when there is none. */
  get session(): FtpClient | undefined {
    return this.#client;
  }

  /** The session. Throws Failure when there is none. */
  get client(): FtpClient {
    if (this.#client) return this.#client;
    throw new Failure(EXIT.usage, "not connected (open HOST connects)");
  }

  /** Who is logged in; undefined when nobody is. */
  get user(): string | undefined {
    return this.#login?.user;
  }

  /** `host:port` of the server. */
  get peer(): string {
    const { host = "", port = 0 } = this.#server ?? {};
    return formatHostPort(host, port);
  }

  /** Connects to `HOST[:PORT]` or a URL, logs in, and goes to the folder of the URL. */
  async open(word: string, port: string | undefined): Promise<void> {
    if (this.#client) throw new UsageError(`connected to ${this.peer} already (close first)`);
    const { server, given, folders } = this.#destination(word, port);
    this.#server = server;
    let client: FtpClient;
    try {
      const connecting = this.#options.connect(server);
      client = await this.#interruptible(connecting, () => {
        connecting.then((late) => late.close(), () => {});
      });
    } catch (error) {
      throw blame(this.peer, error);
    }
    this.#client = client;
    this.#onReply(client.welcome);
    if (this.#options.noLogin && !given) return;
    const login = await knownLogin(server.host, given);
    if (login) await this.login({ name: login.user, password: login.password }, login.account);
    else await this.login(given ?? await this.#askName());
    for (const folder of folders) this.#onReply(await client.cd(folder));
  }

  /** Logs in; a password or an account that is missing is asked for. */
  async login({ name, password }: GivenLogin, account?: Secret): Promise<void> {
    const { client } = this;
    const known = password ?? await this.#askSecret("Password: ");
    const login = {
      user: name,
      password: isGuest(name) && known.reveal() === "" ? GUEST.password : known,
    };
    const attempt = async (account: Secret | undefined): Promise<void> => {
      const trial = { ...login, account };
      const reply = await this.#interruptible(client.login(trial), () => client.close());
      this.#login = trial;
      this.#onReply(reply);
    };
    try {
      await attempt(account);
    } catch (error) {
      if (!(error instanceof FtpError) || error.code !== 332) throw error;
      await attempt(await this.#askSecret("Account: "));
    }
  }

  /** One more session like this one, in the folder `path`. */
  async another(path: string, passive: boolean): Promise<FtpClient> {
    if (!this.#server) throw new TypeError("there is no session");
    const client = await this.#options.connect(this.#server);
    try {
      client.passive = passive;
      if (this.#login) await client.login(this.#login);
      await client.cd(path);
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /** Says goodbye. */
  async close(): Promise<void> {
    await this.#client?.quit();
    this.drop();
  }

  /** Closes at once, and forgets the session. */
  drop(): void {
    this.#client?.close();
    this.#client = this.#login = undefined;
  }

  /** Ends the wait for a connection or a login. */
  interrupt(): void {
    this.#waiting?.reject(new Failure(EXIT.interrupted, "interrupted"));
  }

  #destination(
    word: string,
    port: string | undefined,
  ): { server: Server; given: GivenLogin | undefined; folders: string[] } {
    const { encoding, user, tls } = this.#options;
    if (isUrl(word)) {
      const url = readUrl(word, encoding);
      return {
        server: serverOf(url, this.#options),
        given: url.user ?? user,
        folders: foldersOf(url),
      };
    }
    const given = port === undefined ? this.#options.port : parsePort(port);
    const address = serverAddress(word, { port: given }, SERVICE);
    return {
      server: { ...address, tls: tls ? "explicit" : "none" },
      given: user,
      folders: [],
    };
  }

  async #askName(): Promise<GivenLogin> {
    const name = await this.#console.ask(`Name (${GUEST.user}): `);
    if (name === null) throw new Failure(EXIT.interrupted, "not logged in (see user)");
    return { name: name.trim() || GUEST.user, password: undefined };
  }

  async #askSecret(question: string): Promise<Secret> {
    const secret = await this.#console.secret(question);
    if (secret === null) throw new Failure(EXIT.interrupted, "not logged in (see user)");
    return secret;
  }

  /** Waits for `work` or for `interrupt`, which cancels it. */
  async #interruptible<T>(work: Promise<T>, cancel: () => void): Promise<T> {
    const waiting = this.#waiting = Promise.withResolvers<never>();
    waiting.promise.catch(cancel);
    try {
      return await Promise.race([work, waiting.promise]);
    } finally {
      this.#waiting = undefined;
    }
  }
}
