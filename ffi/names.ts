/** File names as strings, and their bytes. */
import { cString, decodeName as decode } from "./_names.ts";
import { shown } from "./message.ts";

/**
 * Returns the bytes of a file name or path, as the kernel gets them.
 *
 * The inverse of {@link decodeName}: a lone surrogate U+DC80 to U+DCFF becomes the byte 0x80 to 0xFF, all other text UTF-8.
 * `TextEncoder` does not round-trip a name that is not UTF-8.
 *
 * @param name A name or path from this library, or any text.
 * @returns Its bytes, without a NUL at the end.
 * @throws {TypeError} If `name` is not a string, is empty, or has a NUL or a lone surrogate that stands for no byte.
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

/**
 * Returns the string by which the functions of this library name the file with these bytes as its name.
 *
 * Bytes that are UTF-8 are that text; each byte that is not part of valid UTF-8 becomes the lone surrogate U+DC00 + byte.
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
  return decode(bytes);
}
