/**
 * Reads and sets the attributes of files, by paths below a directory.
 *
 * @module
 */
import { descriptor, type FdLike } from "../../ffi/values.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { statAt, timespecs } from "./descriptor.ts";
import { aBoolean, aMode, anInteger, type Check, checkArgument, checkOptions } from "./options.ts";
import { at, codeOf, confines, followed, unfollowed, type Use } from "./path/resolve.ts";

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
  if (confines(dir)) return statAt(descriptor(dir), path, libc.AT_SYMLINK_NOFOLLOW | libc.AT_RESOLVE_BENEATH);
  const use: Use<Deno.FileInfo> = (fd, name) => statAt(fd, name);
  return path.endsWith("/") ? followed(dir, path, "fstatat", use) : at(dir, path, "fstatat", use);
}

export function exists(dir: FdLike, path: string, options: ExistsOptions): boolean {
  checkOptions("Dir.exists()", options, existsOptions);
  const { isReadable, isDirectory, isFile } = options;
  if (isDirectory && isFile) {
    throw new TypeError("The options isDirectory and isFile exclude each other.");
  }
  try {
    const info = stat(dir, path);
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
    try {
      libc.faccessat(fd, path, mode, flags);
    } catch (error) {
      // FreeBSD 13 lacks AT_SYMLINK_NOFOLLOW for this call, but it confines lookups in every directory.
      if (flags !== libc.AT_SYMLINK_NOFOLLOW || codeOf(error) !== "EINVAL") throw error;
      libc.faccessat(fd, path, mode, libc.AT_RESOLVE_BENEATH);
    }
  });
}

export function chmod(dir: FdLike, path: string, mode: number): void {
  checkArgument("Dir.chmod()", "mode", mode, aMode);
  beneath(dir, path, "fchmodat", (fd, path, flags) => libc.fchmodat(fd, path, mode, flags));
}

export function chown(dir: FdLike, path: string, uid: number | null, gid: number | null): void {
  checkArgument("Dir.chown()", "uid", uid, anOwner);
  checkArgument("Dir.chown()", "gid", gid, anOwner);
  beneath(dir, path, "fchownat", (fd, path, flags) => libc.fchownat(fd, path, uid ?? -1, gid ?? -1, flags));
}

export function utime(dir: FdLike, path: string, atime: number | Date, mtime: number | Date): void {
  const times = timespecs(atime, mtime);
  beneath(dir, path, "utimensat", (fd, path, flags) => libc.utimensat(fd, path, times, flags));
}

/** Uses a call with AT_RESOLVE_BENEATH if the kernel honours the flag; else resolves the path first. */
function beneath<T>(
  dir: FdLike,
  path: string,
  syscall: string,
  use: (fd: number, path: string, flags: number) => T,
): T {
  if (confines(dir)) return use(descriptor(dir), path, libc.AT_RESOLVE_BENEATH);
  return followed(
    dir,
    path,
    syscall,
    (fd, name) => unfollowed(fd, name, syscall, () => use(fd, name, libc.AT_SYMLINK_NOFOLLOW)),
  );
}
