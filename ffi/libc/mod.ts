/**
 * One checked function for each libc call, under its C name, for readers of the man pages.
 *
 * Arguments have C's order and FreeBSD's numbers: a string is a path, a `Uint8Array` is a buffer, `FdLike` is a descriptor
 * or its owner. They are validated before the call. Sizes and offsets are in bytes. A function returns what C returns, 0 if
 * its documentation does not say otherwise. Where C returns -1 it throws, with the errno in `code` and `errno`. A call that a signal
 * interrupted (EINTR) is repeated. Descriptors that `open()` and `openat()` return are closed only by `close()`.
 *
 * Each function names the rights(4) that it needs on a descriptor. Calls with a directory and a path need LOOKUP too; with
 * AT_FDCWD they fail in capability mode (ECAPMODE).
 *
 * Requires `--allow-ffi` permission; `--allow-ffi=/lib/libc.so.7` is enough. Nothing is loaded before the first call.
 *
 * Every function throws:
 * - `TypeError`, if an argument has the wrong type, or a path is empty or has a NUL;
 * - `RangeError`, if a number is out of range for its C type, or a buffer is too short;
 * - `Deno.errors.BadResource`, if the descriptor is not open (EBADF);
 * - `Deno.errors.NotFound` (ENOENT), `AlreadyExists` (EEXIST), `NotADirectory` (ENOTDIR), `IsADirectory` (EISDIR),
 *   `PermissionDenied` (EACCES, EPERM), `FilesystemLoop` (ELOOP, EMLINK), `WouldBlock` (EAGAIN) and `BrokenPipe` (EPIPE);
 * - `CapsicumError`, for any errno without a class in Deno: ENOTCAPABLE if a right is missing or a path leaves its directory;
 * - `Deno.errors.NotSupported`, if the system does not have the call: FreeBSD has all of them, Linux only some;
 * - `Deno.errors.NotCapable`, if `--allow-ffi` is missing.
 *
 * @example Opening a file relative to a directory
 * ```ts
 * import { isSupported } from "jsr:@capsicum/capsicum/core";
 * import * as libc from "jsr:@capsicum/capsicum/ffi";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   const dev = libc.open("/dev", libc.O_RDONLY | libc.O_DIRECTORY | libc.O_CLOEXEC);
 *   const zero = libc.openat(dev, "zero", libc.O_RDONLY | libc.O_CLOEXEC);
 *   assertEquals(libc.read(zero, new Uint8Array(8)), 8);
 *   libc.close(zero);
 *   libc.close(dev);
 * }
 * ```
 *
 * @module
 */
export {
  __cap_rights_get,
  cap_enter,
  cap_fcntls_get,
  cap_fcntls_limit,
  cap_getmode,
  cap_ioctls_get,
  cap_ioctls_limit,
  cap_rights_get,
  cap_rights_limit,
  cap_sandboxed,
} from "../capsicum/capability.ts";
export {
  faccessat,
  fchmodat,
  fchownat,
  fstatat,
  linkat,
  mkdirat,
  mkfifoat,
  open,
  openat,
  readlinkat,
  renameat,
  renameat2,
  symlinkat,
  unlinkat,
  utimensat,
} from "./by_name.ts";
export {
  close,
  dup,
  fchmod,
  fchown,
  fcntl,
  fdatasync,
  flock,
  fstat,
  fsync,
  ftruncate,
  futimens,
  ioctl,
  isatty,
} from "./by_descriptor.ts";
export { getdirentries, lseek, pread, pwrite, read, write } from "./bytes.ts";
export { getdtablesize, procctl } from "./process.ts";
export * from "../freebsd/constants.ts";
export type { FdLike } from "../values.ts";
