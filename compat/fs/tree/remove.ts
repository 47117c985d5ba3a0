/** Removes names, and trees by descriptors: no symlink is followed, and no path is resolved twice. */
import type { SyscallError } from "../../../ffi/errors.ts";
import { descriptor, type FdLike } from "../../../ffi/values.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { mkdir } from "../make.ts";
import { openBeneath } from "../open.ts";
import { aBoolean, type Check } from "../options.ts";
import { normalized } from "../path/components.ts";
import { Place } from "../path/place.ts";
import { at, codeOf, mayBeSymlink } from "../path/resolve.ts";
import { type Level, Levels } from "./levels.ts";
import { LISTING } from "./list.ts";

/** A check for each option of `Dir.remove`. */
export const REMOVE_OPTIONS: Readonly<Record<keyof Deno.RemoveOptions, Check>> = { recursive: aBoolean };

/** How often a directory is listed again if it is not empty after all its names were removed. */
const PASSES = 8;

/** Removes a file, a symlink or an empty directory. This needs UNLINKAT only, because the kernel finds the type. */
export function remove(dir: FdLike, path: string): void {
  at(dir, path, "unlinkat", removeName);
}

/** Removes a tree; yields after each name. */
export function* removing(dir: FdLike, path: string): Generator<void, void, undefined> {
  const place = new Place(dir, path, "unlinkat");
  using levels = new Levels(place.fd, path, descriptor(dir));
  const { top } = levels;
  try {
    return levels.naming(top, (fd) => removeName(fd, place.name), path);
  } catch (error) {
    if (codeOf(error) !== "ENOTEMPTY") throw error;
  }
  for (let pass = 1;; pass++) {
    const root = levels.enter(top, place.name, path);
    yield* emptyLevel(levels, root);
    if (removeLevel(levels, root, pass)) return;
  }
}

/** Removes everything in a directory; makes the directory if it does not exist. */
export function* emptying(dir: FdLike, path: string): Generator<void, void, undefined> {
  let fd: number;
  try {
    fd = openBeneath(dir, path, LISTING);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return mkdir(dir, path, { recursive: true });
  }
  using levels = new Levels(fd, normalized(path), descriptor(dir));
  for (let pass = 1; pass <= PASSES; pass++) {
    const root = levels.enter(levels.top, ".", levels.top.path);
    const isEmpty = !(yield* emptyLevel(levels, root));
    levels.leave(root);
    if (isEmpty) return;
  }
}

/** Removes the entries of one listing of a directory, and returns whether there were any. */
function* emptyLevel(levels: Levels, root: Level): Generator<void, boolean, undefined> {
  const stack = [{ level: root, pass: 1 }];
  let any = false;
  for (let last; (last = stack.at(-1)) !== undefined;) {
    const { level, pass } = last;
    try {
      const entry = level.next();
      if (entry !== undefined) {
        any = true;
        if (entry.type === libc.DT_DIR) stack.push({ level: levels.enter(level, entry.name), pass: 1 });
        else levels.naming(level, (fd) => removeName(fd, entry.name));
      } else {
        stack.pop();
        if (level !== root && !removeLevel(levels, level, pass)) {
          stack.push({ level: levels.enter(level.above!, level.name, level.path), pass: pass + 1 });
        }
      }
    } catch (error) {
      // Another process has removed or replaced the entry: the next listing shows it.
      if (!isGone(error) || (error as SyscallError).path === root.path) throw error;
      const lost = stack.findIndex(({ level }) => level.isLost);
      if (lost >= 0) stack.length = lost;
    }
    yield;
  }
  return any;
}

/** Removes a directory that was emptied; returns false if it is not empty. */
function removeLevel(levels: Levels, level: Level, pass: number): boolean {
  levels.leave(level);
  try {
    levels.naming(level.above!, (fd) => libc.unlinkat(fd, level.name, libc.AT_REMOVEDIR), level.path);
    return true;
  } catch (error) {
    if (codeOf(error) !== "ENOTEMPTY" || pass === PASSES) throw error;
    return false;
  }
}

function isGone(error: unknown): boolean {
  return codeOf(error) === "ENOENT" || codeOf(error) === "ESTALE" || mayBeSymlink(error);
}

function removeName(fd: number, name: string): void {
  try {
    libc.unlinkat(fd, name, 0);
  } catch (error) {
    if (!mayBeDirectory(error)) throw error;
    try {
      libc.unlinkat(fd, name, libc.AT_REMOVEDIR);
    } catch (second) {
      throw codeOf(second) === "ENOTDIR" ? error : second;
    }
  }
}

/** The error of unlinkat() for a directory: EPERM on FreeBSD, EISDIR on Linux. */
function mayBeDirectory(error: unknown): boolean {
  return codeOf(error) === "EPERM" || codeOf(error) === "EISDIR";
}
