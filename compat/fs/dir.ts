import { limit } from "../../ffi/capsicum/capability.ts";
import { failure } from "../../ffi/failure.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { Rights, type RightsLike } from "../../rights/rights.ts";
import * as entries from "./entries.ts";
import type { ExistsOptions, RenameOptions, Target, TargetWithOptions } from "./entries.ts";
import { Descriptor, grantAs, openDescriptor, rightsOf, statOf } from "./descriptor.ts";
import type { FdFile } from "./file.ts";
import { type LengthOptions, lengthOptions, type ReadOptions, readOptions } from "./io/streams.ts";
import { finish, finishInTurns, inTurns } from "./io/waiting.ts";
import { openFileAt, openFileAtLater, type OpenOptions } from "./open.ts";
import { anything, checkOptions } from "../../ffi/values.ts";
import { ambientPath, checkedPath } from "./path/components.ts";
import { isConfined, openBeneath } from "./path/resolve.ts";
import * as contents from "./contents.ts";
import type { AtomicWriteOptions } from "./contents.ts";
import { copying, copyingFile, type CopyOptions, copyPairs, copyPairsAsync } from "./tree/copy.ts";
import { type ExpandGlobOptions, GLOB_OPTIONS, globbing, sorted, sortedInTurns } from "./tree/glob.ts";
import { listAtSync, LISTING, readDirAtSync, readingDir } from "./tree/list.ts";
import * as trees from "./tree/walk.ts";
import type { WalkEntry, WalkOptions } from "./tree/walk.ts";

/** The options of `openDirSync()`. */
export interface OpenDirOptions {
  /** The rights that the directory is limited to before it is returned; what it opens has no others either. */
  limit?: RightsLike;
}

const openDirOptions = { limit: anything };
const creating: OpenOptions = { read: true, write: true, create: true, truncate: true };

/**
 * An open directory: the place that paths are relative to, also in capability mode.
 *
 * Its methods have the names, options and results of `Deno.*` and `@std/fs`. All methods require `--allow-ffi`
 * permission, and none to read or write.
 *
 * **Paths** are relative, are not empty, and contain no NUL. A path never leads out of the directory: a leading "/",
 * and a ".." or a symlink that leads outside, is refused with ENOTCAPABLE. A ".." or a symlink that stays inside is
 * followed. This holds with and without rights limits, and while other processes rename, replace or link what the path
 * passes through. Where the kernel does not guarantee it ({@link Dir.confined}), the library opens one component at a
 * time and resolves symlinks itself. Names are lossless: each byte that is not UTF-8 is the character U+DC00 + byte.
 *
 * **Rights.** What a `Dir` opens has at most its rights. All methods need LOOKUP, except to list the directory itself.
 * Each method names the other rights that it needs. Two kinds of call also need READ: calls with a path of several
 * components if `confined` is false, and calls that go through a tree.
 *
 * **Not protected against:**
 * - Mount points. A file system that is mounted inside the directory is part of it.
 * - Hard links. A file with one more name outside the directory is the same file.
 * - Devices, FIFOs and sockets inside. To open one can have an effect; a FIFO can make `openSync()` wait.
 * - Other descriptors. A process that has the directory or a file in it open keeps its own access.
 * - Moves. The descriptor follows the directory: if it is renamed or moved, paths start at its new place.
 * - `libc.*` on the descriptor. The kernel alone decides there; FreeBSD 15.1 lets ".." leave the root of a mounted file
 * system.
 * - The process itself. Until `enter()` it can open other paths, as far as file modes permit.
 * - Closing during use. Iterators and asynchronous calls go on with what they have open; a step that needs the
 * directory itself throws `BadResource`.
 *
 * **Asynchronous methods** take the parameters of their `Sync` twins and have their results and errors. They read and
 * write on other threads, and in a tree they yield to the event loop. Methods that only make one or two short calls
 * make them on this thread.
 *
 * @throws {TypeError} If a path is empty or has a NUL, or an argument or option is unknown or has the wrong type.
 * @throws {RangeError} If a number is out of range.
 * @throws {Deno.errors.NotFound} If the path, or a directory on the way, does not exist.
 * @throws {Deno.errors.AlreadyExists} If a name that must be new exists.
 * @throws {Deno.errors.NotADirectory} If a directory is needed and something else has the name.
 * @throws {Deno.errors.IsADirectory} If a file is needed and a directory has the name.
 * @throws {Deno.errors.PermissionDenied} If file modes or owners do not permit it, or a sandbox on Linux.
 * @throws {Deno.errors.BadResource} If the `Dir` is closed or was taken.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 * @throws {Deno.errors.NotSupported} If the system is neither FreeBSD nor Linux, or, with `limit`, not FreeBSD.
 * @throws {CapsicumError} ENOTCAPABLE if a right is missing or the path leaves the directory, and any errno without a
 * class in Deno.
 *
 * @example
 * ```ts
 * import { openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
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

  /** Takes over a descriptor; `fromFd()` checks it first. */
  constructor(fd: number, confined?: boolean) {
    super(fd);
    this.#confined = confined;
  }

  /**
   * Takes over an open descriptor of a directory, which the `Dir` closes from now on. Stands for fcntl(2), F_GETFD, and
   * for fstat(2) if the descriptor holds FSTAT.
   * @param fd The number of the descriptor.
   * @throws {Deno.errors.NotADirectory} If it is not a directory.
   *
   * @example
   * ```ts
   * import { Dir, libc } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   * using dev = Dir.fromFd(libc.open("/dev", libc.O_RDONLY | libc.O_DIRECTORY | libc.O_CLOEXEC));
   * assertEquals([dev.existsSync("null"), typeof dev.confined], [true, "boolean"]);
   * ```
   */
  static fromFd(fd: number): Dir {
    openDescriptor(fd);
    if (rightsOf(fd).has("FSTAT") && !statOf(fd).isDirectory) {
      const why = "it is not a directory (ENOTDIR). FdFile.fromFd() takes files.";
      throw failure({ syscall: "Dir.fromFd()", fd }, "ENOTDIR", why);
    }
    return new Dir(fd, isConfined(fd));
  }

  /**
   * Whether the kernel keeps lookups inside the directory. If not, the library resolves paths one component at a time.
   *
   * FreeBSD 15.1 does not, in the root of a mounted file system. Stands for openat(2) of "..", when the directory is
   * opened. In capability mode it is not tried. There it is false for directories from `fromFd()`, and for a directory
   * below this one that lacks FSTAT or is on another file system.
   */
  get confined(): boolean {
    const { fd } = this;
    return this.#confined ??= isConfined(fd);
  }

  /**
   * Opens a file, by default for reading. The directory must also hold the rights that later calls on the file need.
   * Stands for openat(2) and cap_rights_limit(2). Needs READ, WRITE, SEEK, CREATE and FTRUNCATE, as the options
   * require.
   * @param path The file.
   * @param options Those of {@link openSync}.
   * @returns The open file, which the caller closes.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * using one = tmp.openSync(path, { write: true }), two = tmp.createSync(path);
   * assertEquals([one.writeSync(new Uint8Array(3)), two.statSync().size], [3, 3]);
   * tmp.removeSync(path);
   * ```
   */
  openSync(path: string, options?: OpenOptions): FdFile {
    return openFileAt("Dir.openSync()", this, path, options);
  }

  /**
   * The asynchronous twin of {@link Dir.openSync}. A FIFO is open for reading at once, for writing as soon as it has a
   * reader; `signal` ends that wait.
   *
   * A FIFO stays O_NONBLOCK while the file is open. So does a terminal or device if the directory lacks FCNTL or FSTAT.
   * The methods of the file still wait for it.
   */
  async open(path: string, options: OpenOptions & { signal?: AbortSignal } = {}): Promise<FdFile> {
    return await openFileAtLater("Dir.open()", this, path, options);
  }

  /**
   * Opens a directory below this one. Stands for openat(2) and cap_rights_limit(2). Needs READ.
   * @param path The directory.
   * @param options `limit` names the rights that it keeps. Default: those of this directory.
   * @returns The open directory, which the caller closes.
   */
  openDirSync(path: string, options: OpenDirOptions = {}): Dir {
    return openedBelow("Dir.openDirSync()", this, path, options);
  }

  /** The asynchronous twin of {@link Dir.openDirSync}. */
  openDir(path: string, options: OpenDirOptions = {}): Promise<Dir> {
    return promised(() => openedBelow("Dir.openDir()", this, path, options));
  }

  /**
   * Opens a file for reading and writing, and creates or truncates it. Stands for openat(2). Needs READ, WRITE, CREATE
   * and FTRUNCATE.
   * @param path The file.
   * @returns The open file, which the caller closes.
   */
  createSync(path: string): FdFile {
    return openFileAt("Dir.createSync()", this, path, creating);
  }

  /** The asynchronous twin of {@link Dir.createSync}. */
  create(path: string): Promise<FdFile> {
    return openFileAtLater("Dir.create()", this, path, creating);
  }

  /**
   * Reads a whole file. Stands for read(2). Needs READ; with FSTAT a file of more than 128 KiB is read in one piece.
   * @param path The file.
   * @param options `maxLength` is the most bytes that the file may have; more is a RangeError. Default: no bound.
   * @returns The bytes.
   */
  readFileSync(path: string, options: LengthOptions = {}): Uint8Array<ArrayBuffer> {
    checkOptions("Dir.readFileSync()", options, lengthOptions("file"));
    return contents.readFileSync(this, checkedPath(path, "Dir.readFileSync()"), options);
  }

  /** The asynchronous twin of {@link Dir.readFileSync}. */
  async readFile(path: string, options: ReadOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    checkOptions("Dir.readFile()", options, readOptions("file"));
    return await contents.readFile(this, checkedPath(path, "Dir.readFile()"), options);
  }

  /**
   * Reads a whole text file. What is not UTF-8 becomes U+FFFD; a byte order mark stays, as in Deno. Stands for read(2).
   * Needs READ.
   * @param path The file.
   * @param options `maxLength` is the most bytes that the file may have; more is a RangeError. Default: 536,870,888.
   * @returns The text.
   */
  readTextFileSync(path: string, options: LengthOptions = {}): string {
    checkOptions("Dir.readTextFileSync()", options, lengthOptions("text"));
    return contents.readTextFileSync(this, checkedPath(path, "Dir.readTextFileSync()"), options);
  }

  /** The asynchronous twin of {@link Dir.readTextFileSync}. */
  async readTextFile(path: string, options: ReadOptions = {}): Promise<string> {
    checkOptions("Dir.readTextFile()", options, readOptions("text"));
    return await contents.readTextFile(this, checkedPath(path, "Dir.readTextFile()"), options);
  }

  /**
   * Reads a text file line by line. It is open until the last line, or the end of the loop. Stands for read(2). Needs
   * READ.
   * @param path The file.
   * @param options `maxLength` is the most bytes of a line; a longer one is a RangeError, after the lines before it.
   * Default: 16 MiB.
   * @returns The lines, without "\n" or "\r\n".
   */
  readTextFileLinesSync(path: string, options: LengthOptions = {}): IterableIterator<string> {
    checkOptions("Dir.readTextFileLinesSync()", options, lengthOptions("line"));
    return contents.readLinesSync(this, checkedPath(path, "Dir.readTextFileLinesSync()"), options);
  }

  /** The asynchronous twin of {@link Dir.readTextFileLinesSync}, for `for await`. */
  readTextFileLines(path: string, options: ReadOptions = {}): AsyncIterableIterator<string> {
    checkOptions("Dir.readTextFileLines()", options, readOptions("line"));
    return contents.readLines(this, checkedPath(path, "Dir.readTextFileLines()"), options);
  }

  /**
   * Writes a whole file: creates or replaces it, or appends to it. Stands for write(2) and fchmod(2). Needs WRITE,
   * CREATE unless `create` is false, FTRUNCATE unless it appends, FCHMOD for `mode`.
   * @param path The file.
   * @param data The bytes.
   * @param options Those of `Deno.writeFileSync`.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * tmp.writeFileSync(path, new Uint8Array([111, 10]));
   * tmp.writeFileSync(path, new Uint8Array([110]), { append: true });
   * assertEquals(tmp.readFileSync(path), new Uint8Array([111, 10, 110]));
   * tmp.writeFileAtomicSync(path, "one\ntwo\n");
   * assertEquals(tmp.readTextFileSync(path), "one\ntwo\n");
   * assertEquals([...tmp.readTextFileLinesSync(path)], ["one", "two"]);
   * tmp.removeSync(path);
   * ```
   */
  writeFileSync(path: string, data: Uint8Array, options: Deno.WriteFileOptions = {}): void {
    checkOptions("Dir.writeFileSync()", options, contents.WRITE_OPTIONS);
    contents.writeFileSync(this, checkedPath(path, "Dir.writeFileSync()"), data, options);
  }

  /** The asynchronous twin of {@link Dir.writeFileSync}. A stream is written as it comes, and canceled on failure. */
  async writeFile(
    path: string,
    data: Uint8Array | ReadableStream<Uint8Array>,
    options: Deno.WriteFileOptions = {},
  ): Promise<void> {
    checkOptions("Dir.writeFile()", options, contents.WRITE_OPTIONS);
    await contents.writeFile(this, checkedPath(path, "Dir.writeFile()"), data, options);
  }

  /**
   * Writes a whole file in UTF-8, with the calls and rights of {@link Dir.writeFileSync}.
   * @param path The file.
   * @param data The text.
   * @param options Those of `Deno.writeTextFileSync`.
   */
  writeTextFileSync(path: string, data: string, options: Deno.WriteFileOptions = {}): void {
    checkOptions("Dir.writeTextFileSync()", options, contents.WRITE_OPTIONS);
    contents.writeTextFileSync(this, checkedPath(path, "Dir.writeTextFileSync()"), data, options);
  }

  /** The asynchronous twin of {@link Dir.writeTextFileSync}. A stream is written as it comes, and canceled on failure. */
  async writeTextFile(
    path: string,
    data: string | ReadableStream<string>,
    options: Deno.WriteFileOptions = {},
  ): Promise<void> {
    checkOptions("Dir.writeTextFile()", options, contents.WRITE_OPTIONS);
    await contents.writeTextFile(this, checkedPath(path, "Dir.writeTextFile()"), data, options);
  }

  /**
   * Replaces a whole file: at any time, even after a crash, it has either the old content or the new.
   *
   * The content goes to a new file ".new-..." in the same directory, which only its owner may open. Once it is on the
   * disk, that file gets the mode and the name. It gets the permission bits of the old file and, if permitted, its
   * owner and group. If the group cannot be kept, or there is an access control list, no user gets more access than
   * before. Hard links of the old file keep the old content. A symlink is itself replaced. If a step fails, the old
   * file stays and the new one is removed.
   *
   * Stands for openat(2), write(2), fsync(2), fchmod(2) and renameat(2). Needs CREATE, WRITE, FSYNC, FSTAT, FCHMOD,
   * RENAMEAT_SOURCE, RENAMEAT_TARGET and UNLINKAT, FCHOWN to keep another owner, and READ for a path of several
   * components. It checks these rights before it starts; of a sandbox on Linux, those of its directories and of what
   * `openDir` opens below them.
   * @param path The file.
   * @param data The new content; text becomes UTF-8.
   * @param options The mode. Default: that of the old file or, for a new one, 0o666 less the umask.
   */
  writeFileAtomicSync(path: string, data: Uint8Array | string, options?: AtomicWriteOptions): void {
    contents.writeAtomicSync(this, path, data, options);
  }

  /** The asynchronous twin of {@link Dir.writeFileAtomicSync}. */
  writeFileAtomic(path: string, data: Uint8Array | string, options?: AtomicWriteOptions): Promise<void> {
    return contents.writeAtomic(this, path, data, options);
  }

  /**
   * Lists this directory or one below it, without "." and "..". Stands for getdirentries(2). Needs READ.
   * @param path The directory.
   * @returns The entries.
   */
  readDirSync(path = "."): IterableIterator<Deno.DirEntry> {
    return readDirAtSync("Dir.readDirSync()", this, path);
  }

  /** The asynchronous twin of {@link Dir.readDirSync}, for `for await`: it reads as the loop goes. */
  readDir(path = "."): AsyncIterableIterator<Deno.DirEntry> {
    return inTurns(readingDir("Dir.readDir()", this, path));
  }

  /**
   * Lists the names in this directory or in one below it, without "." and "..". Stands for getdirentries(2). Needs
   * READ, and for this directory itself nothing else: see `listDirSync()`.
   * @param path The directory.
   * @returns The names.
   */
  listSync(path = "."): string[] {
    return listAtSync("Dir.listSync()", this, path);
  }

  /** The asynchronous twin of {@link Dir.listSync}. */
  async list(path = "."): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of inTurns(readingDir("Dir.list()", this, path))) names.push(name);
    return names;
  }

  /**
   * Walks this directory or one below it, itself included, depth first. An error has the path relative to this
   * directory, and ends the walk unless `onError` takes it.
   *
   * Stands for getdirentries(2). Needs READ, and FSTAT for `followSymlinks`, for a `maxDepth` of 0, and to keep at most
   * 16 directories open: without it each level keeps one.
   * @param path The directory.
   * @param options Those of `@std/fs`.
   * @returns The entries, with their paths relative to this directory.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * tmp.ensureFileSync(`${path}/a.txt`);
   * assertEquals([...tmp.walkSync(path)].map((entry) => entry.name), [path, "a.txt"]);
   * assertEquals([...tmp.expandGlobSync(`${path}/*.{txt,md}`)].length, 1);
   * tmp.emptyDirSync(path);
   * assertEquals([...tmp.readDirSync(path)], []);
   * tmp.removeSync(path);
   * ```
   */
  walkSync(path = ".", options: WalkOptions = {}): IterableIterator<WalkEntry> {
    checkOptions("Dir.walkSync()", options, trees.WALK_OPTIONS);
    checkedPath(path, "Dir.walkSync()");
    return trees.withoutPauses("Dir.walkSync()", trees.walking(this, path, options));
  }

  /** The asynchronous twin of {@link Dir.walkSync}, for `for await`. */
  walk(path = ".", options: WalkOptions = {}): AsyncIterableIterator<WalkEntry> {
    checkOptions("Dir.walk()", options, trees.WALK_OPTIONS);
    return trees.afterPauses(trees.walking(this, checkedPath(path, "Dir.walk()"), options));
  }

  /**
   * Finds the entries that match a glob pattern of `@std/path`, sorted by path.
   *
   * The time for a name is linear in the lengths of pattern and name. A ".." after a wildcard goes up from each directory
   * that was found. Missing entries are not an error. An entry that cannot be read is an error, which ends the search
   * unless `onError` takes it. Stands for getdirentries(2). Needs READ and FSTAT.
   * @param glob The pattern.
   * @param options Those of `@std/fs`. An `exclude` pattern must be relative, stay below `root`, and not have both `**`
   * and "..".
   * @returns The entries, with their paths relative to this directory.
   */
  expandGlobSync(glob: string, options: ExpandGlobOptions = {}): IterableIterator<WalkEntry> {
    checkOptions("Dir.expandGlobSync()", options, GLOB_OPTIONS);
    checkedPath(glob, "Dir.expandGlobSync()");
    return sorted([...trees.withoutPauses("Dir.expandGlobSync()", globbing(this, glob, options))]).values();
  }

  /** The asynchronous twin of {@link Dir.expandGlobSync}, for `for await`. */
  expandGlob(glob: string, options: ExpandGlobOptions = {}): AsyncIterableIterator<WalkEntry> {
    checkOptions("Dir.expandGlob()", options, GLOB_OPTIONS);
    return sortedInTurns(globbing(this, checkedPath(glob, "Dir.expandGlob()"), options));
  }

  /**
   * Reports on a file, or on this directory; follows symlinks. Stands for fstatat(2). Needs FSTAT.
   * @param path The file.
   * @returns Its size in bytes, times, mode, owner and kind.
   */
  statSync(path = "."): Deno.FileInfo {
    return entries.stat(this, checkedPath(path, "Dir.statSync()"));
  }

  /** The asynchronous twin of {@link Dir.statSync}. */
  stat(path = "."): Promise<Deno.FileInfo> {
    return promised(() => entries.stat(this, checkedPath(path, "Dir.stat()")));
  }

  /**
   * Reports on a file, or on a symlink itself. Stands for fstatat(2) with AT_SYMLINK_NOFOLLOW. Needs FSTAT.
   * @param path The file.
   * @returns Its size in bytes, times, mode, owner and kind.
   */
  lstatSync(path: string): Deno.FileInfo {
    return entries.lstat(this, checkedPath(path, "Dir.lstatSync()"));
  }

  /** The asynchronous twin of {@link Dir.lstatSync}. */
  lstat(path: string): Promise<Deno.FileInfo> {
    return promised(() => entries.lstat(this, checkedPath(path, "Dir.lstat()")));
  }

  /**
   * Checks if a path exists; follows symlinks. Stands for fstatat(2), and faccessat(2) for `isReadable`. Needs FSTAT.
   * @param path The file.
   * @param options What else must hold, as in `@std/fs`. `isFile` and `isDirectory` exclude each other.
   * @returns Whether it exists and is what the options ask for.
   */
  existsSync(path: string, options: ExistsOptions = {}): boolean {
    return entries.exists("Dir.existsSync()", this, path, options);
  }

  /** The asynchronous twin of {@link Dir.existsSync}. */
  exists(path: string, options: ExistsOptions = {}): Promise<boolean> {
    return promised(() => entries.exists("Dir.exists()", this, path, options));
  }

  /**
   * Sets the permission bits of a file; follows symlinks. Stands for fchmodat(2). Needs FCHMOD.
   * @param path The file.
   * @param mode The bits, such as 0o640.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * tmp.truncateSync(path, 10);
   * tmp.chmodSync(path, 0o640);
   * tmp.chownSync(path, tmp.statSync(path).uid, null);
   * tmp.utimeSync(path, 1, 2.5);
   * assertEquals([tmp.statSync(path).size, tmp.lstatSync(path).mtime], [10, new Date(2500)]);
   * tmp.removeSync(path);
   * ```
   */
  chmodSync(path: string, mode: number): void {
    entries.chmod("Dir.chmodSync()", this, path, mode);
  }

  /** The asynchronous twin of {@link Dir.chmodSync}. */
  chmod(path: string, mode: number): Promise<void> {
    return promised(() => entries.chmod("Dir.chmod()", this, path, mode));
  }

  /**
   * Sets the owner and group of a file; follows symlinks. Stands for fchownat(2). Needs FCHOWN.
   * @param path The file.
   * @param uid The user id; null keeps the owner.
   * @param gid The group id; null keeps the group.
   */
  chownSync(path: string, uid: number | null, gid: number | null): void {
    entries.chown("Dir.chownSync()", this, path, uid, gid);
  }

  /** The asynchronous twin of {@link Dir.chownSync}. */
  chown(path: string, uid: number | null, gid: number | null): Promise<void> {
    return promised(() => entries.chown("Dir.chown()", this, path, uid, gid));
  }

  /**
   * Sets the times of a file, to the millisecond; follows symlinks. Stands for utimensat(2). Needs FUTIMES.
   * @param path The file.
   * @param atime The time of access, as a Date or in seconds since 1970. FreeBSD can't set the last second before 1970.
   * @param mtime The time of modification, in the same form.
   */
  utimeSync(path: string, atime: number | Date, mtime: number | Date): void {
    entries.utime("Dir.utimeSync()", this, path, atime, mtime);
  }

  /** The asynchronous twin of {@link Dir.utimeSync}. */
  utime(path: string, atime: number | Date, mtime: number | Date): Promise<void> {
    return promised(() => entries.utime("Dir.utime()", this, path, atime, mtime));
  }

  /**
   * Cuts or extends a file; follows symlinks. Stands for ftruncate(2). Needs WRITE and FTRUNCATE.
   * @param path The file.
   * @param len Its new length in bytes.
   */
  truncateSync(path: string, len = 0): void {
    contents.truncate("Dir.truncateSync()", this, path, len);
  }

  /** The asynchronous twin of {@link Dir.truncateSync}. */
  truncate(path: string, len = 0): Promise<void> {
    return promised(() => contents.truncate("Dir.truncate()", this, path, len));
  }

  /**
   * Resolves symlinks, "." and ".." in a path. Stands for openat(2) and readlinkat(2). Needs READ for a path of several
   * components.
   * @param path The path; it must exist.
   * @returns The path relative to this directory, without any of them.
   */
  realPathSync(path: string): string {
    return entries.realPath(this, checkedPath(path, "Dir.realPathSync()"));
  }

  /** The asynchronous twin of {@link Dir.realPathSync}. */
  realPath(path: string): Promise<string> {
    return promised(() => entries.realPath(this, checkedPath(path, "Dir.realPath()")));
  }

  /**
   * Makes a directory. Stands for mkdirat(2). Needs MKDIRAT.
   * @param path The directory.
   * @param options `recursive` makes missing parents too and accepts an existing directory; `mode` is as in
   * `Deno.mkdirSync`.
   */
  mkdirSync(path: string, options: Deno.MkdirOptions = {}): void {
    entries.mkdir("Dir.mkdirSync()", this, path, options);
  }

  /** The asynchronous twin of {@link Dir.mkdirSync}. */
  mkdir(path: string, options: Deno.MkdirOptions = {}): Promise<void> {
    return promised(() => entries.mkdir("Dir.mkdir()", this, path, options));
  }

  /**
   * Makes a directory, with its parents, if it is missing. Stands for mkdirat(2). Needs MKDIRAT.
   * @param path The directory.
   */
  ensureDirSync(path: string): void {
    entries.ensureDir(this, checkedPath(path, "Dir.ensureDirSync()"));
  }

  /** The asynchronous twin of {@link Dir.ensureDirSync}. */
  ensureDir(path: string): Promise<void> {
    return promised(() => entries.ensureDir(this, checkedPath(path, "Dir.ensureDir()")));
  }

  /**
   * Makes an empty file, with its parents, if it is missing. Stands for openat(2) with O_EXCL. Needs WRITE and CREATE,
   * FSTAT if something exists, and MKDIRAT if parents are missing.
   * @param path The file.
   */
  ensureFileSync(path: string): void {
    entries.ensureFile(this, checkedPath(path, "Dir.ensureFileSync()"));
  }

  /** The asynchronous twin of {@link Dir.ensureFileSync}. */
  ensureFile(path: string): Promise<void> {
    return promised(() => entries.ensureFile(this, checkedPath(path, "Dir.ensureFile()")));
  }

  /**
   * Removes a file, a symlink itself, or a directory. The first error ends the call, and has the path relative to this
   * directory.
   *
   * Stands for unlinkat(2). Needs UNLINKAT and, with `recursive`, READ, and FSTAT to keep at most 16 directories open:
   * without it each level keeps one.
   * @param path The file or directory.
   * @param options `recursive` removes a directory with everything in it. Without it, a directory that is not empty is
   * ENOTEMPTY.
   */
  removeSync(path: string, options: Deno.RemoveOptions = {}): void {
    checkOptions("Dir.removeSync()", options, trees.REMOVE_OPTIONS);
    checkedPath(path, "Dir.removeSync()");
    if (options.recursive) finish(trees.removing(this, path));
    else trees.remove(this, path);
  }

  /** The asynchronous twin of {@link Dir.removeSync}. */
  async remove(path: string, options: Deno.RemoveOptions = {}): Promise<void> {
    checkOptions("Dir.remove()", options, trees.REMOVE_OPTIONS);
    checkedPath(path, "Dir.remove()");
    if (options.recursive) await finishInTurns(trees.removing(this, path));
    else trees.remove(this, path);
  }

  /**
   * Removes everything in a directory, or makes it if it is missing. Stands for unlinkat(2). Needs the rights that
   * {@link Dir.removeSync} needs with `recursive`, and MKDIRAT if the directory is missing.
   * @param path The directory.
   */
  emptyDirSync(path: string): void {
    finish(trees.emptying(this, checkedPath(path, "Dir.emptyDirSync()")));
  }

  /** The asynchronous twin of {@link Dir.emptyDirSync}. */
  async emptyDir(path: string): Promise<void> {
    await finishInTurns(trees.emptying(this, checkedPath(path, "Dir.emptyDir()")));
  }

  /**
   * Renames a file or directory, in this directory or, as `(from, toDir, to, options)`, into another.
   *
   * Stands for renameat(2). Needs RENAMEAT_SOURCE and, on the other directory, RENAMEAT_TARGET, and UNLINKAT if the name
   * exists. Between two file systems it is EXDEV; onto a directory that is not empty, ENOTEMPTY.
   *
   * With `replace: false` it stands for renameat2(2), which FreeBSD has from 15 on. Before, it moves a file by linkat(2)
   * and unlinkat(2): the file has both names for a moment, and the call needs LINKAT_SOURCE, UNLINKAT and LINKAT_TARGET.
   * For a directory it throws `Deno.errors.NotSupported` there, and EINVAL on a Linux file system that does not support the call.
   * @param from The old path.
   * @param to The new path, or another `Dir` and the path in it; then `replace: false`, which throws AlreadyExists for
   * any existing name.
   */
  renameSync(from: string, ...to: TargetWithOptions<RenameOptions>): void {
    entries.rename("Dir.renameSync()", this, from, ...entries.targetWithOptions(this, to));
  }

  /** The asynchronous twin of {@link Dir.renameSync}. */
  rename(from: string, ...to: TargetWithOptions<RenameOptions>): Promise<void> {
    return promised(() => entries.rename("Dir.rename()", this, from, ...entries.targetWithOptions(this, to)));
  }

  /**
   * Gives a file, or a symlink itself, one more name, in this directory or, as `(from, toDir, to)`, in another. Stands
   * for linkat(2). Needs LINKAT_SOURCE and, on the other directory, LINKAT_TARGET. Between two file systems it is
   * EXDEV.
   * @param from The path of the file.
   * @param to The new path, or another `Dir` and the path in it.
   */
  linkSync(from: string, ...to: Target): void {
    entries.link("Dir.linkSync()", this, from, ...entries.targetOf(this, to));
  }

  /** The asynchronous twin of {@link Dir.linkSync}. */
  link(from: string, ...to: Target): Promise<void> {
    return promised(() => entries.link("Dir.link()", this, from, ...entries.targetOf(this, to)));
  }

  /**
   * Makes a symlink. Stands for symlinkat(2). Needs SYMLINKAT.
   * @param target The text of the symlink, which may be any path; `Dir` never follows it out of the directory.
   * @param path The path of the symlink.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * tmp.mkfifoSync(`${path}/pipe`);
   * tmp.linkSync(`${path}/pipe`, `${path}/name`);
   * tmp.symlinkSync("pipe", `${path}/link`);
   * assertEquals(tmp.readLinkSync(`${path}/link`), "pipe");
   * assertEquals(tmp.realPathSync(`${path}/link`), `${path}/pipe`);
   * tmp.removeSync(path, { recursive: true });
   * ```
   */
  symlinkSync(target: string, path: string): void {
    entries.symlink("Dir.symlinkSync()", target, this, path);
  }

  /** The asynchronous twin of {@link Dir.symlinkSync}. */
  symlink(target: string, path: string): Promise<void> {
    return promised(() => entries.symlink("Dir.symlink()", target, this, path));
  }

  /**
   * Reads a symlink. Stands for readlinkat(2). Needs only LOOKUP.
   * @param path The path of the symlink; anything else is EINVAL.
   * @returns Its text, lossless as names are.
   */
  readLinkSync(path: string): string {
    return entries.readLink(this, checkedPath(path, "Dir.readLinkSync()"));
  }

  /** The asynchronous twin of {@link Dir.readLinkSync}. */
  readLink(path: string): Promise<string> {
    return promised(() => entries.readLink(this, checkedPath(path, "Dir.readLink()")));
  }

  /**
   * Makes a named pipe. Stands for mkfifoat(2). Needs MKFIFOAT.
   * @param path The path of the pipe.
   * @param mode The permission bits, from which the umask is removed.
   */
  mkfifoSync(path: string, mode = 0o666): void {
    entries.mkfifo("Dir.mkfifoSync()", this, path, mode);
  }

  /** The asynchronous twin of {@link Dir.mkfifoSync}. */
  mkfifo(path: string, mode = 0o666): Promise<void> {
    return promised(() => entries.mkfifo("Dir.mkfifo()", this, path, mode));
  }

  /**
   * Copies a file with its mode, in this directory or, as `(from, toDir, to)`, to another; follows symlinks on both
   * sides.
   *
   * A process that may not read the file can never read the copy. The bytes go to a new file ".new-..." beside the
   * target, which only its owner may open. Then that file gets its mode and replaces the target. A read-only target is
   * not replaced, but is an error. If several copies have one target, the last one stays, whole. Hard links of the old
   * file keep the old content. If the target is a symlink, the file that it leads to is replaced.
   *
   * The copy belongs to the user of the process. If its group is not that of the original, or its directory passes on
   * an access control list, then group and others get only the permissions that both have in the original. The copy of
   * a file with such a list is only for its owner. On FreeBSD these lists are not considered. Only root's files keep
   * setuid and setgid bits.
   *
   * If the rights or the mode of the directory do not permit a new file, the target is written in place, and only its
   * owner may open it meanwhile. So are devices and FIFOs. A process that has the target open then sees the new
   * content, and a copy that fails leaves a part of it.
   *
   * Stands for openat(2), read(2), write(2), fchmod(2) and renameat(2). Needs READ and FSTAT. On the other directory it
   * needs CREATE, WRITE, FSTAT, FCHMOD, RENAMEAT_SOURCE, RENAMEAT_TARGET and UNLINKAT, and READ for a path of several
   * components or a symlink. In place it needs CREATE, WRITE, SEEK, FSTAT, FCHMOD and FTRUNCATE.
   * @param from The file; a TypeError if it is not a regular file, or the same as the target.
   * @param to The path of the copy, or another `Dir` and the path in it.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempDirSync();
   * tmp.mkdirSync(`${path}/b`);
   * tmp.ensureDirSync(`${path}/a`);
   * tmp.writeTextFileSync(`${path}/a/one`, "text");
   * tmp.copyFileSync(`${path}/a/one`, `${path}/a/two`);
   * tmp.copySync(`${path}/a`, `${path}/b`, { overwrite: true });
   * assertEquals(tmp.listSync(`${path}/b`).sort(), ["one", "two"]);
   * tmp.removeSync(path, { recursive: true });
   * ```
   */
  copyFileSync(from: string, ...to: Target): void {
    copyPairs(copyingFile("Dir.copyFileSync()", this, from, ...entries.targetOf(this, to)));
  }

  /** The asynchronous twin of {@link Dir.copyFileSync}. */
  copyFile(from: string, ...to: Target): Promise<void> {
    return copyPairsAsync(copyingFile("Dir.copyFile()", this, from, ...entries.targetOf(this, to)));
  }

  /**
   * Copies a file, a symlink itself, or a directory with everything in it, in this directory or, as `(from, toDir, to,
   * options)`, to another. Makes missing parents of the copy of a directory. Leaves out sockets, FIFOs and devices.
   *
   * Files are copied as by {@link Dir.copyFileSync}. A new directory never has more permissions than the original
   * and the umask give. With `overwrite` a symlink in the way is replaced, not written through. At most 32 directories
   * are open, at any depth. Errors have the path relative to this directory, or to the other one.
   *
   * Stands for the calls of {@link Dir.copyFileSync}, getdirentries(2), mkdirat(2) and symlinkat(2). Needs READ and
   * FSTAT. On the other directory it needs READ, the rights that {@link Dir.copyFileSync} needs, MKDIRAT and SYMLINKAT,
   * and FUTIMES for `preserveTimestamps`. With LINKAT_SOURCE and LINKAT_TARGET, new files appear complete; without these
   * rights they are written in place, unless `overwrite` is true.
   * @param from The original; a TypeError if it would be copied onto or into itself.
   * @param to The path of the copy, or another `Dir` and the path in it; then the options.
   */
  copySync(from: string, ...to: TargetWithOptions<CopyOptions>): void {
    copyPairs(copying("Dir.copySync()", this, from, ...entries.targetWithOptions(this, to)));
  }

  /** The asynchronous twin of {@link Dir.copySync}. */
  copy(from: string, ...to: TargetWithOptions<CopyOptions>): Promise<void> {
    return copyPairsAsync(copying("Dir.copy()", this, from, ...entries.targetWithOptions(this, to)));
  }

  /**
   * Makes an empty file with a new, unique name, for its owner only. Stands for openat(2) with O_EXCL. Needs WRITE and
   * CREATE.
   * @param options Those of `Deno.makeTempFileSync`; `dir` is a path below this directory. A part of the name has no
   * "/" and no NUL.
   * @returns Its path.
   */
  makeTempFileSync(options?: Deno.MakeTempOptions): string {
    return entries.makeTempFile("Dir.makeTempFileSync()", this, options);
  }

  /** The asynchronous twin of {@link Dir.makeTempFileSync}. */
  makeTempFile(options?: Deno.MakeTempOptions): Promise<string> {
    return promised(() => entries.makeTempFile("Dir.makeTempFile()", this, options));
  }

  /**
   * Makes a directory with a new, unique name, for its owner only. Stands for mkdirat(2). Needs MKDIRAT.
   * @param options As for {@link Dir.makeTempFileSync}.
   * @returns Its path.
   */
  makeTempDirSync(options?: Deno.MakeTempOptions): string {
    return entries.makeTempDir("Dir.makeTempDirSync()", this, options);
  }

  /** The asynchronous twin of {@link Dir.makeTempDirSync}. */
  makeTempDir(options?: Deno.MakeTempOptions): Promise<string> {
    return promised(() => entries.makeTempDir("Dir.makeTempDir()", this, options));
  }
}

/**
 * Opens a directory by an ambient path, before `enter()`. The descriptor is closed on exec, so no child inherits it.
 * Stands for open(2) with O_DIRECTORY, and cap_rights_limit(2). Requires `--allow-ffi` permission, and none to read.
 *
 * @param path An ambient path, or a `file:` URL.
 * @param options `limit` names the rights that the directory keeps. Default: all.
 * @returns The open directory, which the caller closes.
 * @throws {TypeError} If the path is empty or has a NUL, or `limit` has the wrong type.
 * @throws {RangeError} If a right of `limit` is unknown.
 * @throws {Deno.errors.NotFound} If the path does not exist.
 * @throws {Deno.errors.NotADirectory} If it is not a directory.
 * @throws {CapsicumError} ECAPMODE in capability mode.
 * @throws {Deno.errors.NotSupported} If the system is neither FreeBSD nor Linux, or, with `limit`, not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { enter, isSupported, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 * if (isSupported()) {
 *   using dev = openDirSync("/dev", { limit: ["LOOKUP", "READ"] });
 *   enter();
 *   assert(dev.listSync().includes("null"));
 * }
 * ```
 */
export function openDirSync(path: string | URL, options: OpenDirOptions = {}): Dir {
  return opened("openDirSync()", options, () => libc.open(ambientPath(path, "openDirSync()"), LISTING));
}

/** The asynchronous twin of {@link openDirSync}, which throws the same. Requires `--allow-ffi` permission. */
export function openDir(path: string | URL, options: OpenDirOptions = {}): Promise<Dir> {
  return promised(() =>
    opened("openDir()", options, () => libc.open(ambientPath(path, "openDir()"), LISTING))
  );
}

function openedBelow(call: string, dir: Dir, path: string, options: OpenDirOptions): Dir {
  return opened(call, options, () => openBeneath(dir, checkedPath(path, call), LISTING), dir);
}

/** A `Dir` over the descriptor that `open` returns, limited before the caller has it. */
function opened(call: string, options: OpenDirOptions, open: () => number, above?: Dir): Dir {
  checkOptions(call, options, openDirOptions);
  const rights = options.limit === undefined ? undefined : new Rights(options.limit);
  const dir = new Dir(open());
  try {
    // Found out now, while it has all of its rights.
    const confined = isConfined(dir.fd, above);
    if (rights) limit(dir, rights);
    const checked = new Dir(dir.take(), confined);
    if (above) grantAs(above.fd, checked.fd);
    return checked;
  } catch (error) {
    dir[Symbol.dispose]();
    throw error;
  }
}

/** A promise of what a call of microseconds returns or throws. */
function promised<T>(call: () => T): Promise<T> {
  return new Promise((resolve) => resolve(call()));
}
