/** Calls `act` after so many turns of the microtask queue: for what must hold at whichever turn something comes. */
export async function afterTurns(
  turns: number,
  act: () => void,
): Promise<void> {
  for (let i = 0; i < turns; i++) await Promise.resolve();
  act();
}
