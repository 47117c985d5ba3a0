/**
 * Opens files by a path and options, synchronously and asynchronously.
 *
 * The asynchronous way never stops the event loop. open(2) runs on this thread: what confines the process on Linux can't
 * check the paths of calls on other threads. With O_NONBLOCK it does not wait. Where it would have waited it is tried
 * again, less and less often: for the reader of a FIFO (ENXIO), for a lock or a lease (EAGAIN).
 *
 * @module
 */
import { limit } from "../../ffi/capsicum/capability.ts";
import { codeOf, request, serve } from "../../ffi/failure.ts";
import * as libc from "../../ffi/libc/mod.ts";
import {
  aBoolean,
  aMode,
  anInteger,
  anything,
  aSignal,
  type Check,
  checkOptions,
  descriptor,
  type FdLike,
} from "../../ffi/values.ts";
import { Rights, type RightsLike } from "../../rights/rights.ts";
import { permissionBits, rightsOf, statAt } from "./descriptor.ts";
import { stat } from "./entries.ts";
import { FdFile } from "./file.ts";
import { type Origin, setNonblocking, subjectOf } from "./io/async_calls.ts";
import { pauses, sleepUnlessAborted } from "./io/waiting.ts";
import { ambientPath, checkedPath } from "./path/components.ts";
import { openBeneath } from "./path/resolve.ts";

/**
 * Opens a file by an ambient path, before `enter()`, by default for reading. The descriptor is closed on exec, so no
 * child inherits it. If it can't be limited to the rights of `limit`, it is closed.
 *
 * Stands for open(2) and, with `limit`, cap_rights_limit(2). Requires `--allow-ffi` permission, and none to read or
 * write.
 *
 * @param path An ambient path, or a `file:` URL.
 * @param options What to open for, what to create, and what to limit the file to.
 * @returns The open file, which the caller closes.
 * @throws {TypeError} If the path is empty or has a NUL, or the options are unknown, of the wrong type or
 * contradictory.
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
 * if (isSupported()) {
 *   using file = openSync("/dev/null", { write: true, limit: ["WRITE"] });
 *   assertEquals(file.writeSync(new Uint8Array(3)), 3);
 * }
 * ```
 */
export function openSync(path: string | URL, options: OpenOptions = {}): FdFile {
  return fileOf(
    "openSync()",
    options,
    (flags, mode) => libc.open(ambientPath(path, "openSync()"), flags, mode),
  );
}

/**
 * The asynchronous twin of {@link openSync}, which rejects with its errors. A FIFO is open for reading at once, for
 * writing as soon as it has a reader; `signal` ends that wait. A FIFO stays O_NONBLOCK while the file is open; the
 * methods of the file still wait for it. Requires `--allow-ffi` permission.
 */
export async function open(
  path: string | URL,
  options: OpenOptions & { signal?: AbortSignal } = {},
): Promise<FdFile> {
  return await fileLater("open()", options, () => ambiently(ambientPath(path, "open()")));
}

/**
 * Opens a file by a path relative to a directory, also in capability mode. The path never leads out of the directory:
 * see the class `Dir`. The file has the rights of the directory, and is closed on exec.
 *
 * If the directory is given by its number, it is unknown whether the kernel confines lookups in it. A path of several
 * components is then opened one component at a time, which needs READ too.
 *
 * Stands for openat(2) with O_RESOLVE_BENEATH and, with `limit`, cap_rights_limit(2). Requires `--allow-ffi`
 * permission.
 *
 * @param dir The descriptor of a directory.
 * @param path A path relative to the directory.
 * @param options Those of {@link openSync}.
 * @returns The open file, which the caller closes.
 * @throws {Deno.errors.BadResource} If the directory is not open.
 * @throws {CapsicumError} ENOTCAPABLE if the directory lacks a right that the options need (LOOKUP; READ, WRITE, SEEK,
 * CREATE, FTRUNCATE), or the path leaves it.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing. All other errors are those of {@link openSync}.
 *
 * @example
 * ```ts
 * import { openAtSync, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 * using dev = openDirSync("/dev");
 * using file = openAtSync(dev, "null");
 * assertEquals(file.readAllSync().length, 0);
 * ```
 */
export function openAtSync(dir: FdLike, path: string, options: OpenOptions = {}): FdFile {
  return openFileAt("openAtSync()", dir, path, options);
}

/**
 * The asynchronous twin of {@link openAtSync}, which rejects with its errors. The directory must stay open until the
 * promise settles. A FIFO is open for reading at once, for writing as soon as it has a reader; `signal` ends that wait.
 * A FIFO stays O_NONBLOCK while the file is open, and so does a terminal or device if the directory lacks FCNTL or
 * FSTAT; the methods of the file still wait for it. Requires `--allow-ffi` permission.
 */
export async function openAt(
  dir: FdLike,
  path: string,
  options: OpenOptions & { signal?: AbortSignal } = {},
): Promise<FdFile> {
  return await openFileAtLater("openAt()", dir, path, options);
}

/** The options of `Deno.openSync`, more flags of open(2), and the rights that the file is limited to. */
export interface OpenOptions extends Deno.OpenOptions {
  /** Refuse a symlink as the last component, with `Deno.errors.FilesystemLoop`. Default: false. */
  noFollow?: boolean;
  /** The same as `createNew`: an existing name is `Deno.errors.AlreadyExists`. Default: false. */
  exclusive?: boolean;
  /** Return from each write only when it is on the disk (O_SYNC). Default: false. */
  sync?: boolean;
  /** Refuse everything but a directory, with `Deno.errors.NotADirectory`. Default: false. */
  directory?: boolean;
  /** Further `O_*` flags of `libc`, added to the others. */
  customFlags?: number;
  /** The rights that the file is limited to before it is returned. Default: all that it gets by being opened. */
  limit?: RightsLike;
}

/** Does what `openAtSync()` does, for a caller that messages call `call`. */
export function openFileAt(call: string, dir: FdLike, path: string, options: OpenOptions = {}): FdFile {
  return fileOf(call, options, (flags, mode) => openBeneath(dir, checkedPath(path, call), flags, mode));
}

/** An `FdFile` over the descriptor that `open` returns, limited before the caller has it. */
function fileOf(call: string, options: OpenOptions, open: (flags: number, mode: number) => number): FdFile {
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

type AsyncOpenOptions = OpenOptions & { signal?: AbortSignal };

/** Does what `openAt()` does, for a caller that messages call `call`. */
export function openFileAtLater(
  call: string,
  dir: FdLike,
  path: string,
  options: AsyncOpenOptions,
): Promise<FdFile> {
  return fileLater(call, options, () => beneath(dir, checkedPath(path, call)));
}

async function fileLater(call: string, options: AsyncOpenOptions, toWay: () => Way): Promise<FdFile> {
  checkOptions(call, options, { ...openOptions, signal: aSignal });
  const rights = options.limit === undefined ? undefined : new Rights(options.limit);
  const flags = openFlags(options), mode = permissionBits(options.mode ?? 0o666);
  const fd = await openPatiently(toWay(), flags, mode, options.signal);
  try {
    const file = new FdFile(fd, revealed(fd, flags));
    if (rights) limit(file, rights);
    return file;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** Clears O_NONBLOCK, unless the caller asked for it, the file needs it, or the descriptor may not be changed. */
function revealed(fd: number, flags: number): Origin {
  if (flags & NEVER_WAITS) return flags & libc.O_NONBLOCK ? "nonblocking" : "own";
  const { kind } = subjectOf(fd);
  if (kind === "fifo" || kind === "unknown") return "hidden";
  return setNonblocking(fd, false) || kind === "file" ? "own" : "hidden";
}

/** Opens a file for the library's own use: it stays O_NONBLOCK. */
export async function openForUse(
  dir: FdLike,
  path: string,
  flags: number,
  mode: number,
  signal: AbortSignal | undefined,
): Promise<FdFile> {
  const asks = request(dir, path);
  return serve(new FdFile(await openPatiently(beneath(dir, path), flags, mode, signal), "hidden"), asks);
}

/** With one of these flags open(2) never waits for another process. */
const NEVER_WAITS = libc.O_NONBLOCK | libc.O_DIRECTORY | libc.O_PATH | libc.O_EXEC;

/** How a file is reached. */
interface Way {
  open(flags: number, mode: number): number;
  /** Whether it is a FIFO, as far as that can be known. */
  mayBeFifo(): boolean;
}

function ambiently(path: string): Way {
  return {
    open: (flags, mode) => libc.open(path, flags, mode),
    mayBeFifo: () => statAt(libc.AT_FDCWD, path, 0).isFifo === true,
  };
}

function beneath(dir: FdLike, path: string): Way {
  return {
    open: (flags, mode) => openBeneath(dir, path, flags, mode),
    mayBeFifo: () => !rightsOf(descriptor(dir)).has("FSTAT") || stat(dir, path).isFifo === true,
  };
}

async function openPatiently(
  way: Way,
  flags: number,
  mode: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  for (const pause = pauses();;) {
    signal?.throwIfAborted();
    try {
      return way.open(flags & NEVER_WAITS ? flags : flags | libc.O_NONBLOCK, mode);
    } catch (error) {
      if (flags & NEVER_WAITS || !wouldHaveWaited(error, way, flags)) throw error;
    }
    await sleepUnlessAborted(pause.next().value, signal);
  }
}

function wouldHaveWaited(error: unknown, way: Way, flags: number): boolean {
  const code = codeOf(error);
  if (code === "EAGAIN") return true;
  // A socket or a device without a driver is ENXIO too.
  return code === "ENXIO" && (flags & libc.O_ACCMODE) === libc.O_WRONLY && way.mayBeFifo();
}

/** A check for each option. `limit` is checked by `new Rights()`. */
export const openOptions: Readonly<Record<keyof OpenOptions, Check>> = {
  read: aBoolean,
  write: aBoolean,
  append: aBoolean,
  truncate: aBoolean,
  create: aBoolean,
  createNew: aBoolean,
  mode: aMode,
  noFollow: aBoolean,
  exclusive: aBoolean,
  sync: aBoolean,
  directory: aBoolean,
  customFlags: anInteger(0, 0x7fffffff),
  limit: anything,
};

/**
 * The `O_*` flags for options. Close-on-exec is always among them.
 *
 * @throws {TypeError} If the options contradict each other.
 */
export function openFlags(options: OpenOptions): number {
  const { write = false, append = false, truncate = false, create = false, customFlags = 0 } = options;
  const createNew = options.createNew || options.exclusive || false;
  const read = options.read ?? !(write || append);
  if (!read && !write && !append && customFlags === 0) {
    throw new TypeError("Opening needs one of the options read, write and append to be true.");
  }
  if ((create || createNew) && !write && !append) {
    throw new TypeError("The options create, createNew and exclusive need write or append.");
  }
  if (truncate && !write) throw new TypeError("The option truncate needs write.");
  if (truncate && append && !createNew) {
    throw new TypeError("The options truncate and append exclude each other.");
  }
  return (write || append ? read ? libc.O_RDWR : libc.O_WRONLY : libc.O_RDONLY) |
    (append ? libc.O_APPEND : 0) |
    (truncate ? libc.O_TRUNC : 0) |
    (create ? libc.O_CREAT : 0) |
    (createNew ? libc.O_CREAT | libc.O_EXCL : 0) |
    (options.noFollow ? libc.O_NOFOLLOW : 0) |
    (options.sync ? libc.O_SYNC : 0) |
    (options.directory ? libc.O_DIRECTORY : 0) |
    libc.O_CLOEXEC |
    customFlags;
}
