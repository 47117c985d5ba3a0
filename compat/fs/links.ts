/** Gives files other names: renames, links, symlinks, FIFOs; and resolves symlinks in paths. */
import { asAsked, codeOf, failure, request, serving } from "../../ffi/failure.ts";
import { descriptor, type FdLike } from "../../ffi/values.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { aBoolean, aMode, checkArgument, checkOptions } from "./options.ts";
import { checkedPath } from "./path/components.ts";
import { at, type Spot } from "./path/resolve.ts";
import { follow, readLinkAt } from "./path/steps.ts";
import { type Level, Levels } from "./tree/list.ts";

/** An open directory, such as a `Dir`. */
export interface Directory {
  /** The number of its descriptor. */
  readonly fd: number;
  /** Whether the kernel keeps lookups beneath it. */
  readonly confined: boolean;
}

/** A path in the same directory, or another directory and a path in it. */
export type Target = [to: string] | [toDir: Directory, to: string];
/** A {@link Target}, followed by options. */
export type TargetWithOptions<Options> =
  | [to: string, options?: Options]
  | [toDir: Directory, to: string, options?: Options];

/** The options of `Dir.rename`. */
export interface RenameOptions {
  /** Whether an existing file is replaced; if false, one throws `Deno.errors.AlreadyExists`. Default: true. */
  replace?: boolean;
}

/** The directory and the path of a {@link Target}. */
export function targetOf(dir: Directory, to: Target): [FdLike, string] {
  return to.length < 2 ? [dir, to[0] as string] : to as [Directory, string];
}

/** The directory, the path and the options of a {@link TargetWithOptions}. */
export function targetWithOptions<Options extends object>(
  dir: Directory,
  to: TargetWithOptions<Options>,
): [FdLike, string, Options | undefined] {
  const [toDir, path, options] = typeof to[0] === "string" ? [dir, ...to] as const : to;
  return [toDir as Directory, path as string, options as Options | undefined];
}

/** @param call The method, for errors. */
export function rename(
  call: string,
  dir: FdLike,
  from: string,
  toDir: FdLike,
  to: string,
  options?: RenameOptions,
): void {
  checkOptions(call, options, { replace: aBoolean });
  const rename = options?.replace === false ? renameUnlessThere : libc.renameat;
  // Checked before anything is opened.
  checkedPath(to);
  // Only a directory can get a name with a trailing slash.
  const on = to.endsWith("/") ? { on: "directory" } as const : {};
  at(dir, from, { syscall: "renameat", ...on }, (source, name) => {
    at(
      toDir,
      to,
      { syscall: "renameat", on: "new" },
      (target, toName) => rename(source, name, target, toName),
    );
  });
}

/** Renames a file unless the new name exists: in one call if the system has it, else by a hard link. */
export function renameUnlessThere(fd: Spot, name: string, toFd: Spot, toName: string): void {
  try {
    libc.renameat2(fd, name, toFd, toName, libc.AT_RENAME_NOREPLACE);
  } catch (error) {
    // libc, the kernel or the file system may not support it; on Linux, file systems report EINVAL.
    if (!(error instanceof Deno.errors.NotSupported) && codeOf(error) !== "EINVAL") throw error;
    moveByLink(fd, name, toFd, toName, error);
  }
}

function moveByLink(fd: Spot, name: string, toFd: Spot, toName: string, cause: unknown): void {
  try {
    libc.linkat(fd, name, toFd, toName, 0);
  } catch (error) {
    // The errors of linkat() for a directory, and for a file system without hard links.
    if (!["EPERM", "EOPNOTSUPP"].includes(codeOf(error) ?? "")) throw error;
    throw failure(
      asAsked({ syscall: "renameat2", path: name, toPath: toName }, fd, toFd),
      "EOPNOTSUPP",
      "here only a file can be renamed without replacing, by a link (EOPNOTSUPP). Rename it with `replace: true`.",
      { cause },
    );
  }
  try {
    libc.unlinkat(fd, name, 0);
  } catch (error) {
    try {
      libc.unlinkat(toFd, toName, 0);
    } catch {
      // The first error is the one to throw; the file keeps both names.
    }
    throw error;
  }
}

export function link(dir: FdLike, from: string, toDir: FdLike, to: string): void {
  checkedPath(to);
  at(dir, from, { syscall: "linkat" }, (source, name) => {
    try {
      at(toDir, to, { syscall: "linkat" }, (target, toName) => libc.linkat(source, name, target, toName, 0));
    } catch (error) {
      // The kernel looks up the file before it looks up the directory of the new name.
      if (codeOf(error) === "ENOTDIR") checkExists(source, name);
      throw error;
    }
  });
}

export function symlink(target: string, dir: FdLike, path: string): void {
  checkedPath(target);
  at(dir, path, { syscall: "symlinkat" }, (place, name) => libc.symlinkat(target, place, name));
}

export function readLink(dir: FdLike, path: string): string {
  return at(dir, path, { syscall: "readlinkat" }, readLinkAt);
}

export function mkfifo(call: string, dir: FdLike, path: string, mode: number): void {
  checkArgument(call, "mode", mode, aMode);
  at(dir, path, { syscall: "mkfifoat" }, (place, name) => libc.mkfifoat(place, name, mode));
}

export function realPath(dir: FdLike, path: string): string {
  const fd = descriptor(dir), asks = { ...request(dir, path), syscall: "readlinkat" };
  checkedPath(path);
  using levels = new Levels(libc.fcntl(fd, libc.F_DUPFD_CLOEXEC, 0), ".", dir);
  const { steps, name } = follow([levels.top], path, asks, "followed", {
    pass: (above, name, fd) => levels.pass(above as Level, name, fd),
  });
  const names = steps.slice(1).map((step) => step.name);
  if (name !== ".") {
    checkExists(serving(steps.at(-1)!.fd, asks), name);
    names.push(name);
  }
  return names.join("/") || ".";
}

/** readlinkat() needs only LOOKUP, and fails with EINVAL if the file exists and is not a symlink. */
function checkExists(on: FdLike, name: string): void {
  try {
    readLinkAt(on, name);
  } catch (error) {
    if (codeOf(error) !== "EINVAL") throw error;
  }
}
