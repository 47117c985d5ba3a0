import { byteLengthOf, Bytes, copyInto, partOf, pathLength } from "../values.ts";
import { errno, internal } from "../symbols.ts";
import {
  AT_FDCWD,
  AT_RESOLVE_BENEATH,
  AT_SYMLINK_NOFOLLOW,
  O_EXLOCK,
  O_RESOLVE_BENEATH,
  O_SHLOCK,
} from "../freebsd/constants.ts";
import * as linux from "./constants.ts";
import { openFlags } from "./constants.ts";
import { failure, isConfined, type Memory, rawGlibc } from "./glibc.ts";

const { thread, glibc } = rawGlibc();

/** The calls with a path, for the modules of ffi/: a path must end in a NUL. */
export const rawLookups = internal({
  openAmbient,
  openRelative,
  openBeneath,
  beneath,
  nameBeneath,
  throughFile,
  throughObject,
});

const ACCMODE = 3, LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4;
const LOCK = O_SHLOCK | O_EXLOCK;
/** How often a lookup is tried again after a concurrent rename disturbed it. */
const TRIES = 1000;

let openat: ReturnType<typeof glibc<"openat">> | undefined;
let openat2: ReturnType<typeof glibc<"openat2">> | undefined;
let flock: ReturnType<typeof glibc<"flock">> | undefined;
let ftruncate: ReturnType<typeof glibc<"ftruncate">> | undefined;
let close: ReturnType<typeof glibc<"close">> | undefined;

/** open(2) with the semantics of FreeBSD. */
function openAmbient(path: Memory, flags: number, mode: number): number {
  return openRelative(AT_FDCWD, path, flags, mode);
}

/** openat(2) with the semantics of FreeBSD. */
function openRelative(fd: number, path: Memory, flags: number, mode: number): number {
  const bits = openFlags(flags);
  // In a sandbox every path stays beneath its directory, as in capability mode: Landlock does not see O_PATH, and its
  // errors tell which other files exist.
  const stays = bits & linux.O_NOFOLLOW && isOneName(path as Uint8Array);
  const isBeneath = (flags & O_RESOLVE_BENEATH) !== 0 || fd !== AT_FDCWD && !stays && isConfined();
  if (flags & LOCK) return openLocked(fd, path, flags, mode, isBeneath ? openBeneath : openPlain);
  if (isBeneath) return openBeneath(fd, path, bits, mode);
  const result = (openat ??= glibc("openat"))(fd, path, bits, mode);
  if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
  return result;
}

// struct open_how: flags, mode and resolve, each of 64 bits.
const how = new Int32Array([0, 0, 0, 0, linux.RESOLVE_BENEATH | linux.RESOLVE_NO_MAGICLINKS, 0]);
const HOW_SIZE = 24n;

/** Opens a path beneath the directory, with the flags of Linux; a path that leaves the directory is ENOTCAPABLE. */
function openBeneath(fd: number, path: Memory, bits: number, mode = 0): number {
  const call = openat2 ??= glibc("openat2");
  how[0] = bits;
  how[2] = bits & linux.O_CREAT ? mode & 0o7777 : 0;
  for (let tries = 1;; tries++) {
    const result = call(linux.SYS_openat2, fd, path, how, HOW_SIZE);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
    const number = errno[0];
    if (number === linux.EAGAIN && tries < TRIES) continue;
    if (number === linux.EXDEV) errno[0] = -linux.EXDEV;
    else if ((number === linux.ENOSYS || number === linux.EPERM) && !isAllowed() && !isConfined()) {
      throw new Deno.errors.NotSupported(
        "openat2(2), which keeps a lookup beneath its directory, came with Linux 5.6, and the seccomp profile of an old " +
          "container runtime may forbid it. The methods of Dir do without.",
      );
    }
    return -1;
  }
}

const availability = new Int32Array(1);
let known: boolean | undefined;

/** Whether the kernel keeps lookups beneath a directory: it has openat2(2), and no filter forbids the call. */
export function hasOpenat2(): boolean {
  openat2 ??= glibc("openat2");
  return known ??= isAllowed();
}

/** Whether openat2(2) is available: then it refuses a size of 0 before anything else. */
function isAllowed(): boolean {
  openat2!(linux.SYS_openat2, -1, null, how, 0n);
  thread.memcpy(availability, thread.errnoAt, 4n);
  return availability[0] === linux.EINVAL;
}

/** Opens with O_SHLOCK or O_EXLOCK: FreeBSD truncates the file only once it is locked. */
function openLocked(fd: number, path: Memory, flags: number, mode: number, open: typeof openPlain): number {
  const bits = openFlags(flags), truncates = (bits & linux.O_TRUNC) !== 0 && (bits & ACCMODE) !== 0;
  const result = open(fd, path, truncates ? bits & ~linux.O_TRUNC : bits, mode);
  if (result === -1) return -1;
  const operation = (flags & O_EXLOCK ? LOCK_EX : LOCK_SH) | (bits & linux.O_NONBLOCK ? LOCK_NB : 0);
  if (lock(result, operation) !== -1 && (!truncates || truncate(result) !== -1)) return result;
  closeQuietly(result);
  return -1;
}

function openPlain(fd: number, path: Memory, bits: number, mode: number): number {
  const result = (openat ??= glibc("openat"))(fd, path, bits, mode);
  if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
  return result;
}

function lock(fd: number, operation: number): number {
  const call = flock ??= glibc("flock");
  do {
    if (call(fd, operation) !== -1) return 0;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === linux.EINTR);
  return -1;
}

function truncate(fd: number): number {
  const result = (ftruncate ??= glibc("ftruncate"))(fd, 0n);
  if (result === -1) thread.memcpy(errno, thread.errnoAt, 4n);
  return result;
}

/** Closes a descriptor without changing `errno`. */
export function closeQuietly(fd: number): void {
  (close ??= glibc("close"))(fd);
}

const SLASH = 0x2f, DOT = 0x2e;

/** Makes calls on the file that a path names, looked up beneath a directory. */
type Use = (fd: number, path: Uint8Array<ArrayBuffer>, follows: boolean) => number;

/**
 * The equivalent of AT_RESOLVE_BENEATH for calls that have no such flag on Linux.
 *
 * `use` gets a descriptor and a path that can't leave the directory. That path is a last component, which must not be
 * followed, or the entry in /proc for the file that was found, which is followed.
 */
function beneath(fd: number, path: Memory, flags: number, use: Use): number {
  const name = path as Uint8Array<ArrayBuffer>;
  const follows = (flags & AT_SYMLINK_NOFOLLOW) === 0;
  if ((flags & AT_RESOLVE_BENEATH) === 0) return use(fd, name, follows);
  const length = pathLength(name), last = lastName(name, length);
  // With a trailing slash, a symlink is followed too.
  if (follows || last === length || isDots(name, last, length)) return atObject(fd, name, use);
  return last === 0
    ? use(fd, name, false)
    : inParent(fd, name, last, (parent, name) => use(parent, name, false));
}

/** The same as {@link beneath} for calls that act on the name itself, and never follow a symlink at its end. */
function nameBeneath(
  fd: number,
  path: Memory,
  flags: number,
  use: (fd: number, name: Uint8Array<ArrayBuffer>) => number,
): number {
  const name = path as Uint8Array<ArrayBuffer>;
  if ((flags & AT_RESOLVE_BENEATH) === 0) return use(fd, name);
  let end = pathLength(name);
  while (end > 1 && name[end - 1] === SLASH) end--;
  const last = lastName(name, end);
  return last === 0 ? use(fd, name) : inParent(fd, name, last, use);
}

/** Whether the path is a single component that is not followed. */
export function isOneName(path: Uint8Array): boolean {
  const length = pathLength(path);
  for (let at = 0; at < length; at++) if (path[at] === SLASH) return false;
  return !(length === 2 && path[0] === DOT && path[1] === DOT);
}

/** Where the name begins that ends at `end`. */
function lastName(path: Uint8Array, end: number): number {
  let at = end;
  while (at > 0 && path[at - 1] !== SLASH) at--;
  return at;
}

function isDots(path: Uint8Array<ArrayBuffer>, from: number, to: number): boolean {
  return path[from] === DOT && (to - from === 1 || to - from === 2 && path[from + 1] === DOT);
}

/** Calls `use` with the directory of the first `last` bytes of the path, and with the rest of the path. */
function inParent(
  fd: number,
  path: Uint8Array<ArrayBuffer>,
  last: number,
  use: (fd: number, name: Uint8Array<ArrayBuffer>) => number,
): number {
  const before = new Bytes(last + 1);
  copyInto(before, partOf(path, 0, last));
  const parent = openBeneath(fd, before, linux.O_PATH | linux.O_DIRECTORY | linux.O_CLOEXEC);
  if (parent === -1) return -1;
  try {
    return use(parent, partOf(path, last, byteLengthOf(path)));
  } finally {
    closeQuietly(parent);
  }
}

function atObject(fd: number, path: Uint8Array<ArrayBuffer>, use: Use): number {
  return throughObject(fd, path, 0, (object) => {
    const result = use(AT_FDCWD, descriptorPath(object), true);
    if (result === -1 && errno[0] === linux.ENOENT && !hasProc()) {
      throw new Deno.errors.NotSupported(
        "Following a symlink beneath a directory needs /proc on Linux, and it is not mounted: give the flag " +
          "AT_SYMLINK_NOFOLLOW, or open the file and use the descriptor.",
      );
    }
    return result;
  });
}

/**
 * Makes a call on an open file, for a path below a directory. It stands for a call with the path, which a sandbox refuses
 * because the kernel would not keep the path in the directories of the plan. The file must be readable or writable, and a
 * symlink itself can't be opened: EPERM.
 */
function throughFile(fd: number, path: Memory, flags: number, use: (file: number) => number): number {
  const bits = linux.O_NONBLOCK | linux.O_NOCTTY | linux.O_CLOEXEC | noFollow(flags);
  let file = openBeneath(fd, path, bits);
  const first = errno[0]!;
  if (file === -1 && first === linux.EACCES) file = openBeneath(fd, path, bits | linux.O_WRONLY);
  if (file === -1) return failure(first === linux.ELOOP ? linux.EPERM : first);
  try {
    return use(file);
  } finally {
    closeQuietly(file);
  }
}

/** Makes a call on an object below a directory, which is looked up without opening it. */
function throughObject(
  fd: number,
  path: Memory,
  flags: number,
  use: (object: number) => number,
): number {
  const object = openBeneath(fd, path, linux.O_PATH | linux.O_CLOEXEC | noFollow(flags));
  if (object === -1) return -1;
  try {
    return use(object);
  } finally {
    closeQuietly(object);
  }
}

function noFollow(flags: number): number {
  return flags & AT_SYMLINK_NOFOLLOW ? linux.O_NOFOLLOW : 0;
}

function hasProc(): boolean {
  return glibc("faccessat")(AT_FDCWD, descriptorFolder, 0, 0) === 0;
}

const descriptorFolder = new TextEncoder().encode("/proc/self/fd\0");
const DIGITS = 10, ZERO = 0x30;

/** The path of a descriptor in /proc, without methods that other code can replace. */
function descriptorPath(fd: number): Uint8Array<ArrayBuffer> {
  const folder = byteLengthOf(descriptorFolder), path = new Bytes(folder + DIGITS + 1);
  copyInto(path, descriptorFolder);
  path[folder - 1] = SLASH;
  let end = folder;
  for (let rest = fd; end === folder || rest > 0; rest = (rest - rest % 10) / 10) end++;
  for (let at = end - 1, rest = fd; at >= folder; at--, rest = (rest - rest % 10) / 10) {
    path[at] = ZERO + rest % 10;
  }
  return path;
}
