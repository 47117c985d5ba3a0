/**
 * Converts file names losslessly between strings and the bytes that C takes.
 *
 * The kernel treats a name as bytes. A UTF-8 name becomes that text. In any other name, each byte that is not part of
 * valid UTF-8 becomes the lone surrogate U+DC00 + byte, as in Python's "surrogateescape". No valid text contains these,
 * so a listed name always opens its file.
 */
import { quoted, shown } from "./message.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const SLASH = 0x2f;

/** The names in bytes where each is followed by "/". */
export function decodeNames(bytes: Uint8Array): string[] {
  if (bytes.length === 0) return [];
  try {
    return utf8.decode(bytes.subarray(0, -1)).split("/");
  } catch {
    const names: string[] = [];
    for (let start = 0; start < bytes.length;) {
      const end = bytes.indexOf(SLASH, start);
      names.push(decodeName(bytes.subarray(start, end)));
      start = end + 1;
    }
    return names;
  }
}

/**
 * Returns the string for a file name that is given as bytes. All functions of this library use such strings.
 *
 * UTF-8 becomes that text; each byte that is not part of valid UTF-8 becomes the lone surrogate U+DC00 + byte.
 *
 * @param bytes The bytes of a name or path.
 * @returns The name, which {@link encodeName} turns into these bytes again.
 * @throws {TypeError} If `bytes` is not a Uint8Array.
 *
 * @example
 * ```ts
 * import { decodeName } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(decodeName(new Uint8Array([0x63, 0x61, 0x66, 0xe9])), "caf\udce9");
 * ```
 */
export function decodeName(bytes: Uint8Array): string {
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(`decodeName(): bytes is a Uint8Array, not ${shown(bytes)}.`);
  }
  try {
    return utf8.decode(bytes);
  } catch {
    let name = "";
    for (let at = 0; at < bytes.length;) {
      const length = sequenceLength(bytes, at);
      name += length === 0
        ? String.fromCharCode(0xdc00 + bytes[at]!)
        : utf8.decode(bytes.subarray(at, at + length));
      at += length || 1;
    }
    return name;
  }
}

/** The length of the valid UTF-8 sequence at `at`, or 0. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  const length = first < 0x80
    ? 1
    : first < 0xc2
    ? 0
    : first < 0xe0
    ? 2
    : first < 0xf0
    ? 3
    : first < 0xf5
    ? 4
    : 0;
  if (length < 2) return length;
  try {
    utf8.decode(bytes.subarray(at, at + length));
    return length;
  } catch {
    return 0;
  }
}

// PATH_MAX of FreeBSD is 1024 bytes; the kernel refuses a longer path.
const reused = [new Uint8Array(4096), new Uint8Array(4096)] as const;

/**
 * A path as a C string, in a buffer that the next call with the same `slot` overwrites.
 *
 * @throws {TypeError} If the path is not a string, is empty, or has a NUL or a lone surrogate outside U+DC80 to U+DCFF.
 */
export function cString(path: string, slot: 0 | 1 = 0): Uint8Array<ArrayBuffer> {
  if (typeof path !== "string") throw new TypeError(`A path is a string, not ${shown(path)}.`);
  const length = path.length;
  if (length === 0) throw new TypeError('The path "" is empty: write "." for the directory itself.');
  const short = reused[slot];
  if (length < 48) {
    let at = 0;
    for (; at < length; at++) {
      const unit = path.charCodeAt(at);
      if (unit === 0 || unit > 0x7f) break;
      short[at] = unit;
    }
    if (at === length) {
      short[at] = 0;
      return short;
    }
  }
  if (path.includes("\0")) {
    throw new TypeError(`The path ${quoted(path)} has a NUL character, which ends a path in C.`);
  }
  const bytes = length * 3 < short.length ? short : new Uint8Array(length * 3 + 1);
  let end = 0;
  if (path.isWellFormed()) end = encoder.encodeInto(path, bytes).written;
  else {
    for (const character of path) {
      const code = character.codePointAt(0)!;
      if (code >= 0xdc80 && code <= 0xdcff) bytes[end++] = code - 0xdc00;
      else if (code >= 0xd800 && code <= 0xdfff) {
        throw new TypeError(
          `The path ${quoted(path)} has the lone surrogate U+${code.toString(16).toUpperCase()}, ` +
            `which stands for no byte: only U+DC80 to U+DCFF do.`,
        );
      } else end += encoder.encodeInto(character, bytes.subarray(end)).written;
    }
  }
  bytes[end] = 0;
  return bytes;
}

/**
 * Returns the bytes of a file name or path, as the kernel gets them.
 *
 * The inverse of {@link decodeName}: a lone surrogate U+DC80 to U+DCFF becomes the byte 0x80 to 0xFF, all other text UTF-8.
 * `TextEncoder` does not round-trip a name that is not UTF-8.
 *
 * @param name A name or path from this library, or any text.
 * @returns Its bytes, without a NUL at the end.
 * @throws {TypeError} If `name` is not a string, is empty, or has a NUL or a lone surrogate outside U+DC80 to U+DCFF.
 *
 * @example
 * ```ts
 * import { encodeName } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(encodeName("caf\udce9"), new Uint8Array([0x63, 0x61, 0x66, 0xe9]));
 * ```
 */
export function encodeName(name: string): Uint8Array<ArrayBuffer> {
  const bytes = cString(name);
  return bytes.slice(0, bytes.indexOf(0));
}
