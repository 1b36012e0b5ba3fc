/** Everything that goes over a data connection, and what is said about it. */
import { FileError } from "../../tools/files/errors.ts";
import { AsciiDecoder, AsciiEncoder } from "../../tools/protocol/ftp_ascii.ts";
import { splitPath } from "../../tools/protocol/served_path.ts";
import { reply } from "./command.ts";
import { receive, send, type Sink, writeAllSync } from "./copy.ts";
import type { DataWay } from "./data.ts";
import {
  entries,
  factsLine,
  findListed,
  harmless,
  type Line,
  type Listed,
  sendLines,
  unixLine,
} from "./listing.ts";
import { type FtpReply, Refusal, REPLIES } from "./replies.ts";
import type { FtpSession, SessionCommand } from "./session.ts";

/** The commands. */
export const TRANSFER_COMMANDS: SessionCommand[] = [
  {
    verbs: ["LIST"],
    needs: "r",
    argument: "optional",
    help: "[folder, file or pattern]: list it as ls -l does",
    source: "RFC 959 section 4.1.3",
    run: (session, argument) => list(session, argument, () => unixLine(new Date())),
  },
  {
    verbs: ["NLST"],
    needs: "r",
    argument: "optional",
    help: "[folder, file or pattern]: list names alone",
    source: "RFC 959 section 4.1.3",
    run: (session, argument) =>
      list(session, argument, ({ prefix }) => ({ name }) => harmless(prefix + name)),
  },
  {
    verbs: ["MLSD"],
    needs: "r",
    argument: "optional",
    help: "[folder]: list it with the facts about each name",
    source: "RFC 3659 section 7",
    async run(session, argument): Promise<undefined> {
      const { files, rights } = session.login;
      const folder = session.path(argument);
      if (!(await files.stat(folder)).isDirectory) {
        throw new Refusal(501, "MLSD is for folders; MLST is for files.");
      }
      const listed = { folder, takes: () => true, prefix: "", withDots: false };
      beginListing(session, listed, factsLine(session.facts, rights));
    },
  },
  {
    verbs: ["REST"],
    needs: "login",
    argument: "required",
    help: "bytes: the next transfer begins so far into the file",
    source: "RFC 3659 section 5",
    features: () => ["REST STREAM"],
    run(session, argument): FtpReply {
      const offset = Number(argument);
      if (!/^\d+$/.test(argument) || !Number.isSafeInteger(offset)) {
        return reply(501, "REST wants a number of bytes.");
      }
      session.offset = offset;
      return reply(350, `The next transfer begins at ${offset}.`);
    },
  },
  {
    verbs: ["RETR"],
    needs: "r",
    argument: "required",
    help: "file: fetch it",
    source: "RFC 959 section 4.1.3",
    logged: true,
    run: retrieve,
  },
  {
    verbs: ["STOR"],
    needs: "w",
    argument: "required",
    help: "file: store it",
    source: "RFC 959 section 4.1.3",
    logged: true,
    async run(session, argument): Promise<undefined> {
      const { way, offset } = prepared(session);
      const path = session.path(argument);
      if (offset > 0) await continueFile(session, way, path, offset);
      else await storeWhole(session, way, path, true);
    },
  },
  {
    verbs: ["APPE"],
    needs: "w",
    argument: "required",
    help: "file: append to it, or store it",
    source: "RFC 959 section 4.1.3",
    logged: true,
    async run(session, argument): Promise<undefined> {
      await continueFile(session, prepared(session).way, session.path(argument), "end");
    },
  },
  {
    verbs: ["STOU"],
    needs: "w",
    argument: "optional",
    help: "[name]: store a file under a name that is new",
    source: "RFC 959 section 4.1.3",
    logged: true,
    run: storeUnique,
  },
  {
    verbs: ["ABOR"],
    needs: "nothing",
    argument: "none",
    help: "give the transfer up",
    source: "RFC 959 section 4.1.3",
    duringTransfer: "at once",
    async run(session): Promise<FtpReply> {
      const { transfer } = session;
      transfer?.abort(REPLIES.aborted);
      await transfer?.over;
      session.way?.close();
      session.way = undefined;
      return reply(226, transfer ? "The transfer is over." : "There is no transfer.");
    },
  },
  {
    verbs: ["ALLO"],
    needs: "login",
    argument: "optional",
    help: "bytes: make room, which nobody needs",
    source: "RFC 959 section 4.1.3",
    run: () => reply(202, "There is no need to allocate anything."),
  },
];

/** The data connection that was agreed on, and what REST said, which counts for one transfer, done or refused. Throws Refusal. */
function prepared(session: FtpSession): { way: DataWay; offset: number } {
  const { way, offset, service, protectData } = session;
  session.offset = 0;
  if (service.tls?.required === "all" && !protectData) {
    throw new Refusal(521, "This server wants PROT P for data.");
  }
  if (!way) throw new Refusal(REPLIES.noDataWay.code, REPLIES.noDataWay.text);
  return { way, offset };
}

async function list(
  session: FtpSession,
  argument: string,
  line: (listed: Listed) => Line,
): Promise<undefined> {
  const listed = await findListed(session.login, session.folder, argument);
  beginListing(session, listed, line(listed));
}

function beginListing(session: FtpSession, listed: Listed, line: Line): void {
  const { way } = prepared(session);
  const { login } = session;
  session.begin({
    opening: "Here comes the listing.",
    incoming: false,
    copy: (stream, pace) => sendLines(stream, entries(login, listed), line, pace),
    finish: () => {},
    cancel: () => {},
  }, way);
}

async function retrieve(session: FtpSession, argument: string): Promise<undefined> {
  const { way, offset } = prepared(session);
  const path = session.path(argument);
  const { type } = session;
  const { file, info } = await session.login.files.open(path);
  const size = info.size - offset;
  const refuse = (code: number, text: string): never => {
    file.close();
    throw new Refusal(code, text);
  };
  if (size < 0) refuse(554, "REST is past the end of the file.");
  if (offset > 0 && type === "A") refuse(501, "REST wants TYPE I.");
  file.seekSync(offset, Deno.SeekMode.Start);
  const encoder = type === "A" ? new AsciiEncoder() : undefined;
  session.begin({
    // The size last and in this form: curl and wget look for it.
    opening: type === "A" ? "Here comes the file." : `Here comes the file (${size} bytes).`,
    incoming: false,
    path,
    async copy(stream, pace): Promise<void> {
      await send(stream, file, size, pace, encoder && ((data) => encoder.encode(data)));
      // To the client the end of the data is the end of the file.
      if (pace.bytes < size) throw new Refusal(451, "The file became shorter while it was sent.");
    },
    finish: () => file.close(),
    cancel: () => file.close(),
  }, way);
}

/** An upload that becomes a file when it is whole. */
async function storeWhole(
  session: FtpSession,
  way: DataWay,
  path: string,
  overwrite: boolean,
): Promise<undefined> {
  const upload = await session.login.files.upload(path, overwrite);
  const { keepPartial } = session.service;
  beginUpload(session, way, upload.file, 0, {
    // The name of STOU (RFC 1123 section 4.1.2.9).
    opening: overwrite ? "Send the file." : `FILE: ${splitPath(path).name}`,
    path,
    finish: () => upload.commit(),
    cancel: () => keepPartial ? upload.commit() : upload.abort(),
  });
}

/** An upload in place: what came stays, so that the client can go on later. */
async function continueFile(
  session: FtpSession,
  way: DataWay,
  path: string,
  offset: number | "end",
): Promise<undefined> {
  if (session.type === "A" && offset !== "end") throw new Refusal(501, "REST wants TYPE I.");
  const { files } = session.login;
  if (offset !== "end") {
    const { size } = await files.stat(path);
    if (offset > size) throw new Refusal(554, "REST is past the end of the file.");
  }
  const file = await files.openToContinue(path, offset, offset === "end");
  const at = file.seekSync(0, Deno.SeekMode.Current);
  beginUpload(session, way, file, at, {
    opening: "Send the rest.",
    path,
    prepare: () => {
      // What stands behind the offset is not lost for a data connection that never comes.
      if (offset !== "end") file.truncateSync(at);
    },
    finish: () => file.close(),
    cancel: () => file.close(),
  });
}

function beginUpload(
  session: FtpSession,
  way: DataWay,
  file: Sink,
  start: number,
  job: {
    opening: string;
    path: string;
    /** Called when the data connection is there. */
    prepare?(): void;
    finish(): void;
    cancel(): void;
  },
): void {
  const decoder = session.type === "A" ? new AsciiDecoder() : undefined;
  const { maxFileSize } = session.service;
  let size = start;
  const sink: Sink = {
    writeSync(data): number {
      size += data.length;
      if (size > maxFileSize) throw new Refusal(552, "The file is larger than is allowed here.");
      writeAllSync(file, data);
      return data.length;
    },
  };
  session.begin({
    ...job,
    incoming: true,
    async copy(stream, pace): Promise<void> {
      job.prepare?.();
      await receive(stream, sink, pace, decoder && ((data) => decoder.decode(data)));
      if (decoder) writeAllSync(sink, decoder.end());
    },
  }, way);
}

/** So many names end in a number; one that is taken more often ends in what no other does. */
const MOST_NUMBERS = 100;
/** The names that STOU has told, until their files are there. */
const told = new Set<string>();

async function storeUnique(session: FtpSession, argument: string): Promise<undefined> {
  const { way } = prepared(session);
  const name = session.path(argument === "" ? "file" : argument);
  for (let i = 0;; i++) {
    const path = i === 0 ? name : `${name}.${i < MOST_NUMBERS ? i : crypto.randomUUID()}`;
    if (told.has(path)) continue;
    told.add(path);
    try {
      await storeWhole(session, way, path, false);
      session.transfer?.over.then(() => told.delete(path));
      return;
    } catch (error) {
      told.delete(path);
      if (!(error instanceof FileError && error.kind === "exists")) throw error;
    }
  }
}
