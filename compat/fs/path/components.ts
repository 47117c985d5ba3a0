/**
 * Paths as text and their components, and {@link follow}: the lookup of a path component by component, where the kernel
 * does not keep it beneath its directory.
 *
 * Each directory on the path is opened by a single name from the one before, and no call follows a symlink: its target
 * is read, and its components come next. A ".." goes back to the directory that was passed before, not to the one that
 * the kernel finds there, so moving a directory meanwhile leads nowhere else.
 *
 * @module
 */
import { type Asked, codeOf, ESCAPE, failure, serving } from "../../../ffi/failure.ts";
import { decodeName, encodeName, type FdLike } from "../../../ffi/values.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { quoted, shown } from "../../../ffi/errors.ts";

const MAX_SYMLINKS = 32;
/** The flags to open a directory for lookups only. */
export const DIRECTORY: number = libc.O_PATH | libc.O_DIRECTORY | libc.O_CLOEXEC;

/** What the caller asked for, with the call that serves it. */
export interface Request extends Asked {
  readonly syscall: string;
}

/** A directory on the path: its descriptor, and its name in the directory before. */
export interface Step {
  readonly fd: number;
  readonly name: string;
}

/** The directories that were opened on the way. */
export interface Way {
  /** Takes over the descriptor of a directory, and returns the step for it. */
  pass(above: Step, name: string, fd: number): Step;
  /** Gives up the last step at a "..". */
  leave?(step: Step): void;
}

/**
 * Follows a path from a directory on, which is the last of `start`. The path stays beneath the first one.
 *
 * @param end What a symlink at the end is: a name, or followed.
 */
export function follow(
  start: readonly Step[],
  path: string,
  request: Request,
  end: "name" | "followed",
  way: Way,
): { steps: Step[]; name: string } {
  const steps = [...start], rest: string[] = [];
  const push = (path: string) => {
    if (path.startsWith("/")) throw leaves(request);
    const names = path.split("/").filter((name) => name !== "");
    if (path.endsWith("/")) names.push(".");
    for (const name of names.reverse()) rest.push(name);
  };
  let links = 0;
  const expand = (target: string) => {
    if (++links > MAX_SYMLINKS) throw loop(request, `more than ${MAX_SYMLINKS} symlinks`);
    push(target);
  };
  push(checkedPath(path));
  for (;;) {
    const name = rest.pop()!, isLast = rest.length === 0, last = steps.at(-1)!;
    if (name === "..") {
      if (steps.length === 1) throw leaves(request);
      steps.pop();
      way.leave?.(last);
    } else if (name !== "." && !isLast) {
      const next = openStep(serving(last.fd, request), name);
      if (typeof next === "string") expand(next);
      else steps.push(way.pass(last, name, next));
    } else if (name !== ".") {
      const target = end === "name" ? undefined : symlinkAt(serving(last.fd, request), name);
      if (target === undefined) return { steps, name };
      expand(target);
      continue;
    }
    if (isLast) return { steps, name: "." };
  }
}

/** The descriptor of a directory, or the target if the name is a symlink. */
function openStep(on: FdLike, name: string): number | string {
  try {
    return libc.openat(on, name, DIRECTORY | libc.O_NOFOLLOW);
  } catch (error) {
    const target = mayBeSymlink(error) ? symlinkAt(on, name) : undefined;
    if (target === undefined) throw error;
    return target;
  }
}

/** The target of a symlink; undefined if the name is not a symlink or does not exist. */
export function symlinkAt(on: FdLike, name: string): string | undefined {
  try {
    return readLinkAt(on, name);
  } catch (error) {
    if (["EINVAL", "ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

/** The target of a symlink. */
export function readLinkAt(on: FdLike, name: string): string {
  for (let size = 256;; size *= 4) {
    const buffer = new Uint8Array(size);
    const length = libc.readlinkat(on, name, buffer);
    if (length < size) return decodeName(buffer.subarray(0, length));
  }
}

/** Whether a call with O_NOFOLLOW may have failed because of a symlink. */
export function mayBeSymlink(error: unknown): boolean {
  return ["EMLINK", "ELOOP", "ENOTDIR"].includes(codeOf(error) ?? "");
}

/** The error of a path that leaves its directory. */
export function leaves(request: Request): Error {
  return failure(request, "ENOTCAPABLE", ESCAPE, { reason: "escape" });
}

/** The error of a symlink that is not followed. */
export function loop(request: Request, why: string): Error {
  return failure(request, "ELOOP", `${why} (ELOOP).`);
}

/** The text of paths: what is checked before a path goes to system calls, and how it splits into components. */

/**
 * The path that a `file:` URL names, decoded as Deno decodes it, or the path itself.
 *
 * @param call The calling function, for errors.
 * @throws {TypeError} If the URL is not a `file:` URL, names a host, or its escapes are not UTF-8.
 */
export function pathOf(path: string | URL, call?: string): string {
  if (!(path instanceof URL)) return path;
  try {
    // A "%" that does not start an escape stands for itself.
    if (path.protocol === "file:" && path.hostname === "") {
      return decodeURIComponent(path.pathname.replace(/%(?![0-9A-Fa-f]{2})/g, "%25"));
    }
  } catch (cause) {
    throw badPath(call, "A path must be a string or a file: URL, whose escapes are UTF-8.", cause);
  }
  throw badPath(call, `A path must be a string or a file: URL of this machine, not ${shown(path.href)}.`);
}

/**
 * The path that {@link pathOf} gives, if a system call can take it.
 *
 * @param call The calling function, for errors.
 * @throws {TypeError} If it is not a string, is empty or has a NUL.
 */
export function ambientPath(path: string | URL, call?: string): string {
  if (typeof path === "string" || path instanceof URL) return checkedPath(pathOf(path, call), call);
  throw badPath(call, `A path must be a string or a file: URL, not ${shown(path)}.`);
}

/**
 * The path, checked as a whole before its components go to system calls.
 *
 * @param call The calling function, for errors.
 * @throws {TypeError} If it is not a string, is empty, or has a NUL or a lone surrogate that does not stand for a byte.
 */
export function checkedPath(path: string, call?: string): string {
  if (typeof path !== "string") throw badPath(call, `A path must be a string, not ${shown(path)}.`);
  if (path === "") throw badPath(call, 'The path "" is empty: write "." for the directory itself.');
  if (path.includes("\0")) {
    throw badPath(call, `The path ${quoted(path)} has a NUL character, which ends a path in C.`);
  }
  if (path.isWellFormed()) return path;
  // A bad later component must be refused before the kernel sees the first.
  try {
    encodeName(path);
    return path;
  } catch (error) {
    throw badPath(call, (error as Error).message);
  }
}

function badPath(call: string | undefined, message: string, cause?: unknown): TypeError {
  const text = call === undefined ? message : `${call}: ${message[0]!.toLowerCase()}${message.slice(1)}`;
  return new TypeError(text, cause === undefined ? undefined : { cause });
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
