/** Something that a call waits for, and may cease to wait for. */
export interface Wait<T> {
  readonly promise: Promise<T>;
  /** Gives up: the promise stays pending, and nothing is kept for it. */
  drop(): void;
}

/** A pause. */
export function sleep(milliseconds: number): Wait<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  return { promise, drop: () => clearTimeout(timer) };
}

/** Lets only so many do something at once, in the order in which they came. */
export class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Waits for a slot, which the caller releases. */
  acquire(): Wait<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let acquired = false;
    const enter = () => {
      acquired = true;
      resolve();
    };
    if (this.#free > 0) {
      this.#free--;
      enter();
    } else {
      this.#waiting.add(enter);
    }
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
