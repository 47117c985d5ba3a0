/** Milliseconds for which a loop of short system calls may hold the event loop. */
const TURN = 8;

/** Yields the items of a loop of short system calls, and lets the event loop run in between. */
export async function* inTurns<T>(items: Iterable<T>): AsyncGenerator<T, void, undefined> {
  let end = performance.now() + TURN;
  for (const item of items) {
    yield item;
    if (performance.now() < end) continue;
    await new Promise((resolve) => setTimeout(resolve));
    end = performance.now() + TURN;
  }
}

/** Runs a loop to its end without a pause. */
export function finish(steps: Iterable<unknown>): void {
  for (const _ of steps);
}

/** Runs a loop to its end, in turns with the event loop. */
export async function finishInTurns(steps: Iterable<unknown>): Promise<void> {
  for await (const _ of inTurns(steps));
}
