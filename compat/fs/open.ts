import { descriptor, type FdLike } from "../../ffi/fd_like.ts";
import * as libc from "../../ffi/libc.ts";
import { FdFile } from "./fd_file.ts";
import { openFlags, type OpenOptions } from "./open_options.ts";
import { permissionBits } from "./_mode.ts";
import { pathOf } from "./_path.ts";
import { at, confines, followed, mayBeSymlink } from "./_resolve.ts";

/**
 * Opens a file by an ambient path, before `enter()`. The options are those of `Deno.openSync`; without any it reads.
 *
 * The descriptor is closed on exec, so no child inherits it.
 *
 * Stands for open(2). Requires `--allow-ffi` permission, and none to read or write: FFI is not held to these.
 *
 * @throws {TypeError} When the path is empty or has a NUL, or the options contradict each other.
 * @throws {Deno.errors.NotFound} When the path does not exist.
 * @throws {Deno.errors.AlreadyExists} With `createNew`, when it exists.
 * @throws {Deno.errors.PermissionDenied} When its mode does not permit it.
 * @throws {CapsicumError} ECAPMODE in capability mode.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null", { read: true, write: true });
 *   assertEquals(file.writeSync(new Uint8Array(3)), 3);
 * }
 * ```
 */
export function openSync(path: string | URL, options: OpenOptions = {}): FdFile {
  return new FdFile(libc.open(pathOf(path), openFlags(options), permissionBits(options.mode ?? 0o666)));
}

/**
 * Opens a file by a path relative to a directory, also in capability mode. The options are those of `openSync`.
 *
 * The path stays beneath the directory: a leading "/", a ".." or a symlink that leads out of it is refused. The file has
 * the rights of the directory, closes on exec, and is the caller's to close. Of a number it is not known whether the
 * kernel confines lookups in it, as it is of a `Dir`: there a path of several components is opened step by step, which
 * needs READ too.
 *
 * Stands for openat(2) with O_RESOLVE_BENEATH. Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When the path is empty or has a NUL, or the options contradict each other.
 * @throws {RangeError} When the number is no descriptor.
 * @throws {Deno.errors.NotFound} When the path does not exist.
 * @throws {Deno.errors.AlreadyExists} With `createNew`, when it exists.
 * @throws {Deno.errors.PermissionDenied} When its mode does not permit it.
 * @throws {Deno.errors.BadResource} When the directory is not open.
 * @throws {CapsicumError} ENOTCAPABLE when the directory lacks a right that the options need (LOOKUP; READ, WRITE, SEEK,
 * CREATE, FTRUNCATE), or the path leaves it.
 * @throws {Deno.errors.NotSupported} When the system is neither FreeBSD nor Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, openAtSync, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using dev = openDirSync("/dev");
 *   using file = openAtSync(dev, "null");
 *   assertEquals(file.readAllSync().length, 0);
 * }
 * ```
 */
export function openAtSync(dir: FdLike, path: string, options: OpenOptions = {}): FdFile {
  return new FdFile(openBeneath(dir, path, openFlags(options), permissionBits(options.mode ?? 0o666)));
}

/** The descriptor of what a path below a directory names; a last symlink is followed unless the flags say otherwise. */
export function openBeneath(dir: FdLike, path: string, flags: number, mode = 0): number {
  if (confines(dir)) return libc.openat(descriptor(dir), path, flags | libc.O_RESOLVE_BENEATH, mode);
  const open = (fd: number, name: string) => libc.openat(fd, name, flags | libc.O_NOFOLLOW, mode);
  if (!(flags & libc.O_PATH)) {
    try {
      return at(dir, path, "openat", open);
    } catch (error) {
      if (flags & (libc.O_NOFOLLOW | libc.O_EXCL) || !mayBeSymlink(error)) throw error;
    }
  } else if (flags & libc.O_NOFOLLOW) return at(dir, path, "openat", open);
  return followed(dir, path, "openat", open);
}
