/** An FTP session as a program sees it (RFC 959, 2389, 2428, 2640, 3659, 4217). */
import { Deadline } from "../../tools/net/deadline.ts";
import { EXIT, Failure } from "../../tools/program/failure.ts";
import { formatCommand } from "../../tools/protocol/ftp_command.ts";
import type { FtpEntry } from "../../tools/protocol/ftp_entry.ts";
import { type Listing, parseFactsListing, parseListing } from "../../tools/protocol/ftp_listing.ts";
import { parseQuotedPath } from "../../tools/protocol/ftp_path.ts";
import { announcedName, parseSize, type Reply } from "../../tools/protocol/ftp_reply.ts";
import { formatTimeVal, parseTimeVal } from "../../tools/protocol/ftp_time.ts";
import { visible } from "../../tools/protocol/text.ts";
import { decoded, encoded } from "./ascii.ts";
import { FtpError, TransferAborted } from "./errors.ts";
import type { FtpConn, FtpListener, FtpNetwork } from "./network.ts";
import type {
  DownloadOptions,
  FtpLogin,
  FtpOptions,
  TransferOptions,
  Transferred,
  Uploaded,
  UploadOptions,
} from "./options.ts";
import { FtpSession } from "./session.ts";
import { fileSink, fileSource, receive, send, type Sink, type Source } from "./copy.ts";

export { fileSink, fileSource, FtpError, TransferAborted };
export type {
  DownloadOptions,
  FtpConn,
  FtpEntry,
  FtpListener,
  FtpLogin,
  FtpNetwork,
  FtpOptions,
  Reply,
  Sink,
  Source,
  TransferOptions,
  Transferred,
  Uploaded,
  UploadOptions,
};

/** The longest wait for the answer to QUIT in milliseconds: nothing depends on it, and a person waits. */
export const LONGEST_FAREWELL = 2000;

/** The commands by which a server sets the time of a file, the best first. */
type TimeCommand = "MFMT" | "MDTM" | "SITE UTIME";

/**
 * A session. One command runs at a time: a second one is a bug of the caller
 * and throws Error. Paths are sent as they are; one with a line end or NUL, or
 * with a character that the encoding lacks, throws RangeError before anything
 * is sent. The server's refusal throws FtpError, and the session goes on, as it
 * does after TransferAborted, after a failure of the sink or the source, and
 * when no data connection can be made. Everything else ends it; `closed` tells.
 */
export class FtpClient implements Disposable {
  readonly #session: FtpSession;
  #machineListing = true;
  #listAll = true;
  #timeCommands: TimeCommand[] = ["MFMT", "MDTM", "SITE UTIME"];
  #setsTimes = false;

  private constructor(session: FtpSession) {
    this.#session = session;
  }

  /** Connects, and puts TLS on the connection where that is asked for. Throws FtpError, Failure, ProtocolError, and what `dial` throws. */
  static async connect(options: FtpOptions): Promise<FtpClient> {
    return new FtpClient(await FtpSession.connect(options));
  }

  /** What the server said first. */
  get welcome(): Reply {
    return this.#session.welcome;
  }

  /** We connect to the server for data; otherwise it connects to us. */
  get passive(): boolean {
    return this.#session.passive;
  }

  set passive(passive: boolean) {
    this.#session.passive = passive;
  }

  /** Why the session is over; undefined while it goes on. */
  get closed(): Error | undefined {
    return this.#session.control.closed;
  }

  /** Such as `TLSv1.3`; undefined without TLS. */
  get tlsVersion(): string | undefined {
    return this.#session.control.tls?.version;
  }

  /** Logs in, and learns what the server can do. Throws FtpError when it refuses, or asks for an account that is not given (332). */
  async login(login: FtpLogin): Promise<Reply> {
    // A secret that cannot be sent is refused before the name is.
    formatCommand("PASS", login.password.reveal());
    return await this.#session.run("login", () => this.#session.login(login));
  }

  /** What FEAT lists (RFC 2389), names in capitals, each with its parameters; empty for a server without FEAT. */
  async features(): Promise<ReadonlyMap<string, string>> {
    return await this.#session.run("features", () => this.#session.features());
  }

  /** Sets TYPE for the transfers that follow; nothing is sent when it is set already. */
  async setType(type: "A" | "I"): Promise<void> {
    await this.#session.run("setType", () => this.#session.setType(type));
  }

  /** The current folder (PWD). */
  async pwd(): Promise<string> {
    return parseQuotedPath((await this.#session.simple("PWD")).text);
  }

  /** Goes to another folder (CWD). */
  async cd(path: string): Promise<Reply> {
    return await this.#session.simple("CWD", path);
  }

  /** Goes to the folder above (CDUP). */
  async cdup(): Promise<Reply> {
    return await this.#session.simple("CDUP");
  }

  /** Makes a folder, and returns its path as the server gives it. */
  async mkdir(path: string): Promise<string> {
    return parseQuotedPath((await this.#session.simple("MKD", path)).text);
  }

  /** Removes an empty folder (RMD). */
  async rmdir(path: string): Promise<Reply> {
    return await this.#session.simple("RMD", path);
  }

  /** Removes a file (DELE). */
  async delete(path: string): Promise<Reply> {
    return await this.#session.simple("DELE", path);
  }

  /** Renames or moves (RNFR, RNTO). */
  async rename(from: string, to: string): Promise<Reply> {
    formatCommand("RNTO", to);
    return await this.#session.run("rename", async () => {
      await this.#session.ask(300, "RNFR", from);
      return await this.#session.ask(200, "RNTO", to);
    });
  }

  /** Sets the mode, such as 0o644 (SITE CHMOD). */
  async chmod(mode: number, path: string): Promise<Reply> {
    return await this.#session.simple("SITE", `CHMOD ${mode.toString(8).padStart(3, "0")} ${path}`);
  }

  /** The size of a file in bytes, as a transfer in TYPE I would have it (SIZE). */
  async size(path: string): Promise<number> {
    return await this.#session.run("size", async () => {
      // RFC 3659 section 4: in TYPE A servers refuse it, or count otherwise.
      await this.#session.setType("I");
      const { text } = await this.#session.ask(200, "SIZE", path);
      const size = parseSize(text);
      if (size !== undefined) return size;
      throw new Failure(EXIT.refused, `not a size: ${visible(text)}`);
    });
  }

  /** The time of last change (MDTM). */
  async modtime(path: string): Promise<Date> {
    const { text } = await this.#session.simple("MDTM", path);
    const time = parseTimeVal(text.trim());
    if (time) return time;
    throw new Failure(EXIT.refused, `not a time: ${visible(text)}`);
  }

  /** Sets the time of last change, by MFMT or what there was before it. Throws FtpError when the server knows none. */
  async setModtime(path: string, time: Date): Promise<void> {
    const stamp = formatTimeVal(time).slice(0, 14);
    await this.#session.run("setModtime", async () => {
      for (;;) {
        const [command = "SITE UTIME"] = this.#timeCommands;
        const last = this.#timeCommands.length <= 1;
        try {
          await this.#session.control.ask(command, `${stamp} ${path}`);
          this.#setsTimes = true;
          return;
        } catch (error) {
          // 550 is about this file, the others about the command.
          const unknown = error instanceof FtpError && error.code >= 500 && error.code !== 550;
          if (!unknown || last) throw error;
          this.#timeCommands.shift();
        }
      }
    });
  }

  /**
   * As `setModtime`, without a wait where that has worked and the server allows
   * it: then the command goes out with the next one, and nobody hears its reply.
   */
  async postModtime(path: string, time: Date): Promise<void> {
    if (!this.#setsTimes || !this.#session.canPipeline) return await this.setModtime(path, time);
    const [command = ""] = this.#timeCommands;
    this.#session.control.post(command, `${formatTimeVal(time).slice(0, 14)} ${path}`);
  }

  /** What runs there, such as `UNIX Type: L8` (SYST). */
  async system(): Promise<string> {
    return (await this.#session.simple("SYST")).text;
  }

  /** SITE, with what the server defines. */
  async site(argument: string): Promise<Reply> {
    return await this.#session.simple("SITE", argument);
  }

  /** HELP, by and large or about a command. */
  async help(topic?: string): Promise<Reply> {
    return await this.#session.simple("HELP", topic);
  }

  /** STAT: how the session is, or what the server knows about `path`. */
  async stat(path?: string): Promise<Reply> {
    return await this.#session.simple("STAT", path);
  }

  /** Keeps the session alive. */
  async noop(): Promise<Reply> {
    return await this.#session.simple("NOOP");
  }

  /** Sends a line as it is and returns the reply whatever it is. Not for commands that use a data connection. */
  async quote(line: string): Promise<Reply> {
    return await this.#session.run("quote", async () => {
      this.#session.forget();
      const reply = await this.#session.tolerating(() => this.#session.control.ask(line));
      return reply instanceof FtpError ? reply.reply : reply;
    });
  }

  /** What is in a folder, by MLSD or else LIST; the current folder when `path` is empty. `.` and `..` are left out. */
  async list(path = ""): Promise<FtpEntry[]> {
    return await this.#session.run("list", async () => {
      const listing = await this.#machineList(path) ?? await this.#plainList(path);
      const [line] = listing.unknown;
      for (const unknown of listing.unknown) {
        this.#session.trace.note(`not understood: ${unknown}`);
      }
      if (line !== undefined && listing.entries.length === 0) {
        throw new Failure(EXIT.refused, `not a listing: ${visible(line.slice(0, 200))}`);
      }
      return listing.entries;
    });
  }

  /** The lines of LIST as they come; `argument` is a path or what else the server takes. */
  async listLines(argument = ""): Promise<string[]> {
    return await this.#session.run("listLines", () => this.#session.lines("LIST", argument));
  }

  /** The names that NLST gives, as they come: some servers put the path before each. Empty also where the server refuses because nothing is there. */
  async names(argument = ""): Promise<string[]> {
    return await this.#session.run("names", async () => {
      try {
        const names = await this.#session.lines("NLST", argument);
        return names.map((name) => name.replace(/^\.\/(?=.)/, ""))
          .filter((name) => !/(?:^|\/)\.\.?$/.test(name));
      } catch (error) {
        if (error instanceof FtpError && (error.code === 450 || error.code === 550)) return [];
        throw error;
      }
    });
  }

  /**
   * Fetches a file into `sink`. What arrived before a failure is in there. When
   * the sink throws, that is thrown, and the session goes on.
   */
  async download(
    path: string,
    sink: Sink,
    options: DownloadOptions = {},
  ): Promise<Transferred> {
    checkOffset(options);
    const { ascii, offset = 0, onProgress, piece, pipelined } = options;
    return await this.#session.run("download", async () => {
      await this.#session.setType(ascii ? "A" : "I");
      let bytes = 0;
      const onMoved = (length: number): void => {
        bytes += length;
        onProgress?.(offset + bytes);
      };
      const [, reply] = await this.#session.transfer(
        { verb: "RETR", argument: path, offset, sends: false, onMoved, pipelined },
        async (stream, movement) => {
          const text = ascii ? decoded(sink) : undefined;
          await receive(stream, text?.sink ?? sink, movement, piece);
          if (!movement.over) await text?.end();
        },
      );
      return { bytes, reply };
    });
  }

  /** Sends what `source` gives into a file. When the source throws, that is thrown, and the session goes on. */
  async upload(
    source: Source,
    path: string,
    options: UploadOptions = {},
  ): Promise<Uploaded> {
    checkOffset(options);
    const { ascii, offset = 0, onProgress, append, unique, pipelined } = options;
    return await this.#session.run("upload", async () => {
      await this.#session.setType(ascii ? "A" : "I");
      let bytes = 0;
      const onMoved = (length: number): void => {
        bytes += length;
        onProgress?.(offset + bytes);
      };
      const verb = unique ? "STOU" : append ? "APPE" : "STOR";
      const [first, reply] = await this.#session.transfer(
        { verb, argument: unique ? undefined : path, offset, sends: true, onMoved, pipelined },
        (stream, movement) => send(stream, ascii ? encoded(source) : source, movement),
      );
      return { bytes, reply, name: announcedName(first.text) ?? announcedName(reply.text) };
    });
  }

  /** Ends the transfer of the method that runs, which then throws TransferAborted; without one, nothing happens. */
  abort(): void {
    this.#session.abort();
  }

  /** Says goodbye (QUIT), whatever the answer, and closes: without one, after LONGEST_FAREWELL. */
  async quit(): Promise<void> {
    if (this.closed) return;
    await this.#session.run("quit", async () => {
      using _deadline = new Deadline(LONGEST_FAREWELL, () => this.close());
      await this.#session.control.ask("QUIT").catch(() => {});
      this.close();
    });
  }

  /** Closes at once; what is pending fails. */
  close(): void {
    this.#session.control.close(new Failure(EXIT.unreachable, "the session was closed"));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** By MLSD, or undefined where the server has it not. */
  async #machineList(path: string): Promise<Listing | undefined> {
    const features = await this.#session.features();
    // RFC 3659 section 7.8: FEAT says MLST for both.
    if (!this.#machineListing || !(features.has("MLST") || features.has("MLSD"))) return undefined;
    const lines = await this.#session.tolerating(() => this.#session.lines("MLSD", path));
    if (!(lines instanceof FtpError)) return parseFactsListing(lines);
    // 501: what is listed is no folder; LIST shows files too.
    if (lines.code === 500 || lines.code === 502) this.#machineListing = false;
    else if (lines.code !== 501 && lines.code !== 504) throw lines;
    return undefined;
  }

  /** By LIST: with hidden files where the server knows `-a`. */
  async #plainList(path: string): Promise<Listing> {
    path = path.replace(/^-/, "./-"); // Not another option.
    if (this.#listAll) {
      const argument = path === "" ? "-a" : `-a ${path}`;
      const lines = await this.#session.tolerating(() => this.#session.lines("LIST", argument));
      // A folder has at least `.` and `..`: nothing at all means that `-a` was taken for a name.
      if (!(lines instanceof FtpError) && lines.length > 0) return parseListing(lines, new Date());
    }
    const lines = await this.#session.lines("LIST", path);
    if (lines.length > 0) this.#listAll = false;
    return parseListing(lines, new Date());
  }
}

function checkOffset({ offset = 0, ascii }: TransferOptions): void {
  if (offset > 0 && ascii) throw new RangeError("TYPE A cannot go on in the middle of a file");
}
