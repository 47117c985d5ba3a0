import * as libc from "../../ffi/libc/mod.ts";
import { listDirSync } from "../fs/tree/list.ts";
import { type Fileno, fileno, openIn } from "./_python_fd.ts";

/** The keyword arguments of Python's `open(path, flags, mode=..., dir_fd=...)`. */
export interface OpenKeywords {
  /** The permission bits of a file that it creates. Default: 0o777. */
  mode?: number;
  /** The directory that the path is relative to. Default: none, so the path is ambient. */
  dir_fd?: Fileno | null;
}

/**
 * Python's `os.open` and `os.listdir`, which accept descriptors of directories since Python 3.3.
 *
 * `open(path, flags, mode, dir_fd)` returns the number of a descriptor, which is closed on exec, and which the caller
 * closes by `libc.close()`. Python's keywords are an object: `{ dir_fd }`. `listdir(path)` returns the names in a
 * directory, given by its path or its descriptor, without "." and "..". Both throw as `openat()` does.
 *
 * @example
 * ```ts
 * import { libc } from "jsr:@capsicum/capsicum";
 * import * as cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assert } from "jsr:@std/assert";
 *
 * const { open, listdir } = cap.compat33;
 * const dev = open("/dev", libc.O_RDONLY);
 * assert(listdir(dev).includes("null"));
 * libc.close(open("null", libc.O_RDWR, { dir_fd: dev }));
 * libc.close(dev);
 * ```
 */
export const compat33: {
  readonly open: (
    path: string,
    flags: number,
    mode?: number | OpenKeywords,
    dir_fd?: Fileno | null,
  ) => number;
  readonly listdir: (path?: string | Fileno) => string[];
} = Object.freeze({
  open(
    path: string,
    flags: number,
    mode: number | OpenKeywords = {},
    dir_fd: Fileno | null = null,
  ): number {
    const keywords: OpenKeywords = typeof mode === "object" ? { dir_fd, ...mode } : { mode, dir_fd };
    return openIn(keywords.dir_fd ?? libc.AT_FDCWD, path, flags, keywords.mode ?? 0o777);
  },
  listdir(path: string | Fileno = "."): string[] {
    return listDirSync(typeof path === "string" ? path : fileno(path));
  },
});
