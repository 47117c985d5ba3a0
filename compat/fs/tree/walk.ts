/**
 * Goes through trees by descriptors, to list what is in them or to remove it: no path is resolved twice, and to remove, no
 * symlink is followed.
 *
 * @module
 */
import { CapsicumError, type SyscallError } from "../../../ffi/errors.ts";
import { codeOf, serving } from "../../../ffi/failure.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import {
  aBoolean,
  aFunction,
  anInstance,
  aNumber,
  arrayOf,
  aString,
  type Check,
  descriptor,
  type FdLike,
} from "../../../ffi/values.ts";
import { statAt } from "../descriptor.ts";
import { ensureDir, stat } from "../entries.ts";
import { follow, joined, lastComponent, mayBeSymlink, normalized, type Request } from "../path/components.ts";
import { at, openBeneath, resolve } from "../path/resolve.ts";
import { entryOf, type Level, Levels, LISTING } from "./list.ts";
import { inTurns } from "../io/waiting.ts";

/** The options of `Dir.walk`, the same as in `@std/fs`. */
export interface WalkOptions {
  /** How many levels to go down; 0 is the directory itself. Default: no limit. */
  maxDepth?: number;
  /** Whether files are included. Default: true. */
  includeFiles?: boolean;
  /** Whether directories are included. Default: true. */
  includeDirs?: boolean;
  /** Whether symlinks that are not followed are included. Default: true. */
  includeSymlinks?: boolean;
  /**
   * Whether symlinks are followed. A symlink is left out, without an error, if it leads out of the `Dir`, to nothing,
   * in a circle, or to a directory that is being walked. Default: false.
   */
  followSymlinks?: boolean;
  /** Whether the target of a followed symlink is listed by its real path. Default: true. */
  canonicalize?: boolean;
  /** Only paths with one of these extensions are included. The leading dot may be left out. */
  exts?: string[];
  /** Only paths that match one of these are included. */
  match?: RegExp[];
  /** Paths that match one of these are left out; a directory is left out with everything in it. */
  skip?: RegExp[];
  /**
   * Is called with the error and the path of an entry that can't be opened or read, such as a directory without read
   * permission or one that was removed meanwhile. Then the walk goes on; `walk` first awaits a promise that it returns,
   * and `walkSync` throws a TypeError for one. Errors of the directory where the walk begins are always thrown. Default:
   * the first error is thrown.
   */
  onError?: (error: Error, path: string) => unknown;
}

/** A check for each of these options. */
export const WALK_OPTIONS: Readonly<Record<keyof WalkOptions, Check>> = {
  maxDepth: aNumber,
  includeFiles: aBoolean,
  includeDirs: aBoolean,
  includeSymlinks: aBoolean,
  followSymlinks: aBoolean,
  canonicalize: aBoolean,
  exts: arrayOf(aString, "strings"),
  match: arrayOf(anInstance(RegExp), "regular expressions"),
  skip: arrayOf(anInstance(RegExp), "regular expressions"),
  onError: aFunction,
};

/** An entry of `Dir.walk`, the same as in `@std/fs`. */
export interface WalkEntry extends Deno.DirEntry {
  /** The path relative to the `Dir`. */
  path: string;
}

/** Hooks for callers in the library. */
interface WalkHooks {
  /** Whether the walk goes into a directory. */
  goesInto?: (path: string) => boolean;
  /** Whether a path is skipped, in addition to `skip`. */
  isIgnored?: (path: string) => boolean;
  /** Whether `onError` is also called with errors of the root. */
  reportsRoot?: boolean;
}

/** A directory that is being walked. */
interface Walked {
  readonly level: Level;
  /** The start of the path of each entry. */
  readonly prefix: string;
  readonly depth: number;
}

/** Everything below a directory, including the directory itself, with a pause after an error if `onError` asks for it. */
export function* walking(
  dir: FdLike,
  path: string,
  options: WalkOptions,
  { goesInto = () => true, isIgnored = () => false, reportsRoot = false }: WalkHooks = {},
): Generator<WalkEntry | Pause, void, undefined> {
  const { maxDepth = Infinity, includeFiles = true, includeDirs = true, includeSymlinks = true } = options;
  const { followSymlinks = false, canonicalize = true, onError, skip = [] } = options;
  const isWanted = filter(options);
  const isSkipped = (path: string) => isIgnored(path) || skip.some((pattern) => matches(path, pattern));
  const isEnd = (depth: number, path: string) => depth >= maxDepth || isSkipped(path) || !goesInto(path);
  const reporting = (error: unknown, isRoot: boolean) => {
    const path = codeOf(error) === undefined ? undefined : (error as SyscallError).path;
    if (onError === undefined || path === undefined || isRoot && !reportsRoot) throw error;
    return handling(onError, error as Error, path);
  };
  const prefix = normalized(path), root = path.endsWith("/") ? `${prefix}/` : prefix;
  if (maxDepth < 0) return;
  const isRootWanted = includeDirs && isWanted(root);
  let top: { levels: Levels; level: Level };
  try {
    if (isEnd(0, root)) {
      if (isRootWanted) yield { ...directoryEntry(root), ...typeOf(stat(dir, path)) };
      return;
    }
    top = openRoot(dir, path, prefix, followSymlinks);
  } catch (error) {
    return yield* reporting(error, true);
  }
  using levels = top.levels;
  const walked = (level: Level, path: string, depth: number) => ({ level, prefix: joined(path, ""), depth });
  const stack: Walked[] = [walked(top.level, prefix, 0)];
  /** The directory that was yielded last; it is opened once the caller asks for the next entry. */
  let below: { name: string; path: string } | undefined;
  const next = (last: Walked): WalkEntry | undefined => {
    const { level, depth } = last;
    if (below !== undefined) {
      const { name, path } = below;
      below = undefined;
      stack.push(walked(levels.enter(level, name, path), path, depth + 1));
      return undefined;
    }
    const entry = level.next();
    if (entry === undefined) {
      stack.pop();
      levels.leave(level);
      return undefined;
    }
    const { name, type } = entry, path = last.prefix + name;
    if (type === libc.DT_DIR) {
      if (!isEnd(depth + 1, path)) below = { name, path };
      return includeDirs && isWanted(path) ? directoryEntry(path) : undefined;
    }
    if (type !== libc.DT_LNK || !followSymlinks) {
      const isIncluded = type === libc.DT_LNK ? includeSymlinks : includeFiles;
      return isIncluded && isWanted(path) ? { path, ...entryOf(name, type) } : undefined;
    }
    const target = isSkipped(path) ? undefined : openTarget(levels, level, name, path, canonicalize);
    if (target === undefined) return undefined;
    if (target.level === undefined) {
      return includeFiles && isWanted(target.path)
        ? { path: target.path, ...entryOf(name, type) }
        : undefined;
    }
    const { identity } = target.level, isWalked = stack.some(({ level }) => level.identity === identity);
    if (isWalked || isEnd(depth + 1, target.path)) levels.leave(target.level);
    else stack.push(walked(target.level, target.path, depth + 1));
    return !isWalked && includeDirs && isWanted(target.path) ? directoryEntry(target.path) : undefined;
  };
  if (isRootWanted) yield directoryEntry(root);
  for (let last; (last = stack.at(-1)) !== undefined;) {
    let entry: WalkEntry | undefined;
    try {
      entry = next(last);
    } catch (error) {
      const lost = stack.findIndex(({ level }) => level.isLost);
      if (lost >= 0) stack.length = lost;
      yield* reporting(
        error,
        lost === 0 || last === stack[0] && (error as SyscallError).path === levels.request(prefix).path,
      );
    }
    if (entry !== undefined) yield entry;
  }
}

function directoryEntry(path: string): WalkEntry {
  const name = path.slice(...lastComponent(path));
  return { path, name, isFile: false, isDirectory: true, isSymlink: false };
}

function typeOf({ isFile, isDirectory, isSymlink }: Deno.FileInfo): Omit<Deno.DirEntry, "name"> {
  return { isFile, isDirectory, isSymlink };
}

/** The levels of a walk, and the level where it begins. With `followSymlinks` the top level is the `Dir` itself. */
function openRoot(
  dir: FdLike,
  path: string,
  root: string,
  followSymlinks: boolean,
): { levels: Levels; level: Level } {
  const fd = descriptor(dir);
  if (!followSymlinks) {
    const levels = new Levels(openBeneath(dir, path, LISTING), root, dir);
    return { levels, level: levels.top };
  }
  const levels = new Levels(libc.fcntl(fd, libc.F_DUPFD_CLOEXEC, 0), ".", dir);
  try {
    const { above, name } = followed(levels, levels.top, path, {
      ...levels.request(path),
      syscall: "openat",
    });
    return { levels, level: levels.enter(above, name, root) };
  } catch (error) {
    levels[Symbol.dispose]();
    throw error;
  }
}

/** The target of a symlink: its path, and its level if it is a directory; undefined if it is not in the `Dir`. */
function openTarget(
  levels: Levels,
  level: Level,
  name: string,
  path: string,
  canonicalize: boolean,
): { path: string; level?: Level } | undefined {
  const asks = { ...levels.request(path), syscall: "openat" };
  try {
    const { above, name: last } = followed(levels, level, name, asks);
    const names = wayTo(above).map((step) => step.name).concat(last).filter((name) => name !== ".").slice(1);
    const found = canonicalize ? names.join("/") || "." : path;
    if (!statAt(serving(above.fd, asks), last).isDirectory) return { path: found };
    return { path: found, level: levels.enter(above, last, found) };
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(codeOf(error) ?? "") || isEscape(error)) return undefined;
    throw error;
  }
}

function isEscape(error: unknown): boolean {
  return error instanceof CapsicumError && error.reason === "escape";
}

/** Follows a path from a level on; the directories that it passes become levels. */
function followed(levels: Levels, from: Level, path: string, asks: Request): { above: Level; name: string } {
  const { steps, name } = follow(wayTo(from), path, asks, "followed", {
    pass: (above, name, fd) => levels.pass(above as Level, name, fd),
  });
  return { above: steps.at(-1) as Level, name };
}

/** The levels from the top down to `level`. */
function wayTo(level: Level): Level[] {
  const way: Level[] = [];
  for (let at: Level | undefined = level; at !== undefined; at = at.above) if (at.name !== ".") way.push(at);
  return way.reverse();
}

function filter({ exts, match, skip }: WalkOptions): (path: string) => boolean {
  if (!exts && !match && !skip) return () => true;
  const ends = exts?.map((ext) => ext.startsWith(".") ? ext : `.${ext}`);
  return (path) =>
    (!ends || ends.some((end) => path.endsWith(end))) &&
    (!match || match.some((pattern) => matches(path, pattern))) &&
    !skip?.some((pattern) => matches(path, pattern));
}

/** Whether a pattern matches in a path. Unlike `test()`, `search()` ignores `lastIndex`. */
function matches(path: string, pattern: RegExp): boolean {
  return path.search(pattern) >= 0;
}

/** A check for each option of `Dir.remove`. */
export const REMOVE_OPTIONS: Readonly<Record<keyof Deno.RemoveOptions, Check>> = { recursive: aBoolean };

/** How often a directory is listed again if it is not empty after all its names were removed. */
const PASSES = 8;

/** Removes a file, a symlink or an empty directory. This needs UNLINKAT only, because the kernel finds the type. */
export function remove(dir: FdLike, path: string): void {
  at(dir, path, { syscall: "unlinkat" }, removeName);
}

/** Removes a tree; yields after each name. */
export function* removing(dir: FdLike, path: string): Generator<void, void, undefined> {
  const place = resolve(dir, path, { syscall: "unlinkat", isKept: true });
  using levels = new Levels(place.fd, path, dir);
  const { top } = levels;
  try {
    return removeName(place, place.name);
  } catch (error) {
    if (codeOf(error) !== "ENOTEMPTY") throw error;
  }
  try {
    for (let pass = 1;; pass++) {
      const root = levels.enter(top, place.name, path);
      yield* emptyLevel(levels, root);
      if (removeLevel(levels, root, pass)) return;
    }
  } catch (error) {
    if (codeOf(error) !== "ENOENT" || !isRemoved(top, place.name)) throw error;
  }
}

/** Whether another process has removed a directory. Tries to remove it. */
function isRemoved(above: Level, name: string): boolean {
  try {
    removeName(above, name);
    return true;
  } catch (error) {
    return codeOf(error) === "ENOENT";
  }
}

/** Removes everything in a directory; makes the directory if it does not exist. */
export function* emptying(dir: FdLike, path: string): Generator<void, void, undefined> {
  let fd: number;
  try {
    fd = openBeneath(dir, path, LISTING);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return ensureDir(dir, path);
  }
  using levels = new Levels(fd, normalized(path), dir);
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
        else removeName(level, entry.name);
      } else {
        stack.pop();
        if (level !== root && !removeLevel(levels, level, pass)) {
          stack.push({ level: levels.enter(level.above!, level.name, level.path), pass: pass + 1 });
        }
      }
    } catch (error) {
      // Another process has removed or replaced the entry: the next listing shows it.
      if (!isGone(error) || (error as SyscallError).path === levels.request(root.path).path) throw error;
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
    libc.unlinkat(serving(level.above!.fd, levels.request(level.path)), level.name, libc.AT_REMOVEDIR);
    return true;
  } catch (error) {
    if (codeOf(error) !== "ENOTEMPTY" || pass === PASSES) throw error;
    return false;
  }
}

function isGone(error: unknown): boolean {
  return codeOf(error) === "ENOENT" || codeOf(error) === "ESTALE" || mayBeSymlink(error);
}

function removeName(fd: FdLike, name: string): void {
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

/** Is called with an error and the path of its entry. */
export type OnError = (error: Error, path: string) => unknown;

/** A step of a walk that ends once a promise is fulfilled. */
export class Pause {
  readonly promise: PromiseLike<unknown>;

  constructor(promise: PromiseLike<unknown>) {
    this.promise = promise;
  }
}

/** Calls `onError`, and yields a pause if it returns a promise. */
export function* handling(onError: OnError, error: Error, path: string): Generator<Pause, void, undefined> {
  const result = onError(error, path);
  if (isPromise(result)) yield new Pause(result);
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** The other steps. @param call The function that runs them, for errors. */
export function* withoutPauses<T>(call: string, steps: Iterable<T | Pause>): Generator<T, void, undefined> {
  for (const step of steps) {
    if (step instanceof Pause) {
      const twin = call.replace("Sync", "");
      throw new TypeError(`${call}: onError returned a promise, which only ${twin} awaits.`);
    }
    yield step;
  }
}

/** The other steps, in turns with the event loop; each pause ends before the next step starts. */
export async function* afterPauses<T>(steps: Iterable<T | Pause>): AsyncGenerator<T, void, undefined> {
  for await (const step of inTurns(steps)) {
    if (step instanceof Pause) await step.promise;
    else yield step;
  }
}
