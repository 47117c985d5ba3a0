/**
 * Paths that stay beneath a directory, whatever the kernel does about it and whatever changes during the call.
 *
 * The calls that act on names, as unlinkat(2), have no flag that keeps a path beneath its directory, or ignore it. They
 * get one component and the descriptor of the directory that it is in. That directory is opened by one call where the
 * kernel confines lookups, and else step by step, no step following a symlink.
 *
 * @module
 */
import { abi } from "../../../ffi/system.ts";
import type { SyscallError } from "../../../ffi/errors.ts";
import { ESCAPE, failure, retell } from "../../../ffi/failure.ts";
import { descriptor, type FdLike } from "../../../ffi/fd_like.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { decodeName } from "../../../ffi/names.ts";
import { closePassed } from "../_close.ts";
import { isLimited } from "../metadata/held.ts";
import { checkedPath, lastComponent } from "./components.ts";

const MAX_SYMLINKS = 32;
const DIRECTORY = libc.O_PATH | libc.O_DIRECTORY | libc.O_CLOEXEC;

/** Acts on a name in a directory: one component, "." included, that the call must not follow. */
export type Use<T> = (fd: number, name: string) => T;

/** A directory on the way: its descriptor, and its name in the one before. */
export interface Step {
  readonly fd: number;
  readonly name: string;
}

/** Takes over the descriptor of a directory that is passed, and gives the step that stands for it. */
export type Keep = (above: Step, name: string, fd: number) => Step;

/** Whether the kernel keeps a lookup with O_RESOLVE_BENEATH in the directory; of a mere number it is not known. */
export function confines(dir: FdLike): boolean {
  return abi().confinesLookups?.() ?? (dir as { readonly confined?: unknown } | null)?.confined === true;
}

/**
 * Acts on what a path names, where a last symlink counts itself.
 *
 * A trailing slash asks for a directory and no symlink, unless the name `isNew`.
 */
export function at<T>(dir: FdLike, path: string, syscall: string, use: Use<T>, isNew = false): T {
  const fd = descriptor(dir);
  checkedPath(path);
  if (path !== ".." && !path.includes("/")) return use(fd, path);
  if (path.startsWith("/")) throw leaves({ fd, path, syscall });
  const confined = confines(dir);
  // One right more than the call needs would be one too many: a limited directory looks up strictly beneath itself.
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
 * Acts on what a path names, a last symlink followed, in a directory that the kernel does not confine.
 *
 * The name was no symlink a moment ago: the call must not follow it.
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
 * Goes from a directory to where a path leads, every symlink followed, and gives the directories passed and the name.
 *
 * The first of `start` is the directory that the path stays beneath, the last the one that it is relative to. What it
 * opens is closed when `use` returns, unless `keep` takes it over.
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

/** The text of a symlink; undefined where it is none, or nothing. */
export function symlinkAt(fd: number, name: string): string | undefined {
  try {
    return readLinkAt(fd, name);
  } catch (error) {
    if (["EINVAL", "ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

/** The text of a symlink. */
export function readLinkAt(fd: number, name: string): string {
  for (let size = 256;; size *= 4) {
    const buffer = new Uint8Array(size);
    const length = libc.readlinkat(fd, name, buffer);
    if (length < size) return decodeName(buffer.subarray(0, length));
  }
}

/** The name of a failed call's errno. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as Partial<SyscallError>).code : undefined;
}

/** Whether a call with O_NOFOLLOW failed for a symlink, or may have. */
export function mayBeSymlink(error: unknown): boolean {
  return ["EMLINK", "ELOOP", "ENOTDIR"].includes(codeOf(error) ?? "");
}

/**
 * Makes a call that must not follow a symlink on a name that was none a moment ago, and says so where it is one now.
 *
 * What can't be done to a symlink itself is EOPNOTSUPP.
 */
export function unfollowed<T>(fd: number, name: string, syscall: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (codeOf(error) !== "EOPNOTSUPP" || symlinkAt(fd, name) === undefined) throw error;
    throw loop({ fd, path: name, syscall }, "a symlink took its place during the call, and is not followed");
  }
}

/** The call that an error speaks of, as the caller knows it. */
export interface Told {
  readonly fd: number;
  readonly path: string;
  readonly syscall: string;
}

/** Runs `use` with a descriptor of the directory that `path` names, the directory itself for no path. */
function inDirectory<T>(fd: number, path: string, confined: boolean, told: Told, use: (fd: number) => T): T {
  if (path === "") return use(fd);
  if (!confined) {
    // With a last ".", every symlink on the way is followed and the end is a directory.
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

/** The descriptor of a directory, or the text of the symlink that stands in its place. */
function openStep(fd: number, name: string): number | string {
  try {
    return libc.openat(fd, name, DIRECTORY | libc.O_NOFOLLOW);
  } catch (error) {
    const target = mayBeSymlink(error) ? symlinkAt(fd, name) : undefined;
    if (target === undefined) throw error;
    return target;
  }
}

/** Refuses what is no directory, a symlink to one too. */
export function checkDirectory(fd: number, name: string): void {
  libc.close(libc.openat(fd, name, DIRECTORY | libc.O_NOFOLLOW));
}

/** Lets the error of a call on (fd, name) speak of the path that the caller gave. */
export function renaming<T>(told: Told, fd: number, name: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    retell(error, (call) => {
      const isFirst = call.path === name && call.fd === fd;
      // A right that only opening a directory on the way needs is told as that.
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
