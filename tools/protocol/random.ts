/**
 * The number at `index`, counted from 0, of a sequence that looks random, from 0
 * up to 1; the same `seed` gives the same sequence. For faults and tests that
 * can be repeated, never for secrets.
 */
export function randomAt(seed: number, index: number): number {
  // The mulberry32 generator: its state only counts, so any place in the sequence can be had by itself.
  const state = (seed + Math.imul(index + 1, 0x6d2b79f5)) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
