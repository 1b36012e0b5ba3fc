/** HASH: whether a file arrived as it is here, without fetching it again (draft-bryan-ftpext-hash-02). */
import { FileError } from "../../tools/files/errors.ts";
import { reply } from "./command.ts";
import { Pace } from "./copy.ts";
import { harmless } from "./listing.ts";
import { type FtpReply, Refusal } from "./replies.ts";
import { HASHES, type SessionCommand } from "./session.ts";

/** The commands. */
export const HASH_COMMANDS: SessionCommand[] = [{
  verbs: ["HASH"],
  needs: "r",
  argument: "required",
  help: "file: show its hash",
  source: "draft-bryan-ftpext-hash-02 section 3.1",
  features: (session) => [
    `HASH ${HASHES.map((name) => name + (name === session.hash ? "*" : "")).join(";")}`,
  ],
  async run(session, argument): Promise<FtpReply> {
    const path = session.path(argument);
    const { createHash } = await import("node:crypto");
    const hash = createHash(session.hash.replace("-", "").toLowerCase());
    using opened = await session.login.files.open(path);
    const pace = new Pace(Infinity);
    const { over } = session;
    const buffer = new Uint8Array(pace.piece);
    for (let length; (length = readSome(opened.file, buffer));) {
      hash.update(buffer.subarray(0, length));
      await pace.moved(length);
      if (over.aborted) throw new Refusal(451, "Given up, as you are leaving.");
    }
    return reply(
      213,
      `${session.hash} 0-${pace.bytes} ${hash.digest("hex")} ${harmless(path)}`,
    );
  },
}];

function readSome(file: Deno.FsFile, buffer: Uint8Array): number {
  try {
    return file.readSync(buffer) ?? 0;
  } catch (error) {
    throw new FileError("failed", { cause: error });
  }
}
