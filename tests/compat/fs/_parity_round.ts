/**
 * Runs random operations on two equal trees, by Deno and by its twin, and compares results, errors and trees.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { normalize } from "@std/path";
import { DenoReference } from "../../_deno_reference.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { type Operation, operation, RandomPaths, start } from "./_parity.ts";
import { differences } from "./_parity_differences.ts";
import { leadsOutside, type Nodes, reasonToSkip } from "./_parity_skips.ts";
import { linesOf, treeOf } from "./_tree.ts";

/** How many operations a round has. */
export const perRound = 500;

/** The result of an operation, as data. */
type Outcome = { value: unknown } | { error: string; code: string | undefined; message: string };

/** Calls a function of Deno or @std/fs, or its twin, by its name. */
export type Call = (method: string, ...args: readonly unknown[]) => unknown;

async function outcomeOf(run: () => unknown): Promise<Outcome> {
  try {
    return { value: await run() };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { code } = error as { code?: string }, { name } = error.constructor;
    // Deno has no class for the other errnos and throws Error.
    const isOther = name === "CapsicumError" && code !== "ENOTCAPABLE" && code !== "ECAPMODE";
    return { error: isOther ? "Error" : name, code, message: error.message };
  }
}

/** Runs an operation and returns the part of its result that must be equal in two trees; `id` is a unique number. */
async function perform({ method, isSync, args }: Operation, id: number, call: Call): Promise<unknown> {
  const name = isSync ? `${method}Sync` : method;
  if (method === "file") return await useFile(args, (...args) => call(isSync ? "openSync" : "open", ...args));
  const result = await call(name, ...args);
  switch (method) {
    case "create":
      (result as Deno.FsFile).close();
      return undefined;
    case "stat":
    case "lstat":
      return known(result as Deno.FileInfo);
    case "utime": {
      const { mtime, atime } = await call("statSync", args[0]) as Deno.FileInfo;
      return { mtime, atime };
    }
    case "readDir": {
      const entries = await Array.fromAsync(result as Iterable<Deno.DirEntry>);
      return entries.sort((a, b) => a.name < b.name ? -1 : 1);
    }
    case "walk": {
      const entries = await Array.fromAsync(result as Iterable<Deno.DirEntry & { path: string }>);
      // @std/fs normalizes ".." in a path, a Dir does not.
      return entries.map((entry) => ({ ...entry, path: normalize(entry.path).replace(/^(\.\/)?$/, ".") }))
        .sort((a, b) => a.path < b.path ? -1 : 1);
    }
    case "makeTempFile":
    case "makeTempDir": {
      const { mode } = await call("lstatSync", result) as Deno.FileInfo;
      const path = (result as string).replace(/[0-9a-f]{10,16}/, `temp${id}`);
      call("renameSync", result, path);
      return [path, mode];
    }
  }
  return result ?? undefined;
}

/** Opens a file and calls several methods on it; an error does not end the others. */
async function useFile([path, options, text, size]: readonly unknown[], open: Call): Promise<unknown> {
  using file = await open(path as string, options) as Deno.FsFile;
  const buffer = new Uint8Array(12);
  const steps = [
    () => file.readSync(buffer),
    () => file.writeSync(new TextEncoder().encode(text as string)),
    () => file.seekSync(size as number, Deno.SeekMode.Start),
    () => file.readSync(buffer),
    () => [...buffer],
    () => void file.truncateSync(size as number),
    () => known(file.statSync()),
  ];
  const results: unknown[] = [];
  for (const step of steps) {
    const outcome = await outcomeOf(step);
    // Deno has no class for EBADF of an open file.
    results.push("error" in outcome ? outcome.code ?? outcome.error : outcome.value);
  }
  return results;
}

/** The members of a file's information that must be equal in two trees. */
function known(info: Deno.FileInfo) {
  const { isFile, isDirectory, isSymlink, size, mode, nlink, uid, gid } = info;
  const types = Object.entries(info).map(([name, value]) =>
    `${name}: ${value instanceof Date ? "Date" : typeof value}`
  );
  const sizes = isDirectory ? {} : { size, nlink };
  return { isFile, isDirectory, isSymlink, mode, uid, gid, ...sizes, types: types.sort() };
}

function sameOutcome(deno: Outcome, dir: Outcome, method: string, used: Set<string>): boolean {
  if (!("error" in deno) || !("error" in dir)) {
    return !("error" in deno) && !("error" in dir) && isEqual(deno.value, dir.value);
  }
  if (deno.error === dir.error && (kernel.simulated || deno.code === dir.code || !deno.code || !dir.code)) {
    return true;
  }
  const row = differences.find(({ methods, from, to, simulated }) =>
    methods.includes(method) && from.includes(describe(deno)) && to.includes(describe(dir)) &&
    (kernel.simulated || !simulated)
  );
  if (row) used.add(row.why);
  return row !== undefined;
}

const describe = ({ error, code }: { error: string; code: string | undefined }) =>
  code === undefined ? error : `${error} ${code}`;

function isEqual(one: unknown, other: unknown): boolean {
  try {
    assertEquals(one, other);
    return true;
  } catch {
    return false;
  }
}

/** What runs the operations beside Deno. */
export interface Twin extends Disposable {
  readonly call: Call;
  /** Why it does something else than Deno and a `Dir` there. */
  reasonToSkip?(operation: Operation, tree: Nodes): string | undefined;
}

/** What the rounds have done. */
export class Tally {
  /** The differences, and the reasons to skip, that applied. */
  readonly used: Set<string> = new Set<string>();
  readonly skipped: Set<string> = new Set<string>();
  /** How often each method worked and failed. */
  readonly done: Map<string, { worked: number; failed: number }> = new Map();
}

/** Runs a round. `twinOf` returns the twin for the tree at a path. */
export async function runRound(seed: number, twinOf: (root: string) => Twin, tally: Tally): Promise<void> {
  using one = new Fixture(start);
  using other = new Fixture(start);
  using twin = twinOf(other.path);
  const deno = new DenoReference(one.path), sides = [deno, new DenoReference(other.path)];
  const random = new RandomPaths(seed);
  let tree = treeOf(one.path);
  for (let count = 0; count < perRound;) {
    random.known = [...tree.keys()].filter((path) => path !== "");
    random.directories = random.known.filter((path) => tree.get(path)!.type === "directory");
    const next = operation(random);
    const reason = reasonToSkip(next, tree) ?? twin.reasonToSkip?.(next, tree);
    if (reason !== undefined) {
      tally.skipped.add(reason);
      continue;
    }
    count++;
    const before = tree;
    const place = () => {
      const shown = Deno.inspect(next, { strAbbreviateSize: 50, breakLength: Infinity, iterableLimit: 9 });
      return `seed ${seed}, operation ${count}: ${shown}\n${linesOf(before).join("\n")}`;
    };
    const expected = await outcomeOf(() =>
      perform(next, count, (method, ...args) => deno.call(method, ...args))
    );
    const got = await outcomeOf(() => perform(next, count, twin.call));
    const counts = tally.done.get(next.method) ?? { worked: 0, failed: 0 };
    tally.done.set(next.method, counts);
    counts["error" in expected ? "failed" : "worked"]++;
    if (!sameOutcome(expected, got, next.method, tally.used)) {
      throw new Error(
        `${place()}\nDeno: ${Deno.inspect(expected)}\ntwin: ${Deno.inspect(got)}`,
      );
    }
    tree = treeOf(one.path);
    const [twins, denos] = [linesOf(treeOf(other.path)), linesOf(tree)];
    if (twins.join("\n") !== denos.join("\n")) assertEquals(twins, denos, place());
    for (const [path, { type }] of tree) {
      if (type !== "symlink" || !leadsOutside(tree, path)) continue;
      for (const side of sides) side.call("removeSync", path);
      tree.delete(path);
    }
  }
}
