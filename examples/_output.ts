/** Writes bytes to standard output in large writes, without an object for each part. */

const encoder = new TextEncoder(), decoder = new TextDecoder();
/** Up to this many bytes, a loop is faster than a view. */
const short = 256;

export class Output {
  readonly #buffer = new Uint8Array(64 * 1024);
  readonly #isTerminal = Deno.stdout.isTerminal();
  readonly #fail: (error: Error) => never;
  #filled = 0;

  /** `fail` is called if a write fails, such as when standard output is closed or the disk is full. */
  constructor(fail: (error: Error) => never) {
    this.#fail = fail;
  }

  /** Adds bytes unchanged. On a terminal, replaces control characters, which untrusted names and lines can contain. */
  add(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    if (this.#isTerminal) [bytes, start, end] = printable(bytes.subarray(start, end));
    const length = end - start;
    this.#reserve(length);
    if (length > this.#buffer.length) this.#write(bytes.subarray(start, end));
    else if (length > short) this.#buffer.set(bytes.subarray(start, end), this.#filled);
    else for (let i = 0; i < length; i++) this.#buffer[this.#filled + i] = bytes[start + i]!;
    if (length <= this.#buffer.length) this.#filled += length;
  }

  /** Adds a short ASCII string. */
  addText(text: string): void {
    this.#reserve(text.length);
    for (let i = 0; i < text.length; i++) this.#buffer[this.#filled++] = text.charCodeAt(i);
  }

  addNumber(number: number): void {
    if (number >= 10) this.addNumber(Math.floor(number / 10));
    this.#reserve(1);
    this.#buffer[this.#filled++] = 48 + number % 10;
  }

  flush(): void {
    const filled = this.#filled;
    this.#filled = 0;
    this.#write(this.#buffer.subarray(0, filled));
  }

  #write(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #reserve(length: number): void {
    if (this.#filled + length > this.#buffer.length) this.flush();
  }
}

function printable(bytes: Uint8Array): [bytes: Uint8Array, start: number, end: number] {
  // deno-lint-ignore no-control-regex
  const text = decoder.decode(bytes).replace(/[\0-\x08\x0a-\x1f\x7f-\x9f]/g, "\ufffd");
  const shown = encoder.encode(text);
  return [shown, 0, shown.length];
}

/**
 * Whether two files are one. An inode number above 2^53 is null: then all attributes of both decide.
 *
 * @param now Returns the attributes of the second file as they are now.
 */
export function isSameFile(
  one: Deno.FileInfo,
  other: Deno.FileInfo,
  now: () => Deno.FileInfo | undefined,
): boolean {
  if (one.dev !== other.dev || one.ino !== other.ino) return false;
  return one.ino !== null || JSON.stringify(one) === JSON.stringify(now());
}
