/**
 * Single entries of directories, by path: reads and sets their attributes; makes directories and files, with the missing
 * directories of their paths or with new, unique names; gives them other names. A {@link Successor} is a new file that replaces another once it is
 * complete. A parameter `call` is the method, for errors.
 *
 * @module
 */
import { asAsked, codeOf, failure, request, serve, serving } from "../../ffi/failure.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { shown } from "../../ffi/errors.ts";
import {
  aBoolean,
  aMode,
  anInteger,
  aString,
  type Check,
  checkArgument,
  checkOptions,
  descriptor,
  type FdLike,
} from "../../ffi/values.ts";
import type { RightName } from "../../rights/rights.ts";
import { permissionBits, statAt, timespecs } from "./descriptor.ts";
import { FdFile } from "./file.ts";
import { checkedPath, follow, joined, parentOf, pathOf, readLinkAt } from "./path/components.ts";
import { at, openBeneath, type Spot } from "./path/resolve.ts";
import { type Level, Levels } from "./tree/list.ts";

/** The options of `Dir.exists`, the same as in `@std/fs`. */
export interface ExistsOptions {
  /** Whether the file must be readable by the process. */
  isReadable?: boolean;
  /** Whether it must be a directory. */
  isDirectory?: boolean;
  /** Whether it must be a regular file. */
  isFile?: boolean;
}

const existsOptions = { isReadable: aBoolean, isDirectory: aBoolean, isFile: aBoolean };

/** The ID of a user or group; null, or -1 as in C, leaves the owner or group unchanged. */
const anOwner: Check = (value) => value === null ? undefined : anInteger(-1, 0xffffffff)(value);

export function stat(dir: FdLike, path: string): Deno.FileInfo {
  return beneath(dir, path, "fstatat", statAt);
}

export function lstat(dir: FdLike, path: string): Deno.FileInfo {
  return at(dir, path, { syscall: "fstatat", hasFlag: true, ...followedIn(path) }, (place, name) => {
    return statAt(place, name, libc.AT_SYMLINK_NOFOLLOW | (place.isWhole ? libc.AT_RESOLVE_BENEATH : 0));
  });
}

/** A symlink at the end of a path is followed if the path ends with a slash. */
function followedIn(path: string): { on?: "target" } {
  return path.endsWith("/") ? { on: "target" } : {};
}

export function exists(call: string, dir: FdLike, path: string, options: ExistsOptions): boolean {
  checkOptions(call, options, existsOptions);
  const { isReadable, isDirectory, isFile } = options;
  if (isDirectory && isFile) {
    throw new TypeError(`${call}: the options isDirectory and isFile exclude each other.`);
  }
  try {
    const info = stat(dir, checkedPath(path, call));
    if (isDirectory && !info.isDirectory || isFile && !info.isFile) return false;
    if (isReadable) access(dir, path, libc.R_OK);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.PermissionDenied) return !isReadable;
    throw error;
  }
}

/** Throws unless the process may use the file as `mode` says, by `R_OK`, `W_OK` and `X_OK`. */
export function access(dir: FdLike, path: string, mode: number): void {
  beneath(dir, path, "faccessat", (fd, path, flags) => {
    if (flags === libc.AT_SYMLINK_NOFOLLOW) accessName(fd, path, mode);
    else libc.faccessat(fd, path, mode, flags);
  });
}

/** The same for a name, which is not followed. `flag` may be `AT_EACCESS`. */
export function accessName(fd: FdLike, name: string, mode: number, flag = 0): void {
  try {
    libc.faccessat(fd, name, mode, flag | libc.AT_SYMLINK_NOFOLLOW);
  } catch (error) {
    // FreeBSD 13 lacks AT_SYMLINK_NOFOLLOW for this call, but it confines lookups in every directory.
    if (codeOf(error) !== "EINVAL") throw error;
    libc.faccessat(fd, name, mode, flag | libc.AT_RESOLVE_BENEATH);
  }
}

export function chmod(call: string, dir: FdLike, path: string, mode: number): void {
  checkArgument(call, "mode", mode, aMode);
  beneath(
    dir,
    checkedPath(path, call),
    "fchmodat",
    (fd, path, flags) => libc.fchmodat(fd, path, mode, flags),
  );
}

export function chown(call: string, dir: FdLike, path: string, uid: number | null, gid: number | null): void {
  checkArgument(call, "uid", uid, anOwner);
  checkArgument(call, "gid", gid, anOwner);
  beneath(dir, checkedPath(path, call), "fchownat", (fd, path, flags) => {
    return libc.fchownat(fd, path, uid ?? -1, gid ?? -1, flags);
  });
}

export function utime(
  call: string,
  dir: FdLike,
  path: string,
  atime: number | Date,
  mtime: number | Date,
): void {
  const times = timespecs(call, atime, mtime);
  beneath(
    dir,
    checkedPath(path, call),
    "utimensat",
    (fd, path, flags) => libc.utimensat(fd, path, times, flags),
  );
}

/** Acts on what a path leads to, by a call with AT_RESOLVE_BENEATH if the kernel honours that flag. */
function beneath<T>(
  dir: FdLike,
  path: string,
  syscall: string,
  use: (fd: FdLike, path: string, flags: number) => T,
): T {
  return at(dir, path, { syscall, on: "target", hasFlag: true }, (place, name) => {
    return use(place, name, place.isWhole ? libc.AT_RESOLVE_BENEATH : libc.AT_SYMLINK_NOFOLLOW);
  });
}

export function mkdir(call: string, dir: FdLike, path: string, options: Deno.MkdirOptions): void {
  checkOptions(call, options, { recursive: aBoolean, mode: aMode });
  checkedPath(path, call);
  const { recursive = false, mode = 0o777 } = options;
  if (recursive) makePath(dir, path, permissionBits(mode));
  else makeDirectory(dir, path, permissionBits(mode));
}

/** Makes a directory and its missing parents. */
export function ensureDir(dir: FdLike, path: string): void {
  makePath(dir, path, 0o777);
}

function makeDirectory(dir: FdLike, path: string, mode: number): void {
  at(dir, path, { syscall: "mkdirat", on: "new" }, (fd, name) => libc.mkdirat(fd, name, mode));
}

function makePath(dir: FdLike, path: string, mode: number): void {
  try {
    makeDirectory(dir, path, mode);
  } catch (error) {
    if (codeOf(error) === "EEXIST" && isDirectory(dir, path)) return;
    const above = codeOf(error) === "ENOENT" ? parentOf(path) : "";
    if (above === "") throw error;
    makePath(dir, above, mode);
    makeDirectoryUnlessThere(dir, path, mode);
  }
}

function makeDirectoryUnlessThere(dir: FdLike, path: string, mode: number): void {
  try {
    makeDirectory(dir, path, mode);
  } catch (error) {
    if (codeOf(error) !== "EEXIST" || !isDirectory(dir, path)) throw error;
  }
}

/** Calls mkdirat() for "." in it, which exists only in a directory: this needs no right but MKDIRAT. */
function isDirectory(dir: FdLike, path: string): boolean {
  try {
    makeDirectory(dir, `${path}/.`, 0o777);
  } catch (error) {
    return codeOf(error) === "EEXIST";
  }
  return true;
}

export function ensureFile(dir: FdLike, path: string): void {
  const flags = libc.O_WRONLY | libc.O_APPEND | libc.O_CREAT | libc.O_EXCL | libc.O_CLOEXEC;
  for (let isWayMade = false;; isWayMade = true) {
    try {
      return void libc.close(openBeneath(dir, path, flags, 0o666));
    } catch (error) {
      const above = parentOf(path);
      if (codeOf(error) === "EEXIST" && lstat(dir, path).isFile) return;
      if (codeOf(error) !== "ENOENT" || above === "" || isWayMade) throw error;
      makePath(dir, above, 0o777);
    }
  }
}

/**
 * Makes a directory by an ambient path, unless the directory exists. Its parent directory must exist.
 *
 * Stands for mkdirat(2) of the working directory.
 *
 * @throws {TypeError} If the path is empty or has a NUL.
 * @throws {Deno.errors.NotFound} If the parent directory does not exist.
 * @throws {CapsicumError} ECAPMODE in capability mode.
 */
export function ensureDirSync(path: string | URL): void {
  try {
    libc.mkdirat(libc.AT_FDCWD, pathOf(path), 0o777);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

function checkTempOptions(call: string, options: Deno.MakeTempOptions = {}): void {
  checkOptions(call, options, { dir: aString, prefix: aString, suffix: aString });
  const { dir = ".", prefix = "", suffix = "" } = options;
  checkedPath(dir, call);
  checkedPath(`${prefix}.${suffix}`, call);
  for (const [option, part] of [["prefix", prefix], ["suffix", suffix]] as const) {
    if (!part.includes("/")) continue;
    throw new TypeError(`${call}: the option ${option} must have no "/", and ${shown(part)} has one.`);
  }
}

export function makeTempFile(call: string, dir: FdLike, options?: Deno.MakeTempOptions): string {
  checkTempOptions(call, options);
  return withFreshName(options, (path) => libc.close(openBeneath(dir, path, NEW, 0o600)));
}

export function makeTempDir(call: string, dir: FdLike, options?: Deno.MakeTempOptions): string {
  checkTempOptions(call, options);
  return withFreshName(options, (path) => {
    at(dir, path, { syscall: "mkdirat" }, (fd, name) => libc.mkdirat(fd, name, 0o700));
  });
}

/** The flags to make a file. With O_APPEND, writing does not need the right SEEK. */
const NEW = libc.O_WRONLY | libc.O_APPEND | libc.O_CREAT | libc.O_EXCL | libc.O_CLOEXEC;

const TRIES = 100;

/** Makes a file or directory under a random name, and returns its path relative to the `Dir`. */
function withFreshName(options: Deno.MakeTempOptions = {}, make: (path: string) => void): string {
  const { dir = ".", prefix = "", suffix = "" } = options;
  for (let tries = 1;; tries++) {
    const path = joined(dir, prefix + crypto.randomUUID().replaceAll("-", "").slice(0, 16) + suffix);
    try {
      make(path);
      return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists) || tries === TRIES) throw error;
    }
  }
}

/** The rights that are needed to make such a file, to set its mode, and to rename it to its final name. */
export const SUCCEEDING = [
  ...["CREATE", "WRITE", "FSTAT", "FCHMOD"] as const,
  ...["RENAMEAT_SOURCE", "RENAMEAT_TARGET", "UNLINKAT"] as const,
] as const satisfies readonly RightName[];

/**
 * A file that will get the name of `place`. Until it is published, only its owner may open it.
 *
 * Until then the file has a hidden name in the same directory; a file that is never published is removed.
 */
export class Successor implements Disposable {
  readonly file: FdFile;
  readonly #place: Spot;
  readonly #name: string;
  #isThere = true;

  /** Makes the file with `mode` less the umask. */
  constructor(place: Spot, mode = 0o600) {
    this.#place = place;
    let fd: number;
    this.#name = withFreshName({ prefix: ".new-" }, (name) => {
      fd = libc.openat(place, name, NEW | libc.O_NOFOLLOW, mode);
    });
    this.file = serve(new FdFile(fd!), place.request);
  }

  /** Sets the mode of the file and renames it. With `replaces` false, it throws if the final name exists. */
  publish(mode: number, replaces = true): void {
    const rename = replaces ? libc.renameat : renameUnlessThere, place = this.#place;
    libc.fchmod(this.file, mode);
    this.file.close();
    rename(place, this.#name, place, place.name);
    this.#isThere = false;
  }

  /** Removes the file. */
  discard(): void {
    this.file.close();
    this.#isThere = false;
    libc.unlinkat(this.#place, this.#name, 0);
  }

  [Symbol.dispose](): void {
    try {
      using _file = this.file;
      if (this.#isThere) libc.unlinkat(this.#place, this.#name, 0);
    } catch {
      // The error that came first is the one to throw.
    }
  }
}

/** Has a symlink take the place of a file; the file stays if that fails. */
export function replaceBySymlink(target: string, place: Spot): void {
  const name = withFreshName({ prefix: ".new-" }, (name) => libc.symlinkat(target, place, name));
  try {
    libc.renameat(place, name, place, place.name);
  } catch (error) {
    try {
      libc.unlinkat(place, name, 0);
    } catch {
      // The error that came first is the one to throw.
    }
    throw error;
  }
}

/** Gives files other names: renames, links, symlinks, FIFOs; and resolves symlinks in paths. */

/** An open directory, such as a `Dir`. */
export interface Directory {
  /** The number of its descriptor. */
  readonly fd: number;
  /** Whether the kernel keeps lookups beneath it. */
  readonly confined: boolean;
}

/** A path in the same directory, or another directory and a path in it. */
export type Target = [to: string] | [toDir: Directory, to: string];
/** A {@link Target}, followed by options. */
export type TargetWithOptions<Options> =
  | [to: string, options?: Options]
  | [toDir: Directory, to: string, options?: Options];

/** The options of `Dir.rename`. */
export interface RenameOptions {
  /** Whether an existing file is replaced; if false, one throws `Deno.errors.AlreadyExists`. Default: true. */
  replace?: boolean;
}

/** The directory and the path of a {@link Target}. */
export function targetOf(dir: Directory, to: Target): [FdLike, string] {
  return to.length < 2 ? [dir, to[0] as string] : to as [Directory, string];
}

/** The directory, the path and the options of a {@link TargetWithOptions}. */
export function targetWithOptions<Options extends object>(
  dir: Directory,
  to: TargetWithOptions<Options>,
): [FdLike, string, Options | undefined] {
  const isBelow = to.length < 2 || typeof to[0] === "string";
  const [toDir, path, options] = isBelow ? [dir, ...to] : to;
  return [toDir as Directory, path as string, options as Options | undefined];
}

/** @param call The method, for errors. */
export function rename(
  call: string,
  dir: FdLike,
  from: string,
  toDir: FdLike,
  to: string,
  options?: RenameOptions,
): void {
  checkOptions(call, options, { replace: aBoolean });
  const rename = options?.replace === false ? renameUnlessThere : libc.renameat;
  // Checked before anything is opened. Only a directory can get a name with a trailing slash.
  const on = checkedPath(to, call).endsWith("/") ? { on: "directory" } as const : {};
  at(dir, checkedPath(from, call), { syscall: "renameat", ...on }, (source, name) => {
    at(
      toDir,
      to,
      { syscall: "renameat", on: "new" },
      (target, toName) => rename(source, name, target, toName),
    );
  });
}

/** Renames a file unless the new name exists: in one call if the system has it, else by a hard link. */
function renameUnlessThere(fd: Spot, name: string, toFd: Spot, toName: string): void {
  try {
    libc.renameat2(fd, name, toFd, toName, libc.AT_RENAME_NOREPLACE);
  } catch (error) {
    // libc, the kernel or the file system may not support it; on Linux, file systems report EINVAL.
    if (!(error instanceof Deno.errors.NotSupported) && codeOf(error) !== "EINVAL") throw error;
    moveByLink(fd, name, toFd, toName, error);
  }
}

function moveByLink(fd: Spot, name: string, toFd: Spot, toName: string, cause: unknown): void {
  try {
    libc.linkat(fd, name, toFd, toName, 0);
  } catch (error) {
    // The errors of linkat() for a directory, and for a file system without hard links.
    if (!["EPERM", "EOPNOTSUPP"].includes(codeOf(error) ?? "")) throw error;
    const [code, why] = codeOf(cause) === "EINVAL"
      ? [
        "EINVAL",
        "a directory can't be moved into itself, and some file systems rename only files without replacing",
      ]
      : ["EOPNOTSUPP", "here only a file can be renamed without replacing, by a link"];
    throw failure(
      asAsked({ syscall: "renameat2", path: name, toPath: toName }, fd, toFd),
      code,
      `${why} (${code}). Rename it with \`replace: true\`.`,
      { cause },
    );
  }
  try {
    libc.unlinkat(fd, name, 0);
  } catch (error) {
    try {
      libc.unlinkat(toFd, toName, 0);
    } catch {
      // The first error is the one to throw; the file keeps both names.
    }
    throw error;
  }
}

export function link(call: string, dir: FdLike, from: string, toDir: FdLike, to: string): void {
  checkedPath(to, call);
  at(dir, checkedPath(from, call), { syscall: "linkat" }, (source, name) => {
    try {
      at(toDir, to, { syscall: "linkat" }, (target, toName) => libc.linkat(source, name, target, toName, 0));
    } catch (error) {
      // The kernel looks up the file before it looks up the directory of the new name.
      if (codeOf(error) === "ENOTDIR") checkExists(source, name);
      throw error;
    }
  });
}

export function symlink(call: string, target: string, dir: FdLike, path: string): void {
  checkedPath(target, call);
  at(
    dir,
    checkedPath(path, call),
    { syscall: "symlinkat" },
    (place, name) => libc.symlinkat(target, place, name),
  );
}

export function readLink(dir: FdLike, path: string): string {
  return at(dir, path, { syscall: "readlinkat", ...followedIn(path) }, readLinkAt);
}

export function mkfifo(call: string, dir: FdLike, path: string, mode: number): void {
  checkArgument(call, "mode", mode, aMode);
  at(
    dir,
    checkedPath(path, call),
    { syscall: "mkfifoat" },
    (place, name) => libc.mkfifoat(place, name, mode),
  );
}

export function realPath(dir: FdLike, path: string): string {
  const fd = descriptor(dir), asks = { ...request(dir, path), syscall: "readlinkat" };
  using levels = new Levels(libc.fcntl(fd, libc.F_DUPFD_CLOEXEC, 0), ".", dir);
  const { steps, name } = follow([levels.top], path, asks, "followed", {
    pass: (above, name, fd) => levels.pass(above as Level, name, fd),
  });
  const names = steps.slice(1).map((step) => step.name);
  if (name !== ".") {
    checkExists(serving(steps.at(-1)!.fd, asks), name);
    names.push(name);
  }
  return names.join("/") || ".";
}

/** readlinkat() needs only LOOKUP, and fails with EINVAL if the file exists and is not a symlink. */
function checkExists(on: FdLike, name: string): void {
  try {
    readLinkAt(on, name);
  } catch (error) {
    if (codeOf(error) !== "EINVAL") throw error;
  }
}
