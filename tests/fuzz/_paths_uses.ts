/**
 * The uses of a `Dir` and of the functions that `ambient()` replaces: those of the attack tests, and more options.
 *
 * @module
 */
import { ambient } from "../../compat/ambient/mod.ts";
import type { Dir, FdFile } from "../../mod.ts";
import { attempt as attemptOn, methodOf, type Use, uses as attacks } from "../compat/fs/_attack_calls.ts";

/** How a use is called: on a `Dir` or, with an absolute path, as a function of `Deno`. */
export type Way = "sync" | "async" | "ambient sync" | "ambient async";
export const ways: readonly Way[] = ["sync", "async", "ambient sync", "ambient async"];

const bytes = new Uint8Array([105, 110]);
type Call = Parameters<Use["run"]>[0];

async function open(call: Call, path: string, options: object): Promise<Deno.FileInfo> {
  using file = await call("open", path, options) as FdFile;
  return file.statSync();
}

async function collected(entries: unknown): Promise<unknown[]> {
  return await Array.fromAsync(await entries as AsyncIterable<unknown>);
}

const more: Readonly<Record<string, Use["run"]>> = {
  "exists, isDirectory": (call, path) => call("exists", path, { isDirectory: true }),
  "open, noFollow": (call, path) => open(call, path, { read: true, noFollow: true }),
  "open, truncate": (call, path) => open(call, path, { write: true, truncate: true }),
  "writeFile, createNew": (call, path) => call("writeFile", path, bytes, { createNew: true }),
  "writeFile, existing": (call, path) => call("writeFile", path, bytes, { create: false }),
  "writeFileAtomic, mode": (call, path) => call("writeFileAtomic", path, bytes, { mode: 0o640 }),
  "truncate, 20": (call, path) => call("truncate", path, 20),
  "chmod, 0o750": (call, path) => call("chmod", path, 0o750),
  "walk, maxDepth": (call, path) => collected(call("walk", path, { maxDepth: 1 })),
  "mkdir, unknown": (call, path) => call("mkdir", path, { recursve: true }),
  "mkdir, mode": (call, path) => call("mkdir", path, { mode: 0o700 }),
  "rename, new": (call, path, _dir, id) => call("rename", path, `renamed${id}`, { replace: false }),
  "rename, below": (call, path, _dir, id) => call("rename", path, `${path}/below${id}`, { replace: false }),
  "rename, to, new": async (call, path, dir, id) => {
    dir.writeTextFileSync(`new${id}`, "inside");
    await call("rename", `new${id}`, path, { replace: false });
  },
};

export const uses: readonly Use[] = [
  ...attacks,
  ...Object.entries(more).map(([name, run]) => ({ name, run, follows: false, writes: true })),
];

/** The functions that `ambient()` replaces and whose results are those of `Dir`, and which of their arguments are paths. */
const paths: Readonly<Record<string, readonly number[]>> = {
  ...Object.fromEntries(
    [
      "stat",
      "lstat",
      "readLink",
      "open",
      "readFile",
      "readTextFile",
      "readDir",
      "create",
      "writeFile",
      "writeTextFile",
    ]
      .map((name) => [name, [0]]),
  ),
  ...Object.fromEntries(
    ["chmod", "chown", "utime", "truncate", "mkdir", "remove"].map((name) => [name, [0]]),
  ),
  ...Object.fromEntries(["rename", "link", "copyFile"].map((name) => [name, [0, 1]])),
  symlink: [1],
};
/** The directory of absolute paths, which does not exist. */
const MOUNT = "/capsicum-fuzz";

/**
 * Whether a use can be called this way. The functions of `Deno` resolve ".." by name, and then could act on the machine. Some
 * options exist only in the methods.
 */
export function fits(way: Way, use: Use, path: string): boolean {
  if (!way.startsWith("ambient")) return true;
  return Object.hasOwn(paths, methodOf(use)) && !/toDir|noFollow|new$|below|mode|unknown/.test(use.name) &&
    path !== "" && !path.startsWith("/") && !path.split("/").includes("..") && !/(^|\/)\.?(\/|$)/.test(path);
}

/** Makes one call. */
export async function attempt(use: Use, dir: Dir, path: string, way: Way, id: number): Promise<unknown> {
  if (!way.startsWith("ambient")) return await attemptOn(use, dir, path, way === "sync", id);
  using _originals = ambient({ [MOUNT]: dir }, { cwd: MOUNT });
  const functions = Deno as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
  const call: Call = (name, ...args) => {
    const given = args.map((arg, i) => paths[name]!.includes(i) ? `${MOUNT}/${arg}` : arg);
    return functions[way === "ambient sync" ? `${name}Sync` : name]!(...given);
  };
  return await use.run(call, path, dir, id);
}
