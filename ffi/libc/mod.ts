/**
 * One checked function for each libc call, under its C name, for who knows the man pages.
 *
 * Arguments stand in C's order with FreeBSD's numbers: strings for paths, a `Uint8Array` for memory. A function returns
 * the number that C returns; where C returns -1 it throws, with the errno in `code` and `errno`. A call that a signal
 * interrupted (EINTR) is repeated. Descriptors that `open` and `openat` give are closed by `close`, nothing else.
 *
 * Requires `--allow-ffi` permission; `--allow-ffi=/lib/libc.so.7` is enough. Nothing is loaded before the first call.
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
} from "./cap_calls.ts";
export {
  faccessat,
  fchmodat,
  fchownat,
  fstatat,
  linkat,
  mkdirat,
  mkfifoat,
  openat,
  readlinkat,
  renameat,
  renameat2,
  symlinkat,
  unlinkat,
  utimensat,
} from "./by_name.ts";
export {
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
export { close, getdirentries, lseek, open, pread, pwrite, read, write } from "./bytes.ts";
export { getdtablesize, procctl } from "./process.ts";
export * from "../freebsd/constants.ts";
export type { FdLike } from "../fd_like.ts";
