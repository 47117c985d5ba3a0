/** What the functions of node:fs on paths do, by the methods of `Dir`. */
import { codeOf } from "../../ffi/failure.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { quoted } from "../../ffi/errors.ts";
import { aSignal, checkArgument } from "../../ffi/values.ts";
import { access } from "../fs/entries.ts";
import { at } from "../fs/path/resolve.ts";
import { type Mounted, pathIn } from "./mounts.ts";
import type { Call } from "./deno.ts";
import { directoryOf } from "./node_directory.ts";
import type { Files, Forms } from "./node_files.ts";
import {
  asOptions,
  bytesOf,
  encoded,
  isSet,
  lengthOf,
  modeOf,
  nameAs,
  type NodeFs,
  ofThreeBits,
  openingOf,
  type Options,
  partsOf,
  statsOf,
  textOf,
  timeOf,
} from "./node_values.ts";

const withoutSlash = (path: string) => path.replace(/(?<=.)\/$/, "");
const typed = (options: unknown) => ({ ...asOptions(options) ?? { encoding: options }, withFileTypes: true });
const withoutEntry = (options: Options) => options?.throwIfNoEntry === false;

/** The functions by their names. */
export function formsOnPaths(fs: NodeFs, files: Files): Record<string, Forms> {
  const { constants } = fs;
  const stat = (name: "stat" | "lstat"): Forms => ({
    sync({ dir, rest }: Mounted, options?: Options) {
      try {
        return statsOf(dir[`${name}Sync`](rest), options, fs);
      } catch (error) {
        if (!withoutEntry(options) || !(error instanceof Deno.errors.NotFound)) throw error;
        return undefined;
      }
    },
    async: async ({ dir, rest }: Mounted, options?: Options) => statsOf(await dir[name](rest), options, fs),
  });
  const opened = (options: unknown, flag: string) => {
    const { flag: other, mode, signal } = asOptions(options) ?? {}, isPlain = (other ?? flag) === flag;
    if (signal !== undefined) checkArgument("node:fs", "signal", signal, aSignal);
    return {
      opening: openingOf(other ?? flag, mode, fs),
      signal: signal as AbortSignal | undefined,
      isPlain,
    };
  };
  const write = (flag: string): Forms => ({
    sync(place: Mounted | number, data: unknown, options?: unknown) {
      const { opening } = opened(options, flag), bytes = bytesOf(data, options);
      if (typeof place === "number") return files.of(place).writeAllSync(bytes);
      using file = place.dir.openSync(place.rest, opening);
      file.writeAllSync(bytes);
    },
    async async(place: Mounted | number, data: unknown, options?: unknown) {
      const { opening, signal } = opened(options, flag), parts = partsOf(data);
      signal?.throwIfAborted();
      // Checked before the file is truncated.
      const first = Array.isArray(parts) && parts.length === 1 ? [bytesOf(parts[0], options)] : undefined;
      await using made = typeof place === "number" ? undefined : await place.dir.open(place.rest, opening);
      const file = made ?? files.of(place);
      for await (const part of first ?? parts) {
        signal?.throwIfAborted();
        await file.writeAll(bytesOf(part, options));
      }
    },
  });
  const shownEntries = (
    { rest, given }: Mounted,
    options: unknown,
    entries: Iterable<Deno.DirEntry & { path?: string }>,
  ) => {
    const { withFileTypes } = asOptions(options) ?? {}, shown = (name: string) => nameAs(name, options);
    const base = withoutSlash(rest), prefix = base === "." ? "" : `${base}/`;
    return [...entries].filter(({ path }) => path === undefined || path !== base).map((entry) => {
      const { name, path, isDirectory, isFile, isSymlink } = entry;
      const below = path?.slice(prefix.length) ?? name;
      if (!withFileTypes) return shown(below);
      const above = below.slice(0, -name.length - 1);
      const type = isDirectory ? "DIR" : isFile ? "FILE" : isSymlink ? "LINK" : "UNKNOWN";
      const parent = above === "" ? given : `${withoutSlash(given)}/${above}`;
      return new fs.Dirent(shown(name), constants[`UV_DIRENT_${type}`]!, parent);
    });
  };
  const checkRemoval = ({ dir, rest, given }: Mounted, options: Options) => {
    if (isSet(options, "recursive") || !dir.lstatSync(rest).isDirectory) return;
    const error = new Error(`fs.rm() ${quoted(given)}: it is a directory (ERR_FS_EISDIR). Pass recursive.`);
    throw Object.assign(error, { code: "ERR_FS_EISDIR" });
  };
  const forced = (options: Options, error: unknown) => {
    if (!isSet(options, "force") || codeOf(error) !== "ENOENT") throw error;
  };
  /** Whether a copy must have a new name. What is not a file is refused in any case. */
  const isExclusive = ({ dir, rest }: Mounted, mode: unknown = 0) => {
    checkArgument("node:fs", "mode", mode, ofThreeBits);
    return ((mode as number) & constants.COPYFILE_EXCL!) !== 0 && dir.statSync(rest).isFile;
  };
  const unlink = (flags: number): Forms => ({
    sync: ({ dir, rest }: Mounted) =>
      void at(dir, rest, { syscall: "unlinkat" }, (fd, name) => libc.unlinkat(fd, name, flags)),
  });
  const readdir: Forms = {
    sync(place: Mounted, options?: unknown) {
      const { dir, rest } = place, isDeep = isSet(options, "recursive");
      return shownEntries(
        place,
        options,
        isDeep ? dir.walkSync(withoutSlash(rest)) : dir.readDirSync(rest),
      );
    },
    async async(place: Mounted, options?: unknown) {
      const { dir, rest } = place, isDeep = isSet(options, "recursive");
      const entries = isDeep ? dir.walk(withoutSlash(rest)) : dir.readDir(rest);
      return shownEntries(place, options, await Array.fromAsync(entries));
    },
  };
  return {
    readFile: {
      sync(place: Mounted | number, options?: unknown) {
        const { opening, isPlain } = opened(options, "r");
        if (typeof place === "number") return encoded(files.of(place).readAllSync(), options);
        if (isPlain) return encoded(place.dir.readFileSync(place.rest), options);
        using file = place.dir.openSync(place.rest, opening);
        return encoded(file.readAllSync(), options);
      },
      async async(place: Mounted | number, options?: unknown) {
        const { opening, signal, isPlain } = opened(options, "r");
        if (typeof place === "number") return encoded(await files.of(place).readAll(), options);
        if (isPlain) return encoded(await place.dir.readFile(place.rest, signal ? { signal } : {}), options);
        signal?.throwIfAborted();
        await using file = await place.dir.open(place.rest, opening);
        return encoded(await file.readAll(), options);
      },
    },
    writeFile: write("w"),
    appendFile: write("a"),
    stat: stat("stat"),
    lstat: stat("lstat"),
    access: {
      sync({ dir, rest }: Mounted, mode: unknown = 0) {
        checkArgument("node:fs", "mode", mode, ofThreeBits);
        access(dir, rest, mode as number);
      },
    },
    readdir,
    opendir: {
      sync: (place: Mounted, options?: unknown) =>
        directoryOf(place.given, (readdir.sync as Call)(place, typed(options)) as unknown[]),
      async: async (place: Mounted, options?: unknown) =>
        directoryOf(place.given, await (readdir.async as Call)(place, typed(options)) as unknown[]),
    },
    mkdir: {
      sync(place: Mounted, options?: unknown) {
        const { dir, rest } = place, { mode } = asOptions(options) ?? { mode: options };
        const recursive = isSet(options, "recursive");
        const names = withoutSlash(rest).split("/");
        const first = recursive
          ? names.map((_, i) => names.slice(0, i + 1).join("/")).find((path) => !dir.existsSync(path))
          : undefined;
        dir.mkdirSync(rest, {
          recursive,
          ...(mode === undefined || mode === null ? {} : { mode: modeOf(mode) }),
        });
        return first === undefined ? undefined : pathIn(place, first);
      },
    },
    rm: {
      sync(place: Mounted, options?: Options) {
        try {
          checkRemoval(place, options);
          place.dir.removeSync(place.rest, { recursive: isSet(options, "recursive") });
        } catch (error) {
          forced(options, error);
        }
      },
      async async(place: Mounted, options?: Options) {
        try {
          checkRemoval(place, options);
          await place.dir.remove(place.rest, { recursive: isSet(options, "recursive") });
        } catch (error) {
          forced(options, error);
        }
      },
    },
    rmdir: unlink(libc.AT_REMOVEDIR),
    unlink: unlink(0),
    rename: {
      at: [0, 1],
      sync: (one: Mounted, other: Mounted) => one.dir.renameSync(one.rest, other.dir, other.rest),
    },
    link: {
      at: [0, 1],
      sync: (one: Mounted, other: Mounted) => one.dir.linkSync(one.rest, other.dir, other.rest),
    },
    copyFile: {
      at: [0, 1],
      sync(one: Mounted, other: Mounted, mode?: unknown) {
        if (!isExclusive(one, mode)) return one.dir.copyFileSync(one.rest, other.dir, other.rest);
        one.dir.copySync(one.dir.realPathSync(one.rest), other.dir, other.rest, { overwrite: false });
      },
      async async(one: Mounted, other: Mounted, mode?: unknown) {
        if (!isExclusive(one, mode)) return await one.dir.copyFile(one.rest, other.dir, other.rest);
        await one.dir.copy(one.dir.realPathSync(one.rest), other.dir, other.rest, { overwrite: false });
      },
    },
    realpath: {
      sync: (place: Mounted, options?: unknown) =>
        nameAs(pathIn(place, place.dir.realPathSync(place.rest)), options),
    },
    readlink: {
      sync: ({ dir, rest }: Mounted, options?: unknown) => nameAs(dir.readLinkSync(rest), options),
    },
    symlink: {
      at: [1],
      sync: (target: unknown, { dir, rest }: Mounted) => dir.symlinkSync(textOf(target), rest),
    },
    truncate: {
      sync: ({ dir, rest }: Mounted, length?: unknown) => dir.truncateSync(rest, lengthOf(length)),
    },
    chmod: { sync: ({ dir, rest }: Mounted, mode: unknown) => dir.chmodSync(rest, modeOf(mode)) },
    chown: { sync: ({ dir, rest }: Mounted, uid: number, gid: number) => dir.chownSync(rest, uid, gid) },
    utimes: {
      sync: ({ dir, rest }: Mounted, atime: unknown, mtime: unknown) =>
        dir.utimeSync(rest, timeOf(atime), timeOf(mtime)),
    },
    mkdtemp: {
      addition: "X",
      sync({ dir, rest, given }: Mounted, options?: unknown) {
        const cut = rest.lastIndexOf("/"), prefix = rest.slice(cut + 1, -1);
        const made = dir.makeTempDirSync({ dir: cut < 0 ? "." : rest.slice(0, cut), prefix });
        return nameAs(given.slice(0, -1) + made.slice(made.lastIndexOf("/") + 1 + prefix.length), options);
      },
    },
    open: {
      sync: ({ dir, rest }: Mounted, flags?: unknown, mode?: unknown) =>
        files.add(dir.openSync(rest, openingOf(flags ?? "r", mode, fs))),
      async: async ({ dir, rest }: Mounted, flags?: unknown, mode?: unknown) =>
        files.add(await dir.open(rest, openingOf(flags ?? "r", mode, fs))),
    },
  };
}
