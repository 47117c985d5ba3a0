import type { DirectoryChunk } from "../../../ffi/freebsd/structs.ts";
import { abi } from "../../../ffi/system.ts";
import { CapsicumError } from "../../../ffi/errors.ts";
import { descriptor, type FdLike } from "../../../ffi/fd_like.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { Rights } from "../../../rights/mod.ts";
import { hasRights, rightsOf } from "../metadata/held.ts";
import { openBeneath } from "../open.ts";
import { pathOf } from "../path/ambient_path.ts";
import { statAt } from "../metadata/stat.ts";

/**
 * Returns the names in a directory, without "." and "..", in the order of the file system.
 *
 * Given a descriptor with LOOKUP it opens the directory again, so the shared offset is neither used nor moved: twice gives
 * the same. Without LOOKUP it reads the descriptor itself, from its start if it holds SEEK. Without SEEK the first listing
 * works, and one that does not begin at the start throws.
 *
 * Names are lossless: one that is not UTF-8 has each offending byte as U+DC00 + byte, and opens under that very string.
 *
 * Stands for openat(2) of "." or lseek(2), and getdirentries(2). A descriptor needs READ, and LOOKUP or SEEK to be listed
 * again; a path works until `enter()`. Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When the path is empty or has a NUL.
 * @throws {RangeError} When the number is no descriptor.
 * @throws {Deno.errors.NotFound} When the path does not exist.
 * @throws {Deno.errors.NotADirectory} When it is not a directory.
 * @throws {Deno.errors.BadResource} When the descriptor is not open.
 * @throws {CapsicumError} ENOTCAPABLE when the descriptor lacks a right, ECAPMODE for a path in capability mode.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, listDirSync } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) assert(listDirSync("/dev").includes("null"));
 * ```
 */
export function listDirSync(dir: FdLike | string | URL): string[] {
  return listAtSync(dir, ".");
}

/**
 * Returns the entries of a directory with their types, without "." and "..", in the order of the file system.
 *
 * As {@link listDirSync} for descriptors and names. If a file system does not report types, each costs an fstatat(2), for
 * which a descriptor also needs LOOKUP and FSTAT.
 *
 * Stands for openat(2) of "." or lseek(2), and getdirentries(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When the path is empty or has a NUL.
 * @throws {RangeError} When the number is no descriptor.
 * @throws {Deno.errors.NotFound} When the path does not exist.
 * @throws {Deno.errors.NotADirectory} When it is not a directory.
 * @throws {Deno.errors.BadResource} When the descriptor is not open.
 * @throws {CapsicumError} ENOTCAPABLE when the descriptor lacks a right, ECAPMODE for a path in capability mode.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, readDirSync } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   for (const entry of readDirSync("/")) assert(entry.name !== "..");
 * }
 * ```
 */
export function readDirSync(dir: FdLike | string | URL): IterableIterator<Deno.DirEntry> {
  return readDirAtSync(dir, ".");
}

/** The names in the directory `path` below `dir`. */
export function listAtSync(dir: FdLike | string | URL, path: string): string[] {
  const chunks = chunksOf(dir, path, readChunk);
  return chunks[0]?.names.concat(...chunks.slice(1).map(({ names }) => names)) ?? [];
}

/** The entries of the directory `path` below `dir`, read as a whole before the first is given: none is left open. */
export function readDirAtSync(dir: FdLike | string | URL, path: string): IterableIterator<Deno.DirEntry> {
  return entries(chunksOf(dir, path, readTypedChunk));
}

/** The entries as they are read; the directory is open from the first to the last. */
export function* readingDir(dir: FdLike, path: string): Generator<Deno.DirEntry, void, undefined> {
  // Between two reads somebody else could move its offset.
  if (isReadItself(dir, path)) return yield* readDirAtSync(dir, path);
  const fd = openDirectory(dir, path);
  try {
    for (let chunk; (chunk = readTypedChunk(fd)) !== undefined;) yield* entries([chunk]);
  } finally {
    libc.close(fd);
  }
}

type Read = (fd: number) => DirectoryChunk | undefined;

function chunksOf(dir: FdLike | string | URL, path: string, read: Read): DirectoryChunk[] {
  if (isReadItself(dir, path)) return chunksOfItself(descriptor(dir), read);
  const fd = openDirectory(dir, path);
  try {
    return rest(fd, read);
  } finally {
    libc.close(fd);
  }
}

function rest(fd: number, read: Read): DirectoryChunk[] {
  const chunks: DirectoryChunk[] = [];
  for (let chunk; (chunk = read(fd)) !== undefined;) chunks.push(chunk);
  return chunks;
}

/** Whether a directory is read by its own descriptor, since without LOOKUP nothing can be opened in it, not even ".". */
function isReadItself(dir: FdLike | string | URL, path: string): dir is FdLike {
  if (typeof dir === "string" || dir instanceof URL || path !== "." || !hasRights()) return false;
  const rights = rightsOf(descriptor(dir));
  return rights.has("READ") && !rights.has("LOOKUP");
}

function chunksOfItself(fd: number, read: Read): DirectoryChunk[] {
  const held = rightsOf(fd);
  if (held.has("SEEK")) libc.lseek(fd, 0, libc.SEEK_SET);
  const first = read(fd);
  // The kernel reports where it began to read: what is not the start was read before.
  if (base.some((byte) => byte !== 0)) {
    throw new CapsicumError(
      `getdirentries on fd ${fd}: it was read before and can't be rewound: missing SEEK (held: ${
        held.names().join(", ")
      }) (ENOTCAPABLE). Keep SEEK, or LOOKUP to open it anew for each listing.`,
      {
        ...{ code: "ENOTCAPABLE", errno: libc.ENOTCAPABLE, syscall: "lseek", reason: "rights", fd, held },
        missing: new Rights(["SEEK"]),
      },
    );
  }
  return first === undefined ? [] : [first, ...rest(fd, read)];
}

/** The next entries of an open directory, with their types; undefined at its end. */
export function readTypedChunk(fd: number): DirectoryChunk | undefined {
  const chunk = readChunk(fd);
  if (chunk === undefined) return undefined;
  const { names, types } = chunk;
  for (let i = types.indexOf(libc.DT_UNKNOWN); i >= 0; i = types.indexOf(libc.DT_UNKNOWN, i + 1)) {
    types[i] = typeOf(fd, names[i]!);
  }
  return chunk;
}

/** The flags by which a directory is opened to be listed. */
export const LISTING: number = libc.O_RDONLY | libc.O_DIRECTORY | libc.O_CLOEXEC;

function* entries(chunks: DirectoryChunk[]): Generator<Deno.DirEntry, void, undefined> {
  for (const { names, types } of chunks) {
    for (let i = 0; i < names.length; i++) yield entryOf(names[i]!, types[i]!);
  }
}

/** A name and its `d_type` as Deno has it. */
export function entryOf(name: string, type: number): Deno.DirEntry {
  return {
    name,
    isFile: type === libc.DT_REG,
    isDirectory: type === libc.DT_DIR,
    isSymlink: type === libc.DT_LNK,
  };
}

function openDirectory(dir: FdLike | string | URL, path: string): number {
  return typeof dir === "string" || dir instanceof URL
    ? libc.open(pathOf(dir), LISTING)
    : openBeneath(dir, path, LISTING);
}

const base = new Uint8Array(8);
let buffer: Uint8Array<ArrayBuffer> | undefined;

function readChunk(fd: number): DirectoryChunk | undefined {
  buffer ??= new Uint8Array(128 * 1024);
  const length = libc.getdirentries(fd, buffer, buffer.length, base);
  return length === 0 ? undefined : abi().decodeDirectory(buffer, length);
}

/** The `d_type` of a name whose file system does not tell it. */
function typeOf(fd: number, name: string): number {
  try {
    const { isFile, isDirectory, isSymlink } = statAt(fd, name);
    return isFile ? libc.DT_REG : isDirectory ? libc.DT_DIR : isSymlink ? libc.DT_LNK : libc.DT_UNKNOWN;
  } catch (error) {
    // One that was removed since it was read ends no listing.
    if (error instanceof Deno.errors.NotFound) return libc.DT_UNKNOWN;
    throw error;
  }
}
