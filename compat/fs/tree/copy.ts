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
import { type Asked, asked, codeOf, failure, request, serve } from "../../../ffi/failure.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { shown } from "../../../ffi/errors.ts";
import { aBoolean, checkOptions, descriptor, type FdLike } from "../../../ffi/values.ts";
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
import { accessName, ensureDir, realPath, replaceBySymlink, SUCCEEDING, Successor } from "../entries.ts";
import { FdFile } from "../file.ts";
import { inTurns } from "../io/waiting.ts";
import { canBeFile, checkedPath, parentOf, readLinkAt, symlinkAt } from "../path/components.ts";
import { openBeneath, type Place, resolve, Spot } from "../path/resolve.ts";
import { writeAll } from "../contents.ts";
import { type Level, Levels, LISTING } from "./list.ts";

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
  checkedPath(to, call);
  using source = resolve(dir, checkedPath(from, call), { syscall: "openat", isKept: true });
  const found = identifiedAt(source, source.name), { isDirectory } = found.info;
  if (isDirectory) refuseInside(dir, from, toDir, to);
  using target = isDirectory ? placeOfDirectory(toDir, to) : resolve(toDir, to, NEW);
  const old = identifiedIfThere(target, target.name);
  const copy = new Copy(dir, from, toDir, to, options);
  copy.refuseSame(found, old);
  yield* isDirectory ? copy.tree(source, found, target, old) : copy.entry(source, found, target, old);
}

/** Copies one file with its mode; symlinks are followed on both sides. */
export function* copyingFile(
  call: string,
  dir: FdLike,
  from: string,
  toDir: FdLike,
  to: string,
): Generator<Pair, void, undefined> {
  checkedPath(to, call);
  using source = serve(new FdFile(openBeneath(dir, checkedPath(from, call), SOURCE)), request(dir, from));
  const { info, identity } = identifiedOf(source);
  if (!info.isFile) throw new TypeError(`copyFile copies files only, and ${shown(from)} is something else.`);
  const refuse = (other: string | undefined) => {
    if (other !== identity) return;
    throw new TypeError(`copyFile can't copy a file onto itself: ${shown(from)} to ${shown(to)}.`);
  };
  using place = placeToTake(toDir, to);
  const old = place && identifiedIfThere(place, place.name);
  refuse(old?.identity);
  using next = place && successorAt(place, old);
  yield* next === undefined
    ? overwriting(source, openBeneath(toDir, to, TARGET, 0o600), request(toDir, to), refuse)
    : replacing(source, next);
}

/** Two open files: the bytes of `from` are to be written to `to`. */
interface Pair {
  readonly from: FdFile;
  readonly to: FdFile;
}

/** With O_NONBLOCK, opening a FIFO does not wait. */
const SOURCE = libc.O_RDONLY | libc.O_NONBLOCK | libc.O_CLOEXEC;
const TARGET = libc.O_WRONLY | libc.O_CREAT | libc.O_NONBLOCK | libc.O_CLOEXEC;
const PIECE = 256 * 1024;

/** Copies the bytes of each pair, synchronously. */
export function copyPairs(pairs: Iterable<Pair>): void {
  let piece: Uint8Array<ArrayBuffer> | undefined;
  for (const { from, to } of pairs) {
    piece ??= new Uint8Array(PIECE);
    for (let count; (count = libc.read(from, piece)) > 0;) writeAll(to, piece.subarray(0, count));
  }
}

/** Copies the bytes of each pair off this thread. */
export async function copyPairsAsync(pairs: Iterable<Pair>): Promise<void> {
  const piece = new Uint8Array(PIECE);
  for await (const { from, to } of inTurns(pairs)) {
    for (let count; (count = await from.read(piece)) !== null;) await to.writeAll(piece.subarray(0, count));
  }
}

const NEW = { syscall: "openat", on: "new", isKept: true } as const;

/** The place for a directory; missing parent directories are made. */
function placeOfDirectory(dir: FdLike, path: string): Place {
  try {
    return resolve(dir, path, NEW);
  } catch (error) {
    const above = parentOf(path);
    if (codeOf(error) !== "ENOENT" || above === "") throw error;
    ensureDir(dir, above);
    return resolve(dir, path, NEW);
  }
}

/** A name in a level. */
function spotIn(level: Level, name: string): Spot {
  return new Spot(level.fd, name, level[asked](name));
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
  readonly #dir: FdLike;
  readonly #from: string;
  readonly #toDir: FdLike;
  readonly #to: string;
  /** Whether files are made under a hidden name and renamed when they are complete. */
  readonly #publishes: boolean;

  constructor(
    dir: FdLike,
    from: string,
    toDir: FdLike,
    to: string,
    { overwrite = false, preserveTimestamps = false }: CopyOptions = {},
  ) {
    this.#overwrite = overwrite;
    this.#preserveTimestamps = preserveTimestamps;
    this.#dir = dir;
    this.#from = from;
    this.#toDir = toDir;
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
    const fromTop = libc.openat(source, source.name, LISTING | libc.O_NOFOLLOW);
    using froms = new Levels(fromTop, this.#from, this.#dir);
    const isMade = this.#make(info, target, old);
    const toTop = libc.openat(target, target.name, PASSED | libc.O_NOFOLLOW);
    using tos = new Levels(toTop, this.#to, this.#toDir);
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
      const from = spotIn(last.from, name), found = identifiedAt(from, name);
      const to = spotIn(last.to, name);
      // A new directory is empty, unless another copy writes into it.
      const old = last.mode === undefined || this.#overwrite ? identifiedIfThere(to, name) : undefined;
      if (!found.info.isDirectory) yield* this.entry(from, found, to, old);
      else {
        if (found.identity === root) throw new TypeError(notInside(this.#from, this.#to));
        this.#check(found.info, to, old);
        const below = froms.enter(last.from, name), isMade = this.#make(found.info, to, old);
        const toBelow = tos.enter(last.to, name, undefined, PASSED);
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

  #check(info: Deno.FileInfo, { request }: Spot, old: Identified | undefined): void {
    if (old === undefined) return;
    const call = { ...request, syscall: "copy" };
    if (info.isDirectory && !old.info.isDirectory) {
      throw failure(call, "ENOTDIR", "a directory can't take the place of a file (ENOTDIR).");
    }
    if (!this.#overwrite) {
      throw failure(call, "EEXIST", "it is there already (EEXIST). Pass `overwrite` to replace it.");
    }
  }

  #symlink(source: Spot, info: Deno.FileInfo, target: Spot, old: Identified | undefined): void {
    const text = readLinkAt(source, source.name), { name } = target;
    const isReplaced = old !== undefined && !old.info.isDirectory;
    if (isReplaced && this.#publishes) replaceBySymlink(text, target);
    else {
      if (isReplaced) libc.unlinkat(target, name, 0);
      libc.symlinkat(text, target, name);
    }
    if (this.#preserveTimestamps) libc.utimensat(target, name, timesOf(info), libc.AT_SYMLINK_NOFOLLOW);
  }

  *#file(
    source: Spot,
    found: Identified,
    target: Spot,
    old: Identified | undefined,
  ): Generator<Pair, void, undefined> {
    const fd = libc.openat(source, source.name, SOURCE | libc.O_NOFOLLOW);
    using from = serve(new FdFile(fd), source.request);
    const finish = (file: FdFile) => {
      if (this.#preserveTimestamps) libc.futimens(file, timesOf(found.info));
    };
    // A symlink is replaced, not written through.
    const isLink = old?.info.isSymlink === true, replaced = isLink ? undefined : old;
    using next = this.#publishes ? successorAt(target, replaced) : undefined;
    if (next !== undefined) return yield* replacing(from, next, finish, this.#overwrite);
    if (isLink) libc.unlinkat(target, target.name, 0);
    const flags = TARGET | libc.O_NOFOLLOW | (replaced === undefined ? libc.O_EXCL : 0);
    const to = libc.openat(target, target.name, flags, 0o600);
    const refuse = (identity: string) => this.refuseSame(found, { ...found, identity });
    yield* overwriting(from, to, target.request, refuse, finish);
  }

  /** Makes a directory unless it exists, and returns whether it was made. */
  #make(info: Deno.FileInfo, target: Spot, old: Identified | undefined): boolean {
    if (old !== undefined) return false;
    try {
      libc.mkdirat(target, target.name, info.mode! & 0o777 | 0o700);
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
  return timespecs("Dir.copy()", atime!, mtime!);
}

/** A new file that is to replace `old`, if there is one; undefined if it can't replace that. */
function successorAt(place: Spot, old: Identified | undefined): Successor | undefined {
  if (old === undefined) return new Successor(place);
  if (!old.info.isFile) return undefined;
  // A file that the process may not write to must not be replaced either.
  accessName(place, place.name, libc.W_OK, libc.AT_EACCESS);
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
  finish: Finish = () => {},
  replaces = true,
): Generator<Pair, void, undefined> {
  yield { from: source, to: next.file };
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
  asks: Asked,
  refuse: (identity: string) => void,
  finish: Finish = () => {},
): Generator<Pair, void, undefined> {
  using target = serve(new FdFile(fd), asks);
  const { info: { isFile }, identity } = identifiedOf(target);
  refuse(identity);
  if (isFile) {
    libc.fchmod(target, 0o600);
    libc.ftruncate(target, 0);
  }
  yield { from: source, to: target };
  finish(target);
  if (isFile) libc.fchmod(target, modeFor(source, target));
  target.close();
}

/** The mode of the source as it is now. */
function modeFor(source: FdFile, target: FdFile): number {
  return modeAfter(statOf(source), hasAcl(source.fd), target.fd);
}

/** The place of the file that a path leads to or will create; undefined if a rename can't replace a file there. */
function placeToTake(dir: FdLike, path: string): Place | undefined {
  const held = rightsOf(descriptor(dir));
  if (!held.isSupersetOf(SUCCEEDING) || path.includes("/") && !held.has("READ")) return undefined;
  if (!canBeFile(path)) return undefined;
  const place = resolve(dir, path, { syscall: "openat", on: "new", isKept: true });
  try {
    if (symlinkAt(place, place.name) === undefined) return place;
  } catch (error) {
    place[Symbol.dispose]();
    throw error;
  }
  place[Symbol.dispose]();
  if (!held.has("READ")) return undefined;
  const target = resolve(dir, path, { syscall: "openat", on: "target", isKept: true });
  if (target.name !== ".") return target;
  target[Symbol.dispose]();
  return undefined;
}
