import type { Bound } from "../whole/bound.ts";

const CHUNK = 64 * 1024;
const NEWLINE = 0x0a, RETURN = 0x0d;

/** The lines of the text that `read` reads until it returns 0. `bound` is called when the first line is requested. */
export function* linesSync(
  read: (bytes: Uint8Array) => number,
  bound: () => Bound,
): Generator<string, void, undefined> {
  const lines = new Lines(bound()), chunk = new Uint8Array(CHUNK);
  for (let count; (count = read(chunk)) > 0;) yield* lines.push(chunk.subarray(0, count));
  yield* lines.end();
}

/** The same for asynchronous reading; `read` returns null at the end. */
export async function* lines(
  read: (bytes: Uint8Array) => Promise<number | null>,
  bound: () => Bound,
): AsyncGenerator<string, void, undefined> {
  const lines = new Lines(bound()), chunk = new Uint8Array(CHUNK);
  for (let count; (count = await read(chunk)) !== null;) yield* lines.push(chunk.subarray(0, count));
  yield* lines.end();
}

/** Splits chunks of bytes into lines without "\n" or "\r\n". Bytes that are not UTF-8 become U+FFFD. */
class Lines {
  readonly #bound: Bound;
  // Without ignoreBOM, Deno's decoder removes a U+FEFF at the start of any of the first chunks.
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #isStart = true;
  /** The unfinished line: its text, its number of bytes, and its last byte. */
  #rest: string[] = [];
  #length = 0;
  #last = 0;

  constructor(bound: Bound) {
    this.#bound = bound;
  }

  /** The lines that end in these bytes. */
  *push(bytes: Uint8Array): Generator<string, void, undefined> {
    const tooLong = this.#tooLong(bytes);
    const text = this.#decoder.decode(bytes.subarray(0, tooLong), { stream: true });
    const parts = this.#withoutMark(text).split("\n");
    this.#rest.push(parts.shift()!);
    if (parts.length > 0) {
      const line = this.#rest.join("");
      this.#rest = [parts.pop()!];
      yield withoutReturn(line);
      for (const line of parts) yield withoutReturn(line);
    }
    if (tooLong !== undefined) throw this.#bound.error();
  }

  /** The last line, if the text does not end with "\n". */
  *end(): Generator<string, void, undefined> {
    this.#bound.check(this.#length);
    const last = this.#rest.join("") + this.#decoder.decode();
    if (last !== "") yield last;
  }

  /** The text without a byte order mark at the very start. */
  #withoutMark(text: string): string {
    if (!this.#isStart || text === "") return text;
    this.#isStart = false;
    return text.startsWith("\ufeff") ? text.slice(1) : text;
  }

  /** The start of the first line in these bytes that is too long; undefined if none is. */
  #tooLong(bytes: Uint8Array): number | undefined {
    const { most } = this.#bound;
    for (let start = 0, length = this.#length;; length = 0) {
      const newline = bytes.indexOf(NEWLINE, start), end = newline < 0 ? bytes.length : newline;
      length += end - start;
      // A "\r" counts only if it does not belong to the end of the line.
      const last = end > 0 ? bytes[end - 1] : this.#last;
      if (length > most && !(length === most + 1 && last === RETURN)) return start;
      if (newline < 0) this.#length = length;
      else {
        start = newline + 1;
        if (bytes.length - start > most) continue;
        // All lines in the rest fit, because the rest does.
        this.#length = bytes.length - 1 - bytes.lastIndexOf(NEWLINE);
      }
      this.#last = bytes.at(-1)!;
      return undefined;
    }
  }
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
