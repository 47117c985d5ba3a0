/** Files and directories with new, unique names. */
import type { FdLike } from "../../../ffi/check.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { shown } from "../../../ffi/message.ts";
import { openBeneath } from "../open.ts";
import { aString, checkOptions } from "../options.ts";
import { checkedPath, joined } from "../path/components.ts";
import { at } from "../path/resolve.ts";

const TRIES = 100;

const known = { dir: aString, prefix: aString, suffix: aString };

/** @param call The method, for errors. */
export function makeTempFile(call: string, dir: FdLike, options?: Deno.MakeTempOptions): string {
  checkOptions(call, options, known);
  return withFreshName(options, (path) => libc.close(createNew(dir, path, 0o600)));
}

/** @param call The method, for errors. */
export function makeTempDir(call: string, dir: FdLike, options?: Deno.MakeTempOptions): string {
  checkOptions(call, options, known);
  return withFreshName(options, (path) => {
    at(dir, path, "mkdirat", (fd, name) => libc.mkdirat(fd, name, 0o700));
  });
}

/** A descriptor of a file that did not exist. With O_APPEND, writing does not need the right SEEK. */
export function createNew(dir: FdLike, path: string, mode: number): number {
  const flags = libc.O_WRONLY | libc.O_APPEND | libc.O_CREAT | libc.O_EXCL | libc.O_CLOEXEC;
  return openBeneath(dir, path, flags, mode);
}

/** Makes a file or directory under a random name, and returns its path relative to the `Dir`. */
export function withFreshName(options: Deno.MakeTempOptions = {}, make: (path: string) => void): string {
  const { dir = ".", prefix = "", suffix = "" } = options;
  checkedPath(dir);
  for (const [what, part] of [["prefix", prefix], ["suffix", suffix]] as const) {
    if (part.includes("/")) {
      throw new TypeError(`The ${what} of a name must have no "/", and ${shown(part)} has one.`);
    }
  }
  for (let tries = 1;; tries++) {
    const path = joined(dir, prefix + crypto.randomUUID().replaceAll("-", "").slice(0, 16) + suffix);
    try {
      make(path);
      return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists) || tries === TRIES) throw error;
    }
  }
}
