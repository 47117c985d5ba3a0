/** The functions of node:fs over the directories of a sandbox, in their three forms. */
import { sandboxed } from "../../ffi/capsicum/capability.ts";
import { failure, readStack } from "../../ffi/failure.ts";
import type { Dir } from "../fs/dir.ts";
import { type Call, type Calls, named, replacing } from "./deno.ts";
import { builtin } from "../sandbox/warm_up.ts";
import { type AmbientOptions, Mounts } from "./mounts.ts";
import { formsOnPaths } from "./node_calls.ts";
import { Files, type Forms } from "./node_files.ts";
import { handleOf } from "./node_handle.ts";
import { coded, later, type NodeFs, textOf } from "./node_values.ts";

/**
 * Makes the functions of `node:fs` work on open directories, and also those of `Deno` that {@link ambient} replaces.
 * `sandbox({ dirs, ambient: ambientNode })` calls it with the directories of the plan.
 *
 * It loads `node:fs`, and replaces members of the objects that `import fs from "node:fs"`, `require("fs")` and `fs.promises`
 * return. So `import { promises } from "node:fs"` and `import fs from "node:fs/promises"` work too. It cannot replace the
 * functions of `import { readFileSync } from "node:fs"` and of `import * as fs`, because Deno cannot change the exports of a
 * module (`syncBuiltinESMExports()` of `node:module` has no effect). A CommonJS package that is loaded afterwards gets the new
 * functions in any case.
 *
 * It replaces these functions in their callback, `Sync` and promise forms:
 *
 * - on paths: access, appendFile, chmod, chown, copyFile, exists, link, lstat, mkdir, mkdtemp, open, opendir, readFile, readdir,
 *   readlink, realpath, rename, rm, rmdir, stat, symlink, truncate, unlink, utimes and writeFile;
 * - on the descriptors that `open` returns: close, fchmod, fchown, fdatasync, fstat, fsync, ftruncate, futimes, read, readv,
 *   write and writev.
 *
 * It also replaces createReadStream and createWriteStream. Other functions of `node:fs` on paths fail in a sandbox: cp, glob,
 * lchown, lutimes, mkdtempDisposable, openAsBlob, statfs, watch and watchFile with the `code` ENOSYS. Errors have the
 * `code` of Node's errors, and messages in the form of this library.
 *
 * In Deno 2.7 `node:fs` returns numbers of its own instead of descriptors, which may equal the descriptors that the new
 * functions return. Before calling this function there, close the files that `node:fs` opened.
 *
 * Requires `--allow-ffi` permission.
 *
 * @param mounts The directories by their paths, as for {@link ambient}.
 * @param options The working directory, and the directory for temporary files.
 * @returns A disposable that restores the original functions. In a sandbox it does nothing, because they would fail.
 * @throws {TypeError} If a mount is not an open `Dir`, two mounts have the same path, or an option is unknown or has a wrong type.
 * @throws {Deno.errors.Busy} If the functions are already replaced.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing; the new functions throw it.
 *
 * @example
 * ```ts
 * import { openDirSync } from "jsr:@capsicum/capsicum";
 * import { ambientNode } from "jsr:@capsicum/capsicum/ambient";
 * import fs from "node:fs";
 * import { assert } from "jsr:@std/assert";
 *
 * using etc = openDirSync("/etc");
 * using _originals = ambientNode({ "/settings": etc });
 * assert(fs.readFileSync("/settings/hosts", "utf8").length > 0);
 * ```
 */
export function ambientNode(mounts: Readonly<Record<string, Dir>>, options: AmbientOptions = {}): Disposable {
  const all = new Mounts("ambientNode()", mounts, options), originals = replacing(all);
  const fs = builtin<NodeFs>("node:fs");
  const puts = [replaced(fs, fs.promises, all)];
  return {
    [Symbol.dispose]() {
      if (sandboxed()) return;
      for (const put of puts.splice(0)) put();
      originals[Symbol.dispose]();
    },
  };
}

/** Replaces the functions, and returns what puts the originals back. */
function replaced(fs: NodeFs, promises: Calls, mounts: Mounts): () => void {
  const files = new Files(fs);
  const [own, ownPromises] = formsOf({ ...fs }, { ...promises }, mounts, files);
  readStack(() => (formsOnPaths(fs, files).writeFile!.sync as Call)(0, "", { flag: "?" }));
  const before = valuesOf(fs, own), promisesBefore = valuesOf(promises, ownPromises);
  Object.assign(fs, own);
  Object.assign(promises, ownPromises);
  return () => {
    Object.assign(fs, before);
    Object.assign(promises, promisesBefore);
  };
}

const valuesOf = (module: Calls, names: Calls): Calls =>
  Object.fromEntries(Object.keys(names).map((name) => [name, module[name]!]));

function formsOf(fs: NodeFs, promises: Calls, mounts: Mounts, files: Files): [Calls, Calls] {
  const own: Calls = {}, ownPromises: Calls = {};
  for (const [name, form] of Object.entries<Forms>({ ...formsOnPaths(fs, files), ...files.forms })) {
    const { at = [0], addition = "", results } = form;
    const sync = form.sync as Call, async = (form.async ?? sync) as Call;
    /** The arguments with places for paths and numbers for files; undefined if the original is to act. */
    const placed = (call: string, args: unknown[]): unknown[] | undefined => {
      const fd = fdOf(args[0]);
      if (fd !== undefined) return files.isOwn(fd) ? [fd, ...args.slice(1)] : undefined;
      const places = at.map((i) => mounts.find(call, textOf(args[i]) + addition));
      if (places.includes(undefined)) return undefined;
      return args.map((arg, i) => at.includes(i) ? places[at.indexOf(i)] : arg);
    };
    const outside = (args: unknown[]) =>
      args.map((arg, i) => at.includes(i) && fdOf(arg) === undefined ? mounts.absolute(textOf(arg)) : arg);
    own[`${name}Sync`] = (...args) => {
      try {
        const given = placed(`fs.${name}Sync()`, args);
        if (given) return sync(...given);
      } catch (error) {
        throw coded(error);
      }
      return fs[`${name}Sync`]!(...outside(args));
    };
    own[name] = (...args) => {
      const callback = name === "close" ? args[1] ?? nothing : args.at(-1);
      if (typeof callback !== "function") {
        throw coded(new TypeError(`fs.${name}(): the last argument must be a callback.`));
      }
      const fail = (error: unknown) => later(callback as Call, coded(error));
      let given: unknown[] | undefined;
      try {
        given = placed(`fs.${name}()`, args);
      } catch (error) {
        return fail(error);
      }
      if (!given) return void fs[name]!(...outside(args));
      const last = typeof given.at(-1) === "function" ? -1 : undefined;
      (async () => await async(...given.slice(0, last)))().then(
        (value) => later(callback as Call, null, ...valuesFor(value, results)),
        fail,
      );
    };
    const promise = async (original: () => Call, args: unknown[]) => {
      try {
        const given = placed(`fs.promises.${name}()`, args);
        if (given) return await async(...given);
      } catch (error) {
        throw coded(error);
      }
      return await original()(...outside(args));
    };
    if (results) {
      const original = () => builtin<Calls>("node:util").promisify!(fs[name]) as Call;
      Object.assign(own[name]!, { [promisified]: (...args: unknown[]) => promise(original, args) });
    }
    if (!promises[name]) continue;
    ownPromises[name] = async (...args) => {
      const value = await promise(() => promises[name]!, args);
      return name === "open" && typeof value === "number" ? handleOf(value, files, own) : value;
    };
  }
  const isThere = (path: unknown) => {
    try {
      own.accessSync!(path);
      return true;
    } catch {
      return false;
    }
  };
  own.existsSync = isThere;
  own.exists = (path, callback) => later(callback as Call, isThere(path));
  Object.assign(own.exists, { [promisified]: async (path: unknown) => await isThere(path) });
  const { open, read, write, writev, fsync, close } = own,
    calls = { open, read, write, writev, fsync, close };
  for (const name of ["createReadStream", "createWriteStream"]) {
    own[name] = (path, options) => {
      const given = (typeof options === "string" ? { encoding: options } : options) as
        | { fd?: unknown }
        | undefined;
      const fd = fdOf(given?.fd);
      if (fd !== undefined) return fs[name]!(path, files.isOwn(fd) ? { ...given, fd, fs: calls } : options);
      const text = textOf(path);
      if (!mounts.find(`fs.${name}()`, text)) return fs[name]!(mounts.absolute(text), options);
      return fs[name]!(path, { ...given, fs: calls });
    };
  }
  for (const name of ["realpath", "realpathSync"]) Object.assign(own[name]!, { native: own[name] });
  return [
    named({ ...own, ...refusing("fs", fs) }),
    named({ ...ownPromises, ...refusing("fs.promises", promises) }),
  ];
}

/** Functions on paths without a twin. In a sandbox some would answer wrongly: glob() finds nothing, watchFile() never calls. */
const others = [
  "cp",
  "glob",
  "lchown",
  "lutimes",
  "mkdtempDisposable",
  "openAsBlob",
  "statfs",
  "watch",
  "watchFile",
];

/** The functions that throw in a sandbox, each in the way of its form. */
function refusing(module: string, originals: Calls): Calls {
  const calls: Calls = {};
  for (const name of others.flatMap((name) => [name, `${name}Sync`])) {
    const original = originals[name];
    if (!original) continue;
    const isPromise = name === "openAsBlob" || module === "fs.promises" && !/^(glob|watch)$/.test(name);
    calls[name] = (...args) => {
      if (!sandboxed()) return original(...args);
      const [path] = args, callback = args.at(-1);
      const error = failure(
        { syscall: `${module}.${name}()`, ...(typeof path === "string" && { path }) },
        "ENOSYS",
        "ambientNode() does not replace this function (ENOSYS). Use those that it replaces, or a Dir.",
      );
      if (isPromise) return Promise.reject(error);
      if (typeof callback !== "function" || name.startsWith("watch")) throw error;
      return later(callback as Call, error);
    };
  }
  return calls;
}

const promisified = Symbol.for("nodejs.util.promisify.custom");
const nothing = () => {};

/** What a callback gets after the error. */
function valuesFor(value: unknown, results: Forms["results"]): unknown[] {
  if (results) return results.map((name) => (value as Record<string, unknown>)[name]);
  return value === undefined ? [] : [value];
}

/** The number of an open file, or of a FileHandle. */
function fdOf(file: unknown): number | undefined {
  const fd = typeof file === "object" && file !== null ? (file as { fd?: unknown }).fd : file;
  return typeof fd === "number" ? fd : undefined;
}
