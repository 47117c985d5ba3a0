/** Calls on names: renames and links files, makes symlinks and FIFOs, resolves paths. */
import { failure } from "../../../ffi/failure.ts";
import { descriptor, type FdLike } from "../../../ffi/values.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { type Level, Levels } from "../tree/list.ts";
import { aBoolean, aMode, checkArgument, checkOptions } from "../options.ts";
import { checkedPath } from "./components.ts";
import { at, codeOf, follow, readLinkAt, type Step } from "./resolve.ts";
import type { RenameOptions } from "./target.ts";

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
  const source = to.endsWith("/") ? `${from}/` : from;
  at(dir, source, "renameat", (fd, name) => {
    at(toDir, to, "renameat", (toFd, toName) => rename(fd, name, toFd, toName), true);
  });
}

/** Renames a file unless the new name exists: in one call if the system has it, else by a hard link. */
export function renameUnlessThere(fd: number, name: string, toFd: number, toName: string): void {
  try {
    libc.renameat2(fd, name, toFd, toName, libc.AT_RENAME_NOREPLACE);
  } catch (error) {
    // libc, the kernel or the file system may not support it; on Linux, file systems report EINVAL.
    if (!(error instanceof Deno.errors.NotSupported) && codeOf(error) !== "EINVAL") throw error;
    moveByLink(fd, name, toFd, toName, error);
  }
}

function moveByLink(fd: number, name: string, toFd: number, toName: string, cause: unknown): void {
  try {
    libc.linkat(fd, name, toFd, toName, 0);
  } catch (error) {
    // The errors of linkat() for a directory, and for a file system without hard links.
    if (!["EPERM", "EOPNOTSUPP"].includes(codeOf(error) ?? "")) throw error;
    throw failure(
      { syscall: "renameat2", path: name, fd, toPath: toName, toFd },
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
  at(dir, from, "linkat", (fd, name) => {
    try {
      at(toDir, to, "linkat", (toFd, toName) => libc.linkat(fd, name, toFd, toName, 0));
    } catch (error) {
      // The kernel looks up the file before it looks up the directory of the new name.
      if (codeOf(error) === "ENOTDIR") checkExists(fd, name);
      throw error;
    }
  });
}

export function symlink(target: string, dir: FdLike, path: string): void {
  checkedPath(target);
  at(dir, path, "symlinkat", (fd, name) => libc.symlinkat(target, fd, name));
}

export function readLink(dir: FdLike, path: string): string {
  return at(dir, path, "readlinkat", readLinkAt);
}

export function mkfifo(dir: FdLike, path: string, mode: number): void {
  checkArgument("Dir.mkfifo()", "mode", mode, aMode);
  at(dir, path, "mkfifoat", (fd, name) => libc.mkfifoat(fd, name, mode));
}

export function realPath(dir: FdLike, path: string): string {
  const fd = descriptor(dir), told = { fd, path, syscall: "readlinkat" };
  checkedPath(path);
  using levels = new Levels(libc.fcntl(fd, libc.F_DUPFD_CLOEXEC, 0), ".", fd);
  const found = (steps: Step[], name: string) => {
    if (name !== ".") checkExists(steps.at(-1)!.fd, name);
    const names = steps.slice(1).map((step) => step.name);
    if (name !== ".") names.push(name);
    return names.join("/") || ".";
  };
  return follow([levels.top], path, told, found, (above, name, fd) => levels.pass(above as Level, name, fd));
}

/** readlinkat() needs only LOOKUP, and fails with EINVAL if the file exists and is not a symlink. */
function checkExists(fd: number, name: string): void {
  try {
    readLinkAt(fd, name);
  } catch (error) {
    if (codeOf(error) !== "EINVAL") throw error;
  }
}
