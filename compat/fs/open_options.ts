import * as libc from "../../ffi/libc/mod.ts";
import type { RightsLike } from "../../rights/rights.ts";
import { aBoolean, aMode, anInteger, anything, type Check } from "./options.ts";

/** The options of `Deno.openSync`, more flags of open(2), and the rights that the file is limited to. */
export interface OpenOptions extends Deno.OpenOptions {
  /** Refuse a symlink as the last component, with `Deno.errors.FilesystemLoop`. Default: false. */
  noFollow?: boolean;
  /** The same as `createNew`: an existing name is `Deno.errors.AlreadyExists`. Default: false. */
  exclusive?: boolean;
  /** Return from each write only when it is on the disk (O_SYNC). Default: false. */
  sync?: boolean;
  /** Refuse everything but a directory, with `Deno.errors.NotADirectory`. Default: false. */
  directory?: boolean;
  /** Further `O_*` flags of `libc`, added to the others. */
  customFlags?: number;
  /** The rights that the file is limited to before it is returned. Default: all that it gets by being opened. */
  limit?: RightsLike;
}

/** A check for each option. `limit` is checked by `new Rights()`. */
export const openOptions: Readonly<Record<keyof OpenOptions, Check>> = {
  read: aBoolean,
  write: aBoolean,
  append: aBoolean,
  truncate: aBoolean,
  create: aBoolean,
  createNew: aBoolean,
  mode: aMode,
  noFollow: aBoolean,
  exclusive: aBoolean,
  sync: aBoolean,
  directory: aBoolean,
  customFlags: anInteger(0, 0x7fffffff),
  limit: anything,
};

/**
 * The `O_*` flags for options. Close-on-exec is always among them.
 *
 * @throws {TypeError} If the options contradict each other.
 */
export function openFlags(options: OpenOptions): number {
  const { write = false, append = false, truncate = false, create = false, customFlags = 0 } = options;
  const createNew = options.createNew || options.exclusive || false;
  const read = options.read ?? !(write || append);
  if (!read && !write && !append && customFlags === 0) {
    throw new TypeError("Opening needs one of the options read, write and append to be true.");
  }
  if ((create || createNew) && !write && !append) {
    throw new TypeError("The options create, createNew and exclusive need write or append.");
  }
  if (truncate && !write) throw new TypeError("The option truncate needs write.");
  if (truncate && append && !createNew) {
    throw new TypeError("The options truncate and append exclude each other.");
  }
  return (write || append ? read ? libc.O_RDWR : libc.O_WRONLY : libc.O_RDONLY) |
    (append ? libc.O_APPEND : 0) |
    (truncate ? libc.O_TRUNC : 0) |
    (create ? libc.O_CREAT : 0) |
    (createNew ? libc.O_CREAT | libc.O_EXCL : 0) |
    (options.noFollow ? libc.O_NOFOLLOW : 0) |
    (options.sync ? libc.O_SYNC : 0) |
    (options.directory ? libc.O_DIRECTORY : 0) |
    libc.O_CLOEXEC |
    customFlags;
}
