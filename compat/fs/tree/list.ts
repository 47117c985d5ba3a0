import { CapsicumError } from "../../../ffi/errors.ts";
import { descriptor, type FdLike } from "../../../ffi/values.ts";
import type { DirectoryChunk } from "../../../ffi/freebsd/structs.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { abi } from "../../../ffi/system.ts";
import { Rights } from "../../../rights/rights.ts";
import { hasRights, rightsOf, statAt } from "../descriptor.ts";
import { openBeneath } from "../open.ts";
import { pathOf } from "../path/ambient_path.ts";

/**
 * Returns the names in a directory, without "." and "..", in the order of the file system.
 *
 * A descriptor with LOOKUP is opened again, so the shared offset is neither used nor moved, and each listing is
 * complete. A descriptor without LOOKUP is read itself, from the start if it has SEEK. Without SEEK only the first
 * listing works; a listing that would not begin at the start throws.
 *
 * Names are lossless: in a name that is not UTF-8, each offending byte is U+DC00 + byte. The same string opens the
 * file.
 *
 * Stands for openat(2) of "." or lseek(2), and getdirentries(2). A descriptor needs READ; to be listed again, it also
 * needs LOOKUP or SEEK. A path works until `enter()`. Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If the path is empty or has a NUL.
 * @throws {RangeError} If the number is not a descriptor.
 * @throws {Deno.errors.NotFound} If the path does not exist.
 * @throws {Deno.errors.NotADirectory} If it is not a directory.
 * @throws {Deno.errors.BadResource} If the descriptor is not open.
 * @throws {CapsicumError} ENOTCAPABLE if the descriptor lacks a right, ECAPMODE for a path in capability mode.
 * @throws {Deno.errors.NotSupported} If the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
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
 * Treats descriptors and names in the same way as {@link listDirSync}. If a file system does not report types, each
 * entry costs an fstatat(2), and a descriptor also needs LOOKUP and FSTAT.
 *
 * Stands for openat(2) of "." or lseek(2), and getdirentries(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If the path is empty or has a NUL.
 * @throws {RangeError} If the number is not a descriptor.
 * @throws {Deno.errors.NotFound} If the path does not exist.
 * @throws {Deno.errors.NotADirectory} If it is not a directory.
 * @throws {Deno.errors.BadResource} If the descriptor is not open.
 * @throws {CapsicumError} ENOTCAPABLE if the descriptor lacks a right, ECAPMODE for a path in capability mode.
 * @throws {Deno.errors.NotSupported} If the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
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

/** The entries of the directory `path` below `dir`, all read before the first is returned: no directory stays open. */
export function readDirAtSync(dir: FdLike | string | URL, path: string): IterableIterator<Deno.DirEntry> {
  return entries(chunksOf(dir, path, readTypedChunk));
}

/** The entries as they are read; the directory stays open until the last entry. */
export function* readingDir(dir: FdLike, path: string): Generator<Deno.DirEntry, void, undefined> {
  // Between two reads, another user of the descriptor could move its offset.
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

/** Whether a directory is read by its own descriptor: without LOOKUP nothing can be opened in it, not even ".". */
function isReadItself(dir: FdLike | string | URL, path: string): dir is FdLike {
  if (typeof dir === "string" || dir instanceof URL || path !== "." || !hasRights()) return false;
  const rights = rightsOf(descriptor(dir));
  return rights.has("READ") && !rights.has("LOOKUP");
}

function chunksOfItself(fd: number, read: Read): DirectoryChunk[] {
  const held = rightsOf(fd);
  if (held.has("SEEK")) libc.lseek(fd, 0, libc.SEEK_SET);
  const first = read(fd);
  // The kernel reports where it began to read: anything but the start means that entries were read before.
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

/** The flags to open a directory for listing. */
export const LISTING: number = libc.O_RDONLY | libc.O_DIRECTORY | libc.O_CLOEXEC;

function* entries(chunks: DirectoryChunk[]): Generator<Deno.DirEntry, void, undefined> {
  for (const { names, types } of chunks) {
    for (let i = 0; i < names.length; i++) yield entryOf(names[i]!, types[i]!);
  }
}

/** A name and its `d_type` as a `Deno.DirEntry`. */
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

/** The `d_type` of a name whose file system does not report types. */
function typeOf(fd: number, name: string): number {
  try {
    const { isFile, isDirectory, isSymlink } = statAt(fd, name);
    return isFile ? libc.DT_REG : isDirectory ? libc.DT_DIR : isSymlink ? libc.DT_LNK : libc.DT_UNKNOWN;
  } catch (error) {
    // A name that was removed after it was read must not end the listing.
    if (error instanceof Deno.errors.NotFound) return libc.DT_UNKNOWN;
    throw error;
  }
}
