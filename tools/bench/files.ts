/** Files to measure with. */

/** A folder in memory, where the system has one, so that no disk is measured; `stack` removes it. */
export async function memoryFolder(stack: AsyncDisposableStack): Promise<string> {
  const inMemory = await Deno.stat("/dev/shm").then(() => ({ dir: "/dev/shm" }), () => ({}));
  const folder = await Deno.makeTempDir({ prefix: "labsock-bench-", ...inMemory });
  const remove = (): void => Deno.removeSync(folder, { recursive: true });
  stack.defer(remove);
  // A run that is interrupted leaves no gigabytes in memory either.
  addEventListener("unload", remove);
  stack.defer(() => removeEventListener("unload", remove));
  return folder;
}

/** Writes a file of `size` bytes that does not compress. */
export async function makeFile(path: string, size: number): Promise<void> {
  const noise = new Uint8Array(2 ** 20);
  for (let at = 0; at < noise.length; at += 65536) {
    crypto.getRandomValues(noise.subarray(at, at + 65536));
  }
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  for (let left = size; left > 0;) left -= await file.write(noise.subarray(0, left));
}
