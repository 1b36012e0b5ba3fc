import { assert, assertEquals, assertThrows } from "@std/assert";
import { FileSink, FileSource, FIRST_PIECE, PIECE } from "../../../tools/files/blocks.ts";
import { FileError } from "../../../tools/files/errors.ts";
import { testWith } from "../../support/permissions.ts";
import { pattern } from "../../support/tftp_line.ts";

/** Runs `test` with the path of a file that holds `data`. */
async function withFile(
  data: Uint8Array,
  test: (path: string) => void | Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, data);
    await test(path);
  } finally {
    await Deno.remove(path);
  }
}

const SIZES = [0, 1, 511, 512, 513, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7];

testWith(
  ["read", "write"],
  "a file comes in blocks of any size, and the last is short",
  async () => {
    for (const size of SIZES) {
      const data = pattern(size);
      await withFile(data, (path) => {
        for (const blksize of [512, 1428, 16384, 65464]) {
          for (const told of [undefined, size, 1]) {
            using file = Deno.openSync(path);
            const source = new FileSource(file, told);
            const buffer = new Uint8Array(blksize);
            for (let at = 0;; at += blksize) {
              const length = source.read(buffer);
              assertEquals(buffer.subarray(0, length), data.subarray(at, at + blksize));
              if (length < blksize) break;
            }
            assertEquals(source.read(buffer), 0);
          }
        }
      });
    }
  },
);

testWith(
  ["read", "write"],
  "a file is read ahead little at first, and in large pieces when that was taken",
  async () => {
    await withFile(pattern(3 * PIECE), (path) => {
      using file = Deno.openSync(path);
      const source = new FileSource(file);
      const block = new Uint8Array(FIRST_PIECE / 4);
      const reads = Array.from({ length: 6 }, () => {
        source.read(block);
        return file.seekSync(0, Deno.SeekMode.Current);
      });
      const [first, second] = [FIRST_PIECE, FIRST_PIECE + PIECE];
      assertEquals(reads, [first, first, first, first, second, second]);
    });
  },
);

testWith(["read", "write"], "what is written in pieces of any size is the file", async () => {
  for (const size of SIZES) {
    const data = pattern(size);
    await withFile(new Uint8Array(0), (path) => {
      for (const piece of [1000, 1428, 16384, 65464, 200_000]) {
        {
          using file = Deno.openSync(path, { write: true, truncate: true });
          const sink = new FileSink(file, size);
          for (let at = 0; at < size; at += piece) sink.write(data.subarray(at, at + piece));
          sink.end();
        }
        assertEquals(Deno.readFileSync(path), data);
      }
    });
  }
});

testWith(["read", "write"], "a sink takes so many bytes and no more", async () => {
  await withFile(new Uint8Array(0), (path) => {
    using file = Deno.openSync(path, { write: true });
    const sink = new FileSink(file, 1000);
    sink.write(pattern(1000));
    const error = assertThrows(() => sink.write(pattern(1)), FileError);
    assertEquals(error.kind, "no space");
  });
});

testWith(["read", "write"], "a full or broken disk is a FileError", async () => {
  try {
    using full = Deno.openSync("/dev/full", { write: true });
    const sink = new FileSink(full);
    sink.write(pattern(1000));
    assertEquals(assertThrows(() => sink.end(), FileError).kind, "no space");
  } catch (error) {
    assert(error instanceof Deno.errors.NotFound); // Not on every system.
  }
  await withFile(pattern(10), (path) => {
    using file = Deno.openSync(path, { write: true });
    assertThrows(() => new FileSource(file).read(new Uint8Array(10)), FileError);
  });
});
