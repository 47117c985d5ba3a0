/** The members of pycapsicumcffi's module `cap`, but its rights. */
import * as libc from "../../ffi/libc.ts";
import * as limits from "../../ffi/limits.ts";
import {
  Fcntls as FcntlSet,
  type FcntlsLike,
  Ioctls as IoctlSet,
  type IoctlsLike,
  Right,
  type RightName,
  Rights as RightSet,
  type RightsLike,
} from "../../rights/mod.ts";
import { listDirSync } from "../fs/list.ts";
import { allRights } from "./_all_rights.ts";
import { type Fileno, fileno, isFileno, openIn } from "./_descriptor.ts";
import { fdopen, type PythonFile } from "./python_file.ts";

export { enter, sandboxed } from "../../ffi/capability_mode.ts";
export { AT_FDCWD, ECAPMODE, ENOTCAPABLE, O_CLOEXEC } from "../../ffi/libc.ts";
export { fdopen, PythonFile } from "./python_file.ts";
export type { Fileno } from "./_descriptor.ts";

/**
 * A set of rights: one of the library's own `Rights`, which can also be read from a descriptor.
 *
 * @example
 * ```ts
 * import { openSync } from "jsr:@capsicum/capsicum";
 * import cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { isSupported } from "jsr:@capsicum/capsicum";
 * import { assert, assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(new cap.Rights([cap.READ, cap.LOOKUP]).names(), ["READ", "LOOKUP"]);
 * assert(new cap.Rights(null).isEmpty);
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   assert(new cap.Rights(file).equals(cap.right.ALL));
 * }
 * ```
 */
export class Rights extends RightSet {
  /**
   * Makes a set of the rights listed, of another set, of those that a descriptor holds, or of none.
   *
   * For a descriptor it stands for cap_rights_get(3), and requires `--allow-ffi` permission.
   *
   * @throws {TypeError} When it is none of these, or an element of the list is neither a `CAP_*` value nor a name.
   * @throws {RangeError} When an element of the list is no right.
   * @throws {Deno.errors.BadResource} When the descriptor is not open.
   * @throws {Deno.errors.NotSupported} For a descriptor, when the system is not FreeBSD.
   */
  constructor(rights: RightsLike | Fileno | null = null) {
    super(isFileno(rights) ? limits.getRights(fileno(rights)) : rights ?? []);
  }
}

/**
 * A set of fcntl(2) commands: one of the library's own `Fcntls`, which can also be read from a descriptor.
 *
 * @example
 * ```ts
 * import cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals([...new cap.Fcntls([cap.fcntl.GETFL])], ["GETFL"]);
 * ```
 */
export class Fcntls extends FcntlSet {
  /**
   * Makes a set of the commands listed, of another set, of those that a descriptor is limited to, or of none.
   *
   * For a descriptor it stands for cap_fcntls_get(2), and requires `--allow-ffi` permission.
   *
   * @throws {TypeError} When it is none of these, or an element of the list is neither a `CAP_FCNTL_*` value nor a name.
   * @throws {RangeError} When an element of the list is no fcntl, 0 included.
   * @throws {Deno.errors.BadResource} When the descriptor is not open.
   * @throws {Deno.errors.NotSupported} For a descriptor, when the system is not FreeBSD.
   */
  constructor(fcntls: FcntlsLike | Fileno | null = null) {
    super(isFileno(fcntls) ? limits.getFcntls(fileno(fcntls)) : fcntls ?? []);
  }
}

/**
 * A set of ioctl(2) requests: one of the library's own `Ioctls`, which can also be read from a descriptor.
 *
 * What Python has in `termios` is in the main module's `Ioctl`.
 *
 * @example
 * ```ts
 * import { Ioctl } from "jsr:@capsicum/capsicum";
 * import cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(String(new cap.Ioctls([Ioctl.FIONREAD])), "FIONREAD");
 * ```
 */
export class Ioctls extends IoctlSet {
  /**
   * Makes a set of the requests listed, of another set, of those that a descriptor is limited to, or of none.
   *
   * For a descriptor it stands for cap_ioctls_get(2), and requires `--allow-ffi` permission.
   *
   * @throws {TypeError} When it is none of these, or an element of the list is neither number nor bigint.
   * @throws {RangeError} When an element of the list is not of 32 bits, or there are more than 256.
   * @throws {Deno.errors.BadResource} When the descriptor is not open.
   * @throws {Deno.errors.NotSupported} For a descriptor, when the system is not FreeBSD.
   */
  constructor(ioctls: IoctlsLike | Fileno | null = null) {
    super(isFileno(ioctls) ? limits.getIoctls(fileno(ioctls)) : ioctls ?? []);
  }
}

/** The values that `new cap.Fcntls()` takes: `CAP_FCNTL_*`. */
export const fcntl: Readonly<Record<"GETFL" | "SETFL" | "GETOWN" | "SETOWN" | "ALL", number>> = Object.freeze(
  {
    GETFL: libc.CAP_FCNTL_GETFL,
    SETFL: libc.CAP_FCNTL_SETFL,
    GETOWN: libc.CAP_FCNTL_GETOWN,
    SETOWN: libc.CAP_FCNTL_SETOWN,
    ALL: libc.CAP_FCNTL_ALL,
  },
);

type SetName = RightName | "ALL" | "NONE";
const sets = Object.fromEntries([...Object.keys(Right), "ALL", "NONE"].map((name) => [name, undefined])) as {
  [Name in SetName]: Rights | undefined;
};

/**
 * A set for each right that has only that one, made when it is first asked for; `NONE` with none, `ALL` with all that
 * this system's kernel knows, to find which out it calls it. A name that is no right's throws a `RangeError`.
 */
export const right: { readonly [Name in RightName | "ALL" | "NONE"]: Rights } = new Proxy(sets, {
  get(sets, name) {
    if (typeof name === "symbol") return Reflect.get(sets, name);
    if (!Object.hasOwn(sets, name)) return new Rights([name as RightName]);
    return sets[name as SetName] ??= new Rights(
      name === "ALL" ? allRights() : name === "NONE" ? null : [name as RightName],
    );
  },
}) as { [Name in SetName]: Rights };

/**
 * Limits a descriptor to a set of rights, for good.
 *
 * Stands for cap_rights_limit(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When a right is unknown.
 * @throws {Deno.errors.BadResource} When the descriptor is negative or not open (EBADF).
 * @throws {CapsicumError} ENOTCAPABLE when it does not hold all of the rights.
 * @throws {Deno.errors.NotSupported} When the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, openSync } from "jsr:@capsicum/capsicum";
 * import cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   cap.limit(file, cap.right.READ);
 *   assertEquals(new cap.Rights(file).names(), ["READ"]);
 * }
 * ```
 */
export function limit(fd: Fileno, rights: RightsLike): void {
  limits.limit(fileno(fd), rights);
}

/**
 * Limits a descriptor to a set of fcntl(2) commands, for good. They also need the right FCNTL.
 *
 * Stands for cap_fcntls_limit(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When an fcntl is unknown.
 * @throws {Deno.errors.BadResource} When the descriptor is negative or not open (EBADF).
 * @throws {CapsicumError} ENOTCAPABLE when one was not permitted before.
 * @throws {Deno.errors.NotSupported} When the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, openSync } from "jsr:@capsicum/capsicum";
 * import cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   cap.fcntls_limit(file, new cap.Fcntls());
 *   assert(new cap.Fcntls(file).isEmpty);
 * }
 * ```
 */
export function fcntls_limit(fd: Fileno, fcntls: FcntlsLike): void {
  limits.limitFcntls(fileno(fd), fcntls);
}

/**
 * Limits a descriptor to a set of at most 256 ioctl(2) requests, for good. They also need the right IOCTL.
 *
 * Stands for cap_ioctls_limit(2). Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type.
 * @throws {RangeError} When there are more than 256, or one is not of 32 bits; also for the unlimited set of another
 * descriptor, when this one is limited already.
 * @throws {Deno.errors.BadResource} When the descriptor is negative or not open (EBADF).
 * @throws {CapsicumError} ENOTCAPABLE when one was not permitted before.
 * @throws {Deno.errors.NotSupported} When the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { Ioctl, isSupported, openSync } from "jsr:@capsicum/capsicum";
 * import cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   cap.ioctls_limit(file, new cap.Ioctls([Ioctl.FIONREAD]));
 *   assertEquals([...new cap.Ioctls(file)], [Ioctl.FIONREAD]);
 * }
 * ```
 */
export function ioctls_limit(fd: Fileno, ioctls: IoctlsLike): void {
  limits.limitIoctls(fileno(fd), ioctls);
}

/**
 * Opens a path beneath a directory, as a file of Python's in binary mode: "rb", "wb" or "r+b" by the flags. It has the
 * rights of the directory. What it makes has the permission bits of `mode`, which are none by default.
 *
 * With `AT_FDCWD` for the directory the path is an ambient one.
 *
 * Stands for openat(2); needs LOOKUP, and by the flags READ, WRITE, SEEK, CREATE, FTRUNCATE.
 * Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} When an argument has the wrong type, or the path is empty or has a NUL.
 * @throws {RangeError} When a number is none that C's type takes.
 * @throws {Deno.errors.BadResource} When the directory is negative or not open (EBADF).
 * @throws {Deno.errors.NotFound} When the path does not exist.
 * @throws {Deno.errors.AlreadyExists} With O_EXCL, when it exists.
 * @throws {CapsicumError} ENOTCAPABLE when a right is missing or the path leaves the directory; ECAPMODE for `AT_FDCWD`.
 * @throws {Deno.errors.NotSupported} When the system is not FreeBSD or Linux.
 * @throws {Deno.errors.NotCapable} When `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * using dev = openDirSync("/dev");
 * using zero = cap.openat(dev, "zero", libc.O_RDONLY);
 * assertEquals(zero.read(3), new Uint8Array(3));
 * ```
 */
export function openat(
  dir_fd: Fileno,
  path: string,
  flags: number,
  mode = 0,
): PythonFile<Uint8Array<ArrayBuffer>> {
  const fd = openIn(dir_fd, path, flags, mode), access = flags & libc.O_ACCMODE;
  return fdopen(fd, access === libc.O_RDWR ? "r+b" : access === libc.O_WRONLY ? "wb" : "rb");
}

/** What Python takes by keyword in `open(path, flags, mode=..., dir_fd=...)`. */
export interface OpenKeywords {
  /** The permission bits of what it makes, 0o777 by default. */
  mode?: number;
  /** The directory that the path is beneath; without one the path is an ambient one. */
  dir_fd?: Fileno | null;
}

/**
 * Python's `os.open` and `os.listdir`, which take descriptors of directories since Python 3.3.
 *
 * `open(path, flags, mode, dir_fd)` gives the number of a descriptor, which is closed on exec and which the caller
 * closes by `libc.close()`; `{ dir_fd }` stands for Python's keywords. `listdir(path)` gives the names in a directory,
 * by its path or its descriptor, without "." and "..". Both throw as {@link openat} does.
 *
 * @example
 * ```ts
 * import { libc } from "jsr:@capsicum/capsicum";
 * import cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assert } from "jsr:@std/assert";
 *
 * const { open, listdir } = cap.compat33;
 * const dev = open("/dev", libc.O_RDONLY);
 * assert(listdir(dev).includes("null"));
 * libc.close(open("null", libc.O_RDWR, { dir_fd: dev }));
 * libc.close(dev);
 * ```
 */
export const compat33: {
  readonly open: (
    path: string,
    flags: number,
    mode?: number | OpenKeywords,
    dir_fd?: Fileno | null,
  ) => number;
  readonly listdir: (path?: string | Fileno) => string[];
} = Object.freeze({
  open(
    path: string,
    flags: number,
    mode: number | OpenKeywords = {},
    dir_fd: Fileno | null = null,
  ): number {
    const keywords: OpenKeywords = typeof mode === "object" ? { dir_fd, ...mode } : { mode, dir_fd };
    return openIn(keywords.dir_fd ?? libc.AT_FDCWD, path, flags, keywords.mode ?? 0o777);
  },
  listdir(path: string | Fileno = "."): string[] {
    return listDirSync(typeof path === "string" ? path : fileno(path));
  },
});
