/** A Worker that renames at random what is in a directory, for as long as it is told to. */
/** The places of what is to be done and of what is done in the shared memory: 1 while names are swapped. */
export const GO = 0, STATE = 1;

export class Swapper implements Disposable {
  readonly #worker: Worker;
  readonly #shared = new Int32Array(new SharedArrayBuffer(8));

  /** @param above The directory of "inside", "outside" and "elsewhere". */
  constructor(above: string) {
    this.#worker = new Worker(new URL("_swap_worker.ts", import.meta.url), { type: "module" });
    this.#worker.postMessage({ above, shared: this.#shared });
  }

  /** Begins, and waits until the first name is swapped. */
  begin(): Promise<void> {
    return this.#turn(1);
  }

  /** Ends, and waits until all is where it can be removed. */
  end(): Promise<void> {
    return this.#turn(0);
  }

  async #turn(state: 0 | 1): Promise<void> {
    Atomics.store(this.#shared, GO, state);
    Atomics.notify(this.#shared, GO);
    while (Atomics.load(this.#shared, STATE) !== state) {
      await Atomics.waitAsync(this.#shared, STATE, 1 - state).value;
    }
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
