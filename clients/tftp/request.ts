/** Asking a server for a transfer, until it answers. */
import { EXIT, Failure } from "../../tools/program/failure.ts";
import { ProtocolError } from "../../tools/protocol/error.ts";
import type { Terms } from "../../tools/protocol/tftp_options.ts";
import { agreedTerms, PLAIN_TERMS } from "../../tools/protocol/tftp_options.ts";
import { ERROR_CODE, parsePacket, type TftpPacket } from "../../tools/protocol/tftp_packet.ts";
import { RetryTimer } from "../../tools/protocol/tftp_retry.ts";
import type { Conversation } from "./conversation.ts";

/** What opens a transfer. */
export interface Request {
  kind: "RRQ" | "WRQ";
  /** The packet. */
  packet: Uint8Array;
  /** The options in it. */
  asked: ReadonlyMap<string, string>;
  /** Milliseconds until it is sent again; undefined: as is usual. */
  timeout: number | undefined;
  /** Milliseconds after which no answer is expected any more. */
  patience: number;
}

/** The server is ready. */
export interface Opened {
  kind: "opened";
  terms: Terms;
  /** The first block, when that is the answer: it is valid until the next packet is received. */
  first: Uint8Array | undefined;
}

/** The server will not. */
export interface Refused {
  kind: "refused";
  code: number;
  message: string;
}

/**
 * Sends `request` until it is answered; null when `conversation` was closed.
 * Throws Failure when there is none in time, and ProtocolError, after telling the
 * server, for one that takes more than was asked for.
 */
export async function open(
  conversation: Conversation,
  request: Request,
): Promise<Opened | Refused | null> {
  const answer = await ask(conversation, request);
  if (answer === null) return null;
  const { packet, bytes } = answer;
  if (packet.kind === "ERROR") return { ...packet, kind: "refused" };
  conversation.choose();
  if (packet.kind !== "OACK") {
    const first = packet.kind === "DATA" ? bytes : undefined;
    return { kind: "opened", terms: PLAIN_TERMS, first };
  }
  try {
    return {
      kind: "opened",
      terms: agreedTerms(request.asked, packet.options),
      first: undefined,
    };
  } catch (error) {
    if (error instanceof ProtocolError) {
      await conversation.refuse(ERROR_CODE.optionRefused, "that was not asked for");
    }
    throw error;
  }
}

async function ask(
  conversation: Conversation,
  { kind, packet, timeout, patience }: Request,
): Promise<{ packet: TftpPacket; bytes: Uint8Array } | null> {
  const retry = new RetryTimer({ timeout, patience });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isSilent = false;
  const send = async (): Promise<boolean> => {
    const isSent = await conversation.send(packet);
    retry.sent(performance.now());
    timer = setTimeout(() => {
      isSilent = !retry.expire(performance.now());
      if (isSilent) conversation.close();
      // What could not leave this time may the next.
      else send().catch(() => {});
    }, Math.max(0, retry.deadline - performance.now()));
    return isSent;
  };
  try {
    if (!await send()) throw new Failure(EXIT.unreachable, "there is no route to that host");
    for (;;) {
      const bytes = await conversation.receive();
      if (bytes === null) break;
      const answer = readAnswer(kind, bytes);
      if (answer) return { packet: answer, bytes };
    }
  } finally {
    clearTimeout(timer);
  }
  if (!isSilent) return null;
  throw new Failure(EXIT.unreachable, "no answer in time (is a TFTP server running there?)");
}

/** The packet, if it answers a request; undefined otherwise: it may be a late one of another transfer. */
function readAnswer(kind: Request["kind"], bytes: Uint8Array): TftpPacket | undefined {
  try {
    const packet = parsePacket(bytes);
    switch (packet.kind) {
      case "ERROR":
      case "OACK":
        return packet;
      case "DATA":
        return kind === "RRQ" && packet.block === 1 ? packet : undefined;
      case "ACK":
        return kind === "WRQ" && packet.block === 0 ? packet : undefined;
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
  return undefined;
}
