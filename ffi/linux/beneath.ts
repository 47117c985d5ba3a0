import { errno } from "../_errno.ts";
import { AT_FDCWD, AT_RESOLVE_BENEATH, AT_SYMLINK_NOFOLLOW } from "../freebsd/constants.ts";
import { ENOENT, O_CLOEXEC, O_DIRECTORY, O_PATH } from "./constants.ts";
import { glibc, type Memory } from "./glibc.ts";
import { closeQuietly, openBeneath } from "./openat2.ts";

const SLASH = 0x2f, DOT = 0x2e;

/** Makes calls on the file that a path names, looked up beneath a directory. */
type Use = (fd: number, path: Uint8Array<ArrayBuffer>, follows: boolean) => number;

/**
 * The equivalent of AT_RESOLVE_BENEATH for calls that have no such flag on Linux.
 *
 * `use` gets a descriptor and a path that can't leave the directory. That path is a last component, which must not be
 * followed, or the entry in /proc for the file that was found, which is followed.
 */
export function beneath(fd: number, path: Memory, flags: number, use: Use): number {
  const name = path as Uint8Array<ArrayBuffer>;
  const follows = (flags & AT_SYMLINK_NOFOLLOW) === 0;
  if ((flags & AT_RESOLVE_BENEATH) === 0) return use(fd, name, follows);
  const length = name.indexOf(0);
  const last = name.lastIndexOf(SLASH, length - 1) + 1;
  // With a trailing slash, a symlink is followed too.
  if (follows || last === length || isDots(name, last, length)) return atObject(fd, name, use);
  return last === 0
    ? use(fd, name, false)
    : inParent(fd, name, last, (parent, name) => use(parent, name, false));
}

/** The same as {@link beneath} for calls that act on the name itself, and never follow a symlink at its end. */
export function nameBeneath(
  fd: number,
  path: Memory,
  flags: number,
  use: (fd: number, name: Uint8Array<ArrayBuffer>) => number,
): number {
  const name = path as Uint8Array<ArrayBuffer>;
  if ((flags & AT_RESOLVE_BENEATH) === 0) return use(fd, name);
  let end = name.indexOf(0);
  while (end > 1 && name[end - 1] === SLASH) end--;
  const last = name.lastIndexOf(SLASH, end - 1) + 1;
  return last === 0 ? use(fd, name) : inParent(fd, name, last, use);
}

/** Whether the path is a single component that is not followed. */
export function isOneName(path: Uint8Array): boolean {
  let at = 0;
  for (let byte; (byte = path[at]!) !== 0; at++) if (byte === SLASH) return false;
  return !(at === 2 && path[0] === DOT && path[1] === DOT);
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
  const before = path.slice(0, last + 1);
  before[last] = 0;
  const parent = openBeneath(fd, before, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (parent === -1) return -1;
  try {
    return use(parent, path.subarray(last));
  } finally {
    closeQuietly(parent);
  }
}

function atObject(fd: number, path: Uint8Array<ArrayBuffer>, use: Use): number {
  const object = openBeneath(fd, path, O_PATH | O_CLOEXEC);
  if (object === -1) return -1;
  try {
    const result = use(AT_FDCWD, cString(`/proc/self/fd/${object}`), true);
    if (result === -1 && errno[0] === ENOENT && !hasProc()) {
      throw new Deno.errors.NotSupported(
        "Following a symlink beneath a directory needs /proc on Linux, and it is not mounted: give the flag " +
          "AT_SYMLINK_NOFOLLOW, or open the file and use the descriptor.",
      );
    }
    return result;
  } finally {
    closeQuietly(object);
  }
}

function hasProc(): boolean {
  return glibc("faccessat")(AT_FDCWD, cString("/proc/self/fd"), 0, 0) === 0;
}

// The buffers of names.ts hold the paths of the call in progress.
function cString(path: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${path}\0`);
}
