/** Reads bytes in sizes that do not depend on the chunks in which they arrive. */

/** The input ends too early. */
export class CutOff extends Error {
  constructor() {
    super("it is cut off");
  }
}

export class Bytes {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #ahead: Uint8Array = new Uint8Array();

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Returns the next bytes without consuming them: at least `size` bytes, fewer only at the end. */
  async peek(size = 1): Promise<Uint8Array> {
    const parts = [this.#ahead];
    let length = this.#ahead.length;
    while (length < size) {
      const { value, done } = await this.#chunks.next();
      if (done) break;
      parts.push(value);
      length += value.length;
    }
    const [first, second, ...others] = parts;
    if (second === undefined) return this.#ahead;
    return this.#ahead = first!.length === 0 && others.length === 0 ? second : joined(parts, length);
  }

  /** Drops bytes that `peek()` returned. */
  skip(size: number): void {
    this.#ahead = this.#ahead.subarray(size);
  }

  /** Reads from 1 to `size` bytes; returns an empty array at the end. */
  async upTo(size: number): Promise<Uint8Array> {
    const part = (await this.peek()).subarray(0, size);
    this.skip(part.length);
    return part;
  }

  /**
   * Reads `size` bytes.
   *
   * @throws {CutOff} If there are fewer.
   */
  async exactly(size: number): Promise<Uint8Array> {
    const bytes = (await this.peek(size)).slice(0, size);
    if (bytes.length < size) throw new CutOff();
    this.skip(size);
    return bytes;
  }

  /** Reads to the end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (let part; (part = await this.upTo(Infinity)).length > 0;) yield part;
  }
}

function joined(parts: Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) all.set(part, at), at += part.length;
  return all;
}
