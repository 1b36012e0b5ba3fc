/** What tests of FTP transfers share: sinks, sources, and a server that takes an upload. */
import type { FtpClient } from "../../clients/ftp/client.ts";
import { writeAll } from "../../tools/net/writer.ts";
import { concat } from "../../tools/protocol/bytes.ts";
import type { Act } from "./ftp_script.ts";
import { bytes, readText, type TestStream } from "./stream.ts";

/** A sink that keeps everything, and what it has as text. */
export class Kept {
  readonly pieces: Uint8Array[] = [];
  readonly sink = (data: Uint8Array): void => void this.pieces.push(data.slice());

  get data(): Uint8Array {
    return concat(this.pieces);
  }

  get text(): string {
    return new TextDecoder().decode(this.data);
  }
}

/** The text of the file `f`. */
export async function fetched(client: FtpClient, options = {}): Promise<string> {
  const kept = new Kept();
  await client.download("f", kept.sink, options);
  return kept.text;
}

/** A source that gives `data`, at most `most` bytes at a time. */
export function source(
  data: Uint8Array | string,
  most = Infinity,
): (buffer: Uint8Array) => number | null {
  let rest = bytes(data);
  return (buffer) => {
    const piece = rest.subarray(0, Math.min(most, buffer.length));
    buffer.set(piece);
    rest = rest.subarray(piece.length);
    return piece.length || null;
  };
}

/** Takes an upload; `got` hears what came. */
export function takes(got: (text: string) => void, first = "150 go on", last = "226 done"): Act {
  return async (_, server) => {
    await server.say(first);
    got(await readText(await server.data()));
    return last;
  };
}

/** `act` without what it answers at its end. */
export function noLast(act: Act): Act {
  return async (argument, server) => {
    if (typeof act !== "string") await act(argument, server);
  };
}

/** A server that stops at ABOR and says `answers` then. */
export function aborts(verb: "RETR" | "STOR", ...answers: string[]): Record<string, Act> {
  let data: TestStream;
  return {
    [verb]: async (_, server) => {
      await server.say("150 open");
      data = await server.data();
      if (verb === "RETR") await writeAll(data, bytes("part"));
    },
    ABOR: async (_, server) => {
      await data.closeWrite();
      for (const answer of answers) await server.say(answer);
    },
  };
}
