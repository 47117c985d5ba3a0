import { shown } from "./message.ts";

/**
 * A file descriptor: its number, or an object with a number, such as `FdFile`, `Dir` and, in Deno 2.9, the handles of
 * `node:fs`.
 *
 * In Deno 2.7, `fd` of `node:fs` is not a descriptor but an internal number of Deno.
 */
export type FdLike = number | { readonly fd: number };

/**
 * The number of a descriptor.
 *
 * @throws {TypeError} If the value is neither a number nor an object with `fd`.
 * @throws {RangeError} If no descriptor can have the number.
 * @throws {Deno.errors.BadResource} If the `FdFile` or `Dir` is closed.
 */
export function descriptor(fd: FdLike): number {
  const number = typeof fd === "object" && fd !== null ? fd.fd : fd;
  if (typeof number !== "number") {
    throw new TypeError(`A file descriptor is a number or an object with "fd", not ${shown(fd)}.`);
  }
  if (!(number >= 0 && number <= 0x7fffffff && Number.isInteger(number))) {
    throw new RangeError(`A file descriptor is an integer from 0 to 2147483647, not ${number}.`);
  }
  return number;
}
