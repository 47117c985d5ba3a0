/** What the functions of node:fs on paths do, by the methods of `Dir`. */
import { codeOf } from "../../ffi/failure.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { quoted } from "../../ffi/errors.ts";
import { encodeName } from "../../ffi/values.ts";
import { access } from "../fs/entries.ts";
import { at } from "../fs/path/resolve.ts";
import { type Mounted, pathIn } from "./mounts.ts";
import {
  bytesOf,
  encoded,
  type Files,
  type Forms,
  type NodeFs,
  numberOf,
  openingOf,
  statsOf,
} from "./node_files.ts";

type Options = Record<string, unknown> | undefined;

const asOptions = (options: unknown): Options =>
  typeof options === "object" && options !== null ? options as Options : undefined;
const withoutSlash = (path: string) => path.replace(/(?<=.)\/$/, "");
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
    const { flag: other = flag, mode, encoding } = asOptions(options) ?? {};
    return {
      opening: openingOf(other ?? flag, mode, fs),
      encoding: typeof options === "string" ? options : encoding,
    };
  };
  const write = (flag: string): Forms => ({
    sync(place: Mounted | number, data: unknown, options?: unknown) {
      const { opening, encoding } = opened(options, flag), bytes = bytesOf(data, encoding);
      if (typeof place === "number") return files.of(place).writeAllSync(bytes);
      using file = place.dir.openSync(place.rest, opening);
      file.writeAllSync(bytes);
    },
    async async(place: Mounted | number, data: unknown, options?: unknown) {
      const { opening, encoding } = opened(options, flag);
      const chunks = typeof data === "string" || ArrayBuffer.isView(data)
        ? [data]
        : data as AsyncIterable<unknown>;
      if (typeof place === "number") return await files.of(place).writeAll(bytesOf(data, encoding));
      await using file = await place.dir.open(place.rest, opening);
      for await (const chunk of chunks) await file.writeAll(bytesOf(chunk, encoding));
    },
  });
  const shownEntries = (
    { rest, given }: Mounted,
    options: unknown,
    entries: Iterable<Deno.DirEntry & { path?: string }>,
  ) => {
    const { withFileTypes, encoding } = asOptions(options) ?? { encoding: options };
    const base = withoutSlash(rest), prefix = base === "." ? "" : `${base}/`;
    const shown = (name: string) => encoding === "buffer" ? encoded(encodeName(name), "buffer") : name;
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
    if (options?.recursive || !dir.lstatSync(rest).isDirectory) return;
    const error = new Error(`fs.rm() ${quoted(given)}: it is a directory (ERR_FS_EISDIR). Pass recursive.`);
    throw Object.assign(error, { code: "ERR_FS_EISDIR" });
  };
  const forced = (options: Options, error: unknown) => {
    if (!options?.force || codeOf(error) !== "ENOENT") throw error;
  };
  const unlink = (flags: number): Forms => ({
    sync: ({ dir, rest }: Mounted) =>
      void at(dir, rest, { syscall: "unlinkat" }, (fd, name) => libc.unlinkat(fd, name, flags)),
  });
  return {
    readFile: {
      sync: (place: Mounted | number, options?: unknown) =>
        encoded(
          typeof place === "number" ? files.of(place).readAllSync() : place.dir.readFileSync(place.rest),
          options,
        ),
      async async(place: Mounted | number, options?: unknown) {
        const { signal } = asOptions(options) ?? {};
        const bytes = typeof place === "number"
          ? await files.of(place).readAll()
          : await place.dir.readFile(place.rest, signal ? { signal: signal as AbortSignal } : {});
        return encoded(bytes, options);
      },
    },
    writeFile: write("w"),
    appendFile: write("a"),
    stat: stat("stat"),
    lstat: stat("lstat"),
    access: { sync: ({ dir, rest }: Mounted, mode = 0) => access(dir, rest, mode as number) },
    readdir: {
      sync(place: Mounted, options?: unknown) {
        const { dir, rest } = place, isDeep = asOptions(options)?.recursive;
        return shownEntries(
          place,
          options,
          isDeep ? dir.walkSync(withoutSlash(rest)) : dir.readDirSync(rest),
        );
      },
      async async(place: Mounted, options?: unknown) {
        const { dir, rest } = place, isDeep = asOptions(options)?.recursive;
        const entries = isDeep ? dir.walk(withoutSlash(rest)) : dir.readDir(rest);
        return shownEntries(place, options, await Array.fromAsync(entries));
      },
    },
    mkdir: {
      sync(place: Mounted, options?: unknown) {
        const { dir, rest } = place, { recursive = false, mode } = asOptions(options) ?? { mode: options };
        const names = withoutSlash(rest).split("/");
        const first = recursive
          ? names.map((_, i) => names.slice(0, i + 1).join("/")).find((path) => !dir.existsSync(path))
          : undefined;
        dir.mkdirSync(rest, {
          recursive: recursive === true,
          ...(mode === undefined || mode === null ? {} : { mode: numberOf(mode) }),
        });
        return first === undefined ? undefined : pathIn(place, first);
      },
    },
    rm: {
      sync(place: Mounted, options?: Options) {
        try {
          checkRemoval(place, options);
          place.dir.removeSync(place.rest, { recursive: options?.recursive === true });
        } catch (error) {
          forced(options, error);
        }
      },
      async async(place: Mounted, options?: Options) {
        try {
          checkRemoval(place, options);
          await place.dir.remove(place.rest, { recursive: options?.recursive === true });
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
      sync(one: Mounted, other: Mounted, mode = 0) {
        if (((mode as number) & constants.COPYFILE_EXCL!) === 0) {
          return one.dir.copyFileSync(one.rest, other.dir, other.rest);
        }
        one.dir.copySync(one.dir.realPathSync(one.rest), other.dir, other.rest, { overwrite: false });
      },
      async async(one: Mounted, other: Mounted, mode = 0) {
        if (((mode as number) & constants.COPYFILE_EXCL!) === 0) {
          return await one.dir.copyFile(one.rest, other.dir, other.rest);
        }
        await one.dir.copy(one.dir.realPathSync(one.rest), other.dir, other.rest, { overwrite: false });
      },
    },
    realpath: { sync: (place: Mounted) => pathIn(place, place.dir.realPathSync(place.rest)) },
    readlink: {
      sync: ({ dir, rest }: Mounted, options?: unknown) => {
        const text = dir.readLinkSync(rest);
        return (asOptions(options)?.encoding ?? options) === "buffer"
          ? encoded(encodeName(text), "buffer")
          : text;
      },
    },
    symlink: {
      at: [1],
      sync: (target: unknown, { dir, rest }: Mounted) => dir.symlinkSync(String(target), rest),
    },
    truncate: { sync: ({ dir, rest }: Mounted, length = 0) => dir.truncateSync(rest, length as number) },
    chmod: { sync: ({ dir, rest }: Mounted, mode: unknown) => dir.chmodSync(rest, numberOf(mode)) },
    chown: { sync: ({ dir, rest }: Mounted, uid: number, gid: number) => dir.chownSync(rest, uid, gid) },
    utimes: { sync: ({ dir, rest }: Mounted, atime: Date, mtime: Date) => dir.utimeSync(rest, atime, mtime) },
    mkdtemp: {
      addition: "X",
      sync({ dir, rest, given }: Mounted) {
        const cut = rest.lastIndexOf("/"), prefix = rest.slice(cut + 1, -1);
        const made = dir.makeTempDirSync({ dir: cut < 0 ? "." : rest.slice(0, cut), prefix });
        return given.slice(0, -1) + made.slice(made.lastIndexOf("/") + 1 + prefix.length);
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
