/**
 * Capability mode and the limits of descriptors: what capsicum(4) itself has.
 *
 * A program opens what it needs, limits each descriptor by {@link limit}, and calls {@link enter}. From then on the
 * process has no global names: no path, no address, no process id. {@link Rights}, {@link Ioctls} and {@link Fcntls} are
 * immutable sets; they work on any system, the functions on FreeBSD.
 *
 * Requires `--allow-ffi` permission; `--allow-ffi=/lib/libc.so.7` is enough. Nothing is loaded before the first call.
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
export { enter, getMode, isSupported, sandboxed } from "./capability_mode.ts";
export { getFcntls, getIoctls, getRights, limit, limitFcntls, limitIoctls } from "./limits.ts";
export { CapsicumError, isCapModeViolation, isNotCapable } from "../errors.ts";
export type { SyscallError, SyscallErrorInit } from "../errors.ts";
export type { FdLike } from "../fd_like.ts";
export { Fcntl, Fcntls, Ioctl, ioctl, Ioctls, Right, Rights } from "../../rights/mod.ts";
export type {
  FcntlName,
  FcntlsLike,
  IoctlDirection,
  IoctlsLike,
  RightName,
  RightsLike,
} from "../../rights/mod.ts";
