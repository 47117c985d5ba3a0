/**
 * Calls every method of `Dir` with a path that an attacker controls.
 *
 * @module
 */
import type { Dir } from "../../../mod.ts";
import { type Attempt, attemptsOn, type Place } from "./_attack_shapes.ts";

/** Calls a method by its name without `Sync`: either the synchronous or the asynchronous twin. */
type Call = (method: string, ...args: readonly unknown[]) => unknown;

export interface Use {
  /** The name of the method without `Sync`, and the variant. */
  name: string;
  /** Whether success means that a last symlink was followed. */
  follows: boolean;
  /** Whether it changes something if it succeeds. */
  writes: boolean;
  /** Returns what the caller learns; `id` is a unique number. */
  run(call: Call, path: string, dir: Dir, id: number): unknown;
}

const bytes = new Uint8Array([105, 110]);

/** Opens a file, and uses it as the options permit. */
async function useFile(call: Call, path: string, options: Deno.OpenOptions): Promise<unknown> {
  using file = await call("open", path, options) as Deno.FsFile;
  const info = file.statSync();
  // Reading a FIFO would wait.
  if (!info.isFile) return info;
  if (options.write || options.append) file.writeSync(bytes);
  const buffer = new Uint8Array(64);
  return options.read ? [info, file.readSync(buffer), buffer] : info;
}

async function useDir(call: Call, path: string): Promise<unknown> {
  using dir = await call("openDir", path) as Dir;
  return [dir.statSync(), dir.listSync(), [...dir.readDirSync()]];
}

const collect = async (entries: unknown) => {
  const found: unknown[] = [];
  for await (const entry of await entries as AsyncIterable<unknown>) found.push(entry);
  return found;
};

const follows = true, names = false;
type Kind = [name: string, follows: boolean, run: Use["run"]];

const reading: Kind[] = [
  ["stat", follows, (call, path) => call("stat", path)],
  ["lstat", names, (call, path) => call("lstat", path)],
  ["exists", follows, (call, path) => call("exists", path)],
  ["exists, isReadable", follows, (call, path) => call("exists", path, { isReadable: true, isFile: true })],
  ["realPath", follows, (call, path) => call("realPath", path)],
  ["readLink", names, async (call, path) => `${await call("readLink", path)}`.length],
  ["open", follows, (call, path) => useFile(call, path, { read: true })],
  ["openDir", follows, useDir],
  ["readFile", follows, (call, path) => call("readFile", path)],
  ["readTextFile", follows, (call, path) => call("readTextFile", path)],
  ["readTextFileLines", follows, (call, path) => collect(call("readTextFileLines", path))],
  ["readDir", follows, (call, path) => collect(call("readDir", path))],
  ["list", follows, (call, path) => call("list", path)],
  ["walk", follows, (call, path) => collect(call("walk", path, { maxDepth: 3 }))],
  ["walk, followSymlinks", follows, (call, path) => {
    return collect(call("walk", path, { maxDepth: 2, followSymlinks: true, skip: [/nest/] }));
  }],
  ["expandGlob", follows, (call, path) => collect(call("expandGlob", path))],
  ["expandGlob, *", follows, (call, path) => collect(call("expandGlob", `${path}/*`))],
  ["expandGlob, root", follows, (call, path) => collect(call("expandGlob", "*", { root: path }))],
];

const writing: Kind[] = [
  ["open, write", follows, (call, path) => useFile(call, path, { read: true, write: true })],
  ["open, append", follows, (call, path) => useFile(call, path, { append: true, create: true })],
  ["open, createNew", follows, (call, path) => useFile(call, path, { write: true, createNew: true })],
  ["create", follows, async (call, path) => (await call("create", path) as Deno.FsFile).close()],
  ["writeFile", follows, (call, path) => call("writeFile", path, bytes)],
  ["writeFile, mode", follows, (call, path) => call("writeFile", path, bytes, { mode: 0o601 })],
  ["writeTextFile", follows, (call, path) => call("writeTextFile", path, "in", { append: true })],
  ["writeFileAtomic", names, (call, path) => call("writeFileAtomic", path, bytes)],
  ["chmod", follows, (call, path) => call("chmod", path, 0o777)],
  ["chown", follows, (call, path) => call("chown", path, null, null)],
  ["utime", follows, (call, path) => call("utime", path, 1, 1)],
  ["truncate", follows, (call, path) => call("truncate", path, 1)],
  ["mkdir", follows, (call, path) => call("mkdir", path)],
  ["mkdir, recursive", follows, (call, path) => call("mkdir", path, { recursive: true })],
  ["ensureDir", follows, (call, path) => call("ensureDir", path)],
  ["ensureFile", follows, (call, path) => call("ensureFile", path)],
  ["mkfifo", follows, (call, path) => call("mkfifo", path)],
  ["makeTempFile", follows, (call, path) => call("makeTempFile", { dir: path })],
  ["makeTempDir", follows, (call, path) => call("makeTempDir", { dir: path })],
  ["symlink", follows, (call, path) => call("symlink", "../outside/target", path)],
  ["link", names, (call, path, _dir, id) => call("link", path, `linked${id}`)],
  ["link, to", follows, (call, path) => call("link", "file", path)],
  ["link, toDir", follows, (call, path, dir) => call("link", "file", dir, path)],
  ["copyFile", follows, (call, path, _dir, id) => call("copyFile", path, `copied${id}`)],
  ["copyFile, to", follows, (call, path) => call("copyFile", "file", path)],
  ["copyFile, toDir", follows, (call, path, dir) => call("copyFile", "file", dir, path)],
  ["copy", names, (call, path, _dir, id) => call("copy", path, `copied${id}`)],
  ["copy, to", names, (call, path) => call("copy", "nest", path, { overwrite: true })],
  ["copy, toDir", names, (call, path, dir) => {
    return call("copy", "file", dir, path, { overwrite: true, preserveTimestamps: true });
  }],
  ["emptyDir", follows, (call, path) => call("emptyDir", path)],
  ["remove", names, (call, path) => call("remove", path)],
  ["remove, recursive", names, (call, path) => call("remove", path, { recursive: true })],
  ["rename", names, (call, path, _dir, id) => call("rename", path, `renamed${id}`)],
  ["rename, to", names, async (call, path, dir, id) => {
    dir.writeTextFileSync(`new${id}`, "inside");
    await call("rename", `new${id}`, path);
  }],
  ["rename, toDir", names, async (call, path, dir, id) => {
    dir.mkdirSync(`new${id}`);
    await call("rename", `new${id}`, dir, path);
  }],
];

export const uses: readonly Use[] = [reading, writing].flatMap((kinds) =>
  kinds.map(([name, follows, run]) => ({ name, follows, run, writes: kinds === writing }))
);

/** The method that a use calls, by its name. */
export function methodOf({ name }: Use): string {
  return name.split(",")[0]!;
}

/** The name of the directory of a use. Those that change nothing share one. */
export function directoryOf(use: number): string {
  return uses[use]!.writes ? `root${use}` : "root";
}

/** The directory of a use, as the shapes need it. */
export function placeOf(above: string, use: number): Place {
  return { above, name: directoryOf(use), anywhere: !uses[use]!.writes };
}

/** The paths that a use tries: one of so many, other ones than the use before it. */
export function attemptsOf(above: string, use: number, every: number): Attempt[] {
  return attemptsOn(placeOf(above, use)).filter((_, i) => (i + use) % every === 0);
}

/** Runs a use by the synchronous or the asynchronous twin. */
export async function attempt(
  use: Use,
  dir: Dir,
  path: string,
  isSync: boolean,
  id: number,
): Promise<unknown> {
  const methods = dir as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
  return await use.run(
    (method, ...args) => methods[isSync ? `${method}Sync` : method]!(...args),
    path,
    dir,
    id,
  );
}

/** The files outside, as they would appear in the result of a successful attack. */
export interface Outside {
  /** Device and inode of each directory and file, joined by ":". */
  ids: readonly string[];
}

/** Returns what a result reveals of the files outside; undefined if it reveals nothing. */
export function leakIn(value: unknown, outside: Outside): string | undefined {
  if (typeof value === "string") {
    return /CANARY|canary-/.test(value) ? `the text ${JSON.stringify(value)}` : undefined;
  }
  if (value instanceof Uint8Array) return leakIn(new TextDecoder("latin1").decode(value), outside);
  if (typeof value !== "object" || value === null) return undefined;
  const { dev, ino } = value as Partial<Deno.FileInfo>;
  if (ino !== undefined && outside.ids.includes(`${dev}:${ino}`)) return `the inode ${ino}`;
  return Object.values(value).map((part) => leakIn(part, outside)).find((leak) => leak !== undefined);
}
