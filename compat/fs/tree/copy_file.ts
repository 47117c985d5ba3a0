/**
 * Copies one file. A user who may not read the original can't read the copy at any time.
 *
 * The bytes go to a new file that only its owner may open. The new file then gets its mode, and after that the name of
 * the copy. Of two copies to one name, the last one stays as a whole. If the directory does not permit a new file, the
 * existing file is overwritten, and only its owner may open it meanwhile.
 *
 * @module
 */
import { descriptor, type FdLike } from "../../../ffi/values.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { shown } from "../../../ffi/message.ts";
import {
  hasAcl,
  type Identified,
  identifiedIfThere,
  identifiedOf,
  modeAfter,
  rightsOf,
  statOf,
} from "../descriptor.ts";
import { FdFile } from "../file.ts";
import { inTurns } from "../io/waiting.ts";
import { SUCCEEDING, Successor } from "../make.ts";
import { openBeneath } from "../open.ts";
import { checkedPath, lastComponent } from "../path/components.ts";
import { on, Place, type Spot } from "../path/place.ts";
import { symlinkAt } from "../path/resolve.ts";
import { type Named, named, told } from "../path/told.ts";
import { writeAll } from "../write_file.ts";

/** The original and the copy, by the paths that the caller gave. */
export interface Names {
  readonly from: Named;
  readonly to: Named;
}

/** Two open files: the bytes of `from` are to be written to `to`. */
export interface Pair {
  readonly from: FdFile;
  readonly to: FdFile;
  readonly names: Names;
}

/** With O_NONBLOCK, opening a FIFO does not wait. */
export const SOURCE: number = libc.O_RDONLY | libc.O_NONBLOCK | libc.O_CLOEXEC;
export const TARGET: number = libc.O_WRONLY | libc.O_CREAT | libc.O_NONBLOCK | libc.O_CLOEXEC;
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

/** A new file that is to replace `old`, if there is one; undefined if it can't replace that. */
export function successorAt(place: Spot, old: Identified | undefined): Successor | undefined {
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
export function* replacing(
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
export function* overwriting(
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
