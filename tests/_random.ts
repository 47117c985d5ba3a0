/** Pseudo-random numbers from a seed (a 32-bit xorshift with a multiplication). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed, 0x9e3779b9) | 1;
  }

  /** An integer from 0 to `end - 1`. */
  below(end: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (Math.imul(state, 0x2545f491) >>> 8) % end;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** Returns some of the options, each with one of its values. */
  options(all: Record<string, readonly unknown[]>): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(all).filter(() => this.chance(40)).map(([name, values]) => [name, this.pick(values)]),
    );
  }
}
