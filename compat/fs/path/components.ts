import { quoted, shown } from "../../../ffi/message.ts";
import { encodeName } from "../../../ffi/values.ts";

/**
 * The path, checked as a whole before its components go to system calls.
 *
 * @throws {TypeError} If it is not a string, is empty, or has a NUL or a lone surrogate that does not stand for a byte.
 */
export function checkedPath(path: string): string {
  if (typeof path !== "string") throw new TypeError(`A path is a string, not ${shown(path)}.`);
  if (path === "") throw new TypeError('The path "" is empty: write "." for the directory itself.');
  if (path.includes("\0")) {
    throw new TypeError(`The path ${quoted(path)} has a NUL character, which ends a path in C.`);
  }
  // A bad later component must be refused before the kernel sees the first.
  if (!path.isWellFormed()) encodeName(path);
  return path;
}

/** The start and end of the last component of a path, without the slashes that may follow. */
export function lastComponent(path: string): [start: number, end: number] {
  let end = path.length;
  while (end > 1 && path[end - 1] === "/") end--;
  return [path.lastIndexOf("/", end - 1) + 1, end];
}

/** The path of the parent directory; empty for a single name. */
export function parentOf(path: string): string {
  return path.slice(0, lastComponent(path)[0]).replace(/\/+$/, "");
}

/** The path of `name` in the directory `path`, without a leading ".". */
export function joined(path: string, name: string): string {
  return path === "." ? name : path.endsWith("/") ? path + name : `${path}/${name}`;
}

/** A path without "." and doubled slashes. */
export function normalized(path: string): string {
  return checkedPath(path).split("/").filter((name) => name !== "" && name !== ".").join("/") || ".";
}
