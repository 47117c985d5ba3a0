/**
 * Lists one directory, and the directories of a tree that is being traversed. Of these a bounded number is open.
 *
 * A tree may have more levels than a process may have descriptors. So a directory that is not in use may be closed, and
 * is opened again when it is needed. It is opened by single names from the nearest open directory above it, never
 * through a symlink and never by "..". Device and inode number then show whether it is the same directory.
 *
 * `new Levels(fd, path, dir)` takes over the descriptor of the top. `enter()` opens a directory in a level, `leave()`
 * closes a level that is not needed any more, `level.next()` lists it entry by entry. `level.fd` is valid until another
 * level is used, because that may close it; so calls get the level itself, which also makes their errors name the path
 * as the caller knows it. If another directory has taken the place of a level, ESTALE is thrown.
 *
 * @module
 */
import { CapsicumError, shown } from "../../../ffi/errors.ts";
import { type Asked, asked, failure, requests, type Serving, serving } from "../../../ffi/failure.ts";
import type { DirectoryChunk } from "../../../ffi/freebsd/structs.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { abi } from "../../../ffi/system.ts";
import { descriptor, type FdLike } from "../../../ffi/values.ts";
import { Rights } from "../../../rights/rights.ts";
import { closePassed, hasRights, identityOf, rightsOf, statAt } from "../descriptor.ts";
import { inTurns } from "../io/waiting.ts";
import { ambientPath, checkedPath, joined } from "../path/components.ts";
import { openBeneath } from "../path/resolve.ts";

/**
 * Returns the names in a directory, without "." and "..", in the order of the file system.
 *
 * A descriptor with LOOKUP is opened again, so the shared offset is neither used nor moved, and each listing is
 * complete. A descriptor without LOOKUP is read itself, from the start if it has SEEK. Without SEEK only the first
 * listing works; a listing that would not begin at the start throws. Names are lossless: in a name that is not UTF-8,
 * each offending byte is U+DC00 + byte. The same string opens the file.
 *
 * Stands for openat(2) of "." or lseek(2), and getdirentries(2). A descriptor needs READ; to be listed again, it also
 * needs LOOKUP or SEEK. A path works until `enter()`. Requires `--allow-ffi` permission.
 *
 * @param dir The descriptor of a directory, or an ambient path.
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
 * import { listDirSync } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 * assert(listDirSync("/dev").includes("null"));
 * ```
 */
export function listDirSync(dir: FdLike | string | URL): string[] {
  return listAtSync("listDirSync()", dir, ".");
}

/** The asynchronous twin of {@link listDirSync}, which rejects with its errors. Requires `--allow-ffi` permission. */
export function listDir(dir: FdLike | string | URL): Promise<string[]> {
  return Array.fromAsync(inTurns(readingDir("listDir()", dir, ".")), ({ name }) => name);
}

/**
 * Returns the entries of a directory with their types, without "." and "..", in the order of the file system.
 *
 * Descriptors and names are treated as by {@link listDirSync}. If a file system does not report types, each entry costs
 * an fstatat(2), and a descriptor also needs LOOKUP and FSTAT. Stands for openat(2) of "." or lseek(2), and
 * getdirentries(2). Requires `--allow-ffi` permission.
 *
 * @param dir The descriptor of a directory, or an ambient path.
 * @throws {CapsicumError} ENOTCAPABLE if the descriptor lacks a right, ECAPMODE for a path in capability mode.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing. All other errors are those of {@link listDirSync}.
 *
 * @example
 * ```ts
 * import { readDirSync } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 * for (const entry of readDirSync("/")) assert(entry.name !== "..");
 * ```
 */
export function readDirSync(dir: FdLike | string | URL): IterableIterator<Deno.DirEntry> {
  return readDirAtSync("readDirSync()", dir, ".");
}

/**
 * The asynchronous twin of {@link readDirSync}, for `for await`: it opens the directory when the loop starts, reads as
 * the loop goes, and throws in the loop. Requires `--allow-ffi` permission.
 */
export function readDir(dir: FdLike | string | URL): AsyncIterableIterator<Deno.DirEntry> {
  return inTurns(readingDir("readDir()", dir, "."));
}

/** The names in the directory `path` below `dir`. */
export function listAtSync(call: string, dir: FdLike | string | URL, path: string): string[] {
  const chunks = chunksOf(call, dir, path, readChunk);
  return chunks[0]?.names.concat(...chunks.slice(1).map(({ names }) => names)) ?? [];
}

/** The entries of the directory `path` below `dir`, all read before the first is returned: no directory stays open. */
export function readDirAtSync(
  call: string,
  dir: FdLike | string | URL,
  path: string,
): IterableIterator<Deno.DirEntry> {
  return entries(chunksOf(call, dir, path, readTypedChunk));
}

/** The entries as they are read; the directory stays open until the last entry. */
export function* readingDir(
  call: string,
  dir: FdLike | string | URL,
  path: string,
): Generator<Deno.DirEntry, void, undefined> {
  checkPlace(call, dir);
  // Between two reads, another user of the descriptor could move its offset.
  if (isReadItself(dir, path)) return yield* readDirAtSync(call, dir, path);
  const fd = openDirectory(call, dir, path);
  try {
    for (let chunk; (chunk = readTypedChunk(fd)) !== undefined;) yield* entries([chunk]);
  } finally {
    libc.close(fd);
  }
}

type Read = (fd: FdLike) => DirectoryChunk | undefined;

/** Refuses a value that is neither a path nor a descriptor. */
function checkPlace(call: string, dir: unknown): void {
  if (dir !== null && ["string", "number", "object"].includes(typeof dir)) return;
  throw new TypeError(`${call}: a directory must be a path, a file: URL or a descriptor, not ${shown(dir)}.`);
}

function chunksOf(call: string, dir: FdLike | string | URL, path: string, read: Read): DirectoryChunk[] {
  checkPlace(call, dir);
  if (isReadItself(dir, path)) return chunksOfItself(descriptor(dir), read);
  const fd = openDirectory(call, dir, path);
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
  if (base!.some((byte) => byte !== 0)) {
    throw new CapsicumError(
      `getdirentries on fd ${fd}: it was read before and can't be rewound: missing SEEK (held: ${
        held.names().join(", ")
      }) (ENOTCAPABLE). Keep SEEK, or LOOKUP to open it again for each listing.`,
      {
        ...{ code: "ENOTCAPABLE", errno: libc.ENOTCAPABLE, syscall: "lseek", reason: "rights", fd, held },
        missing: new Rights(["SEEK"]),
      },
    );
  }
  return first === undefined ? [] : [first, ...rest(fd, read)];
}

/** The next entries of an open directory, with their types; undefined at its end. */
function readTypedChunk(fd: FdLike): DirectoryChunk | undefined {
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

function openDirectory(call: string, dir: FdLike | string | URL, path: string): number {
  return typeof dir === "string" || dir instanceof URL
    ? libc.open(ambientPath(dir, call), LISTING)
    : openBeneath(dir, checkedPath(path, call), LISTING);
}

/** Where getdirentries(2) began to read: the `basep` of the last call. */
let base: Uint8Array<ArrayBuffer> | undefined;
let buffer: Uint8Array<ArrayBuffer> | undefined;

function readChunk(fd: FdLike): DirectoryChunk | undefined {
  buffer ??= new Uint8Array(128 * 1024);
  const length = libc.getdirentries(fd, buffer, buffer.length, base ??= new Uint8Array(8));
  return length === 0 ? undefined : abi().decodeDirectory(buffer, length);
}

/** The `d_type` of a name whose file system does not report types. */
function typeOf(fd: FdLike, name: string): number {
  try {
    const { isFile, isDirectory, isSymlink } = statAt(fd, name);
    return isFile ? libc.DT_REG : isDirectory ? libc.DT_DIR : isSymlink ? libc.DT_LNK : libc.DT_UNKNOWN;
  } catch (error) {
    // A name that was removed after it was read must not end the listing.
    if (error instanceof Deno.errors.NotFound) return libc.DT_UNKNOWN;
    throw error;
  }
}

/** An entry of a directory: its name and its `d_type`. */
interface Entry {
  readonly name: string;
  readonly type: number;
}

/** The entries of a directory, one by one. It buffers one read, and more only if the directory must be closed. */
class Listing {
  readonly #read: () => DirectoryChunk | undefined;
  #chunks: DirectoryChunk[] = [];
  /** The next entry of the first chunk. */
  #next = 0;
  #isRead = false;
  /** The error that ended the reading; it is thrown after the entries that were read before. */
  #failure: { readonly error: unknown } | undefined;

  /** @param read Returns the next entries, and undefined at the end. */
  constructor(read: () => DirectoryChunk | undefined) {
    this.#read = read;
  }

  /** The next entry; undefined at the end, and after an error. */
  next(): Entry | undefined {
    for (;;) {
      const chunk = this.#chunks[0];
      if (chunk !== undefined && this.#next < chunk.names.length) {
        const name = chunk.names[this.#next]!, type = chunk.types[this.#next++]!;
        return { name, type };
      }
      this.#chunks.shift();
      this.#next = 0;
      if (this.#chunks.length > 0) continue;
      if (!this.#isRead) this.#readMore();
      else if (this.#failure === undefined) return undefined;
      else {
        const { error } = this.#failure;
        this.#failure = undefined;
        throw error;
      }
    }
  }

  /** Reads the rest, before the directory is closed. */
  readRest(): void {
    while (!this.#isRead) this.#readMore();
  }

  #readMore(): void {
    try {
      const chunk = this.#read();
      if (chunk === undefined) this.#isRead = true;
      else this.#chunks.push(chunk);
    } catch (error) {
      this.#isRead = true;
      this.#failure = { error };
    }
  }
}

/** The most directories of a tree that are open at a time, including the top. */
const MOST_OPEN = 16;
/** A directory is listed to its end before it is closed, so a reopened directory is used only for lookups. */
const AGAIN = libc.O_PATH | libc.O_DIRECTORY | libc.O_NOFOLLOW | libc.O_CLOEXEC;

/** A directory of the tree. */
export class Level implements Serving {
  readonly #levels: Levels;
  /** The level that it was opened in; undefined at the top. */
  readonly above: Level | undefined;
  /** The name in the level above. */
  readonly name: string;
  /** The path by which errors name it. */
  readonly path: string;
  readonly depth: number;
  /** The descriptor while the directory is open. Outside this file, use `fd`. */
  held: number | undefined;
  /** Whether the directory could not be opened again. */
  isLost = false;
  readonly #listing: Listing | undefined;
  #identity: string | undefined;

  constructor(
    levels: Levels,
    above: Level | undefined,
    name: string,
    path: string,
    fd: number,
    isListed: boolean,
  ) {
    this.#levels = levels;
    this.above = above;
    this.name = name;
    this.path = path;
    this.depth = above === undefined ? 0 : above.depth + 1;
    this.held = fd;
    this.#listing = isListed ? new Listing(() => readTypedChunk(this)) : undefined;
  }

  /** The descriptor; the directory is opened again if necessary. */
  get fd(): number {
    return this.held ?? this.#levels.openAgain(this);
  }

  /** The path of a name in the directory, or of the directory itself, as the caller knows it. */
  [asked](name: string | undefined): Asked {
    return this.#levels.request(name === undefined ? this.path : joined(this.path, name));
  }

  /** Device and inode number, which needs FSTAT. */
  get identity(): string {
    return this.#identity ??= identityOf(this.fd);
  }

  /** The next entry; undefined at the end, and for a level that is used only for lookups. */
  next(): Entry | undefined {
    return this.#listing?.next();
  }

  /** Reads everything that is needed from the directory before it is closed. */
  suspend(): void {
    this.#identity ??= identityOf(this.fd);
    this.#listing?.readRest();
  }
}

export class Levels implements Disposable {
  readonly top: Level;
  /** What the caller asks for with a path in its directory. */
  readonly request: (path: string) => Asked;
  readonly #open = new Set<Level>();
  /** Whether directories can be identified, which needs FSTAT. If not, none is closed before its end. */
  #isBounded: boolean | undefined;

  /**
   * @param fd The descriptor of the top; disposing the levels closes it.
   * @param path The path of the top, as the caller gave it.
   * @param dir The directory that `path` is relative to.
   */
  constructor(fd: number, path: string, dir: FdLike) {
    this.request = requests(dir);
    this.top = new Level(this, undefined, "", path, fd, true);
    this.#open.add(this.top);
  }

  /** Opens a directory in a level; a symlink to a directory does not count. */
  enter(above: Level, name: string, path: string = joined(above.path, name), flags: number = LISTING): Level {
    const fd = libc.openat(serving(above.fd, this.request(path)), name, flags | libc.O_NOFOLLOW);
    return this.#add(new Level(this, above, name, path, fd, (flags & libc.O_PATH) === 0));
  }

  /** Takes over the descriptor of a directory in a level, which is used only for lookups. */
  pass(above: Level, name: string, fd: number): Level {
    return this.#add(new Level(this, above, name, joined(above.path, name), fd, false));
  }

  /** Closes a level unless it is the top. Levels that were opened in it must not be used any more. */
  leave(level: Level): void {
    if (level.held === undefined || level === this.top) return;
    this.#close(level);
  }

  /** Opens a level again, and every closed level on the path to it. */
  openAgain(level: Level): number {
    const way: Level[] = [];
    for (let at = level; at.held === undefined; at = at.above!) way.push(at);
    for (const next of way.reverse()) {
      try {
        next.held = this.#openSame(next);
      } catch (error) {
        next.isLost = true;
        throw error;
      }
      this.#add(next);
    }
    return level.held!;
  }

  [Symbol.dispose](): void {
    const fds = Array.from(this.#open, (level) => level.held!);
    this.#open.clear();
    closePassed(fds);
  }

  #openSame(level: Level): number {
    const asks = { ...this.request(level.path), syscall: "openat" };
    const fd = libc.openat(serving(level.above!.fd, asks), level.name, AGAIN);
    try {
      if (identityOf(fd) === level.identity) return fd;
      throw failure(asks, "ESTALE", "another directory took its place during the call (ESTALE).");
    } catch (error) {
      libc.close(fd);
      throw error;
    }
  }

  #add(level: Level): Level {
    this.#open.add(level);
    if (this.#open.size > MOST_OPEN && (this.#isBounded ??= rightsOf(this.top.fd).has("FSTAT"))) {
      this.#closeOne(level);
    }
    return level;
  }

  /** Closes one level: far from `last` and with a small gap between its open neighbours. Never the top or `last`. */
  #closeOne(last: Level): void {
    const open = [...this.#open].sort((a, b) => a.depth - b.depth);
    let chosen = last, least = Infinity;
    for (const [i, level] of open.entries()) {
      if (level === this.top || level === last) continue;
      const gap = (open[i + 1]?.depth ?? level.depth + 1) - open[i - 1]!.depth;
      const cost = gap / (1 + Math.abs(last.depth - level.depth));
      if (cost < least) [chosen, least] = [level, cost];
    }
    chosen.suspend();
    this.#close(chosen);
  }

  #close(level: Level): void {
    const fd = level.held!;
    this.#open.delete(level);
    level.held = undefined;
    libc.close(fd);
  }
}
