/**
 * Keeps paths beneath a directory on every kernel, even if the tree changes during the call.
 *
 * Calls that act on names, such as unlinkat(2), have no flag that keeps a path beneath its directory, or ignore the
 * flag. So they get a single component and a descriptor of its directory. That directory is opened in one call if the
 * kernel confines lookups. Else it is opened component by component, and no call follows a symlink.
 *
 * @module
 */
import { abi } from "../../../ffi/system.ts";
import type { SyscallError } from "../../../ffi/errors.ts";
import { ESCAPE, failure, retell } from "../../../ffi/failure.ts";
import { decodeName, descriptor, type FdLike } from "../../../ffi/values.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { closePassed, isLimited } from "../descriptor.ts";
import { checkedPath, lastComponent } from "./components.ts";

const MAX_SYMLINKS = 32;
const DIRECTORY = libc.O_PATH | libc.O_DIRECTORY | libc.O_CLOEXEC;

/** Acts on a name in a directory: one component or ".". The call must not follow a symlink. */
export type Use<T> = (fd: number, name: string) => T;

/** A directory on the path: its descriptor, and its name in the directory before. */
export interface Step {
  readonly fd: number;
  readonly name: string;
}

/** Takes over the descriptor of a directory on the path, and returns the step for it. */
export type Keep = (above: Step, name: string, fd: number) => Step;

/** Whether the kernel keeps a lookup with O_RESOLVE_BENEATH in the directory; for a bare number this is unknown. */
export function confines(dir: FdLike): boolean {
  return abi().confinesLookups?.() ?? (dir as { readonly confined?: unknown } | null)?.confined === true;
}

/**
 * Acts on the file that a path names; a symlink at the end is not followed.
 *
 * With a trailing slash, it must be a directory and not a symlink, unless the name `isNew`.
 */
export function at<T>(dir: FdLike, path: string, syscall: string, use: Use<T>, isNew = false): T {
  const fd = descriptor(dir);
  checkedPath(path);
  if (path !== ".." && !path.includes("/")) return use(fd, path);
  if (path.startsWith("/")) throw leaves({ fd, path, syscall });
  const confined = confines(dir);
  // Opening the parent needs more rights than the call, and lookups through a limited directory stay beneath it anyway.
  if (confined && isLimited(fd)) return use(fd, path);
  const [start, end] = lastComponent(path), name = path.slice(start, end);
  const isDots = name === "." || name === "..";
  const told = { fd, path, syscall };
  return inDirectory(fd, isDots ? path : path.slice(0, start), confined, told, (parent) => {
    const last = isDots ? "." : name;
    return renaming(told, parent, last, () => {
      if (end < path.length && !isDots && !isNew) checkDirectory(parent, name);
      return use(parent, last);
    });
  });
}

/**
 * Acts on the file that a path names, in a directory that the kernel does not confine. Follows a symlink at the end.
 *
 * The name that `use` gets may have become a symlink since it was checked, so the call must not follow symlinks.
 */
export function followed<T>(dir: FdLike, path: string, syscall: string, use: Use<T>): T {
  const fd = descriptor(dir);
  return follow(
    [{ fd, name: "" }],
    path,
    { fd, path, syscall },
    (steps, name) => use(steps.at(-1)!.fd, name),
  );
}

/**
 * Resolves a path from a directory on, follows every symlink, and passes the directories on the path and the last name.
 *
 * The path stays beneath the first directory of `start`, and is relative to the last. The directories that it opens are
 * closed when `use` returns, unless `keep` takes them over.
 */
export function follow<T>(
  start: readonly Step[],
  path: string,
  told: Told,
  use: (steps: Step[], name: string) => T,
  keep?: Keep,
): T {
  const found = (steps: Step[], name: string) =>
    renaming(told, steps.at(-1)!.fd, name, () => use(steps, name));
  return walk(start, checkedPath(path), told, "follow", found, keep);
}

/** The target of a symlink; undefined if the name is not a symlink or does not exist. */
export function symlinkAt(fd: number, name: string): string | undefined {
  try {
    return readLinkAt(fd, name);
  } catch (error) {
    if (["EINVAL", "ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

/** The target of a symlink. */
export function readLinkAt(fd: number, name: string): string {
  for (let size = 256;; size *= 4) {
    const buffer = new Uint8Array(size);
    const length = libc.readlinkat(fd, name, buffer);
    if (length < size) return decodeName(buffer.subarray(0, length));
  }
}

/** The errno of a failed call, by name. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as Partial<SyscallError>).code : undefined;
}

/** Whether a call with O_NOFOLLOW may have failed because of a symlink. */
export function mayBeSymlink(error: unknown): boolean {
  return ["EMLINK", "ELOOP", "ENOTDIR"].includes(codeOf(error) ?? "");
}

/**
 * Makes a call that must not follow a symlink, and throws ELOOP if the name has become a symlink since it was checked.
 *
 * The call itself fails with EOPNOTSUPP if it can't act on a symlink.
 */
export function unfollowed<T>(fd: number, name: string, syscall: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (codeOf(error) !== "EOPNOTSUPP" || symlinkAt(fd, name) === undefined) throw error;
    throw loop({ fd, path: name, syscall }, "a symlink took its place during the call, and is not followed");
  }
}

/** The call and the path that an error names: those of the caller. */
export interface Told {
  readonly fd: number;
  readonly path: string;
  readonly syscall: string;
}

/** Runs `use` with a descriptor of the directory `path`; if `path` is empty, with `fd` itself. */
function inDirectory<T>(fd: number, path: string, confined: boolean, told: Told, use: (fd: number) => T): T {
  if (path === "") return use(fd);
  if (!confined) {
    // The "." at the end makes the last name a directory on the path, which may be a symlink.
    return walk([{ fd, name: "" }], `${path}/.`, told, "keep", (steps) => use(steps.at(-1)!.fd));
  }
  const parent = renaming(told, fd, path, () => libc.openat(fd, path, DIRECTORY | libc.O_RESOLVE_BENEATH));
  try {
    return use(parent);
  } finally {
    closePassed([parent]);
  }
}

function walk<T>(
  start: readonly Step[],
  path: string,
  told: Told,
  last: "follow" | "keep",
  use: (steps: Step[], name: string) => T,
  keep?: Keep,
): T {
  const steps = [...start], held = new Set<number>();
  const pass = keep ?? ((_, name, fd) => (held.add(fd), { fd, name }));
  const rest: string[] = [];
  const push = (path: string) => {
    if (path.startsWith("/")) throw leaves(told);
    const names = path.split("/").filter((name) => name !== "");
    if (path.endsWith("/")) names.push(".");
    for (const name of names.reverse()) rest.push(name);
  };
  let links = 0;
  const expand = (target: string) => {
    if (++links > MAX_SYMLINKS) throw loop(told, `more than ${MAX_SYMLINKS} symlinks`);
    push(target);
  };
  try {
    push(path);
    for (;;) {
      const name = rest.pop()!, { fd } = steps.at(-1)!;
      const isLast = rest.length === 0;
      if (name === "..") {
        if (steps.length === 1) throw leaves(told);
        steps.pop();
        if (held.delete(fd)) closePassed([fd]);
      } else if (name !== "." && !isLast) {
        const next = renaming(told, fd, name, () => openStep(fd, name));
        if (typeof next === "string") expand(next);
        else steps.push(pass(steps.at(-1)!, name, next));
      } else if (name !== "." && isLast) {
        const target = last === "follow" ? renaming(told, fd, name, () => symlinkAt(fd, name)) : undefined;
        if (target === undefined) return use(steps, name);
        expand(target);
        continue;
      }
      if (isLast && (name === "." || name === "..")) return use(steps, ".");
    }
  } finally {
    closePassed(held);
  }
}

/** The descriptor of a directory, or the target if the name is a symlink. */
function openStep(fd: number, name: string): number | string {
  try {
    return libc.openat(fd, name, DIRECTORY | libc.O_NOFOLLOW);
  } catch (error) {
    const target = mayBeSymlink(error) ? symlinkAt(fd, name) : undefined;
    if (target === undefined) throw error;
    return target;
  }
}

/** Throws unless `name` is a directory; a symlink to a directory does not count. */
export function checkDirectory(fd: number, name: string): void {
  libc.close(libc.openat(fd, name, DIRECTORY | libc.O_NOFOLLOW));
}

/** Makes a call on (fd, name); its error names the path that the caller gave. */
export function renaming<T>(told: Told, fd: number, name: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    retell(error, (call) => {
      const isFirst = call.path === name && call.fd === fd;
      // If opening a directory on the path lacks a right, the error keeps "openat".
      const isOnTheWay = isFirst && call.syscall === "openat" && codeOf(error) !== "ENOTCAPABLE";
      return {
        ...(isFirst ? { path: told.path, fd: told.fd } : {}),
        ...(isOnTheWay ? { syscall: told.syscall } : {}),
        ...(call.toPath === name && call.toFd === fd ? { toPath: told.path, toFd: told.fd } : {}),
      };
    });
    throw error;
  }
}

function leaves(call: Told): Error {
  return failure(call, "ENOTCAPABLE", ESCAPE, { reason: "escape" });
}

function loop(call: Told, why: string): Error {
  return failure(call, "ELOOP", `${why} (ELOOP).`);
}
