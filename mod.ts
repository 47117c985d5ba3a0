/**
 * FreeBSD's Capsicum sandbox for Deno programs, over libc by `Deno.dlopen`.
 *
 * A program opens what it needs, limits each descriptor to the rights that it needs, and calls {@link enter}. From then
 * on the process has no global names: no path, no address, no process id. It works through what it opened:
 * {@link FdFile} and {@link Dir} do for descriptors what Deno's own file API does for paths.
 *
 * On FreeBSD 14 and 15 the library needs the permission `--allow-ffi=/lib/libc.so.7`. On Linux with glibc {@link Dir} and
 * {@link FdFile} work too, and {@link sandbox} works by seccomp and Landlock. Linux has no Capsicum: {@link isSupported}
 * returns false, and {@link enter}, {@link limit} and similar functions throw `Deno.errors.NotSupported`. On any other system
 * only the sets of rights work.
 *
 * ## API by task
 *
 * | task | call |
 * | --- | --- |
 * | sandbox a program in one call | `sandbox(plan)` |
 * | enter capability mode | `enter()` |
 * | read the mode | `sandboxed()`, `getMode()` (throws if it is not known), `isSupported()` |
 * | open before entering | `openSync(path, { limit })`, `openDirSync(path, { limit })` |
 * | open after entering | `dir.openSync(path, options)`, `dir.openDirSync(path)`, `dir.createSync(path)`, `openAtSync(fd, path, options)` |
 * | list | `dir.listSync()`, `dir.readDirSync()`, `dir.walkSync()`, `dir.expandGlobSync(glob)`, `listDirSync(fd or path)`, `readDirSync(fd or path)` |
 * | read and write whole files | `dir.readFileSync(path)`, `dir.readTextFileSync(path)`, `dir.readTextFileLinesSync(path)`, `dir.writeFileSync(path, data)`, `dir.writeTextFileSync(path, text)`, `dir.writeFileAtomicSync(path, data)` |
 * | make, copy, rename, remove | `dir.mkdirSync`, `dir.ensureDirSync`, `dir.ensureFileSync`, `dir.makeTempFileSync`, `dir.makeTempDirSync`, `dir.mkfifoSync`, `dir.symlinkSync`, `dir.linkSync`, `dir.copyFileSync`, `dir.copySync`, `dir.renameSync`, `dir.removeSync`, `dir.emptyDirSync` |
 * | look at and change by path | `dir.statSync`, `dir.lstatSync`, `dir.existsSync`, `dir.readLinkSync`, `dir.realPathSync`, `dir.chmodSync`, `dir.chownSync`, `dir.utimeSync`, `dir.truncateSync` |
 * | read and write an open file | `FdFile`: `readSync`, `readIntoSync`, `readAllSync`, `linesSync`, `preadSync`, `writeSync`, `writeAllSync`, `pwriteSync`, `seekSync`, `readable`, `writable` |
 * | look at and change an open file | `FdFile`: `statSync`, `truncateSync`, `utimeSync`, `syncSync`, `syncDataSync`, `lockSync`, `tryLockSync`, `unlockSync`, `isTerminal` |
 * | take over or give away a descriptor | `FdFile.fromFd(fd)`, `Dir.fromFd(fd)`, `file.take()`; `Descriptor` is the class of both |
 * | limit a descriptor | `limit(fd, rights)`, `limitIoctls(fd, ioctls)`, `limitFcntls(fd, fcntls)`, `file.limit(rights)` |
 * | limit by need | `presets`, `rightsFor(call or options)`, `needs`, `limitStdio()`, `limitStream(fd, use)`, `limitOthers({ keep })` |
 * | read the limits of a descriptor | `getRights(fd)`, `getIoctls(fd)`, `getFcntls(fd)` |
 * | list what is open | `openDescriptors()`, `fdOf(open)` |
 * | find and open what Deno or the program would open too late | `trapViolations()`, `violationsAreTrapped()`, `warmUp()`, `cacheTimezone()` |
 * | compute with rights, on any system | `Rights`, `Fcntls`, `Ioctls`: immutable sets with the methods of `Set`; `Right`, `Fcntl`, `Ioctl`, `ioctl()`: the constants |
 * | convert names that are not UTF-8 | `encodeName(name)`, `decodeName(bytes)` |
 * | distinguish errors | `CapsicumError`, `SandboxError`, `isNotCapable(error)`, `isCapModeViolation(error)` |
 * | call libc by its man pages | `libc.openat(fd, path, flags, mode)` and others |
 *
 * A function or method with `Sync` has an asynchronous twin without it. Functions of two paths take a second directory:
 * `dir.renameSync(from, to)` and `dir.renameSync(from, toDir, to)`. A descriptor is a number or any object with `fd`.
 * The modules `./core`, `./fs`, `./sandbox`, `./ffi` and `./rights` export parts of this module, and document them further.
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
export type { AtomicWriteOptions } from "./compat/fs/contents.ts";
export type { ExistsOptions } from "./compat/fs/entries.ts";
export type { LengthOptions, ReadOptions } from "./compat/fs/io/streams.ts";
export type { CopyOptions } from "./compat/fs/tree/copy.ts";
export { Dir, openDir, openDirSync } from "./compat/fs/dir.ts";
export type { OpenDirOptions } from "./compat/fs/dir.ts";
export { Descriptor } from "./compat/fs/descriptor.ts";
export { FdFile } from "./compat/fs/file.ts";
export type { ExpandGlobOptions } from "./compat/fs/tree/glob.ts";
export { listDir, listDirSync, readDir, readDirSync } from "./compat/fs/tree/list.ts";
export { open, openAt, openAtSync, openSync } from "./compat/fs/open.ts";
export type { OpenOptions } from "./compat/fs/open.ts";
export type { Directory, RenameOptions, Target, TargetWithOptions } from "./compat/fs/entries.ts";
export type { WalkEntry, WalkOptions } from "./compat/fs/tree/walk.ts";
export { sandbox, SandboxError } from "./compat/sandbox/sandbox.ts";
export type {
  DryRun,
  PlannedCall,
  PlannedStep,
  Sandbox,
  SandboxErrorInit,
  SandboxStep,
} from "./compat/sandbox/sandbox.ts";
export type {
  DescriptorPlan,
  DirPlan,
  FilePlan,
  PermissionName,
  PermissionPlan,
  Plan,
  WarmUpOptions,
} from "./compat/sandbox/plan.ts";
export { limitOthers, limitStdio, limitStream, presets, rightsFor } from "./compat/sandbox/limit_by_need.ts";
export type {
  LimitOthersOptions,
  LimitStreamOptions,
  Presets,
  StreamOptions,
  StreamUse,
} from "./compat/sandbox/limit_by_need.ts";
export { fdOf, openDescriptors } from "./compat/sandbox/open_descriptors.ts";
export type { DescriptorKind, OpenDescriptor } from "./compat/sandbox/open_descriptors.ts";
export { cacheTimezone, trapViolations, violationsAreTrapped, warmUp } from "./compat/sandbox/warm_up.ts";
export type { ModuleWarmUpOptions } from "./compat/sandbox/warm_up.ts";
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
} from "./ffi/capsicum/capability.ts";
export { CapsicumError, isCapModeViolation, isNotCapable } from "./ffi/errors.ts";
export type { SyscallError, SyscallErrorInit } from "./ffi/errors.ts";
export type { FdLike } from "./ffi/values.ts";
export { decodeName, encodeName } from "./ffi/values.ts";
export { needs } from "./ffi/capsicum/needs.ts";
export type { Operation } from "./ffi/capsicum/needs.ts";
export * as libc from "./ffi/libc/mod.ts";
export { Fcntl, Fcntls } from "./rights/fcntls.ts";
export { Ioctl, ioctl, Ioctls } from "./rights/ioctls.ts";
export { Right, Rights } from "./rights/rights.ts";
export type { FcntlName, FcntlsLike } from "./rights/fcntls.ts";
export type { IoctlDirection, IoctlsLike } from "./rights/ioctls.ts";
export type { RightName, RightsLike } from "./rights/rights.ts";
