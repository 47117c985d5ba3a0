import { quoted, shown } from "../../../ffi/message.ts";
import { encodeName } from "../../../ffi/names.ts";

/**
 * A path that is taken apart before a system call sees it.
 *
 * @throws {TypeError} If it is no string, is empty, has a NUL or a lone surrogate that stands for no byte.
 */
export function checkedPath(path: string): string {
  if (typeof path !== "string") throw new TypeError(`A path is a string, not ${shown(path)}.`);
  if (path === "") throw new TypeError('The path "" is empty: write "." for the directory itself.');
  if (path.includes("\0")) {
    throw new TypeError(`The path ${quoted(path)} has a NUL character, which ends a path in C.`);
  }
  // What the kernel would get of a later component is checked before it sees the first.
  if (!path.isWellFormed()) encodeName(path);
  return path;
}

/** Where the last component of a path begins and ends, which may be followed by slashes. */
export function lastComponent(path: string): [start: number, end: number] {
  let end = path.length;
  while (end > 1 && path[end - 1] === "/") end--;
  return [path.lastIndexOf("/", end - 1) + 1, end];
}

/** The path of the directory that a path is in; empty for that which it is relative to. */
export function parentOf(path: string): string {
  return path.slice(0, lastComponent(path)[0]).replace(/\/+$/, "");
}

/** The path of `name` in the directory `path`, where "." is left out. */
export function joined(path: string, name: string): string {
  return path === "." ? name : path.endsWith("/") ? path + name : `${path}/${name}`;
}

/** A path without "." and doubled slashes. */
export function normalized(path: string): string {
  return checkedPath(path).split("/").filter((name) => name !== "" && name !== ".").join("/") || ".";
}
