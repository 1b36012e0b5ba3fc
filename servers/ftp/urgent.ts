/**
 * Reading a control connection on which clients send ABOR as urgent data (RFC
 * 959 section 4.1.3). A socket leaves the urgent byte out, and no socket of Deno
 * can be told otherwise: what is around it must be read with care.
 */
import type { ByteStream } from "../../tools/net/stream.ts";

// Commands of telnet (RFC 854), which come before ABOR.
const FIRST_TELNET = 0xf0;
const LF = 10;
const ABORT = new TextEncoder().encode("ABOR\r");

/** `stream` as it is to be read where urgent data may come, while `mayCome` says so. */
export function withUrgentData(
  stream: Pick<ByteStream, "read">,
  mayCome: () => boolean,
): Pick<ByteStream, "read"> {
  let inText = false;
  let endMayFollow = false;
  return {
    async read(buffer): Promise<number | null> {
      for (;;) {
        if (!mayCome() && !endMayFollow) {
          inText = false;
          return await stream.read(buffer);
        }
        // A read stops short at the urgent byte. One that has not filled its buffer would then wait for
        // what comes next although ABOR is there already: so what comes before a letter is read singly.
        const length = await stream.read(inText ? buffer : buffer.subarray(0, 1));
        if (length === null) return null;
        const single = !inText;
        inText = single && (buffer[0] ?? 0) < FIRST_TELNET;
        if (single && endMayFollow) {
          endMayFollow = false;
          if (buffer[0] === LF) {
            inText = false;
            continue;
          }
        }
        if (single || length === buffer.length || !endsInAbort(buffer.subarray(0, length))) {
          return length;
        }
        // Python's ftplib makes all of ABOR urgent, and so the LF at its end is the byte left out.
        buffer[length] = LF;
        endMayFollow = true;
        return length + 1;
      }
    },
  };
}

/** Whether it ends as ABOR does without its LF, the first letter of which was read before. */
function endsInAbort(data: Uint8Array): boolean {
  const end = ABORT.subarray(1);
  return data.length >= end.length &&
    end.every((byte, i) => byte === (data[data.length - end.length + i] ?? 0));
}
