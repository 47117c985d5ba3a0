/** Finds paths by patterns. */
import type { FdLike } from "../../ffi/fd_like.ts";
import { stat } from "./attributes.ts";
import { isPattern, namePattern, type NamePatternOptions } from "./_glob_name.ts";
import { realPath } from "./_names.ts";
import { aBoolean, aFunction, arrayOf, aString, type Check } from "./options.ts";
import { checkedPath, joined } from "./_path.ts";
import { inTurns } from "./_turns.ts";
import { type WalkEntry, walking } from "./walk.ts";

/** The options of `Dir.expandGlob`, as those of `@std/fs`. */
export interface ExpandGlobOptions {
  /** The directory below the `Dir` that patterns and `exclude` are relative to. Default: the `Dir` itself. */
  root?: string;
  /** Patterns of what is neither given nor gone into. */
  exclude?: string[];
  /** Whether directories are given. Default: true. */
  includeDirs?: boolean;
  /** Whether symlinks are followed, as far as they stay in the `Dir`. Default: false. */
  followSymlinks?: boolean;
  /** Whether what a followed symlink leads to has the path that it has without symlinks. Default: true. */
  canonicalize?: boolean;
  /** Whether `@(a|b)`, `?(a)`, `*(a)`, `+(a)` and `!(a)` mean something. Default: true. */
  extended?: boolean;
  /** Whether a component `**` means any number of components. Default: true. */
  globstar?: boolean;
  /** Whether small and capital letters count as the same. Default: false. */
  caseInsensitive?: boolean;
  /**
   * Gets the error of a directory that can't be opened or read, and its path; then the search goes on. Default: the first
   * error is thrown.
   */
  onError?: (error: Error, path: string) => void;
}

/** A check for each of these options. */
export const GLOB_OPTIONS: Readonly<Record<keyof ExpandGlobOptions, Check>> = {
  root: aString,
  exclude: arrayOf(aString, "strings"),
  includeDirs: aBoolean,
  followSymlinks: aBoolean,
  canonicalize: aBoolean,
  extended: aBoolean,
  globstar: aBoolean,
  caseInsensitive: aBoolean,
  onError: aFunction,
};

/** Any number of components. */
const GLOBSTAR = Symbol("**");
type Pattern = readonly (RegExp | typeof GLOBSTAR)[];

/** What a pattern means, in the order in which it is found. */
export function* globbing(
  dir: FdLike,
  glob: string,
  options: ExpandGlobOptions,
): Generator<WalkEntry, void, undefined> {
  const { root = ".", exclude = [], includeDirs = true, followSymlinks = false, canonicalize = true } =
    options;
  const { extended = true, globstar = true, caseInsensitive = false, onError } = options;
  const compile = (names: string[]) => patternOf(names, globstar, { extended, caseInsensitive });
  const names = namesOf(checkedPath(glob));
  const fixed = names.findIndex((name) => isPattern(name));
  const prefix = fixed < 0 ? names : names.slice(0, fixed);
  const start = [root, ...prefix].reduce(joined);
  const pattern = compile(names.slice(prefix.length)),
    excluded = exclude.map((glob) => compile(namesOf(glob)));
  const first = entryIfThere(dir, glob.startsWith("/") ? glob : start);
  if (first === undefined) return;

  const below = (path: string) => namesOf(path).slice(namesOf(start).length);
  const isExcluded = (names: string[]) => excluded.some((pattern) => matches(pattern, [...prefix, ...names]));
  const isGiven = (entry: Deno.DirEntry, names: string[]) =>
    matches(pattern, names) && !isExcluded(names) && (!entry.isDirectory || includeDirs) &&
    (!glob.endsWith("/") || entry.isDirectory);
  const isReached = prefix.every((_, i) =>
    !excluded.some((pattern) => matches(pattern, prefix.slice(0, i + 1)))
  );
  if (!isReached) return;
  if (!first.isDirectory || pattern.length === 0) {
    if (isGiven(first, [])) yield { path: start, ...first };
    return;
  }
  const maxDepth = pattern.includes(GLOBSTAR) ? Infinity : pattern.length;
  const goesInto = (path: string) => begins(pattern, below(path));
  const isIgnored = (path: string) => isExcluded(below(path));
  const walk = walking(
    dir,
    start,
    { maxDepth, followSymlinks, canonicalize: false, ...(onError ? { onError } : {}) },
    { goesInto, isIgnored, reportsRoot: true },
  );
  for (const entry of walk) {
    if (!isGiven(entry, below(entry.path))) continue;
    yield followSymlinks && canonicalize ? { ...entry, path: realPath(dir, entry.path) } : entry;
  }
}

/** As `@std/fs` gives them: sorted by path, none twice. */
export function sorted(entries: WalkEntry[]): WalkEntry[] {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  return [...byPath.values()].sort((a, b) => a.path < b.path ? -1 : 1);
}

/** The same for `await`, found in turns with the event loop. */
export async function* sortedInTurns(
  entries: Iterable<WalkEntry>,
): AsyncGenerator<WalkEntry, void, undefined> {
  yield* sorted(await Array.fromAsync(inTurns(entries)));
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

function patternOf(names: string[], globstar: boolean, options: NamePatternOptions): Pattern {
  return names.map((name) => globstar && name === "**" ? GLOBSTAR : namePattern(name, options));
}

function matches(pattern: Pattern, names: string[]): boolean {
  return states(pattern, names).has(pattern.length);
}

/** Whether what lies below a path may match. */
function begins(pattern: Pattern, names: string[]): boolean {
  return states(pattern, names).values().some((state) => state < pattern.length);
}

/** How many components of a pattern some names may have used up. */
function states(pattern: Pattern, names: string[]): Set<number> {
  let states = new Set([0]);
  const skipStars = () => {
    for (const state of states) if (pattern[state] === GLOBSTAR) states.add(state + 1);
  };
  skipStars();
  for (const name of names) {
    const next = new Set<number>();
    for (const state of states) {
      const part = pattern[state];
      if (part === GLOBSTAR) next.add(state);
      else if (part?.test(name)) next.add(state + 1);
    }
    states = next;
    skipStars();
  }
  return states;
}

function entryIfThere(dir: FdLike, path: string): Deno.DirEntry | undefined {
  try {
    const { isFile, isDirectory, isSymlink } = stat(dir, path);
    return { name: path.slice(path.lastIndexOf("/") + 1), isFile, isDirectory, isSymlink };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
