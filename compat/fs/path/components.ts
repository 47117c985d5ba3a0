/** The text of paths: what is checked before a path goes to system calls, and how it splits into components. */
import { quoted, shown } from "../../../ffi/errors.ts";
import { encodeName } from "../../../ffi/values.ts";

/**
 * The path that a `file:` URL names, decoded as Deno decodes it, or the path itself.
 *
 * @throws {TypeError} If the URL is not a `file:` URL, names a host, or its escapes are not UTF-8.
 */
export function pathOf(path: string | URL): string {
  if (!(path instanceof URL)) return path;
  try {
    // A "%" that does not start an escape stands for itself.
    if (path.protocol === "file:" && path.hostname === "") {
      return decodeURIComponent(path.pathname.replace(/%(?![0-9A-Fa-f]{2})/g, "%25"));
    }
  } catch (cause) {
    throw new TypeError("A path must be a string or a file: URL, whose escapes are UTF-8.", { cause });
  }
  throw new TypeError(`A path must be a string or a file: URL of this machine, not ${shown(path.href)}.`);
}

/**
 * The path that {@link pathOf} gives, if a system call can take it.
 *
 * @throws {TypeError} If it is not a string, is empty or has a NUL.
 */
export function ambientPath(path: string | URL): string {
  return checkedPath(pathOf(path));
}

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

/** Whether a path is a single name in its directory: no lookup of it leaves the directory, if no symlink is followed. */
export function isName(path: string): boolean {
  return path !== ".." && !path.includes("/");
}

/** Whether a path ends in a name that a new file can have. */
export function canBeFile(path: string): boolean {
  return !["", ".", ".."].includes(path.slice(path.lastIndexOf("/") + 1));
}

/**
 * The directory of a path and the name in it, without the slashes that may follow.
 *
 * The name is "." if the path ends in "." or "..", and the directory is empty for a single name.
 */
export function split(path: string): { parent: string; name: string; hasSlash: boolean } {
  const [start, end] = lastComponent(path), name = path.slice(start, end), hasSlash = end < path.length;
  if (name === "." || name === "..") return { parent: path, name: ".", hasSlash: false };
  return { parent: path.slice(0, start), name, hasSlash };
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
