import { limit } from "../../ffi/capsicum/limits.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { Rights, type RightsLike } from "../../rights/mod.ts";
import { type AtomicWriteOptions, writeAtomic, writeAtomicSync } from "./whole/atomic.ts";
import * as attributes from "./metadata/attributes.ts";
import type { ExistsOptions } from "./metadata/attributes.ts";
import { type LengthOptions, lengthOptions, type ReadOptions, readOptions } from "./whole/bound.ts";
import { isConfined } from "./path/confined.ts";
import { copyingFile, copyPairs, copyPairsAsync } from "./tree/copy_file.ts";
import { copying, type CopyOptions } from "./tree/copy.ts";
import { Descriptor, openDescriptor } from "./descriptor.ts";
import type { FdFile } from "./file.ts";
import { type ExpandGlobOptions, GLOB_OPTIONS, globbing, sorted, sortedInTurns } from "./tree/glob.ts";
import { listAtSync, LISTING, readDirAtSync, readingDir } from "./tree/list.ts";
import { ensureFile, mkdir } from "./whole/make.ts";
import * as names from "./path/links.ts";
import { openBeneath, openFileAt } from "./open.ts";
import { open } from "./open_async.ts";
import type { OpenOptions } from "./open_options.ts";
import { anything, checkOptions } from "./options.ts";
import { pathOf } from "./path/ambient_path.ts";
import * as reading from "./whole/read_file.ts";
import { emptying, remove, REMOVE_OPTIONS, removing } from "./tree/remove.ts";
import {
  type RenameOptions,
  type Target,
  targetOf,
  type TargetWithOptions,
  targetWithOptions,
} from "./path/target.ts";
import { makeTempDir, makeTempFile } from "./whole/temp.ts";
import { finish, finishInTurns, inTurns } from "./tree/turns.ts";
import { WALK_OPTIONS, type WalkEntry, walking, type WalkOptions } from "./tree/walk.ts";
import * as writing from "./whole/write_file.ts";

/** The options of `openDirSync`. */
export interface OpenDirOptions {
  /** The rights that the directory, and what is opened through it, is limited to at once. */
  limit?: RightsLike;
}

const openDirOptions = { limit: anything };

/**
 * An open directory: the place that paths are relative to, also in capability mode.
 *
 * Its methods have the names, options and results of `Deno.*` and `@std/fs`. Paths stay beneath it, limited or not,
 * whatever the kernel and whatever changes meanwhile: a leading "/", a ".." or a symlink that leads out of it is refused
 * with a `CapsicumError`, ENOTCAPABLE. What it opens has at most its rights. Names are lossless: one that is not UTF-8
 * has each offending byte as U+DC00 + byte. All methods require `--allow-ffi` permission.
 *
 * A method needs the rights that it names and no more. Two things need READ besides, each a directory that is opened on
 * the way: a path of several components where the kernel does not confine the directory ({@link Dir.confined}), and what
 * goes through a tree.
 *
 * Methods without `Sync` move bytes off this thread, and go through trees in turns with the event loop. Those that make
 * a call or two, each of microseconds, make them at once and return a promise.
 *
 * @example
 * ```ts
 * import { openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * using tmp = openDirSync("/tmp");
 * const path = tmp.makeTempDirSync();
 * using dir = tmp.openDirSync(path);
 * dir.writeTextFileSync("greeting", "hello");
 * dir.renameSync("greeting", tmp, `${path}/hello`);
 * assertEquals(dir.listSync(), ["hello"]);
 * tmp.removeSync(path, { recursive: true });
 * ```
 */
export class Dir extends Descriptor {
  #confined: boolean | undefined;

  /** Takes over a descriptor; `fromFd` checks it first. */
  constructor(fd: number, confined?: boolean) {
    super(fd);
    this.#confined = confined;
  }

  /**
   * Takes over an open descriptor of a directory, which the `Dir` closes from now on.
   *
   * Stands for fcntl(2), F_GETFD, by which it checks it. Requires `--allow-ffi` permission.
   *
   * @throws {RangeError} When the number is no descriptor.
   * @throws {Deno.errors.BadResource} When it is not open.
   *
   * @example
   * ```ts
   * import { Dir, libc } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * using dev = Dir.fromFd(libc.open("/dev", libc.O_RDONLY | libc.O_DIRECTORY | libc.O_CLOEXEC));
   * assert(dev.listSync().includes("null"));
   * ```
   */
  static fromFd(fd: number): Dir {
    return new Dir(openDescriptor(fd), isConfined(fd));
  }

  /**
   * Whether the kernel keeps lookups in the directory; where it does not, the library resolves paths step by step.
   *
   * FreeBSD 15 does not keep them in the root of a mounted file system. It is found out when the directory is opened, by
   * openat(2) of ".."; in capability mode, where nothing is tried, it is false of what `Dir.fromFd` takes over, and of a
   * directory below this one that lacks FSTAT or is on another file system.
   *
   * @throws {Deno.errors.BadResource} When it is closed or was taken.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * using etc = openDirSync("/etc/");
   * assert(typeof etc.confined === "boolean");
   * ```
   */
  get confined(): boolean {
    const { fd } = this;
    return this.#confined ??= isConfined(fd);
  }

  /**
   * Opens a file. The options are those of {@link openSync}: without any it reads, and `limit` names the rights that it
   * keeps.
   *
   * Stands for openat(2) and, with `limit`, cap_rights_limit(2); needs LOOKUP, and by the options READ, WRITE, SEEK, CREATE or FTRUNCATE. What the file is used
   * for later must be among the rights too.
   *
   * @throws {TypeError} When the path is empty or has a NUL, or the options contradict each other.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {Deno.errors.AlreadyExists} With `createNew`, when it exists.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * using file = tmp.openSync(path, { write: true });
   * assertEquals(file.writeSync(new Uint8Array(3)), 3);
   * tmp.removeSync(path);
   * ```
   */
  openSync(path: string, options?: OpenOptions): FdFile {
    return openFileAt("Dir.openSync()", this, path, options);
  }

  /**
   * As {@link Dir.openSync}, without stopping the event loop: a FIFO for reading is open at once, one for writing as soon as
   * it has a reader. `signal` ends the wait.
   *
   * A FIFO stays O_NONBLOCK while the file has it, and so does a terminal or device if the directory lacks FCNTL or FSTAT;
   * the methods of the file wait all the same.
   */
  async open(path: string, options: OpenOptions & { signal?: AbortSignal } = {}): Promise<FdFile> {
    return await open("Dir.open()", this, path, options);
  }

  /**
   * Opens a directory below this one, with the same rights or, by `limit`, fewer.
   *
   * Stands for openat(2) and cap_rights_limit(2); needs LOOKUP and READ.
   *
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {Deno.errors.NotADirectory} When it is not a directory.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * {
   *   using dir = tmp.openDirSync(path);
   *   assertEquals(dir.listSync(), []);
   * }
   * tmp.removeSync(path);
   * ```
   */
  openDirSync(path: string, options: OpenDirOptions = {}): Dir {
    return opened("Dir.openDirSync()", options, () => openBeneath(this, path, LISTING), this);
  }

  /** As {@link Dir.openDirSync}, as a promise. */
  openDir(path: string, options: OpenDirOptions = {}): Promise<Dir> {
    return promised(() => opened("Dir.openDir()", options, () => openBeneath(this, path, LISTING), this));
  }

  /**
   * Opens a file for reading and writing, made where it is missing and cut to no bytes where it is not.
   *
   * Stands for openat(2); needs LOOKUP, READ, WRITE, CREATE and FTRUNCATE.
   *
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {Deno.errors.IsADirectory} When it is a directory.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * using file = tmp.createSync(path);
   * assertEquals(file.writeSync(new Uint8Array(3)), 3);
   * tmp.removeSync(path);
   * ```
   */
  createSync(path: string): FdFile {
    return openFileAt("Dir.createSync()", this, path, {
      read: true,
      write: true,
      create: true,
      truncate: true,
    });
  }

  /** As {@link Dir.createSync}, as a promise. */
  create(path: string): Promise<FdFile> {
    return open("Dir.create()", this, path, { read: true, write: true, create: true, truncate: true });
  }

  /**
   * Reads all bytes of a file.
   *
   * Stands for openat(2), and read(2) as often as it takes; needs LOOKUP and READ. A file of more than 128 KiB is read in one
   * piece where FSTAT is held too.
   *
   * @param path A path below the directory.
   * @param options `maxLength` is the most bytes that the file may have. Default: no bound.
   * @returns What the file contains.
   * @throws {RangeError} If the file has more than `maxLength` bytes.
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {Deno.errors.IsADirectory} When it is a directory.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * tmp.writeFileSync(path, new Uint8Array([1, 2, 3]));
   * assertEquals(tmp.readFileSync(path), new Uint8Array([1, 2, 3]));
   * tmp.removeSync(path);
   * ```
   */
  readFileSync(path: string, options: LengthOptions = {}): Uint8Array<ArrayBuffer> {
    checkOptions("Dir.readFileSync()", options, lengthOptions("file"));
    return reading.readFileSync(this, path, options);
  }

  /** As {@link Dir.readFileSync}, off this thread where there is much to read. */
  async readFile(path: string, options: ReadOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    checkOptions("Dir.readFile()", options, readOptions("file"));
    return await reading.readFile(this, path, options);
  }

  /**
   * Reads all text of a file. What is not UTF-8 becomes U+FFFD; a byte order mark stays, as in Deno.
   *
   * Stands for openat(2) and read(2); needs LOOKUP and READ.
   *
   * @param path A path below the directory.
   * @param options `maxLength` is the most bytes that the file may have. Default: 536,870,888 bytes, the most that a string can hold.
   * @returns What the file contains.
   * @throws {RangeError} If the file has more than `maxLength` bytes.
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {Deno.errors.IsADirectory} When it is a directory.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * tmp.writeTextFileSync(path, "text");
   * assertEquals(tmp.readTextFileSync(path), "text");
   * tmp.removeSync(path);
   * ```
   */
  readTextFileSync(path: string, options: LengthOptions = {}): string {
    checkOptions("Dir.readTextFileSync()", options, lengthOptions("text"));
    return reading.readTextFileSync(this, path, options);
  }

  /** As {@link Dir.readTextFileSync}, off this thread where there is much to read. */
  async readTextFile(path: string, options: ReadOptions = {}): Promise<string> {
    checkOptions("Dir.readTextFile()", options, readOptions("text"));
    return await reading.readTextFile(this, path, options);
  }

  /**
   * The lines of a text, without their "\n" or "\r\n". The file is open from the first line to the last, or to the end of
   * the loop.
   *
   * Stands for openat(2) and read(2); needs LOOKUP and READ.
   *
   * @param path A path below the directory.
   * @param options `maxLength` is the most bytes of a line, without its end. Default: 16 MiB.
   * @returns The lines, as they are asked for.
   * @throws {RangeError} If a line has more than `maxLength` bytes. The lines before it come first.
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {Deno.errors.IsADirectory} When it is a directory.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * tmp.writeTextFileSync(path, "one\ntwo\n");
   * assertEquals([...tmp.readTextFileLinesSync(path)], ["one", "two"]);
   * tmp.removeSync(path);
   * ```
   */
  readTextFileLinesSync(path: string, options: LengthOptions = {}): IterableIterator<string> {
    checkOptions("Dir.readTextFileLinesSync()", options, lengthOptions("line"));
    return reading.readLinesSync(this, path, options);
  }

  /** As {@link Dir.readTextFileLinesSync}, for `for await`. */
  readTextFileLines(path: string, options: ReadOptions = {}): AsyncIterableIterator<string> {
    checkOptions("Dir.readTextFileLines()", options, readOptions("line"));
    return reading.readLines(this, path, options);
  }

  /**
   * Writes a file as a whole: made where it is missing, replaced or, with `append`, prolonged where it is not.
   *
   * Stands for openat(2), write(2) and, with `mode`, fchmod(2); needs LOOKUP and WRITE, CREATE unless `create` is false, FTRUNCATE
   * unless it appends, and FCHMOD for `mode`.
   *
   * @throws {TypeError} When the path is empty or has a NUL, or the data is no Uint8Array.
   * @throws {Deno.errors.NotFound} When a directory on the way, or with `create: false` the file, does not exist.
   * @throws {Deno.errors.AlreadyExists} With `createNew`, when it exists.
   * @throws {Deno.errors.IsADirectory} When it is a directory.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * tmp.writeFileSync(path, new Uint8Array([1, 2]));
   * tmp.writeFileSync(path, new Uint8Array([3]), { append: true });
   * assertEquals(tmp.readFileSync(path), new Uint8Array([1, 2, 3]));
   * tmp.removeSync(path);
   * ```
   */
  writeFileSync(path: string, data: Uint8Array, options: Deno.WriteFileOptions = {}): void {
    checkOptions("Dir.writeFileSync()", options, writing.WRITE_OPTIONS);
    writing.writeFileSync(this, path, data, options);
  }

  /** As {@link Dir.writeFileSync}, off this thread where there is much to write; a stream is written as it comes, and cancelled if that fails. */
  async writeFile(
    path: string,
    data: Uint8Array | ReadableStream<Uint8Array>,
    options: Deno.WriteFileOptions = {},
  ): Promise<void> {
    checkOptions("Dir.writeFile()", options, writing.WRITE_OPTIONS);
    await writing.writeFile(this, path, data, options);
  }

  /**
   * Writes a text file as a whole, in UTF-8, as {@link Dir.writeFileSync} does with bytes.
   *
   * Stands for openat(2), write(2) and, with `mode`, fchmod(2); needs LOOKUP and WRITE, CREATE unless `create` is false, FTRUNCATE
   * unless it appends, and FCHMOD for `mode`.
   *
   * @throws {TypeError} When the path is empty or has a NUL, or the data is no string.
   * @throws {Deno.errors.NotFound} When a directory on the way, or with `create: false` the file, does not exist.
   * @throws {Deno.errors.AlreadyExists} With `createNew`, when it exists.
   * @throws {Deno.errors.IsADirectory} When it is a directory.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * tmp.writeTextFileSync(path, "text");
   * assertEquals(tmp.readTextFileSync(path), "text");
   * tmp.removeSync(path);
   * ```
   */
  writeTextFileSync(path: string, data: string, options: Deno.WriteFileOptions = {}): void {
    checkOptions("Dir.writeTextFileSync()", options, writing.WRITE_OPTIONS);
    writing.writeTextFileSync(this, path, data, options);
  }

  /** As {@link Dir.writeTextFileSync}, off this thread where there is much to write; a stream is written as it comes, and cancelled if that fails. */
  async writeTextFile(
    path: string,
    data: string | ReadableStream<string>,
    options: Deno.WriteFileOptions = {},
  ): Promise<void> {
    checkOptions("Dir.writeTextFile()", options, writing.WRITE_OPTIONS);
    await writing.writeTextFile(this, path, data, options);
  }

  /**
   * Replaces a file as a whole: it has the old content or the new one, also after a crash.
   *
   * The content goes to a new file ".new-..." in the same directory, which only its owner may open. When it is on the disk,
   * that file gets its mode and the name. It keeps the permission bits of the file that it replaces and, as far as that is
   * permitted, its owner and group; without the group, and with an access control list, it gives nobody more than before.
   * Other names of the old file (hard links) keep the old content. A symlink is replaced itself. If a step fails, the old
   * file stays and the new one is removed.
   *
   * Stands for openat(2), write(2), fsync(2), fchmod(2) and renameat(2); needs LOOKUP, CREATE, WRITE, FSYNC, FSTAT, FCHMOD,
   * RENAMEAT_SOURCE, RENAMEAT_TARGET and UNLINKAT, FCHOWN to keep another owner, and READ for a path of several components.
   * Without one of them nothing is made.
   *
   * @param path The path of the file.
   * @param data Its new content; text becomes UTF-8.
   * @param options The mode, if it is not that of the old file or, for a new one, 0o666 less the umask.
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {Deno.errors.IsADirectory} When it is a directory.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * tmp.writeFileAtomicSync(path, "new");
   * assertEquals(tmp.readTextFileSync(path), "new");
   * tmp.removeSync(path);
   * ```
   */
  writeFileAtomicSync(path: string, data: Uint8Array | string, options?: AtomicWriteOptions): void {
    writeAtomicSync(this, path, data, options);
  }

  /** The asynchronous twin of {@link Dir.writeFileAtomicSync}: it writes off this thread. */
  writeFileAtomic(path: string, data: Uint8Array | string, options?: AtomicWriteOptions): Promise<void> {
    return writeAtomic(this, path, data, options);
  }

  /**
   * The entries of this directory or of one below it, without "." and "..": name, isFile, isDirectory, isSymlink.
   *
   * Stands for openat(2) and getdirentries(2); needs LOOKUP and READ.
   *
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {Deno.errors.NotADirectory} When it is not a directory.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * tmp.mkdirSync(`${path}/sub`);
   * const [entry] = tmp.readDirSync(path);
   * assert(entry!.name === "sub" && entry!.isDirectory);
   * tmp.removeSync(path, { recursive: true });
   * ```
   */
  readDirSync(path = "."): IterableIterator<Deno.DirEntry> {
    return readDirAtSync(this, path);
  }

  /** As {@link Dir.readDirSync}, for `for await`: read as it goes, in turns with the event loop. */
  readDir(path = "."): AsyncIterableIterator<Deno.DirEntry> {
    return inTurns(readingDir(this, path));
  }

  /**
   * The names in this directory or in one below it, without "." and "..".
   *
   * Stands for openat(2) and getdirentries(2); needs LOOKUP and READ, this directory itself READ alone: see `listDirSync()`.
   *
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {Deno.errors.NotADirectory} When it is not a directory.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * tmp.writeTextFileSync(`${path}/file`, "");
   * assertEquals(tmp.listSync(path), ["file"]);
   * tmp.removeSync(path, { recursive: true });
   * ```
   */
  listSync(path = "."): string[] {
    return listAtSync(this, path);
  }

  /** As {@link Dir.listSync}, in turns with the event loop. */
  async list(path = "."): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of this.readDir(path)) names.push(name);
    return names;
  }

  /**
   * All that is below this directory or one below it, depth first, itself included. The options are those of `@std/fs`.
   *
   * Stands for openat(2) and getdirentries(2); needs LOOKUP and READ, and FSTAT with `followSymlinks`, with a `maxDepth` of
   * 0, and to walk a tree of any depth with 16 open directories: without FSTAT each level keeps one open. The path in an
   * error is whole, from this directory. An error ends the walk unless `onError` takes it.
   *
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {Deno.errors.NotADirectory} When it is not a directory.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * tmp.mkdirSync(`${path}/a/b`, { recursive: true });
   * const found = [...tmp.walkSync(path)].map((entry) => entry.path);
   * assertEquals(found, [path, `${path}/a`, `${path}/a/b`]);
   * tmp.removeSync(path, { recursive: true });
   * ```
   */
  walkSync(path = ".", options: WalkOptions = {}): IterableIterator<WalkEntry> {
    checkOptions("Dir.walkSync()", options, WALK_OPTIONS);
    return walking(this, path, options);
  }

  /** As {@link Dir.walkSync}, for `for await`: in turns with the event loop. */
  walk(path = ".", options: WalkOptions = {}): AsyncIterableIterator<WalkEntry> {
    checkOptions("Dir.walk()", options, WALK_OPTIONS);
    return inTurns(walking(this, path, options));
  }

  /**
   * What a pattern means, sorted by path. Patterns and options are those of `@std/fs` and `@std/path`.
   *
   * The time for a name is linear in the lengths of pattern and name, whatever the pattern. ".." behind a wildcard leads up
   * from each directory that was found, and throws where that leaves this directory. What is missing is not found; an
   * entry that can't be read is an error, which ends the search unless `onError` takes it.
   *
   * Stands for openat(2) and getdirentries(2); needs LOOKUP, READ and FSTAT.
   *
   * @throws {TypeError} If a pattern or the root is empty or has a NUL, an option is unknown or has the wrong type, or an
   * `exclude` pattern is absolute, leaves the root, or has both `**` and "..".
   * @throws {CapsicumError} ENOTCAPABLE if a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * tmp.writeTextFileSync(`${path}/a.txt`, "");
   * const found = [...tmp.expandGlobSync("*.{txt,md}", { root: path })].map((entry) => entry.path);
   * assertEquals(found, [`${path}/a.txt`]);
   * tmp.removeSync(path, { recursive: true });
   * ```
   */
  expandGlobSync(glob: string, options: ExpandGlobOptions = {}): IterableIterator<WalkEntry> {
    checkOptions("Dir.expandGlobSync()", options, GLOB_OPTIONS);
    return sorted([...globbing(this, glob, options)]).values();
  }

  /** As {@link Dir.expandGlobSync}, for `for await`: in turns with the event loop. */
  expandGlob(glob: string, options: ExpandGlobOptions = {}): AsyncIterableIterator<WalkEntry> {
    checkOptions("Dir.expandGlob()", options, GLOB_OPTIONS);
    return sortedInTurns(globbing(this, glob, options));
  }

  /**
   * What is known of a file below this directory, or of the directory itself; symlinks are followed.
   *
   * Stands for fstatat(2); needs LOOKUP and FSTAT.
   *
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * assert(tmp.statSync(path).isFile);
   * tmp.removeSync(path);
   * ```
   */
  statSync(path = "."): Deno.FileInfo {
    return attributes.stat(this, path);
  }

  /** As {@link Dir.statSync}, as a promise. */
  stat(path = "."): Promise<Deno.FileInfo> {
    return promised(() => this.statSync(path));
  }

  /**
   * What is known of a file below this directory, or of a symlink itself.
   *
   * Stands for fstatat(2) with AT_SYMLINK_NOFOLLOW; needs LOOKUP and FSTAT.
   *
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * assertEquals(tmp.lstatSync(path).size, 0);
   * tmp.removeSync(path);
   * ```
   */
  lstatSync(path: string): Deno.FileInfo {
    return attributes.lstat(this, path);
  }

  /** As {@link Dir.lstatSync}, as a promise. */
  lstat(path: string): Promise<Deno.FileInfo> {
    return promised(() => this.lstatSync(path));
  }

  /**
   * Tells whether a path exists, and, by the options of `@std/fs`, is what is asked for; symlinks are followed.
   *
   * Stands for fstatat(2), and faccessat(2) for `isReadable`; needs LOOKUP and FSTAT.
   *
   * @throws {TypeError} When the path is empty or has a NUL, or both `isFile` and `isDirectory` are true.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * assert(tmp.existsSync(path, { isFile: true }));
   * tmp.removeSync(path);
   * ```
   */
  existsSync(path: string, options: ExistsOptions = {}): boolean {
    return attributes.exists(this, path, options);
  }

  /** As {@link Dir.existsSync}, as a promise. */
  exists(path: string, options: ExistsOptions = {}): Promise<boolean> {
    return promised(() => this.existsSync(path, options));
  }

  /**
   * Sets the permission bits of a file; symlinks are followed.
   *
   * Stands for fchmodat(2); needs LOOKUP and FCHMOD.
   *
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {RangeError} When the mode is none.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {Deno.errors.PermissionDenied} When modes or owners do not permit it.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * tmp.chmodSync(path, 0o640);
   * assertEquals(tmp.statSync(path).mode! & 0o777, 0o640);
   * tmp.removeSync(path);
   * ```
   */
  chmodSync(path: string, mode: number): void {
    attributes.chmod(this, path, mode);
  }

  /** As {@link Dir.chmodSync}, as a promise. */
  chmod(path: string, mode: number): Promise<void> {
    return promised(() => this.chmodSync(path, mode));
  }

  /**
   * Sets owner and group of a file by their numbers, where null leaves one as it is; symlinks are followed.
   *
   * Stands for fchownat(2); needs LOOKUP and FCHOWN.
   *
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {RangeError} When a number is none.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {Deno.errors.PermissionDenied} When modes or owners do not permit it.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * const { uid, gid } = tmp.statSync(path);
   * tmp.chownSync(path, uid, null);
   * assertEquals(tmp.statSync(path).gid, gid);
   * tmp.removeSync(path);
   * ```
   */
  chownSync(path: string, uid: number | null, gid: number | null): void {
    attributes.chown(this, path, uid, gid);
  }

  /** As {@link Dir.chownSync}, as a promise. */
  chown(path: string, uid: number | null, gid: number | null): Promise<void> {
    return promised(() => this.chownSync(path, uid, gid));
  }

  /**
   * Sets access and modification time, as Dates or in seconds since 1970, with milliseconds; symlinks are followed.
   *
   * Stands for utimensat(2); needs LOOKUP and FUTIMES.
   *
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {RangeError} When a time is none, or lies in the last second before 1970, which FreeBSD can't set.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {Deno.errors.PermissionDenied} When modes or owners do not permit it.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * tmp.utimeSync(path, 1, 2.5);
   * assertEquals(tmp.statSync(path).mtime, new Date(2500));
   * tmp.removeSync(path);
   * ```
   */
  utimeSync(path: string, atime: number | Date, mtime: number | Date): void {
    attributes.utime(this, path, atime, mtime);
  }

  /** As {@link Dir.utimeSync}, as a promise. */
  utime(path: string, atime: number | Date, mtime: number | Date): Promise<void> {
    return promised(() => this.utimeSync(path, atime, mtime));
  }

  /**
   * Makes a file `len` bytes long; symlinks are followed.
   *
   * Stands for openat(2) and ftruncate(2); needs LOOKUP, WRITE and FTRUNCATE.
   *
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {Deno.errors.IsADirectory} When it is a directory.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * tmp.truncateSync(path, 10);
   * assertEquals(tmp.statSync(path).size, 10);
   * tmp.removeSync(path);
   * ```
   */
  truncateSync(path: string, len = 0): void {
    attributes.truncate(this, path, len);
  }

  /** As {@link Dir.truncateSync}, as a promise. */
  truncate(path: string, len = 0): Promise<void> {
    return promised(() => this.truncateSync(path, len));
  }

  /**
   * The path, relative to this directory and without symlinks, "." and "..", of what a path names.
   *
   * Stands for openat(2) and readlinkat(2), step by step; needs LOOKUP, and READ for a path of several components.
   *
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * assertEquals(tmp.realPathSync(`./${path}`), path);
   * tmp.removeSync(path);
   * ```
   */
  realPathSync(path: string): string {
    return names.realPath(this, path);
  }

  /** As {@link Dir.realPathSync}, as a promise. */
  realPath(path: string): Promise<string> {
    return promised(() => this.realPathSync(path));
  }

  /**
   * Makes a directory, and with `recursive` those on the way that are missing, where one that exists is no failure.
   *
   * Stands for mkdirat(2); needs LOOKUP and MKDIRAT.
   *
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {Deno.errors.AlreadyExists} When the path exists, with `recursive` as something else.
   * @throws {Deno.errors.NotFound} When the directory that it is to be in does not exist.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * tmp.mkdirSync(`${path}/a/b`, { recursive: true });
   * assert(tmp.statSync(`${path}/a/b`).isDirectory);
   * tmp.removeSync(path, { recursive: true });
   * ```
   */
  mkdirSync(path: string, options: Deno.MkdirOptions = {}): void {
    mkdir(this, path, options);
  }

  /** As {@link Dir.mkdirSync}, as a promise. */
  mkdir(path: string, options: Deno.MkdirOptions = {}): Promise<void> {
    return promised(() => this.mkdirSync(path, options));
  }

  /**
   * Makes a directory, and those on the way to it, where it is missing.
   *
   * Stands for mkdirat(2); needs LOOKUP and MKDIRAT.
   *
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {Deno.errors.AlreadyExists} When the path is something else.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * tmp.ensureDirSync(`${path}/a/b`);
   * assert(tmp.statSync(`${path}/a/b`).isDirectory);
   * tmp.removeSync(path, { recursive: true });
   * ```
   */
  ensureDirSync(path: string): void {
    mkdir(this, path, { recursive: true });
  }

  /** As {@link Dir.ensureDirSync}, as a promise. */
  ensureDir(path: string): Promise<void> {
    return promised(() => this.ensureDirSync(path));
  }

  /**
   * Makes an empty file, and the directories on the way to it, where it is missing.
   *
   * Stands for openat(2) with O_EXCL; needs LOOKUP, WRITE and CREATE, FSTAT where something exists, and MKDIRAT where
   * directories are missing.
   *
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {Deno.errors.AlreadyExists} When the path is something else.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * tmp.ensureFileSync(`${path}/a/file`);
   * assert(tmp.statSync(`${path}/a/file`).isFile);
   * tmp.removeSync(path, { recursive: true });
   * ```
   */
  ensureFileSync(path: string): void {
    ensureFile(this, path);
  }

  /** As {@link Dir.ensureFileSync}, as a promise. */
  ensureFile(path: string): Promise<void> {
    return promised(() => this.ensureFileSync(path));
  }

  /**
   * Removes a file, a symlink or an empty directory, and with `recursive` a directory with all that is in it. No symlink is
   * followed.
   *
   * Stands for unlinkat(2); needs LOOKUP and UNLINKAT, READ with `recursive`, and FSTAT to remove a tree of any depth with
   * 16 open directories: without it each level keeps one open. The first error ends the removal, and names the path of the
   * entry from this directory.
   *
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {Deno.errors.PermissionDenied} When modes or owners do not permit it.
   * @throws {CapsicumError} ENOTEMPTY when the directory is not empty, ENOTCAPABLE when a right is missing or the path leaves the
   * directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertFalse } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * tmp.writeTextFileSync(`${path}/file`, "");
   * tmp.removeSync(path, { recursive: true });
   * assertFalse(tmp.existsSync(path));
   * ```
   */
  removeSync(path: string, options: Deno.RemoveOptions = {}): void {
    checkOptions("Dir.removeSync()", options, REMOVE_OPTIONS);
    if (options.recursive) finish(removing(this, path));
    else remove(this, path);
  }

  /** As {@link Dir.removeSync}, with `recursive` in turns with the event loop. */
  async remove(path: string, options: Deno.RemoveOptions = {}): Promise<void> {
    checkOptions("Dir.remove()", options, REMOVE_OPTIONS);
    if (options.recursive) await finishInTurns(removing(this, path));
    else remove(this, path);
  }

  /**
   * Removes all that is in a directory, which is made where it is missing.
   *
   * Stands for unlinkat(2); needs LOOKUP, READ and UNLINKAT, MKDIRAT where the directory is missing, and FSTAT as
   * {@link Dir.removeSync} does, whose errors it has.
   *
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {Deno.errors.NotADirectory} When it is not a directory.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * tmp.writeTextFileSync(`${path}/file`, "");
   * tmp.emptyDirSync(path);
   * assertEquals(tmp.listSync(path), []);
   * tmp.removeSync(path, { recursive: true });
   * ```
   */
  emptyDirSync(path: string): void {
    finish(emptying(this, path));
  }

  /** As {@link Dir.emptyDirSync}, in turns with the event loop. */
  emptyDir(path: string): Promise<void> {
    return finishInTurns(emptying(this, path));
  }

  /**
   * Renames a file or directory, in this directory or, as `(from, toDir, to, options)`, into another. A file that has
   * the new name is replaced, unless `replace` is false.
   *
   * Stands for renameat(2); needs LOOKUP and RENAMEAT_SOURCE, on the other directory LOOKUP and RENAMEAT_TARGET, and
   * UNLINKAT if the name exists. With `replace: false` it stands for renameat2(2), which came with FreeBSD 15. On older
   * releases, and on file systems that can't do it, a file is moved by linkat(2) and unlinkat(2), which need
   * LINKAT_SOURCE, UNLINKAT and LINKAT_TARGET; for a moment it has both names.
   *
   * @param from The path of the file.
   * @param to The new path, relative to this directory or to one that stands before it; then the options.
   * @throws {TypeError} If a path is empty or has a NUL, or an option is unknown or has the wrong type.
   * @throws {Deno.errors.NotFound} If the path does not exist.
   * @throws {Deno.errors.AlreadyExists} With `replace: false`, if the new name exists, as a symlink to nothing too.
   * @throws {Deno.errors.NotSupported} With `replace: false`, for a directory where renameat2(2) can't be used.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or a path leaves its directory, EXDEV when the directories are on
   * two file systems, ENOTEMPTY when the name is that of a directory which is not empty.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * tmp.writeTextFileSync(`${path}/old`, "text");
   * tmp.renameSync(`${path}/old`, `${path}/new`);
   * assertEquals(tmp.listSync(path), ["new"]);
   * tmp.removeSync(path, { recursive: true });
   * ```
   */
  renameSync(from: string, ...to: TargetWithOptions<RenameOptions>): void {
    names.rename("Dir.renameSync()", this, from, ...targetWithOptions(this, to));
  }

  /** As {@link Dir.renameSync}, as a promise. */
  rename(from: string, ...to: TargetWithOptions<RenameOptions>): Promise<void> {
    return promised(() => names.rename("Dir.rename()", this, from, ...targetWithOptions(this, to)));
  }

  /**
   * Gives a file one more name, in this directory or, as `(from, toDir, to)`, in another. Of a symlink it is the symlink that
   * gets it.
   *
   * Stands for linkat(2); needs LOOKUP and LINKAT_SOURCE, on the other directory LOOKUP and LINKAT_TARGET.
   *
   * @throws {TypeError} When a path is empty or has a NUL.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {Deno.errors.AlreadyExists} When the new name exists.
   * @throws {Deno.errors.PermissionDenied} When it is a directory, or modes and owners do not permit it.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or a path leaves its directory, EXDEV when the directories are on
   * two file systems.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * tmp.writeTextFileSync(`${path}/one`, "text");
   * tmp.linkSync(`${path}/one`, `${path}/two`);
   * assertEquals(tmp.statSync(`${path}/two`).nlink, 2);
   * tmp.removeSync(path, { recursive: true });
   * ```
   */
  linkSync(from: string, ...to: Target): void {
    names.link(this, from, ...targetOf(this, to));
  }

  /** As {@link Dir.linkSync}, as a promise. */
  link(from: string, ...to: Target): Promise<void> {
    return promised(() => this.linkSync(from, ...to));
  }

  /**
   * Makes a symlink with any text; one that leads out of the directory will not be followed.
   *
   * Stands for symlinkat(2); needs LOOKUP and SYMLINKAT.
   *
   * @throws {TypeError} When the text or the path is empty or has a NUL.
   * @throws {Deno.errors.AlreadyExists} When the path exists already.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * tmp.symlinkSync("target", `${path}/link`);
   * assertEquals(tmp.readLinkSync(`${path}/link`), "target");
   * tmp.removeSync(path, { recursive: true });
   * ```
   */
  symlinkSync(target: string, path: string): void {
    names.symlink(target, this, path);
  }

  /** As {@link Dir.symlinkSync}, as a promise. */
  symlink(target: string, path: string): Promise<void> {
    return promised(() => this.symlinkSync(target, path));
  }

  /**
   * The text of a symlink; a byte that is not UTF-8 is U+DC00 + byte.
   *
   * Stands for readlinkat(2); needs LOOKUP.
   *
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {CapsicumError} EINVAL when it is no symlink, ENOTCAPABLE when LOOKUP is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * tmp.symlinkSync("target", `${path}/link`);
   * assertEquals(tmp.readLinkSync(`${path}/link`), "target");
   * tmp.removeSync(path, { recursive: true });
   * ```
   */
  readLinkSync(path: string): string {
    return names.readLink(this, path);
  }

  /** As {@link Dir.readLinkSync}, as a promise. */
  readLink(path: string): Promise<string> {
    return promised(() => this.readLinkSync(path));
  }

  /**
   * Makes a named pipe, with the permission bits `mode` less those of the umask.
   *
   * Stands for mkfifoat(2); needs LOOKUP and MKFIFOAT.
   *
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {Deno.errors.AlreadyExists} When the path exists already.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * tmp.mkfifoSync(`${path}/pipe`);
   * assert(tmp.statSync(`${path}/pipe`).isFifo);
   * tmp.removeSync(path, { recursive: true });
   * ```
   */
  mkfifoSync(path: string, mode = 0o666): void {
    names.mkfifo(this, path, mode);
  }

  /** As {@link Dir.mkfifoSync}, as a promise. */
  mkfifo(path: string, mode = 0o666): Promise<void> {
    return promised(() => this.mkfifoSync(path, mode));
  }

  /**
   * Copies a file with its mode, in this directory or, as `(from, toDir, to)`, to another. Symlinks are followed on both
   * sides.
   *
   * Nobody who may not read the file can read the copy, not for a moment. The bytes go to a new file ".new-..." beside the
   * target, which only its owner may open. Then it gets its mode and takes the place of the target. So of several copies to
   * one path the last one stays, whole; other names of the old file (hard links) keep the old content; a symlink stays, and
   * the file that it leads to is replaced. The copy belongs to the process. Where its group is not that of the original, and
   * where its directory hands down an access control list, group and others get only what both have in the original. The
   * copy of a file that has such a list is its owner's alone. On FreeBSD such lists are not looked at. Setuid and setgid
   * bits stay on root's files alone. A file that may not be written to is not replaced.
   *
   * A file is written over in place, closed to all but its owner meanwhile, if the rights or the mode of the directory do
   * not let a new one take its place; so are devices and FIFOs. What others had open before sees the new content then, and
   * a copy that fails leaves a part.
   *
   * Stands for openat(2), read(2), write(2), fchmod(2) and renameat(2); needs LOOKUP, READ and FSTAT. On the other directory
   * it needs LOOKUP, CREATE, WRITE, FSTAT, FCHMOD, RENAMEAT_SOURCE, RENAMEAT_TARGET, UNLINKAT, and READ for a path of several
   * components or a symlink. Without these it writes in place, for which it needs LOOKUP, CREATE, WRITE, SEEK, FSTAT, FCHMOD
   * and FTRUNCATE.
   *
   * @param from The path of the file.
   * @param to The path of the copy, relative to this directory or to one that stands before it.
   * @throws {TypeError} When a path is empty or has a NUL, it is no regular file, or both are the same file.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or a path leaves its directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * tmp.writeTextFileSync(`${path}/one`, "text");
   * tmp.copyFileSync(`${path}/one`, `${path}/two`);
   * assertEquals(tmp.readTextFileSync(`${path}/two`), "text");
   * tmp.removeSync(path, { recursive: true });
   * ```
   */
  copyFileSync(from: string, ...to: Target): void {
    copyPairs(copyingFile(this, from, ...targetOf(this, to)));
  }

  /** The asynchronous twin of {@link Dir.copyFileSync}: it reads and writes off this thread. */
  copyFile(from: string, ...to: Target): Promise<void> {
    return copyPairsAsync(copyingFile(this, from, ...targetOf(this, to)));
  }

  /**
   * Copies a file, a symlink as such, or a directory with all that is in it, in this directory or, as
   * `(from, toDir, to, options)`, to another. Directories on the way to the copy of a directory are made. Sockets, FIFOs and
   * devices are left out.
   *
   * Files are copied as {@link Dir.copyFileSync} does it. A directory that is made gets the permissions of the original as
   * far as the umask permits them, and no moment more. With `overwrite` a symlink in the way is replaced, not written
   * through. Trees of any depth are copied with at most 32 directories open. Errors name the path from this directory on, or
   * from the other one.
   *
   * Stands for openat(2), fstatat(2), getdirentries(2), read(2), write(2), mkdirat(2), symlinkat(2) and others; needs
   * LOOKUP, READ and FSTAT. On the other directory it needs READ and what {@link Dir.copyFileSync} needs, MKDIRAT and
   * SYMLINKAT, and with `preserveTimestamps` FUTIMES. Without `overwrite` a file takes its place when it is complete only
   * where LINKAT_SOURCE and LINKAT_TARGET are held too; else it is made in place.
   *
   * @param from The path of the original.
   * @param to The path of the copy, relative to this directory or to one that stands before it; then the options.
   * @throws {TypeError} If a path is empty or has a NUL, an option is unknown or has the wrong type, or something is to be
   * copied onto or into itself.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {Deno.errors.AlreadyExists} When something exists and `overwrite` is not given.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or a path leaves its directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * tmp.mkdirSync(`${path}/a/b`, { recursive: true });
   * tmp.copySync(`${path}/a`, `${path}/c`);
   * assertEquals(tmp.listSync(`${path}/c`), ["b"]);
   * tmp.removeSync(path, { recursive: true });
   * ```
   */
  copySync(from: string, ...to: TargetWithOptions<CopyOptions>): void {
    copyPairs(copying("Dir.copySync()", this, from, ...targetWithOptions(this, to)));
  }

  /** The asynchronous twin of {@link Dir.copySync}: it reads and writes off this thread, in turns with the event loop. */
  copy(from: string, ...to: TargetWithOptions<CopyOptions>): Promise<void> {
    return copyPairsAsync(copying("Dir.copy()", this, from, ...targetWithOptions(this, to)));
  }

  /**
   * Makes an empty file with a new, unique name, readable and writable for its owner only, and returns its path.
   *
   * Stands for openat(2) with O_EXCL; needs LOOKUP, WRITE and CREATE.
   *
   * @throws {TypeError} When a part of the name has a "/" or a NUL.
   * @throws {Deno.errors.NotFound} When `dir` does not exist.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync({ suffix: ".txt" });
   * assert(path.endsWith(".txt"));
   * tmp.removeSync(path);
   * ```
   */
  makeTempFileSync(options?: Deno.MakeTempOptions): string {
    return makeTempFile("Dir.makeTempFileSync()", this, options);
  }

  /** As {@link Dir.makeTempFileSync}, as a promise. */
  makeTempFile(options?: Deno.MakeTempOptions): Promise<string> {
    return promised(() => makeTempFile("Dir.makeTempFile()", this, options));
  }

  /**
   * Makes a directory with a new, unique name, open to its owner only, and returns its path.
   *
   * Stands for mkdirat(2); needs LOOKUP and MKDIRAT.
   *
   * @throws {TypeError} When a part of the name has a "/" or a NUL.
   * @throws {Deno.errors.NotFound} When `dir` does not exist.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync({ prefix: "work-" });
   * assert(path.startsWith("work-"));
   * tmp.removeSync(path);
   * ```
   */
  makeTempDirSync(options?: Deno.MakeTempOptions): string {
    return makeTempDir("Dir.makeTempDirSync()", this, options);
  }

  /** As {@link Dir.makeTempDirSync}, as a promise. */
  makeTempDir(options?: Deno.MakeTempOptions): Promise<string> {
    return promised(() => makeTempDir("Dir.makeTempDir()", this, options));
  }
}

/**
 * Opens a directory by an ambient path, before `enter()`.
 *
 * The descriptor is closed on exec, so no child inherits it.
 *
 * Stands for open(2) with O_DIRECTORY, and cap_rights_limit(2). Requires `--allow-ffi` permission, and none to read.
 *
 * @throws {TypeError} When the path is empty or has a NUL, or `limit` has the wrong type.
 * @throws {RangeError} When a right of `limit` is unknown.
 * @throws {Deno.errors.NotFound} When the path does not exist.
 * @throws {Deno.errors.NotADirectory} When it is not a directory.
 * @throws {CapsicumError} ECAPMODE in capability mode.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux, or with `limit` not FreeBSD.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { enter, isSupported, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using dev = openDirSync("/dev", { limit: ["LOOKUP", "READ"] });
 *   enter();
 *   assert(dev.listSync().includes("null"));
 * }
 * ```
 */
export function openDirSync(path: string | URL, options: OpenDirOptions = {}): Dir {
  return opened("openDirSync()", options, () => libc.open(pathOf(path), LISTING));
}

/** A `Dir` over what `open` gives, limited before anybody has it. */
function opened(call: string, options: OpenDirOptions, open: () => number, above?: Dir): Dir {
  checkOptions(call, options, openDirOptions);
  const rights = options.limit === undefined ? undefined : new Rights(options.limit);
  const dir = new Dir(open());
  try {
    // Found out now, while it has all of its rights.
    const confined = isConfined(dir.fd, above);
    if (rights) limit(dir, rights);
    return new Dir(dir.take(), confined);
  } catch (error) {
    dir[Symbol.dispose]();
    throw error;
  }
}

/** What a call of microseconds gives or throws, as a promise. */
function promised<T>(call: () => T): Promise<T> {
  return new Promise((resolve) => resolve(call()));
}
