/**
 * Copies files, and trees by descriptors of which a bounded number is open on each side.
 *
 * One generator finds what to copy and yields each pair of open files. Its caller copies the bytes, on this thread or
 * on another.
 *
 * A user who may not read an original can't read its copy at any time. The bytes go to a new file that only its owner may
 * open. The new file then gets its mode, and after that the name of the copy. Of two copies to one name, the last one
 * stays as a whole. If the directory does not permit a new file, the existing file is overwritten, and only its owner may
 * open it meanwhile.
 *
 * @module
 */
import { failure } from "../../../ffi/failure.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { shown } from "../../../ffi/message.ts";
import { descriptor, type FdLike } from "../../../ffi/values.ts";
import {
  DirectoryMode,
  hasAcl,
  type Identified,
  identifiedAt,
  identifiedIfThere,
  identifiedOf,
  modeAfter,
  rightsOf,
  statOf,
  timespecs,
} from "../descriptor.ts";
import { FdFile } from "../file.ts";
import { inTurns } from "../io/waiting.ts";
import { mkdir, SUCCEEDING, Successor } from "../entries.ts";
import { openBeneath } from "../open.ts";
import { aBoolean, checkOptions } from "../options.ts";
import { checkedPath, joined, lastComponent, parentOf } from "../path/components.ts";
import { realPath } from "../path/links.ts";
import { on, Place, type Spot } from "../path/place.ts";
import { codeOf, readLinkAt, symlinkAt } from "../path/resolve.ts";
import { type Named, named, told } from "../path/told.ts";
import { type Level, Levels, LISTING } from "./list.ts";
import { writeAll } from "../write_file.ts";

/** The options of `Dir.copy`, the same as in `@std/fs`. */
export interface CopyOptions {
  /** Whether existing files are replaced; existing directories are merged. Default: false. */
  overwrite?: boolean;
  /** Whether the copies get the times of the originals. Default: false. */
  preserveTimestamps?: boolean;
}

const known = { overwrite: aBoolean, preserveTimestamps: aBoolean };

/**
 * Copies a file, a symlink itself, or a directory with everything in it.
 *
 * @param call The method, for errors.
 */
export function* copying(
  call: string,
  dir: FdLike,
  from: string,
  toDir: FdLike,
  to: string,
  options?: CopyOptions,
): Generator<Pair, void, undefined> {
  checkOptions(call, options, known);
  checkedPath(to);
  using source = new Place(dir, from, "openat");
  const found = on(source, identifiedAt), { isDirectory } = found.info;
  if (isDirectory) refuseInside(dir, from, toDir, to);
  using target = isDirectory ? placeOfDirectory(toDir, to) : new Place(toDir, to, "openat", true);
  const old = on(target, identifiedIfThere);
  const copy = new Copy(toDir, from, to, options);
  copy.refuseSame(found, old);
  yield* isDirectory ? copy.tree(source, found, target, old) : copy.entry(source, found, target, old);
}

/** Copies one file with its mode; symlinks are followed on both sides. */
export function* copyingFile(
  dir: FdLike,
  from: string,
  toDir: FdLike,
  to: string,
): Generator<Pair, void, undefined> {
  checkedPath(to);
  const names = { from: named(dir, from), to: named(toDir, to) };
  using source = new FdFile(openBeneath(dir, from, SOURCE));
  const { info, identity } = identifiedOf(source.fd);
  if (!info.isFile) throw new TypeError(`copyFile copies files only, and ${shown(from)} is something else.`);
  const refuse = (other: string | undefined) => {
    if (other !== identity) return;
    throw new TypeError(`copyFile can't copy a file onto itself: ${shown(from)} to ${shown(to)}.`);
  };
  using place = placeToTake(toDir, to);
  const old = place && on(place, identifiedIfThere);
  refuse(old?.identity);
  using next = place && successorAt(place, old);
  yield* next === undefined
    ? overwriting(source, openBeneath(toDir, to, TARGET, 0o600), names, refuse)
    : replacing(source, next, names);
}

/** The original and the copy, by the paths that the caller gave. */
interface Names {
  readonly from: Named;
  readonly to: Named;
}

/** Two open files: the bytes of `from` are to be written to `to`. */
interface Pair {
  readonly from: FdFile;
  readonly to: FdFile;
  readonly names: Names;
}

/** With O_NONBLOCK, opening a FIFO does not wait. */
const SOURCE = libc.O_RDONLY | libc.O_NONBLOCK | libc.O_CLOEXEC;
const TARGET = libc.O_WRONLY | libc.O_CREAT | libc.O_NONBLOCK | libc.O_CLOEXEC;
const PIECE = 256 * 1024;

/** Copies the bytes of each pair, synchronously. */
export function copyPairs(pairs: Iterable<Pair>): void {
  let piece: Uint8Array<ArrayBuffer> | undefined;
  for (const { from: { fd: from }, to: { fd: to }, names } of pairs) {
    piece ??= new Uint8Array(PIECE);
    try {
      for (let count; (count = libc.read(from, piece)) > 0;) writeAll(to, piece.subarray(0, count));
    } catch (error) {
      throw told(told(error, from, names.from), to, names.to);
    }
  }
}

/** Copies the bytes of each pair off this thread. */
export async function copyPairsAsync(pairs: Iterable<Pair>): Promise<void> {
  const piece = new Uint8Array(PIECE);
  for await (const { from, to, names } of inTurns(pairs)) {
    const { fd } = from, { fd: toFd } = to;
    try {
      for (let count; (count = await from.read(piece)) !== null;) await to.writeAll(piece.subarray(0, count));
    } catch (error) {
      throw told(told(error, fd, names.from), toFd, names.to);
    }
  }
}

/** The place for a directory; missing parent directories are made. */
function placeOfDirectory(dir: FdLike, path: string): Place {
  const place = () => new Place(dir, path, "openat", true);
  try {
    return place();
  } catch (error) {
    const above = parentOf(path);
    if (codeOf(error) !== "ENOENT" || above === "") throw error;
    mkdir(dir, above, { recursive: true });
    return place();
  }
}

/** A name in a level, and the path that the caller knows it by. */
function spotIn(level: Level, name: string, toldFd: number): Spot {
  return { fd: level.fd, name, told: { fd: toldFd, path: joined(level.path, name), syscall: "openat" } };
}

/** A directory that is being copied. */
interface Pairing {
  readonly from: Level;
  readonly to: Level;
  readonly info: Deno.FileInfo;
  /** The mode of the new directory; undefined if the directory existed. */
  readonly mode: DirectoryMode | undefined;
}

function pairing(from: Level, to: Level, info: Deno.FileInfo, isMade: boolean): Pairing {
  const mode = isMade ? new DirectoryMode(from.fd, to.fd) : undefined;
  mode?.begin(to.fd);
  return { from, to, info, mode };
}

const PASSED = libc.O_PATH | libc.O_DIRECTORY | libc.O_CLOEXEC;

class Copy {
  readonly #overwrite: boolean;
  readonly #preserveTimestamps: boolean;
  readonly #from: string;
  readonly #to: string;
  /** Whether files are made under a hidden name and renamed when they are complete. */
  readonly #publishes: boolean;

  constructor(
    toDir: FdLike,
    from: string,
    to: string,
    { overwrite = false, preserveTimestamps = false }: CopyOptions = {},
  ) {
    this.#overwrite = overwrite;
    this.#preserveTimestamps = preserveTimestamps;
    this.#from = from;
    this.#to = to;
    const held = rightsOf(descriptor(toDir));
    // A rename that must not replace a file may need a hard link.
    this.#publishes = held.isSupersetOf(SUCCEEDING) &&
      (overwrite || held.isSupersetOf(["LINKAT_SOURCE", "LINKAT_TARGET"]));
  }

  /** Copies a directory, level by level. */
  *tree(
    source: Spot,
    { info }: Identified,
    target: Spot,
    old: Identified | undefined,
  ): Generator<Pair, void, undefined> {
    this.#check(info, target, old);
    const fromTop = on(source, (fd, name) => libc.openat(fd, name, LISTING | libc.O_NOFOLLOW));
    using froms = new Levels(fromTop, source.told.path, source.told.fd);
    const isMade = this.#make(info, target, old);
    const toTop = on(target, (fd, name) => libc.openat(fd, name, PASSED | libc.O_NOFOLLOW));
    using tos = new Levels(toTop, target.told.path, target.told.fd);
    const root = tos.top.identity, open = [pairing(froms.top, tos.top, info, isMade)];
    for (let last; (last = open.at(-1)) !== undefined;) {
      const entry = last.from.next();
      if (entry === undefined) {
        this.#finish(last);
        open.pop();
        froms.leave(last.from);
        tos.leave(last.to);
        continue;
      }
      const { name } = entry;
      const from = spotIn(last.from, name, source.told.fd), found = on(from, identifiedAt);
      const to = spotIn(last.to, name, target.told.fd);
      // A new directory is empty, unless another copy writes into it.
      const old = last.mode === undefined || this.#overwrite ? on(to, identifiedIfThere) : undefined;
      if (!found.info.isDirectory) yield* this.entry(from, found, to, old);
      else {
        if (found.identity === root) throw new TypeError(notInside(this.#from, this.#to));
        this.#check(found.info, to, old);
        const below = froms.enter(last.from, name), isMade = this.#make(found.info, to, old);
        const toBelow = tos.enter(last.to, name, to.told.path, PASSED);
        open.push(pairing(below, toBelow, found.info, isMade));
      }
    }
  }

  /** Copies a file or a symlink; sockets, FIFOs and devices are left out. */
  *entry(
    source: Spot,
    found: Identified,
    target: Spot,
    old: Identified | undefined,
  ): Generator<Pair, void, undefined> {
    const { info } = found;
    this.#check(info, target, old);
    if (info.isSymlink) this.#symlink(source, info, target, old);
    else if (info.isFile) yield* this.#file(source, found, target, old);
  }

  refuseSame(one: Identified, other: Identified | undefined): void {
    if (one.identity !== other?.identity) return;
    throw new TypeError(`copy can't copy ${shown(this.#from)} onto itself as ${shown(this.#to)}.`);
  }

  #check(info: Deno.FileInfo, { told }: Spot, old: Identified | undefined): void {
    if (old === undefined) return;
    const call = { ...told, syscall: "copy" };
    if (info.isDirectory && !old.info.isDirectory) {
      throw failure(call, "ENOTDIR", "a directory can't take the place of a file (ENOTDIR).");
    }
    if (!this.#overwrite) {
      throw failure(call, "EEXIST", "it is there already (EEXIST). Pass `overwrite` to replace it.");
    }
  }

  #symlink(source: Spot, info: Deno.FileInfo, target: Spot, old: Identified | undefined): void {
    const text = on(source, readLinkAt);
    on(target, (fd, name) => {
      if (old !== undefined && !old.info.isDirectory) libc.unlinkat(fd, name, 0);
      libc.symlinkat(text, fd, name);
      if (this.#preserveTimestamps) libc.utimensat(fd, name, timesOf(info), libc.AT_SYMLINK_NOFOLLOW);
    });
  }

  *#file(
    source: Spot,
    found: Identified,
    target: Spot,
    old: Identified | undefined,
  ): Generator<Pair, void, undefined> {
    using from = new FdFile(on(source, (fd, name) => libc.openat(fd, name, SOURCE | libc.O_NOFOLLOW)));
    const finish = (file: FdFile) => {
      if (this.#preserveTimestamps) libc.futimens(file, timesOf(found.info));
    };
    const names = { from: source.told, to: target.told };
    // A symlink is replaced, not written through.
    const isLink = old?.info.isSymlink === true, replaced = isLink ? undefined : old;
    using next = this.#publishes ? successorAt(target, replaced) : undefined;
    if (next !== undefined) return yield* replacing(from, next, names, finish, this.#overwrite);
    const to = on(target, (fd, name) => {
      if (isLink) libc.unlinkat(fd, name, 0);
      const flags = TARGET | libc.O_NOFOLLOW | (replaced === undefined ? libc.O_EXCL : 0);
      return libc.openat(fd, name, flags, 0o600);
    });
    yield* overwriting(from, to, names, (identity) => this.refuseSame(found, { ...found, identity }), finish);
  }

  /** Makes a directory unless it exists, and returns whether it was made. */
  #make(info: Deno.FileInfo, target: Spot, old: Identified | undefined): boolean {
    if (old !== undefined) return false;
    try {
      on(target, (fd, name) => libc.mkdirat(fd, name, info.mode! & 0o777 | 0o700));
      return true;
    } catch (error) {
      // Another copy made the directory first.
      if (!this.#overwrite || codeOf(error) !== "EEXIST") throw error;
      return false;
    }
  }

  /** Sets mode and times last: writing into a directory may need more than the final mode, and changes the times. */
  #finish({ to, info, mode }: Pairing): void {
    mode?.end(to.fd);
    if (this.#preserveTimestamps) libc.utimensat(to.fd, ".", timesOf(info), 0);
  }
}

/** Checks before anything is made, if both paths are in one `Dir`. Else `tree()` finds it by the directories. */
function refuseInside(dir: FdLike, from: string, toDir: FdLike, to: string): void {
  if (descriptor(dir) !== descriptor(toDir)) return;
  const source = realPath(dir, from), above = realPathOfExisting(dir, parentOf(to));
  if (source === "." || `${above}/`.startsWith(`${source}/`)) throw new TypeError(notInside(from, to));
}

/** The real path of the part of `path` that exists. */
function realPathOfExisting(dir: FdLike, path: string): string {
  try {
    return realPath(dir, path || ".");
  } catch (error) {
    if (codeOf(error) !== "ENOENT" || path === "") throw error;
    return realPathOfExisting(dir, parentOf(path));
  }
}

function notInside(from: string, to: string): string {
  return `copy can't copy ${shown(from)} into itself as ${shown(to)}.`;
}

function timesOf({ atime, mtime }: Deno.FileInfo): Uint8Array {
  return timespecs(atime!, mtime!);
}

/** A new file that is to replace `old`, if there is one; undefined if it can't replace that. */
function successorAt(place: Spot, old: Identified | undefined): Successor | undefined {
  if (old === undefined) return new Successor(place);
  if (!old.info.isFile) return undefined;
  // A file that the process may not write to must not be replaced either.
  on(place, (fd, name) => libc.faccessat(fd, name, libc.W_OK, libc.AT_EACCESS));
  try {
    return new Successor(place);
  } catch (error) {
    // If the directory permits no new file, the existing file may still be writable.
    if (error instanceof Deno.errors.PermissionDenied) return undefined;
    throw error;
  }
}

/** Is called with a file once all bytes are written. */
type Finish = (file: FdFile) => void;

/** Yields the pair to copy, and then publishes the new file. */
function* replacing(
  source: FdFile,
  next: Successor,
  names: Names,
  finish: Finish = () => {},
  replaces = true,
): Generator<Pair, void, undefined> {
  yield { from: source, to: next.file, names };
  finish(next.file);
  next.publish(modeFor(source, next.file), replaces);
}

/**
 * Overwrites the file that `fd` is open for, and closes `fd`. Until the file is complete, only its owner may open it.
 *
 * @param refuse Is called with the identity of the file before the file is changed.
 */
function* overwriting(
  source: FdFile,
  fd: number,
  names: Names,
  refuse: (identity: string) => void,
  finish: Finish = () => {},
): Generator<Pair, void, undefined> {
  using target = new FdFile(fd);
  const { info: { isFile }, identity } = identifiedOf(fd);
  refuse(identity);
  if (isFile) {
    libc.fchmod(target, 0o600);
    libc.ftruncate(target, 0);
  }
  yield { from: source, to: target, names };
  finish(target);
  if (isFile) libc.fchmod(target, modeFor(source, target));
  target.close();
}

/** The mode of the source as it is now. */
function modeFor(source: FdFile, target: FdFile): number {
  return modeAfter(statOf(source.fd), hasAcl(source.fd), target.fd);
}

/** The place of the file that a path leads to or will create; undefined if a rename can't replace a file there. */
function placeToTake(dir: FdLike, path: string): Place | undefined {
  const held = rightsOf(descriptor(dir)), [start, end] = lastComponent(path);
  if (!held.isSupersetOf(SUCCEEDING) || start > 0 && !held.has("READ")) return undefined;
  // These can't be names of files.
  if (end < path.length || ["", ".", ".."].includes(path.slice(start, end))) return undefined;
  const place = new Place(dir, path, "openat", true);
  try {
    if (symlinkAt(place.fd, place.name) === undefined) return place;
  } catch (error) {
    place[Symbol.dispose]();
    throw error;
  }
  place[Symbol.dispose]();
  return held.has("READ") ? Place.followed(dir, path, "openat") : undefined;
}
