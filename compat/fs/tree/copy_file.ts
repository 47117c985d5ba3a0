/**
 * Copies one file, so that nobody who may not read the original can read the copy, not for a moment.
 *
 * The bytes go to a new file that only its owner may open. It gets its mode, and then the name of the copy: of two copies
 * to one name the last one stays, whole. In a directory where that is not permitted the file that is there is
 * overwritten, and only its owner may open it meanwhile.
 *
 * @module
 */
import { descriptor, type FdLike } from "../../../ffi/fd_like.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { shown } from "../../../ffi/message.ts";
import { writeAll } from "../whole/write_file.ts";
import { FdFile } from "../file.ts";
import { rightsOf } from "../metadata/held.ts";
import { hasAcl, modeAfter } from "../metadata/mode.ts";
import { openBeneath } from "../open.ts";
import { checkedPath, lastComponent } from "../path/components.ts";
import { on, Place, type Spot } from "../path/place.ts";
import { type Named, named, told } from "../path/told.ts";
import { symlinkAt } from "../path/resolve.ts";
import { type Identified, identifiedIfThere, identifiedOf, statOf } from "../metadata/stat.ts";
import { SUCCEEDING, Successor } from "../whole/successor.ts";
import { inTurns } from "./turns.ts";

/** What a copy is made of, and what is made, as the caller knows them. */
export interface Names {
  readonly from: Named;
  readonly to: Named;
}

/** Two open files: the bytes of one are to be written to the other. */
export interface Pair {
  readonly from: FdFile;
  readonly to: FdFile;
  readonly names: Names;
}

/** With O_NONBLOCK a FIFO is not waited for. */
export const SOURCE: number = libc.O_RDONLY | libc.O_NONBLOCK | libc.O_CLOEXEC;
export const TARGET: number = libc.O_WRONLY | libc.O_CREAT | libc.O_NONBLOCK | libc.O_CLOEXEC;
const PIECE = 256 * 1024;

/** Copies the bytes of each pair at once. */
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

/** A new file beside the one in a place, or beside nothing; undefined if it can't take that. */
export function successorAt(place: Spot, old: Identified | undefined): Successor | undefined {
  if (old === undefined) return new Successor(place);
  if (!old.info.isFile) return undefined;
  // A file that may not be written to is not replaced either.
  on(place, (fd, name) => libc.faccessat(fd, name, libc.W_OK, libc.AT_EACCESS));
  try {
    return new Successor(place);
  } catch (error) {
    // Where no file may be made, the one that is there may be written to.
    if (error instanceof Deno.errors.PermissionDenied) return undefined;
    throw error;
  }
}

/** Is called with a file that has all its bytes. */
type Finish = (file: FdFile) => void;

/** Fills a new file, and lets it take its place. */
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
 * Writes over what `fd` is open to write, which it closes. A file belongs to its owner alone until it is complete.
 *
 * @param refuse Gets the identity of what is to be written over, before it is changed.
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

/** The place of the file that a path leads to, or is to make; undefined if nothing can take that. */
function placeToTake(dir: FdLike, path: string): Place | undefined {
  const held = rightsOf(descriptor(dir)), [start, end] = lastComponent(path);
  if (!held.isSupersetOf(SUCCEEDING) || start > 0 && !held.has("READ")) return undefined;
  // A file has neither of these names.
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
