import { descriptor, type FdLike } from "../../ffi/fd_like.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { limit } from "../../ffi/capsicum/limits.ts";
import { Rights } from "../../rights/rights.ts";
import { FdFile } from "./file.ts";
import { openFlags, type OpenOptions, openOptions } from "./open_options.ts";
import { checkOptions } from "./options.ts";
import { permissionBits } from "./metadata/mode.ts";
import { pathOf } from "./path/ambient_path.ts";
import { at, confines, followed, mayBeSymlink } from "./path/resolve.ts";

/**
 * Opens a file by an ambient path, before `enter()`; for reading if the options say nothing else.
 *
 * The descriptor is closed on exec, so no child inherits it. If it can't be limited to the rights of `limit`, it is closed.
 *
 * Stands for open(2) and, with `limit`, cap_rights_limit(2). Requires `--allow-ffi` permission. It needs no
 * permission to read or write: FFI does not ask for it.
 *
 * @param path An ambient path, or a `file:` URL.
 * @param options What to open for, what to create, and what to limit the file to.
 * @returns The open file, which the caller closes.
 * @throws {TypeError} If the path is empty or has a NUL, or the options are unknown, of the wrong type or contradictory.
 * @throws {RangeError} If a right of `limit` is unknown, or a number is out of range.
 * @throws {Deno.errors.NotFound} If the path does not exist.
 * @throws {Deno.errors.AlreadyExists} If it exists and must be new.
 * @throws {Deno.errors.PermissionDenied} If its mode does not permit it.
 * @throws {CapsicumError} ECAPMODE in capability mode.
 * @throws {Deno.errors.NotSupported} If the system is neither FreeBSD nor Linux, or with `limit` not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null", { write: true, limit: ["WRITE"] });
 *   assertEquals(file.writeSync(new Uint8Array(3)), 3);
 * }
 * ```
 */
export function openSync(path: string | URL, options: OpenOptions = {}): FdFile {
  return opened("openSync()", options, (flags, mode) => libc.open(pathOf(path), flags, mode));
}

/**
 * Opens a file by a path relative to a directory, also in capability mode.
 *
 * The path never leads out of the directory, as the class `Dir` says. The file has the rights of the directory, and is
 * closed on exec. If the directory is given by its number, it is unknown whether the kernel confines lookups in it. A path
 * of several components is then opened one component at a time, which needs READ too.
 *
 * Stands for openat(2) with O_RESOLVE_BENEATH and, with `limit`, cap_rights_limit(2). Requires `--allow-ffi` permission.
 *
 * @param dir The descriptor of a directory.
 * @param path A path relative to the directory.
 * @param options What to open for, what to create, and what to limit the file to.
 * @returns The open file, which the caller closes.
 * @throws {TypeError} If the path is empty or has a NUL, or the options are unknown, of the wrong type or contradictory.
 * @throws {RangeError} If the number is not a descriptor, or a right of `limit` is unknown, or a number is out of range.
 * @throws {Deno.errors.NotFound} If the path does not exist.
 * @throws {Deno.errors.AlreadyExists} If it exists and must be new.
 * @throws {Deno.errors.PermissionDenied} If its mode does not permit it.
 * @throws {Deno.errors.BadResource} If the directory is not open.
 * @throws {CapsicumError} ENOTCAPABLE when the directory lacks a right that the options need (LOOKUP; READ, WRITE, SEEK,
 * CREATE, FTRUNCATE), or the path leaves it.
 * @throws {Deno.errors.NotSupported} If the system is neither FreeBSD nor Linux, or with `limit` not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
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
  return openFileAt("openAtSync()", dir, path, options);
}

/** Does what `openAtSync()` does, for a caller that messages call `call`. */
export function openFileAt(call: string, dir: FdLike, path: string, options: OpenOptions = {}): FdFile {
  return opened(call, options, (flags, mode) => openBeneath(dir, path, flags, mode));
}

/** An `FdFile` over the descriptor that `open` returns, limited before the caller has it. */
function opened(call: string, options: OpenOptions, open: (flags: number, mode: number) => number): FdFile {
  checkOptions(call, options, openOptions);
  const rights = options.limit === undefined ? undefined : new Rights(options.limit);
  const flags = openFlags(options);
  const origin = flags & libc.O_NONBLOCK ? "nonblocking" : "own";
  const file = new FdFile(open(flags, permissionBits(options.mode ?? 0o666)), origin);
  if (rights === undefined) return file;
  try {
    limit(file, rights);
    return file;
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}

/** Opens a path below a directory. Follows a symlink as the last component, unless the flags say otherwise. */
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
