/** The indexes in shared memory of the requested and the actual state: 1 while names are swapped. */
export const GO = 0, STATE = 1;

/** A Worker that renames the entries of a directory at random until it is stopped. */
export class Swapper implements Disposable {
  readonly #worker: Worker;
  readonly #shared = new Int32Array(new SharedArrayBuffer(8));

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** Starts the thread, which loads its modules now, while the process may read them. */
  static async start(): Promise<Swapper> {
    const worker = new Worker(new URL("_swap_worker.ts", import.meta.url), { type: "module" });
    await new Promise((resolve, reject) => {
      worker.onmessage = resolve;
      worker.onerror = reject;
    });
    return new Swapper(worker);
  }

  /**
   * Starts swapping, and waits until the first names are swapped.
   *
   * @param above The directory that contains "inside", "outside" and "elsewhere".
   */
  async begin(above: string): Promise<void> {
    Atomics.store(this.#shared, GO, 1);
    this.#worker.postMessage({ above, shared: this.#shared });
    await this.#reached(1);
  }

  /** Stops swapping, and waits until it has stopped. */
  async end(): Promise<void> {
    Atomics.store(this.#shared, GO, 0);
    await this.#reached(0);
  }

  async #reached(state: 0 | 1): Promise<void> {
    while (Atomics.load(this.#shared, STATE) !== state) {
      await Atomics.waitAsync(this.#shared, STATE, 1 - state).value;
    }
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
