import { assert, assertEquals } from "@std/assert";
import { concat } from "../../../tools/protocol/bytes.ts";

Deno.test("concat: all parts in order; a single part is not copied", () => {
  const part = new Uint8Array([1, 2]);
  assertEquals(concat([]), new Uint8Array());
  assertEquals(
    concat([part, new Uint8Array(), new Uint8Array([3])]),
    new Uint8Array([1, 2, 3]),
  );
  assert(concat([part]) === part);
});
