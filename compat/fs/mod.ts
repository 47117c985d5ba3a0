/**
 * Files and directories by descriptor: what Deno's own file API does by paths, and what works in capability mode.
 *
 * {@link Dir} is an open directory; its methods take paths that stay in it. {@link FdFile} is an open file, with the methods
 * of `Deno.FsFile`. Both work on FreeBSD and on Linux, with and without a sandbox. {@link openSync} and {@link openDirSync}
 * open by path, before the program enters.
 *
 * Requires `--allow-ffi` permission; `--allow-ffi=/lib/libc.so.7` is enough on FreeBSD.
 *
 * ## Names that are not UTF-8
 *
 * A file name is bytes. Deno's own API replaces bytes that are not UTF-8 by U+FFFD, and the result opens nothing. Here each
 * such byte is a lone surrogate, U+DC00 + byte, as in Python's "surrogateescape": listings, `walk`, `readLink`, `realPath`
 * and error messages return it, and every function that takes a path accepts it. Such a string is not well-formed
 * (`name.isWellFormed()` is false), and `TextEncoder` does not round-trip it: {@link encodeName} returns the bytes.
 *
 * ## Directories that the kernel does not confine
 *
 * On FreeBSD 15.1 the kernel does not confine the root of a mounted file system: `..` leads out of it, even in capability
 * mode. A `Dir` finds this out by one call when it is opened, and `dir.confined` is then false. The library then resolves
 * each path itself, component by component, which needs the right READ and a call for each component. `libc.openat` on such
 * a descriptor is not confined: give untrusted code only a directory below the mount root.
 *
 * unlinkat(2) and funlinkat(2) ignore AT_RESOLVE_BENEATH before FreeBSD 14.3p16, 14.4p7, 15.0p11 and 15.1p1 (SA-26:42,
 * CVE-2026-49421). A `Dir` does not rely on it: it passes these calls a single component, and the descriptor of the directory
 * that contains it.
 *
 * ## On Linux
 *
 * The file API works on x86_64 and arm64 with glibc, from Linux 5.6 on. Paths stay beneath their directory by openat2(2)
 * with RESOLVE_BENEATH; a path that leaves it has the `code` ENOTCAPABLE, as on FreeBSD. The permission names glibc by its
 * path: `/lib/x86_64-linux-gnu/libc.so.6`, `/lib64/libc.so.6` or `/usr/lib/libc.so.6`, on arm64
 * `/lib/aarch64-linux-gnu/libc.so.6` and similar. musl is not supported. On any other system each call throws
 * `Deno.errors.NotSupported`.
 *
 * ## Twins of Deno's file functions
 *
 * Each has the name, the options and the result of its twin. Paths are relative to `dir`, an open `Dir`, and stay in it;
 * `file` is an `FdFile`.
 *
 * | Deno | here | notes |
 * | --- | --- | --- |
 * | `Deno.open`, `Deno.openSync` | `dir.open`, `dir.openSync`, `open`, `openSync` | `open` and `openSync` before `enter()` |
 * | `Deno.create`, `Deno.createSync` | `dir.create`, `dir.createSync` | |
 * | `Deno.readFile`, `Deno.readFileSync` | `dir.readFile`, `dir.readFileSync` | |
 * | `Deno.readTextFile`, `Deno.readTextFileSync` | `dir.readTextFile`, `dir.readTextFileSync` | line by line: `dir.readTextFileLines` |
 * | `Deno.writeFile`, `Deno.writeFileSync` | `dir.writeFile`, `dir.writeFileSync` | all or nothing: `dir.writeFileAtomic` |
 * | `Deno.writeTextFile`, `Deno.writeTextFileSync` | `dir.writeTextFile`, `dir.writeTextFileSync` | |
 * | `Deno.readDir`, `Deno.readDirSync` | `dir.readDir`, `dir.readDirSync`, `readDir`, `readDirSync` | only the names: `dir.list` |
 * | `Deno.stat`, `Deno.statSync` | `dir.stat`, `dir.statSync` | |
 * | `Deno.lstat`, `Deno.lstatSync` | `dir.lstat`, `dir.lstatSync` | |
 * | `Deno.realPath`, `Deno.realPathSync` | `dir.realPath`, `dir.realPathSync` | relative to the directory |
 * | `Deno.readLink`, `Deno.readLinkSync` | `dir.readLink`, `dir.readLinkSync` | |
 * | `Deno.mkdir`, `Deno.mkdirSync` | `dir.mkdir`, `dir.mkdirSync` | |
 * | `Deno.makeTempDir`, `Deno.makeTempDirSync` | `dir.makeTempDir`, `dir.makeTempDirSync` | in the directory itself, unless the option `dir` names one below it |
 * | `Deno.makeTempFile`, `Deno.makeTempFileSync` | `dir.makeTempFile`, `dir.makeTempFileSync` | the same |
 * | `Deno.remove`, `Deno.removeSync` | `dir.remove`, `dir.removeSync` | |
 * | `Deno.rename`, `Deno.renameSync` | `dir.rename`, `dir.renameSync` | `(from, to)` or `(from, toDir, to)` |
 * | `Deno.copyFile`, `Deno.copyFileSync` | `dir.copyFile`, `dir.copyFileSync` | the same |
 * | `Deno.link`, `Deno.linkSync` | `dir.link`, `dir.linkSync` | the same |
 * | `Deno.symlink`, `Deno.symlinkSync` | `dir.symlink`, `dir.symlinkSync` | |
 * | `Deno.truncate`, `Deno.truncateSync` | `dir.truncate`, `dir.truncateSync` | |
 * | `Deno.chmod`, `Deno.chmodSync` | `dir.chmod`, `dir.chmodSync` | |
 * | `Deno.chown`, `Deno.chownSync` | `dir.chown`, `dir.chownSync` | |
 * | `Deno.utime`, `Deno.utimeSync` | `dir.utime`, `dir.utimeSync` | |
 * | `Deno.umask` | none | `Deno.umask` keeps working: it takes no path; since Deno 2.9.4 it needs `--allow-sys=umask` |
 * | `Deno.watchFs` | none | Deno's watcher opens files by path; compare the entries of two calls of `dir.walk` |
 * | `Deno.chdir`, `Deno.cwd` | none | capability mode has no working directory; use a `Dir`, or `./ambient` |
 * | `Deno.openKv` | none | SQLite opens the files of a database by path, some of them late |
 * | `Deno.FsFile.read`, `Deno.FsFile.readSync` | `file.read`, `file.readSync` | to fill the whole buffer: `file.readInto` |
 * | `Deno.FsFile.write`, `Deno.FsFile.writeSync` | `file.write`, `file.writeSync` | to write the whole buffer: `file.writeAll` |
 * | `Deno.FsFile.seek`, `Deno.FsFile.seekSync` | `file.seek`, `file.seekSync` | |
 * | `Deno.FsFile.stat`, `Deno.FsFile.statSync` | `file.stat`, `file.statSync` | |
 * | `Deno.FsFile.truncate`, `Deno.FsFile.truncateSync` | `file.truncate`, `file.truncateSync` | |
 * | `Deno.FsFile.sync`, `Deno.FsFile.syncSync` | `file.sync`, `file.syncSync` | |
 * | `Deno.FsFile.syncData`, `Deno.FsFile.syncDataSync` | `file.syncData`, `file.syncDataSync` | |
 * | `Deno.FsFile.utime`, `Deno.FsFile.utimeSync` | `file.utime`, `file.utimeSync` | |
 * | `Deno.FsFile.lock`, `Deno.FsFile.lockSync` | `file.lock`, `file.lockSync` | |
 * | `Deno.FsFile.tryLock`, `Deno.FsFile.tryLockSync` | `file.tryLock`, `file.tryLockSync` | |
 * | `Deno.FsFile.unlock`, `Deno.FsFile.unlockSync` | `file.unlock`, `file.unlockSync` | |
 * | `Deno.FsFile.readable`, `Deno.FsFile.writable` | `file.readable`, `file.writable` | |
 * | `Deno.FsFile.isTerminal` | `file.isTerminal` | |
 * | `Deno.FsFile.setRaw` | `file.setRaw` | throws NotSupported: use `Deno.stdin.setRaw` |
 * | `Deno.FsFile.close` | `file.close` | or `using` |
 * | `Deno.stdin`, `Deno.stdout`, `Deno.stderr` | none | they are already open and keep working; `limitStdio()` limits them |
 *
 * ## Twins of the functions of @std/fs
 *
 * | @std/fs | here | notes |
 * | --- | --- | --- |
 * | `copy`, `copySync` | `dir.copy`, `dir.copySync` | `(from, to, options)` or `(from, toDir, to, options)` |
 * | `emptyDir`, `emptyDirSync` | `dir.emptyDir`, `dir.emptyDirSync` | |
 * | `ensureDir`, `ensureDirSync` | `dir.ensureDir`, `dir.ensureDirSync` | |
 * | `ensureFile`, `ensureFileSync` | `dir.ensureFile`, `dir.ensureFileSync` | |
 * | `ensureLink`, `ensureLinkSync` | none | two calls: `dir.ensureDir` for its directory, then `dir.link` |
 * | `ensureSymlink`, `ensureSymlinkSync` | none | two calls: `dir.ensureDir` for its directory, then `dir.symlink` |
 * | `exists`, `existsSync` | `dir.exists`, `dir.existsSync` | |
 * | `expandGlob`, `expandGlobSync` | `dir.expandGlob`, `dir.expandGlobSync` | `root` is a path below the directory |
 * | `move`, `moveSync` | `dir.rename`, `dir.renameSync` | it overwrites, unless `replace: false` |
 * | `walk`, `walkSync` | `dir.walk`, `dir.walkSync` | paths are relative to the directory |
 * | `CRLF`, `EOL`, `LF`, `detect`, `format` | none | they work on text, not on files: use `@std/fs` |
 * | `CopyOptions`, `ExistsOptions`, `ExpandGlobOptions`, `WalkEntry`, `WalkOptions` | `CopyOptions`, `ExistsOptions`, `ExpandGlobOptions`, `WalkEntry`, `WalkOptions` | types |
 * | `MoveOptions` | none | its only member is `overwrite`: see `move` |
 * | `unstable-*` | none | these modules repeat functions of `Deno`: see the table above |
 *
 * @example Reading a file in a directory
 * ```ts
 * import { openDirSync } from "jsr:@capsicum/capsicum/fs";
 * import { assert, assertEquals, assertThrows } from "jsr:@std/assert";
 *
 * using dev = openDirSync("/dev");
 * assert(dev.listSync().includes("null"));
 * assertEquals(dev.readFileSync("null").length, 0);
 * assertThrows(() => dev.readFileSync("../etc/passwd"), Error, "ENOTCAPABLE");
 * ```
 *
 * @module
 */
export { Dir, openDir, openDirSync } from "./dir.ts";
export type { OpenDirOptions } from "./dir.ts";
export { FdFile } from "./file.ts";
export { Descriptor } from "./descriptor.ts";
export { open, openAt, openAtSync, openSync } from "./open.ts";
export type { OpenOptions } from "./open.ts";
export { listDir, listDirSync, readDir, readDirSync } from "./tree/list.ts";
export { decodeName, encodeName } from "../../ffi/values.ts";
export type { ExistsOptions } from "./entries.ts";
export type { Directory, RenameOptions, Target, TargetWithOptions } from "./entries.ts";
export type { CopyOptions } from "./tree/copy.ts";
export type { ExpandGlobOptions } from "./tree/glob.ts";
export type { WalkEntry, WalkOptions } from "./tree/walk.ts";
export type { AtomicWriteOptions } from "./contents.ts";
export type { LengthOptions, ReadOptions } from "./io/streams.ts";
