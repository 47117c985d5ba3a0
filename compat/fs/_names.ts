/** What is done to names: rename, link, make symlinks and FIFOs, find out where a path leads. */
import { descriptor, type FdLike } from "../../ffi/fd_like.ts";
import * as libc from "../../ffi/libc.ts";
import { aMode, checkArgument } from "./options.ts";
import { checkedPath } from "./_path.ts";
import { at, codeOf, follow, readLinkAt } from "./_resolve.ts";

export function rename(dir: FdLike, from: string, toDir: FdLike, to: string): void {
  // Only a directory can get a name with a trailing slash.
  const source = to.endsWith?.("/") ? `${from}/` : from;
  // Before anything is opened.
  checkedPath(to);
  at(dir, source, "renameat", (fd, name) => {
    at(toDir, to, "renameat", (toFd, toName) => libc.renameat(fd, name, toFd, toName), true);
  });
}

export function link(dir: FdLike, from: string, toDir: FdLike, to: string): void {
  checkedPath(to);
  at(dir, from, "linkat", (fd, name) => {
    try {
      at(toDir, to, "linkat", (toFd, toName) => libc.linkat(fd, name, toFd, toName, 0));
    } catch (error) {
      // The kernel looks for the file before it goes where the new name shall be.
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
  const fd = descriptor(dir);
  return follow([{ fd, name: "" }], path, { fd, path, syscall: "readlinkat" }, (steps, name) => {
    if (name !== ".") checkExists(steps.at(-1)!.fd, name);
    const names = steps.slice(1).map((step) => step.name);
    if (name !== ".") names.push(name);
    return names.join("/") || ".";
  });
}

/** readlinkat() needs LOOKUP alone, and says EINVAL for what exists and is no symlink. */
function checkExists(fd: number, name: string): void {
  try {
    readLinkAt(fd, name);
  } catch (error) {
    if (codeOf(error) !== "EINVAL") throw error;
  }
}
