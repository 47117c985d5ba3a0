/** Removes names, and trees by descriptors: no symlink is followed, and nothing is resolved from the top again. */
import type { FdLike } from "../../ffi/fd_like.ts";
import * as libc from "../../ffi/libc.ts";
import { LISTING, readTypedChunk } from "./list.ts";
import { mkdir } from "./_make.ts";
import { openBeneath } from "./open.ts";
import { Place } from "./_place.ts";
import { at, codeOf, mayBeSymlink, renaming } from "./_resolve.ts";

/** How often a directory is listed again where names stayed or came while it was being emptied. */
const PASSES = 8;

/** Removes a file, a symlink or an empty directory, which needs UNLINKAT and nothing to find out what it is. */
export function remove(dir: FdLike, path: string): void {
  at(dir, path, "unlinkat", removeName);
}

/** Removes a tree, a step for each name. */
export function* removing(dir: FdLike, path: string): Generator<void, void, undefined> {
  const fd = typeof dir === "number" ? dir : dir.fd;
  using place = new Place(dir, path, "unlinkat");
  const steps = removeTree(place.fd, place.name);
  for (;;) {
    if (renaming({ fd, path, syscall: "unlinkat" }, place.fd, place.name, () => steps.next()).done) return;
    yield;
  }
}

/** Removes everything in a directory, which is made where it is missing. */
export function* emptying(dir: FdLike, path: string): Generator<void, void, undefined> {
  let fd: number;
  try {
    fd = openBeneath(dir, path, LISTING);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return mkdir(dir, path, { recursive: true });
  }
  try {
    for (let pass = 1; pass < PASSES && (yield* removeEntries(fd)); pass++);
  } finally {
    libc.close(fd);
  }
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

/** What unlinkat() says of a directory: EPERM on FreeBSD, EISDIR on Linux. */
function mayBeDirectory(error: unknown): boolean {
  return codeOf(error) === "EPERM" || codeOf(error) === "EISDIR";
}

function* removeTree(fd: number, name: string): Generator<void, void, undefined> {
  try {
    return removeName(fd, name);
  } catch (error) {
    if (codeOf(error) !== "ENOTEMPTY") throw error;
  }
  yield* removeDirectory(fd, name);
}

function* removeDirectory(fd: number, name: string): Generator<void, void, undefined> {
  for (let pass = 1;; pass++) {
    const directory = libc.openat(fd, name, LISTING | libc.O_NOFOLLOW);
    try {
      yield* removeEntries(directory);
    } finally {
      libc.close(directory);
    }
    try {
      libc.unlinkat(fd, name, libc.AT_REMOVEDIR);
      return;
    } catch (error) {
      if (codeOf(error) !== "ENOTEMPTY" || pass === PASSES) throw error;
    }
  }
}

/** Removes what one listing of a directory gives, and tells whether that was anything. */
function* removeEntries(fd: number): Generator<void, boolean, undefined> {
  let any = false;
  for (let chunk; (chunk = readTypedChunk(fd)) !== undefined;) {
    for (const [i, name] of chunk.names.entries()) {
      any = true;
      try {
        if (chunk.types[i] === libc.DT_DIR) yield* removeDirectory(fd, name);
        else removeName(fd, name);
      } catch (error) {
        // Somebody else has removed it, or put something in its place: the next listing tells.
        if (codeOf(error) !== "ENOENT" && !mayBeSymlink(error)) throw error;
      }
      yield;
    }
  }
  return any;
}
