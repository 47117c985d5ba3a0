/**
 * Copies files, and trees by descriptors, one for each level on both sides.
 *
 * One generator finds what to copy and gives each pair of open files; whoever runs it moves the bytes, at once or off
 * this thread.
 */
import { descriptor, type FdLike } from "../../ffi/fd_like.ts";
import * as libc from "../../ffi/libc.ts";
import { writeAll } from "./_contents.ts";
import { FdFile } from "./fd_file.ts";
import { LISTING, readTypedChunk } from "./list.ts";
import { mkdir } from "./_make.ts";
import { openBeneath } from "./open.ts";
import { realPath } from "./_names.ts";
import { checkedPath, parentOf } from "./_path.ts";
import { Place } from "./_place.ts";
import { codeOf, readLinkAt, renaming } from "./_resolve.ts";
import { statAt, statOf } from "./_stat.ts";
import { timespecs } from "./_times.ts";
import { inTurns } from "./_turns.ts";

/** The options of `Dir.copy`, as those of `@std/fs`. */
export interface CopyOptions {
  /** Whether what is there already is replaced; of directories the content is. Default: false. */
  overwrite?: boolean;
  /** Whether the copies get the times of what they were made of. Default: false. */
  preserveTimestamps?: boolean;
}

/** Two open files: the bytes of one are to be written to the other. */
export interface Pair {
  readonly from: FdFile;
  readonly to: FdFile;
}

/** A FIFO is not waited for, and O_APPEND spares the right SEEK. */
const SOURCE = libc.O_RDONLY | libc.O_NONBLOCK | libc.O_CLOEXEC;
const TARGET = libc.O_WRONLY | libc.O_APPEND | libc.O_CREAT | libc.O_NONBLOCK | libc.O_CLOEXEC;
const PIECE = 256 * 1024;

/** Copies the bytes of each pair at once. */
export function copyPairs(pairs: Iterable<Pair>): void {
  let piece: Uint8Array<ArrayBuffer> | undefined;
  for (const { from, to } of pairs) {
    piece ??= new Uint8Array(PIECE);
    for (let count; (count = libc.read(from, piece)) > 0;) writeAll(to.fd, piece.subarray(0, count));
  }
}

/** Copies the bytes of each pair off this thread. */
export async function copyPairsAsync(pairs: Iterable<Pair>): Promise<void> {
  const piece = new Uint8Array(PIECE);
  for await (const { from, to } of inTurns(pairs)) {
    for (let count; (count = await from.read(piece)) !== null;) await to.writeAll(piece.subarray(0, count));
  }
}

/** Copies one file with its mode; symlinks are followed. */
export function* copyingFile(
  dir: FdLike,
  from: string,
  toDir: FdLike,
  to: string,
): Generator<Pair, void, undefined> {
  using source = new FdFile(openBeneath(dir, from, SOURCE));
  const info = statOf(source.fd);
  if (!info.isFile) {
    throw new TypeError(`copyFile copies files only, and ${JSON.stringify(from)} is something else.`);
  }
  using target = new FdFile(openBeneath(toDir, to, TARGET, info.mode! & 0o777));
  const old = statOf(target.fd);
  if (isSame(old, info)) {
    throw new TypeError(
      `copyFile can't copy a file onto itself: ${JSON.stringify(from)} to ${JSON.stringify(to)}.`,
    );
  }
  yield* copyingBytes(source, info, target, old);
}

function* copyingBytes(
  source: FdFile,
  info: Deno.FileInfo,
  target: FdFile,
  old: Deno.FileInfo,
): Generator<Pair, void, undefined> {
  // Where nothing is written after it, it sets the time too.
  if (old.size > 0 || old.isFile && info.size === 0) libc.ftruncate(target, 0);
  yield { from: source, to: target };
  if (old.isFile) libc.fchmod(target, info.mode! & 0o7777);
}

/** Copies a file, a symlink as such, or a directory with all that is in it. */
export function* copying(
  dir: FdLike,
  from: string,
  toDir: FdLike,
  to: string,
  options: CopyOptions,
): Generator<Pair, void, undefined> {
  const told = { fd: descriptor(dir), path: from, syscall: "fstatat" };
  checkedPath(to);
  using source = new Place(dir, from, "fstatat");
  const info = renaming(told, source.fd, source.name, () => statAt(source.fd, source.name));
  if (info.isDirectory) refuseInside(dir, from, toDir, to);
  using target = info.isDirectory ? placeOfDirectory(toDir, to) : new Place(toDir, to, "fstatat", true);
  const old = statIfThere(target);
  if (old !== undefined && isSame(info, old)) throw new TypeError(notOntoItself(from, to));
  yield* new Copy(options, from, to).entry(source, info, target, old);
}

/** Where a directory shall be; what of the way to it is missing is made. */
function placeOfDirectory(dir: FdLike, path: string): Place {
  const place = () => new Place(dir, path, "fstatat", true);
  try {
    return place();
  } catch (error) {
    const above = parentOf(path);
    if (codeOf(error) !== "ENOENT" || above === "") throw error;
    mkdir(dir, above, { recursive: true });
    return place();
  }
}

/** A name in an open directory. */
interface Name {
  readonly fd: number;
  readonly name: string;
}

class Copy {
  readonly #overwrite: boolean;
  readonly #preserveTimestamps: boolean;
  readonly #from: string;
  readonly #to: string;
  /** The directory that is made of the first, which is not copied itself where it lies within that. */
  #root: Deno.FileInfo | undefined;

  constructor({ overwrite = false, preserveTimestamps = false }: CopyOptions, from: string, to: string) {
    this.#overwrite = overwrite;
    this.#preserveTimestamps = preserveTimestamps;
    this.#from = from;
    this.#to = to;
  }

  *entry(
    source: Name,
    info: Deno.FileInfo,
    target: Name,
    old: Deno.FileInfo | undefined,
  ): Generator<Pair, void, undefined> {
    if (old !== undefined && info.isDirectory && !old.isDirectory) {
      throw new Deno.errors.NotADirectory(
        `copy can't put a directory in the place of ${this.#place(target)}.`,
      );
    }
    if (old !== undefined && !this.#overwrite) {
      throw new Deno.errors.AlreadyExists(
        `copy found ${this.#place(target)} there: pass overwrite to replace it.`,
      );
    }
    if (info.isSymlink) this.#symlink(source, info, target, old);
    else if (info.isDirectory) yield* this.#directory(source, info, target, old);
    else if (info.isFile) yield* this.#file(source, info, target, old);
  }

  #symlink(source: Name, info: Deno.FileInfo, target: Name, old: Deno.FileInfo | undefined): void {
    const text = readLinkAt(source.fd, source.name);
    if (old !== undefined && !old.isDirectory) libc.unlinkat(target.fd, target.name, 0);
    libc.symlinkat(text, target.fd, target.name);
    if (this.#preserveTimestamps) setTimes(target, info);
  }

  *#file(
    source: Name,
    info: Deno.FileInfo,
    target: Name,
    old: Deno.FileInfo | undefined,
  ): Generator<Pair, void, undefined> {
    using from = new FdFile(libc.openat(source.fd, source.name, SOURCE | libc.O_NOFOLLOW));
    // A symlink is replaced, not written through.
    if (old?.isSymlink) libc.unlinkat(target.fd, target.name, 0);
    const isNew = old === undefined || old.isSymlink;
    const flags = TARGET | libc.O_NOFOLLOW | (isNew ? libc.O_EXCL : 0);
    using to = new FdFile(libc.openat(target.fd, target.name, flags, info.mode! & 0o777));
    yield* copyingBytes(from, statOf(from.fd), to, statOf(to.fd));
    if (this.#preserveTimestamps) libc.futimens(to, timesOf(info));
  }

  *#directory(
    source: Name,
    info: Deno.FileInfo,
    target: Name,
    old: Deno.FileInfo | undefined,
  ): Generator<Pair, void, undefined> {
    if (this.#root !== undefined && isSame(info, this.#root)) {
      throw new TypeError(notInside(this.#from, this.#to));
    }
    if (old === undefined) libc.mkdirat(target.fd, target.name, 0o777);
    const from = libc.openat(source.fd, source.name, LISTING | libc.O_NOFOLLOW);
    try {
      const flags = libc.O_PATH | libc.O_DIRECTORY | libc.O_NOFOLLOW | libc.O_CLOEXEC;
      const to = libc.openat(target.fd, target.name, flags);
      try {
        this.#root ??= statAt(to, ".");
        yield* this.#entries(from, to, old === undefined);
      } finally {
        libc.close(to);
      }
    } finally {
      libc.close(from);
    }
    if (this.#preserveTimestamps) setTimes(target, info);
  }

  *#entries(from: number, to: number, isNew: boolean): Generator<Pair, void, undefined> {
    for (let chunk; (chunk = readTypedChunk(from)) !== undefined;) {
      for (const name of chunk.names) {
        const target = { fd: to, name };
        yield* this.entry(
          { fd: from, name },
          statAt(from, name),
          target,
          isNew ? undefined : statIfThere(target),
        );
      }
    }
  }

  #place({ name }: Name): string {
    return `${JSON.stringify(name)}, to be made by copying ${JSON.stringify(this.#from)} to ${
      JSON.stringify(this.#to)
    }`;
  }
}

/** Before anything is made, where both paths are in one `Dir`; the rest is told by the directories themselves. */
function refuseInside(dir: FdLike, from: string, toDir: FdLike, to: string): void {
  if (descriptor(dir) !== descriptor(toDir)) return;
  const source = realPath(dir, from), above = realPathOfExisting(dir, parentOf(to));
  if (source === "." || `${above}/`.startsWith(`${source}/`)) throw new TypeError(notInside(from, to));
}

/** Where a path leads, as far as there is something. */
function realPathOfExisting(dir: FdLike, path: string): string {
  try {
    return realPath(dir, path || ".");
  } catch (error) {
    if (codeOf(error) !== "ENOENT" || path === "") throw error;
    return realPathOfExisting(dir, parentOf(path));
  }
}

function notOntoItself(from: string, to: string): string {
  return `copy can't copy ${JSON.stringify(from)} onto itself as ${JSON.stringify(to)}.`;
}

function notInside(from: string, to: string): string {
  return `copy can't copy ${JSON.stringify(from)} into itself as ${JSON.stringify(to)}.`;
}

function statIfThere({ fd, name }: Name): Deno.FileInfo | undefined {
  try {
    return statAt(fd, name);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    return undefined;
  }
}

function isSame(one: Deno.FileInfo, other: Deno.FileInfo): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}

function setTimes({ fd, name }: Name, info: Deno.FileInfo): void {
  libc.utimensat(fd, name, timesOf(info), libc.AT_SYMLINK_NOFOLLOW);
}

function timesOf({ atime, mtime }: Deno.FileInfo): Uint8Array {
  return timespecs(atime!, mtime!);
}
