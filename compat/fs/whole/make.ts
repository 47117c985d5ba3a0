/** Makes directories and empty files, and the missing directories of their paths. */
import type { FdLike } from "../../../ffi/check.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { lstat } from "../attributes.ts";
import { permissionBits } from "../descriptor.ts";
import { openBeneath } from "../open.ts";
import { aBoolean, aMode, checkOptions } from "../options.ts";
import { pathOf } from "../path/ambient_path.ts";
import { checkedPath, parentOf } from "../path/components.ts";
import { at, codeOf } from "../path/resolve.ts";

export function mkdir(dir: FdLike, path: string, options: Deno.MkdirOptions): void {
  checkOptions("Dir.mkdir()", options, { recursive: aBoolean, mode: aMode });
  checkedPath(path);
  const { recursive = false, mode = 0o777 } = options;
  if (recursive) makePath(dir, path, permissionBits(mode));
  else makeDirectory(dir, path, permissionBits(mode));
}

function makeDirectory(dir: FdLike, path: string, mode: number): void {
  at(dir, path, "mkdirat", (fd, name) => libc.mkdirat(fd, name, mode), true);
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
  checkedPath(path);
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
