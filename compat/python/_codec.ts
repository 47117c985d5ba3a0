/** Converts between the bytes of a file and units: bytes in binary mode, characters in text mode. */
import { shown } from "../../ffi/errors.ts";

export interface Codec<T> {
  /**
   * Returns how many bytes the first `most` units have, or the units up to the end of the first line with `isLine`;
   * undefined if that depends on bytes that are not read yet.
   */
  measure(bytes: Uint8Array, most: number, isLine: boolean, atEnd: boolean): number | undefined;
  decode(bytes: Uint8Array): T;
  /** Returns the bytes, and how many units they are. */
  encode(data: T): [bytes: Uint8Array, units: number];
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const CR = 13, LF = 10;

export const binary: Codec<Uint8Array<ArrayBuffer>> = {
  measure(bytes, most, isLine, atEnd) {
    const line = isLine ? bytes.subarray(0, most).indexOf(LF) + 1 : 0;
    if (line > 0) return line;
    return bytes.length >= most ? most : atEnd ? bytes.length : undefined;
  },
  decode(bytes) {
    return bytes.slice();
  },
  encode(data) {
    if (data instanceof Uint8Array) return [data, data.length];
    throw new TypeError(`A file in binary mode takes a Uint8Array, not ${shown(data)}.`);
  },
};

/** UTF-8, where each "\r\n" and "\r" is read as "\n", and a character is a code point. */
export const text: Codec<string> = {
  measure(bytes, most, isLine, atEnd) {
    let at = 0;
    for (let count = 0; count < most; count++) {
      const byte = bytes[at];
      if (byte === undefined) return atEnd ? at : undefined;
      let next = at + (byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4);
      if (byte === CR) {
        if (next === bytes.length && !atEnd) return undefined;
        if (bytes[next] === LF) next++;
      }
      if (next > bytes.length) return atEnd ? bytes.length : undefined;
      at = next;
      if (isLine && (byte === LF || byte === CR)) return at;
    }
    return at;
  },
  decode(bytes) {
    try {
      return decoder.decode(bytes).replace(/\r\n?/g, "\n");
    } catch (cause) {
      throw new TypeError('The file is not UTF-8: open it in binary mode, as "rb".', { cause });
    }
  },
  encode(data) {
    if (typeof data !== "string") {
      throw new TypeError(`A file in text mode takes a string, not ${shown(data)}.`);
    }
    if (!data.isWellFormed()) throw new TypeError("A text with a lone surrogate can't be written in UTF-8.");
    return [encoder.encode(data), data.length - (data.match(/[\ud800-\udbff]/g)?.length ?? 0)];
  },
};
