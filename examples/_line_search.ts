/** Finds matching lines in a file that is read piece by piece. Splits a piece into lines only if it contains a match. */
import type { FdFile } from "../mod.ts";

const piece = 64 * 1024, newline = 10;
/** The longest line that is searched, in bytes: it limits the memory that a search takes. */
export const longestLine: number = 512 * 1024;

/** A line that matches or is too long to be searched, without its newline. The next finding overwrites this object. */
export interface Finding {
  /** The line number, from 1. It has no meaning in a binary file. */
  number: number;
  /** The line is in these bytes, from `start` up to `end`. */
  bytes: Uint8Array;
  start: number;
  end: number;
  /** Whether a NUL was read before the end of the piece that contains this line, or before the end of the line. */
  isBinary: boolean;
  isTooLong: boolean;
}

/**
 * Searches files for one pattern.
 *
 * Bytes that are not UTF-8 match as U+FFFD. A carriage return before the newline is part of the line. As in GNU grep, a
 * NUL makes a file binary, and every NUL ends a line from then on.
 */
export class LineSearch {
  readonly #line: RegExp;
  /** Searches many lines at once, if the pattern permits it. Its first match is in or before the first line that matches. */
  readonly #lines: RegExp | undefined;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #buffer = new Uint8Array(piece);
  /** One object for all findings: millions of objects would make the heap grow. */
  readonly #found: Finding = {
    number: 1,
    bytes: this.#buffer,
    start: 0,
    end: 0,
    isBinary: false,
    isTooLong: false,
  };

  /** @throws {SyntaxError} If the pattern is not a regular expression. */
  constructor(pattern: string, { isText, ignoresCase }: { isText: boolean; ignoresCase: boolean }) {
    const flags = ignoresCase ? "iu" : "u";
    const source = isText ? pattern.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&") : pattern;
    this.#line = new RegExp(source, `${flags}s`);
    // A negative lookaround could see other lines, and a pattern can turn the flag "m" off.
    const isOfOneLine = /\(\?<?!|\(\?[a-z]*-/.test(source);
    if (!isOfOneLine) this.#lines = new RegExp(isText ? source : withinLines(source), `${flags}m`);
  }

  /** Calls `onFinding` with each finding, until the end of the file or until `onFinding` returns false. */
  search(file: Pick<FdFile, "readSync">, onFinding: (found: Finding) => boolean): void {
    let used = 0, number = 1, isBinary = false, isSkipping = false, isEnd = false;
    while (!isEnd) {
      const start = used, wanted = Math.min(start + piece, this.#buffer.length);
      while (used < wanted && !isEnd) {
        const count = file.readSync(this.#buffer.subarray(used, wanted));
        if (count === null) isEnd = true;
        else used += count;
      }
      const fresh = this.#buffer.subarray(start, used);
      // Whole lines are searched for a NUL after they are decoded, which is faster.
      if (!isBinary && (isSkipping || !fresh.includes(newline))) isBinary = fresh.includes(0);
      if (isBinary) replaceNuls(fresh);
      let first = 0;
      if (isSkipping) {
        first = fresh.indexOf(newline) + 1;
        if (first === 0) {
          used = 0;
          continue;
        }
        isSkipping = false;
        number++;
      }
      if (isEnd || fresh.includes(newline)) {
        let lines = this.#wholeLines(first, used, isEnd), text = this.#decoder.decode(lines);
        if (!isBinary && text.includes("\0")) {
          isBinary = true;
          replaceNuls(this.#buffer.subarray(first, used));
          lines = this.#wholeLines(first, used, isEnd);
          text = this.#decoder.decode(lines);
        }
        Object.assign(this.#found, { bytes: lines, number, isBinary, isTooLong: false });
        if (!this.#searchLines(text, onFinding)) return;
        if (!isEnd && !isBinary) number += countNewlines(lines);
        this.#buffer.copyWithin(0, first + lines.length, used);
        used -= first + lines.length;
      }
      if (used === longestLine) {
        Object.assign(this.#found, {
          bytes: this.#buffer,
          start: 0,
          end: used,
          number,
          isBinary,
          isTooLong: true,
        });
        if (!onFinding(this.#found)) return;
        [used, isSkipping] = [0, true];
      } else if (used === this.#buffer.length) this.#grow();
    }
  }

  #wholeLines(first: number, used: number, isEnd: boolean): Uint8Array {
    const read = this.#buffer.subarray(first, used);
    return isEnd ? read : read.subarray(0, read.lastIndexOf(newline) + 1);
  }

  /** Searches the lines of `text`; `#found` has its bytes and first line number. Returns false if the search must end. */
  #searchLines(text: string, onFinding: (found: Finding) => boolean): boolean {
    const found = this.#found, { bytes } = found;
    let lines = this.#lines;
    for (let at = 0, byte = 0; at < text.length; found.number++) {
      if (lines !== undefined) {
        const match = text.slice(at).search(lines);
        if (match < 0) return true;
        const from = at + match;
        for (let end; (end = text.indexOf("\n", at)) >= 0 && end < from; found.number++) {
          at = end + 1;
          byte = bytes.indexOf(newline, byte) + 1;
        }
        if (at === text.length) return true;
      }
      const end = text.indexOf("\n", at), byteEnd = end < 0 ? bytes.length : bytes.indexOf(newline, byte);
      if (this.#line.test(text.slice(at, end < 0 ? undefined : end))) {
        found.start = byte;
        found.end = byteEnd;
        if (!onFinding(found)) return false;
      } else lines = undefined; // The match spans several lines: the others are searched one by one.
      at = end < 0 ? text.length : end + 1;
      byte = byteEnd + 1;
    }
    return true;
  }

  #grow(): void {
    const grown = new Uint8Array(Math.min(this.#buffer.length * 2, longestLine));
    grown.set(this.#buffer);
    this.#buffer = grown;
  }
}

/** Returns the pattern for many lines: "." and negated classes do not match a newline. */
function withinLines(source: string): string {
  return source.replace(/\\[^]|\[(\^?)((?:\\[^]|[^\]\\])*)\]|\./g, (part, negation?: string, rest = "") => {
    return part === "." ? "[^\\n]" : negation === "^" ? `[^\\n${rest}]` : part;
  });
}

function replaceNuls(bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === 0) bytes[i] = newline;
}

function countNewlines(bytes: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === newline) count++;
  return count;
}
