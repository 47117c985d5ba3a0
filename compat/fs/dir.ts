import { abi } from "../../ffi/abi/abi.ts";
import * as libc from "../../ffi/libc.ts";
import { limit } from "../../ffi/limits.ts";
import { Rights, type RightsLike } from "../../rights/mod.ts";
import { Descriptor, openDescriptor } from "./descriptor.ts";
import type { FdFile } from "./fd_file.ts";
import { listAtSync, readDirAtSync } from "./list.ts";
import { openAtSync } from "./open.ts";
import type { OpenOptions } from "./open_options.ts";
import { pathOf } from "./_path.ts";

/** The options of `openDirSync`. */
export interface OpenDirOptions {
  /** The rights that the directory, and what is opened through it, is limited to at once. */
  limit?: RightsLike;
}

/**
 * An open directory: the place that paths are relative to, also in capability mode.
 *
 * Paths stay beneath it: a leading "/", a ".." or a symlink that leads out of it is refused with a `CapsicumError`,
 * ENOTCAPABLE. What it opens has at most its rights. All methods require `--allow-ffi` permission.
 *
 * @example
 * ```ts
 * import { isSupported, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using dev = openDirSync("/dev", { limit: ["LOOKUP", "READ", "FSTAT"] });
 *   assert(dev.listSync().includes("null"));
 *   assert(dev.statSync("null").isCharDevice);
 * }
 * ```
 */
export class Dir extends Descriptor {
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
   * import { Dir, isSupported, libc } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using dev = Dir.fromFd(libc.open("/dev", libc.O_RDONLY | libc.O_DIRECTORY | libc.O_CLOEXEC));
   *   assert(dev.listSync().includes("null"));
   * }
   * ```
   */
  static fromFd(fd: number): Dir {
    return new Dir(openDescriptor(fd));
  }

  /**
   * Opens a file. The options are those of `Deno.openSync`; without any it reads.
   *
   * Stands for openat(2); needs LOOKUP, and by the options READ, WRITE, SEEK, CREATE or FTRUNCATE. What the file is used
   * for later must be among the rights too.
   *
   * @throws {TypeError} When the path is empty or has a NUL, or the options contradict each other.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {Deno.errors.AlreadyExists} With `createNew`, when it exists.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { isSupported, openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using dev = openDirSync("/dev");
   *   using file = dev.openSync("null", { write: true });
   *   assertEquals(file.writeSync(new Uint8Array(3)), 3);
   * }
   * ```
   */
  openSync(path: string, options?: OpenOptions): FdFile {
    return openAtSync(this, path, options);
  }

  /**
   * Opens a directory below this one, with the same rights or, by `limit`, fewer.
   *
   * Stands for openat(2); needs LOOKUP and READ.
   *
   * @throws {TypeError} When the path is empty or has a NUL.
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {Deno.errors.NotADirectory} When it is not a directory.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { isSupported, limit, openDirSync } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using root = openDirSync("/");
   *   using dev = root.openDirSync("dev", { limit: ["LOOKUP", "READ"] });
   *   assert(dev.listSync().includes("null"));
   * }
   * ```
   */
  openDirSync(path: string, options: OpenDirOptions = {}): Dir {
    return limited(options, () => openAtSync(this, path, { directory: true }).take());
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
   * import { isSupported, openDirSync } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using root = openDirSync("/");
   *   const entry = [...root.readDirSync()].find(({ name }) => name === "dev");
   *   assert(entry?.isDirectory);
   * }
   * ```
   */
  readDirSync(path = "."): IterableIterator<Deno.DirEntry> {
    return readDirAtSync(this, path);
  }

  /**
   * The names in this directory or in one below it, without "." and "..".
   *
   * Stands for openat(2) and getdirentries(2); needs LOOKUP and READ.
   *
   * @throws {Deno.errors.NotFound} When the path does not exist.
   * @throws {Deno.errors.NotADirectory} When it is not a directory.
   * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory.
   *
   * @example
   * ```ts
   * import { isSupported, openDirSync } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using root = openDirSync("/");
   *   assert(root.listSync().includes("dev"));
   *   assert(root.listSync("dev").includes("null"));
   * }
   * ```
   */
  listSync(path = "."): string[] {
    return listAtSync(this, path);
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
   * import { isSupported, openDirSync } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using dev = openDirSync("/dev");
   *   assert(dev.statSync().isDirectory);
   *   assert(dev.statSync("null").isCharDevice);
   * }
   * ```
   */
  statSync(path = "."): Deno.FileInfo {
    const { statSize, decodeStat } = abi();
    const stat = new Uint8Array(statSize);
    libc.fstatat(this, path, stat, libc.AT_RESOLVE_BENEATH);
    return decodeStat(stat);
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
 * @throws {Deno.errors.NotSupported} When the system is not FreeBSD.
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
  const flags = libc.O_RDONLY | libc.O_DIRECTORY | libc.O_CLOEXEC;
  return limited(options, () => libc.open(pathOf(path), flags));
}

/** A `Dir` over what `open` gives, limited before anybody has it. */
function limited(options: OpenDirOptions, open: () => number): Dir {
  const rights = options.limit === undefined ? undefined : new Rights(options.limit);
  const dir = new Dir(open());
  try {
    if (rights) limit(dir, rights);
    return dir;
  } catch (error) {
    dir.close();
    throw error;
  }
}
