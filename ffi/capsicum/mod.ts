/**
 * Capability mode and limits on descriptors: the functions of capsicum(4).
 *
 * A program opens what it needs, limits each descriptor by {@link limit}, and calls {@link enter}. From then on the
 * process has no global names: no path, no address, no process id. {@link Rights}, {@link Ioctls} and {@link Fcntls} are
 * immutable sets that work on any system. The functions work on FreeBSD.
 *
 * Requires `--allow-ffi` permission; `--allow-ffi=/lib/libc.so.7` is enough. Nothing is loaded before the first call.
 *
 * Names of rights are those of rights(4) without `CAP_`. A set consists of bits: `READ` and `SEEK` together are `PREAD`.
 * Rights never grow: {@link limit} throws if a right is not held.
 *
 * ## Errors
 *
 * All functions validate their arguments before any system call. Each error of a system call has `code`, `errno`,
 * `syscall`, and `path` or `fd`. Compare `code`, not `errno`: the numbers differ between FreeBSD and Linux.
 *
 * | cause | error |
 * | --- | --- |
 * | wrong type, such as a string in place of a list; empty path, NUL in a path | `TypeError` |
 * | unknown right or fcntl, a number that is not a descriptor, more than 256 ioctls | `RangeError` |
 * | the system has no Capsicum | `Deno.errors.NotSupported` |
 * | `--allow-ffi` is missing | `Deno.errors.NotCapable`, from Deno itself |
 * | the descriptor is not open | `Deno.errors.BadResource` (EBADF) |
 * | an errno that Deno has a class for, such as ENOENT | that class, such as `Deno.errors.NotFound` |
 * | a right is missing, or a path leaves its directory | `CapsicumError` with `code` ENOTCAPABLE, and `held` and `missing` |
 * | not permitted in capability mode | `CapsicumError` with `code` ECAPMODE |
 * | every other errno | `CapsicumError` |
 * | a closed `FdFile` or `Dir` | `Deno.errors.BadResource` |
 *
 * @example A descriptor that can only be read from
 * ```ts
 * import { getRights, isSupported, limit } from "jsr:@capsicum/capsicum/core";
 * import { openSync } from "jsr:@capsicum/capsicum/fs";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null");
 *   limit(file, ["READ"]);
 *   assertEquals(getRights(file).names(), ["READ"]);
 * }
 * ```
 *
 * @module
 */
export {
  enter,
  getFcntls,
  getIoctls,
  getMode,
  getRights,
  isSupported,
  limit,
  limitFcntls,
  limitIoctls,
  sandboxed,
} from "./capability.ts";
export { CapsicumError, isCapModeViolation, isNotCapable } from "../errors.ts";
export type { SyscallError, SyscallErrorInit } from "../errors.ts";
export type { FdLike } from "../values.ts";
export { Fcntl, Fcntls } from "../../rights/fcntls.ts";
export { Ioctl, ioctl, Ioctls } from "../../rights/ioctls.ts";
export { Right, Rights } from "../../rights/rights.ts";
export type { FcntlName, FcntlsLike } from "../../rights/fcntls.ts";
export type { IoctlDirection, IoctlsLike } from "../../rights/ioctls.ts";
export type { RightName, RightsLike } from "../../rights/rights.ts";
