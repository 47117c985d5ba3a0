/** Something that a call waits for and may stop waiting for. */
export interface Wait<T> {
  readonly promise: Promise<T>;
  /** Stops waiting: the promise stays pending and holds no resources. */
  drop(): void;
}

/** The longest pause, in milliseconds, between two attempts if no event reports when to try again. */
const longestPause = 50;

/** Growing pauses between attempts, in milliseconds. */
export function* pauses(): Generator<number, never> {
  for (let pause = 1;; pause = Math.min(pause * 2, longestPause)) yield pause;
}

/** A pause. */
export function sleep(milliseconds: number): Wait<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  return { promise, drop: () => clearTimeout(timer) };
}

/** A pause that rejects with the signal's reason if the signal is aborted. */
export async function sleepUnlessAborted(
  milliseconds: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { promise: pause, drop } = sleep(milliseconds);
  if (signal === undefined) return await pause;
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    await Promise.race([pause, aborted]);
  } finally {
    drop();
    signal.removeEventListener("abort", abort);
  }
}

/** A semaphore: slots are granted in the order of the requests. */
export class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Takes a slot if one is free; the caller releases it. */
  tryAcquire(): boolean {
    if (this.#free === 0) return false;
    this.#free--;
    return true;
  }

  /** Waits for a slot; the caller releases it. */
  acquire(): Wait<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let acquired = false;
    const enter = () => {
      acquired = true;
      resolve();
    };
    if (this.tryAcquire()) enter();
    else this.#waiting.add(enter);
    return { promise, drop: () => acquired ? this.release() : this.#waiting.delete(enter) };
  }

  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
    } else {
      this.#waiting.delete(next);
      next();
    }
  }
}

/** A lock for each name. */
export class Turns {
  readonly #of = new Map<string, { slots: Slots; users: number }>();

  /** Waits for the lock of a name; the caller releases it. */
  acquire(name: string): Wait<void> {
    const entry = this.#of.get(name) ?? { slots: new Slots(1), users: 0 };
    this.#of.set(name, entry);
    entry.users++;
    const { promise, drop } = entry.slots.acquire();
    return {
      promise,
      drop: () => {
        drop();
        this.#leave(name, entry);
      },
    };
  }

  release(name: string): void {
    const entry = this.#of.get(name)!;
    entry.slots.release();
    this.#leave(name, entry);
  }

  #leave(name: string, entry: { users: number }): void {
    if (--entry.users === 0) this.#of.delete(name);
  }
}
