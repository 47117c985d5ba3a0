/** Walks trees by descriptors, one for each level: nothing is resolved from the top again. */
import { descriptor, type FdLike } from "../../ffi/fd_like.ts";
import type { DirectoryChunk } from "../../ffi/abi/abi.ts";
import * as libc from "../../ffi/libc.ts";
import { stat } from "./attributes.ts";
import { closeAll } from "./_close.ts";
import { entryOf, LISTING, readTypedChunk } from "./list.ts";
import { openBeneath } from "./open.ts";
import { checkedPath, lastComponent } from "./_path.ts";
import { follow, renaming, type Step } from "./_resolve.ts";
import { statAt, statOf } from "./_stat.ts";

/** The options of `Dir.walk`, as those of `@std/fs`. */
export interface WalkOptions {
  /** How many levels to go down; 0 is the directory itself. Default: no end. */
  maxDepth?: number;
  /** Whether files are given. Default: true. */
  includeFiles?: boolean;
  /** Whether directories are given. Default: true. */
  includeDirs?: boolean;
  /** Whether symlinks are given, where they are not followed. Default: true. */
  includeSymlinks?: boolean;
  /** Whether symlinks are followed, as far as they stay in the `Dir`. Default: false. */
  followSymlinks?: boolean;
  /** Whether what a followed symlink leads to has the path that it has without symlinks. Default: true. */
  canonicalize?: boolean;
  /** Only paths that end so are given. A dot is added where there is none. */
  exts?: string[];
  /** Only paths that match one of these are given. */
  match?: RegExp[];
  /** Paths that match one of these are neither given nor gone into. */
  skip?: RegExp[];
}

/** What `Dir.walk` gives, as that of `@std/fs`. */
export interface WalkEntry extends Deno.DirEntry {
  /** The path relative to the `Dir`. */
  path: string;
}

/** A directory that is being walked. */
interface Level {
  readonly fd: number;
  /** What the path of each of its entries begins with. */
  readonly prefix: string;
  readonly depth: number;
  chunk: DirectoryChunk | undefined;
  /** The next entry of the chunk. */
  next: number;
  /** With `followSymlinks`, the directories on the way from the `Dir`, this one included. */
  readonly steps: readonly Step[];
  /** What is closed with the level. */
  readonly owned: readonly number[];
}

export function* walking(
  dir: FdLike,
  path: string,
  options: WalkOptions,
  goesInto: (path: string) => boolean = () => true,
  isIgnored: (path: string) => boolean = () => false,
): Generator<WalkEntry, void, undefined> {
  const { maxDepth = Infinity, includeFiles = true, includeDirs = true, includeSymlinks = true } = options;
  const { followSymlinks = false, canonicalize = true } = options;
  const isWanted = filter(options), { skip = [] } = options;
  const isSkipped = (path: string) => isIgnored(path) || skip.some((pattern) => path.match(pattern));
  const isEnd = (depth: number, path: string) => depth >= maxDepth || isSkipped(path) || !goesInto(path);
  const prefix = normalized(path), root = path.endsWith("/") ? `${prefix}/` : prefix;
  if (maxDepth < 0) return;
  const isRootWanted = includeDirs && isWanted(root);
  if (isEnd(0, root)) {
    if (isRootWanted) yield { ...directoryEntry(root), ...typeOf(stat(dir, path)) };
    return;
  }
  const levels: Level[] = [];
  try {
    levels.push(openRoot(dir, path, prefix, followSymlinks));
    if (isRootWanted) yield directoryEntry(root);
    for (let level; (level = levels.at(-1)) !== undefined;) {
      if (level.chunk === undefined || level.next === level.chunk.names.length) {
        level.chunk = readTypedChunk(level.fd);
        level.next = 0;
        if (level.chunk === undefined) close(levels.pop()!);
        continue;
      }
      const name = level.chunk.names[level.next]!, type = level.chunk.types[level.next++]!;
      const path = level.prefix + name;
      if (type === libc.DT_DIR) {
        if (includeDirs && isWanted(path)) yield directoryEntry(path);
        if (!isEnd(level.depth + 1, path)) {
          levels.push(openBelow(level, name, path, followSymlinks));
        }
      } else if (type !== libc.DT_LNK) {
        if (includeFiles && isWanted(path)) yield { path, ...entryOf(name, type) };
      } else if (!followSymlinks) {
        if (includeSymlinks && isWanted(path)) yield { path, ...entryOf(name, type) };
      } else if (!isSkipped(path)) {
        const target = openTarget(level, name, path, canonicalize);
        if (target.level === undefined) {
          if (includeFiles && isWanted(target.path)) yield { path: target.path, ...entryOf(name, type) };
        } else if (levels.some(({ fd }) => isSame(fd, target.level!.fd))) {
          // It leads to a directory that is being walked just now, and so would have no end.
          close(target.level);
        } else {
          levels.push(target.level);
          if (includeDirs && isWanted(target.path)) yield directoryEntry(target.path);
          if (isEnd(target.level.depth, target.path)) close(levels.pop()!);
        }
      }
    }
  } finally {
    closeAll(levels.flatMap(({ owned }) => owned));
  }
}

function directoryEntry(path: string): WalkEntry {
  const name = path.slice(...lastComponent(path));
  return { path, name, isFile: false, isDirectory: true, isSymlink: false };
}

function typeOf({ isFile, isDirectory, isSymlink }: Deno.FileInfo): Omit<Deno.DirEntry, "name"> {
  return { isFile, isDirectory, isSymlink };
}

function levelOf(fd: number, path: string, depth: number, steps: readonly Step[], owned = [fd]): Level {
  return { fd, prefix: path === "." ? "" : `${path}/`, depth, chunk: undefined, next: 0, steps, owned };
}

function openRoot(dir: FdLike, path: string, root: string, followSymlinks: boolean): Level {
  if (!followSymlinks) return levelOf(openBeneath(dir, path, LISTING), root, 0, []);
  const start = [{ fd: descriptor(dir), name: "" }];
  return follow(start, path, { fd: descriptor(dir), path, syscall: "openat" }, (steps, name) => {
    return openHolding(steps, name, root, 0, []);
  });
}

function openBelow(level: Level, name: string, path: string, followSymlinks: boolean): Level {
  const told = { fd: level.fd, path, syscall: "openat" };
  const fd = renaming(told, level.fd, name, () => libc.openat(level.fd, name, LISTING | libc.O_NOFOLLOW));
  return levelOf(fd, path, level.depth + 1, followSymlinks ? [...level.steps, { fd, name }] : []);
}

/** Where a symlink leads: its path, and the level that begins there if it is a directory. */
function openTarget(
  level: Level,
  name: string,
  path: string,
  canonicalize: boolean,
): { path: string; level?: Level } {
  const told = { fd: level.steps[0]!.fd, path, syscall: "openat" };
  return follow(level.steps, name, told, (steps, last) => {
    const names = steps.slice(1).map((step) => step.name);
    if (last !== ".") names.push(last);
    const found = canonicalize ? names.join("/") || "." : path;
    if (!statAt(steps.at(-1)!.fd, last).isDirectory) return { path: found };
    return { path: found, level: openHolding(steps, last, found, level.depth + 1, level.steps) };
  });
}

/** Opens a level, and keeps descriptors of the directories on the way to it that `held` has not. */
function openHolding(
  steps: readonly Step[],
  name: string,
  path: string,
  depth: number,
  held: readonly Step[],
): Level {
  const owned: number[] = [];
  try {
    const own = (fd: number) => (owned.push(fd), fd);
    const fd = own(libc.openat(steps.at(-1)!.fd, name, LISTING | libc.O_NOFOLLOW));
    const kept = steps.map((step) =>
      held.includes(step) ? step : { fd: own(libc.fcntl(step.fd, libc.F_DUPFD_CLOEXEC, 0)), name: step.name }
    );
    return levelOf(fd, path, depth, name === "." ? kept : [...kept, { fd, name }], owned);
  } catch (error) {
    closeAll(owned);
    throw error;
  }
}

function isSame(fd: number, other: number): boolean {
  const one = statOf(fd), two = statOf(other);
  return one.dev === two.dev && one.ino === two.ino;
}

function close(level: Level): void {
  closeAll(level.owned);
}

/** A path without "." and doubled slashes. */
export function normalized(path: string): string {
  return checkedPath(path).split("/").filter((name) => name !== "" && name !== ".").join("/") || ".";
}

function filter({ exts, match, skip }: WalkOptions): (path: string) => boolean {
  if (!exts && !match && !skip) return () => true;
  const ends = exts?.map((ext) => ext.startsWith(".") ? ext : `.${ext}`);
  return (path) =>
    (!ends || ends.some((end) => path.endsWith(end))) && (!match || match.some((pattern) =>
      path.match(pattern)
    )) &&
    !skip?.some((pattern) => path.match(pattern));
}
