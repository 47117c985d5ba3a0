/** The file functions of `Deno` over the directories of a sandbox, under their own names. */
import { sandboxed } from "../../ffi/capsicum/capability.ts";
import { shown } from "../../ffi/errors.ts";
import { readStack } from "../../ffi/failure.ts";
import type { Dir } from "../fs/dir.ts";
import { FdFile } from "../fs/file.ts";
import { pathOf } from "../fs/path/components.ts";
import { type AmbientOptions, type Mounted, Mounts, pathIn } from "./mounts.ts";

export type Call = (...args: unknown[]) => unknown;
export type Calls = Record<string, Call>;
/** From the arguments after the path to those of the method of `Dir` with this name. */
type Rest = (args: unknown[], name: string) => unknown[];

/** The options that a `Dir` knows: it refuses others, which Deno ignores. Deno takes null for undefined. */
const only = (...names: string[]) => (options: unknown, call: string) => {
  if (typeof (options ?? {}) !== "object") {
    throw new TypeError(`Deno.${call}(): the options must be an object, not ${shown(options)}.`);
  }
  const given = options as Record<string, unknown> | null | undefined;
  return Object.fromEntries(names.map((name) => [name, given?.[name] ?? undefined]));
};

const toOpen = only("read", "write", "append", "truncate", "create", "createNew", "mode");
const toWrite = only("append", "create", "createNew", "mode", "signal");
const toMake = only("recursive", "mode"), toRemove = only("recursive"), toRead = only("signal");
const toName = only("prefix", "suffix");

const nothing: Rest = () => [];
const reading: Rest = ([options], name) => name.endsWith("Sync") ? [] : [toRead(options, name)];
const writing: Rest = ([data, options], name) => [data, toWrite(options, name)];
const first: Rest = (args) => args.slice(0, 1), both: Rest = (args) => args.slice(0, 2);

/** The functions whose first argument is a path. */
const onOnePath: Readonly<Record<string, Rest>> = {
  open: ([options], name) => [toOpen(options, name)],
  create: nothing,
  readFile: reading,
  readTextFile: reading,
  writeFile: writing,
  writeTextFile: writing,
  stat: nothing,
  lstat: nothing,
  realPath: nothing,
  readLink: nothing,
  mkdir: ([options], name) => [toMake(options, name)],
  remove: ([options], name) => [toRemove(options, name)],
  truncate: first,
  chmod: first,
  chown: both,
  utime: both,
};

/** The functions from one path to another. */
const onTwoPaths = ["rename", "copyFile", "link"];

/**
 * Makes Deno's own file functions work on open directories: `Deno.readTextFile("/srv/data/x")` reads `x` in the `Dir` that
 * `mounts` has for `"/srv/data"`.
 *
 * It replaces the functions in the `Deno` object of this thread. `sandbox({ dirs, ambient })` calls it with the directories
 * of the plan.
 *
 * The new functions do not check Deno's permissions to read and write: everything that the directories permit is permitted.
 * This grants nothing new, because `--allow-ffi` permits as much. Requires `--allow-ffi` permission.
 *
 * @param mounts The directories by their paths, which may be relative to `cwd`, or `file:` URLs.
 * @param options The working directory, and the directory for temporary files.
 * @returns A disposable that restores the original functions. In a sandbox it does nothing, because they would fail.
 * @throws {TypeError} If a mount is not an open `Dir`, two mounts have the same path, or an option is unknown or has a wrong type.
 * @throws {Deno.errors.Busy} If the functions are already replaced.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing; the new functions throw it.
 *
 * @example
 * ```ts
 * import { openDirSync } from "jsr:@capsicum/capsicum";
 * import { ambient } from "jsr:@capsicum/capsicum/ambient";
 * import { assert } from "jsr:@std/assert";
 *
 * using etc = openDirSync("/etc");
 * using _originals = ambient({ "/settings": etc }, { cwd: "/settings" });
 * assert(Deno.readTextFileSync("hosts").length > 0);
 * assert(Deno.statSync("/settings/./hosts").isFile);
 * ```
 */
export function ambient(mounts: Readonly<Record<string, Dir>>, options: AmbientOptions = {}): Disposable {
  return replacing(new Mounts("ambient()", mounts, options));
}

let inForce = false;

/** Replaces the functions of `Deno`. */
export function replacing(mounts: Mounts): Disposable {
  if (inForce) {
    throw new Deno.errors.Busy(
      "ambient(): the functions are already replaced (EBUSY). Dispose of the earlier result first, before a sandbox is entered.",
    );
  }
  // On Linux a source map that is read in the sandbox may end Deno by a panic.
  readStack(() => mounts.find("ambient()", ""));
  const deno = Deno as unknown as Calls;
  const own = functionsOver(mounts, { ...deno });
  const originals = Object.fromEntries(Object.keys(own).map((name) => [name, deno[name]!]));
  Object.assign(deno, own);
  Object.defineProperty(Deno.FsFile, Symbol.hasInstance, { value: isFile, configurable: true });
  // @std/path asks it first. Deno loads it at first use, which fails in a sandbox.
  const { process } = globalThis as unknown as { process: Calls };
  const { cwd, chdir } = process;
  Object.assign(process, { cwd: own.cwd, chdir: own.chdir });
  inForce = true;
  return {
    [Symbol.dispose]() {
      if (!inForce || sandboxed()) return;
      Object.assign(deno, originals);
      Object.assign(process, { cwd, chdir });
      delete (Deno.FsFile as { [Symbol.hasInstance]?: unknown })[Symbol.hasInstance];
      inForce = false;
    },
  };
}

/** What `instanceof Deno.FsFile` answers: the file of a `Dir` has all of its methods. */
function isFile(this: unknown, value: unknown): boolean {
  return Function.prototype[Symbol.hasInstance].call(this, value) ||
    this === Deno.FsFile && value instanceof FdFile;
}

/** The functions that stand for Deno's own, by their names. */
function functionsOver(mounts: Mounts, deno: Calls): Calls {
  const find = (name: string, path: unknown) => mounts.find(`Deno.${name}()`, path as string | URL);
  const absolute = (path: unknown) => mounts.absolute(path as string | URL);
  const calls: Calls = {
    cwd: () => mounts.cwd,
    chdir(path) {
      const at = find("chdir", path);
      if (at) mounts.cwd = realPathOf(at);
      else {
        deno.chdir!(absolute(path));
        mounts.cwd = deno.cwd!() as string;
      }
    },
    readDirSync(path) {
      const at = find("readDirSync", path);
      return at ? at.dir.readDirSync(at.rest) : deno.readDirSync!(absolute(path));
    },
    readDir: (path) => ({
      async *[Symbol.asyncIterator]() {
        const at = find("readDir", path);
        yield* at ? at.dir.readDir(at.rest) : deno.readDir!(absolute(path)) as AsyncIterable<Deno.DirEntry>;
      },
    }),
  };
  const add = (name: string, call: (name: string) => Call) => {
    calls[`${name}Sync`] = call(`${name}Sync`);
    const promise = call(name);
    calls[name] = async (...args) => await promise(...args);
  };
  for (const [name, rest] of Object.entries(onOnePath)) {
    add(name, (name) => (path, ...args) => {
      const at = find(name, path);
      if (!at) return deno[name]!(absolute(path), ...args);
      const result = methodsOf(at)[name]!(at.rest, ...rest(args, name));
      return name.startsWith("realPath") ? then(result, (path) => pathIn(at, path as string)) : result;
    });
  }
  for (const name of onTwoPaths) {
    add(name, (name) => (from, to) => {
      const one = find(name, from), other = find(name, to);
      if (!one || !other) return deno[name]!(absolute(from), absolute(to));
      return methodsOf(one)[name]!(one.rest, other.dir, other.rest);
    });
  }
  add("symlink", (name) => (target, path, options) => {
    const at = find(name, path);
    if (!at) return deno[name]!(target, absolute(path), options);
    return methodsOf(at)[name]!(pathOf(target as string | URL), at.rest);
  });
  for (const name of ["makeTempDir", "makeTempFile"]) {
    add(name, (name) => (options) => {
      const { dir } = (options ?? {}) as Deno.MakeTempOptions,
        parent = dir ?? mounts.tempDir,
        at = find(name, parent);
      if (!at) return deno[name]!(dir === undefined ? options : { ...options as object, dir: absolute(dir) });
      const made = methodsOf(at)[name]!({ ...toName(options, name), dir: at.rest });
      return then(made, (path) => `${parent.replace(/(?<!\/)$/, "/")}${(path as string).split("/").at(-1)}`);
    });
  }
  return named(calls);
}

/** Gives each function its name, for stack traces. */
export function named(calls: Calls): Calls {
  for (const [name, value] of Object.entries(calls)) Object.defineProperty(value, "name", { value: name });
  return calls;
}

function methodsOf({ dir }: Mounted): Calls {
  return dir as unknown as Calls;
}

function then(result: unknown, use: (value: unknown) => unknown): unknown {
  return result instanceof Promise ? result.then(use) : use(result);
}

/** The path of a directory, without symlinks below the mount. */
function realPathOf(at: Mounted): string {
  return pathIn(at, at.dir.realPathSync(at.rest.replace(/\/?$/, "/")));
}
