/** A peer that says what it was told to, for sessions in memory. */
import type { ByteStream } from "../../tools/net/stream.ts";

/** The peer's end of a conversation. */
export interface Scripted extends ByteStream {
  /** Everything that was written to the peer, as text. */
  received(): string;
  closed: boolean;
}

/**
 * A stream on which `answer` arrives, `step` bytes in each read (all that fits
 * by default), and then the end; `end` "reset" breaks it instead, "never" keeps
 * it open until it is closed.
 */
export function scripted(
  answer: string | Uint8Array,
  { step = Infinity, end = "close" }: {
    step?: number;
    end?: "close" | "reset" | "never";
  } = {},
): Scripted {
  let rest = typeof answer === "string"
    ? Uint8Array.from(answer, (char) => char.charCodeAt(0))
    : answer;
  let written = "";
  const open = Promise.withResolvers<never>();
  open.promise.catch(() => {});
  return {
    closed: false,
    received: () => written,
    async read(buffer): Promise<number | null> {
      if (this.closed) throw new Deno.errors.BadResource("closed");
      if (rest.length === 0) {
        if (end === "reset") throw new Deno.errors.ConnectionReset("reset");
        return end === "never" ? await open.promise : null;
      }
      const length = Math.min(rest.length, buffer.length, step);
      buffer.set(rest.subarray(0, length));
      rest = rest.subarray(length);
      return length;
    },
    write(data): Promise<number> {
      written += new TextDecoder("latin1").decode(data);
      return Promise.resolve(data.length);
    },
    closeWrite: () => Promise.resolve(),
    close(): void {
      this.closed = true;
      open.reject(new Deno.errors.Interrupted("closed"));
    },
  };
}
