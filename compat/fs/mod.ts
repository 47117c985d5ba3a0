/**
 * Files and directories by descriptor: what Deno's own file API does by paths, and what works in capability mode.
 *
 * {@link Dir} is an open directory, whose paths stay in it. {@link FdFile} is an open file, with the methods of
 * `Deno.FsFile`. Both work on FreeBSD and on Linux, in capability mode and without it. {@link openSync} and
 * {@link openDirSync} open by path, before the program enters.
 *
 * Requires `--allow-ffi` permission; `--allow-ffi=/lib/libc.so.7` is enough on FreeBSD.
 *
 * @example Reading a directory's file
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
export { Dir, openDirSync } from "./dir.ts";
export type { OpenDirOptions } from "./dir.ts";
export { FdFile } from "./file.ts";
export { Descriptor } from "./descriptor.ts";
export { openAtSync, openSync } from "./open.ts";
export type { OpenOptions } from "./open_options.ts";
export { listDirSync, readDirSync } from "./tree/list.ts";
export { decodeName, encodeName } from "../../ffi/names.ts";
export type { ExistsOptions } from "./metadata/attributes.ts";
export type { Directory, RenameOptions, Target, TargetWithOptions } from "./path/target.ts";
export type { CopyOptions } from "./tree/copy.ts";
export type { ExpandGlobOptions } from "./tree/glob.ts";
export type { WalkEntry, WalkOptions } from "./tree/walk.ts";
export type { AtomicWriteOptions } from "./whole/atomic.ts";
export type { LengthOptions, ReadOptions } from "./whole/bound.ts";
