/**
 * FreeBSD's Capsicum sandbox for Deno programs, over libc by `Deno.dlopen`.
 *
 * A program opens what it needs, limits each descriptor to the rights that it needs, and calls {@link enter}. From then
 * on the process has no global names: no path, no address, no process id. It works through what it opened:
 * {@link FdFile} and {@link Dir} do for descriptors what Deno's own file API does for paths.
 *
 * It needs FreeBSD 13, 14 or 15 and the permission `--allow-ffi=/lib/libc.so.7`. On other systems it can be imported,
 * {@link isSupported} is false, and the sets of rights work; the rest throws `Deno.errors.NotSupported`.
 *
 * @example A sandbox in five lines
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
 *
 * @module
 */
export type { AtomicWriteOptions } from "./compat/fs/whole/atomic.ts";
export type { ExistsOptions } from "./compat/fs/metadata/attributes.ts";
export type { LengthOptions, ReadOptions } from "./compat/fs/whole/bound.ts";
export type { CopyOptions } from "./compat/fs/tree/copy.ts";
export { Dir, openDirSync } from "./compat/fs/dir.ts";
export type { OpenDirOptions } from "./compat/fs/dir.ts";
export { Descriptor } from "./compat/fs/descriptor.ts";
export { FdFile } from "./compat/fs/file.ts";
export type { ExpandGlobOptions } from "./compat/fs/tree/glob.ts";
export { listDirSync, readDirSync } from "./compat/fs/tree/list.ts";
export { openAtSync, openSync } from "./compat/fs/open.ts";
export type { OpenOptions } from "./compat/fs/open_options.ts";
export type { Directory, RenameOptions, Target, TargetWithOptions } from "./compat/fs/path/target.ts";
export type { WalkEntry, WalkOptions } from "./compat/fs/tree/walk.ts";
export { openDescriptors } from "./compat/sandbox/descriptors/open_descriptors.ts";
export type { DescriptorKind, OpenDescriptor } from "./compat/sandbox/descriptors/open_descriptors.ts";
export type { DryRun, PlannedStep } from "./compat/sandbox/dry_run.ts";
export { fdOf } from "./compat/sandbox/descriptors/fd_of.ts";
export { limitOthers } from "./compat/sandbox/descriptors/limit_others.ts";
export type { LimitOthersOptions } from "./compat/sandbox/descriptors/limit_others.ts";
export type { DescriptorPlan, DirPlan, DryRunPlan, FilePlan, Plan } from "./compat/sandbox/plan.ts";
export { presets } from "./compat/sandbox/presets.ts";
export type { Presets } from "./compat/sandbox/presets.ts";
export { rightsFor } from "./compat/sandbox/rights_for.ts";
export { sandbox } from "./compat/sandbox/sandbox.ts";
export type { PlanNames, Sandbox } from "./compat/sandbox/sandbox.ts";
export { SandboxError } from "./compat/sandbox/sandbox_error.ts";
export type { SandboxErrorInit, SandboxStep } from "./compat/sandbox/sandbox_error.ts";
export { limitStdio, limitStream } from "./compat/sandbox/descriptors/stdio.ts";
export type { LimitStreamOptions, StreamOptions, StreamUse } from "./compat/sandbox/descriptors/stdio.ts";
export { trapViolations, violationsAreTrapped } from "./compat/sandbox/violations.ts";
export { cacheTimezone, warmUp } from "./compat/sandbox/warm_up/warm_up.ts";
export type { WarmUpOptions } from "./compat/sandbox/warm_up/warm_up.ts";
export { enter, getMode, isSupported, sandboxed } from "./ffi/capsicum/capability_mode.ts";
export { CapsicumError, isCapModeViolation, isNotCapable } from "./ffi/errors.ts";
export type { SyscallError, SyscallErrorInit } from "./ffi/errors.ts";
export type { FdLike } from "./ffi/fd_like.ts";
export { decodeName, encodeName } from "./ffi/names.ts";
export { needs } from "./ffi/capsicum/needs.ts";
export type { Operation } from "./ffi/capsicum/needs.ts";
export * as libc from "./ffi/libc/mod.ts";
export { getFcntls, getIoctls, getRights, limit, limitFcntls, limitIoctls } from "./ffi/capsicum/limits.ts";
export { Fcntl, Fcntls, Ioctl, ioctl, Ioctls, Right, Rights } from "./rights/mod.ts";
export type {
  FcntlName,
  FcntlsLike,
  IoctlDirection,
  IoctlsLike,
  RightName,
  RightsLike,
} from "./rights/mod.ts";
