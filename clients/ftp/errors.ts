/** How a command of FTP can fail. */
import { EXIT, Failure } from "../../tools/program/failure.ts";
import type { Reply } from "../../tools/protocol/ftp_reply.ts";
import { visible } from "../../tools/protocol/text.ts";

// What is shown of a long reply.
const LONGEST_SHOWN = 400;

/**
 * The server said no. The session goes on, unless the code is 421, with which a
 * server ends it. Exit code 5 for 4yz, which may go well later, and 1 for 5yz.
 */
export class FtpError extends Failure {
  override name = "FtpError";
  /** The code of the reply. */
  readonly code: number;

  constructor(readonly reply: Reply) {
    const text = reply.text.replaceAll("\n", " ").trim().slice(0, LONGEST_SHOWN);
    super(
      reply.code >= 400 && reply.code < 500 ? EXIT.later : EXIT.refused,
      `${reply.code} ${visible(text)}`.trim(),
    );
    this.code = reply.code;
  }
}

/** The transfer was ended by `FtpClient.abort`. The session goes on. */
export class TransferAborted extends Failure {
  override name = "TransferAborted";

  constructor() {
    super(EXIT.interrupted, "the transfer was aborted");
  }
}
