/** The most milliseconds, and the most calls, on this thread before the event loop runs again. */
const turn = 1, callsOfTurn = 256;

let spent = 0, calls = 0;

/** Whether a quick call may run on this thread now. */
export function isFree(): boolean {
  return spent < turn && calls < callsOfTurn;
}

/** Notes that the event loop runs before the next call. */
export function endTurn(): void {
  spent = 0;
  calls = 0;
}

/** Makes a call on this thread. */
export function inTurn<T>(call: () => T): T {
  const start = performance.now();
  calls++;
  try {
    return call();
  } finally {
    spent += performance.now() - start;
  }
}
