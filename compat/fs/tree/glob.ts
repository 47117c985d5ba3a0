/**
 * Finds paths by patterns: one for each component, where `**` matches any number of components.
 *
 * @module
 */
import { codeOf } from "../../../ffi/failure.ts";
import { quoted } from "../../../ffi/errors.ts";
import type { FdLike } from "../../../ffi/values.ts";
import { stat } from "../entries.ts";
import { inTurns } from "../io/waiting.ts";
import { realPath } from "../links.ts";
import { aBoolean, aFunction, arrayOf, aString, type Check } from "../options.ts";
import { checkedPath, joined, normalized } from "../path/components.ts";
import { isPattern, type NamePattern, namePattern, type NamePatternOptions } from "./_glob_name.ts";
import { type WalkEntry, walking } from "./walk.ts";

/** The options of `Dir.expandGlob`, the same as in `@std/fs`. */
export interface ExpandGlobOptions {
  /** The directory below the `Dir` that patterns and `exclude` are relative to. Default: the `Dir` itself. */
  root?: string;
  /** Patterns of paths to leave out; a directory is left out with everything in it. */
  exclude?: string[];
  /** Whether directories are included. Default: true. */
  includeDirs?: boolean;
  /** Whether symlinks are followed if they stay in the `Dir`. Default: false. */
  followSymlinks?: boolean;
  /** Whether the target of a followed symlink is listed by its real path. Default: true. */
  canonicalize?: boolean;
  /** Whether `@(a|b)`, `?(a)`, `*(a)`, `+(a)` and `!(a)` are special. Default: true. */
  extended?: boolean;
  /** Whether a component `**` matches any number of components. Default: true. */
  globstar?: boolean;
  /** Whether patterns ignore case. Default: false. */
  caseInsensitive?: boolean;
  /**
   * Is called with the error of a directory that can't be opened or read, and with its path; then the search goes on.
   * Default: the first error is thrown.
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

/** A part of a pattern: the path to a directory, and the patterns to match in that directory. */
interface Stage {
  /** Names; any of them may be "..". */
  readonly way: string[];
  /** Patterns; the first is not a plain name, and none is "..". */
  readonly pattern: string[];
}

/** The entries that a pattern matches, in the order in which they are found. */
export function* globbing(
  dir: FdLike,
  glob: string,
  options: ExpandGlobOptions,
): Generator<WalkEntry, void, undefined> {
  const { root = ".", includeDirs = true } = options;
  const search = new Search(dir, checkedPath(root), options);
  // stat() refuses an absolute path, which leaves the directory.
  for (const path of [root, checkedPath(glob)]) if (path.startsWith("/")) stat(dir, path);
  const isDirectoryWanted = /\/\.?$/.test(glob), stages = stagesOf(namesOf(glob)), last = stages.pop()!;
  let starts = [root];
  for (const stage of stages) {
    const found = starts.flatMap((start) => [...search.entries(start, stage)]);
    starts = [...new Set(found.filter(({ isDirectory }) => isDirectory).map(({ path }) => path))];
  }
  for (const start of starts) {
    for (const entry of search.entries(start, last)) {
      if (entry.isDirectory ? includeDirs : !isDirectoryWanted) yield* search.canonical(entry);
    }
  }
}

class Search {
  readonly #dir: FdLike;
  readonly #options: ExpandGlobOptions;
  readonly #excluded: readonly PathPattern[];
  readonly #rootNames: readonly string[];

  constructor(dir: FdLike, root: string, options: ExpandGlobOptions) {
    this.#dir = dir;
    this.#options = options;
    this.#rootNames = resolved(namesOf(root));
    this.#excluded = (options.exclude ?? []).map((glob) => this.#compile(excludedNames(glob)));
  }

  /** The entries that one part of a pattern matches, starting at a directory that the part before it matched. */
  *entries(from: string, { way, pattern }: Stage): Generator<WalkEntry, void, undefined> {
    const start = this.#attempt(
      from,
      () => way.reduce((path, name) => this.#go(path, name), normalized(from)),
    );
    const info = start === undefined ? undefined : this.#attempt(start, () => stat(this.#dir, start));
    if (start === undefined || info === undefined) return;
    const names = resolved(namesOf(start)), least = Math.min(names.length, this.#rootNames.length);
    const matcher = new PathMatcher(this.#compile(pattern), start, []);
    const excluded = this.#excluded.map((pattern) => new PathMatcher(pattern, start, names.slice(least)));
    const isExcluded = (path: string) => excluded.some((pattern) => pattern.means(path));
    for (let length = least; length <= names.length; length++) {
      const way = names.slice(least, length);
      if (this.#excluded.some((pattern) => new PathMatcher(pattern, ".", way).means("."))) return;
    }
    if (!info.isDirectory || pattern.length === 0) {
      const { isFile, isDirectory, isSymlink } = info, name = start.slice(start.lastIndexOf("/") + 1);
      if (matcher.means(start, info.isDirectory)) yield { path: start, name, isFile, isDirectory, isSymlink };
      return;
    }
    const { followSymlinks = false, onError } = this.#options;
    const walk = { followSymlinks, canonicalize: false, ...(onError === undefined ? {} : { onError }) };
    const goesInto = (path: string) => matcher.reachesBelow(path);
    for (
      const entry of walking(this.#dir, start, walk, { goesInto, isIgnored: isExcluded, reportsRoot: true })
    ) {
      if (matcher.means(entry.path, entry.isDirectory) && !isExcluded(entry.path)) yield entry;
    }
  }

  /** The same entry, by its real path if the options ask for that. */
  *canonical(entry: WalkEntry): Generator<WalkEntry, void, undefined> {
    const { followSymlinks, canonicalize = true } = this.#options;
    if (!followSymlinks || !canonicalize) return yield entry;
    const path = this.#attempt(entry.path, () => realPath(this.#dir, entry.path));
    if (path !== undefined) yield { ...entry, path };
  }

  #compile(names: readonly string[]): PathPattern {
    const { extended = true, globstar = true, caseInsensitive = false } = this.#options;
    return pathPattern(names, { extended, globstar, caseInsensitive });
  }

  /** The path of a name in a directory; ".." is resolved as the kernel does it. */
  #go(path: string, name: string): string {
    const above = joined(path, name);
    return name === ".." ? realPath(this.#dir, above) : above;
  }

  /** Returns undefined for a path that does not exist, and after an error that `onError` handled. */
  #attempt<T>(path: string, use: () => T): T | undefined {
    try {
      return use();
    } catch (error) {
      const { onError } = this.#options, code = codeOf(error);
      if (code === "ENOENT" || code === "ENOTDIR") return undefined;
      if (onError === undefined || code === undefined || code === "ENOTCAPABLE") throw error;
      onError(error as Error, path);
      return undefined;
    }
  }
}

/** The entries in the order of `@std/fs`: sorted by path, without duplicates. */
export function sorted(entries: WalkEntry[]): WalkEntry[] {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  return [...byPath.values()].sort((a, b) => a.path < b.path ? -1 : 1);
}

/** The same, asynchronously: the search takes turns with the event loop. */
export async function* sortedInTurns(
  entries: Iterable<WalkEntry>,
): AsyncGenerator<WalkEntry, void, undefined> {
  yield* sorted(await Array.fromAsync(inTurns(entries)));
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

function stagesOf(names: readonly string[]): Stage[] {
  const stages: Stage[] = [{ way: [], pattern: [] }];
  for (const name of names) {
    const { way, pattern } = stages.at(-1)!;
    if (pattern.length === 0 && !isPattern(name)) way.push(name);
    else if (name === "..") stages.push({ way: [name], pattern: [] });
    else pattern.push(name);
  }
  return stages;
}

/** Resolves ".." by the text of the names, without a lookup. */
function resolved(names: readonly string[]): string[] {
  const left: string[] = [];
  for (const name of names) {
    if (name === "..") left.pop();
    else left.push(name);
  }
  return left;
}

/** The names of an exclude pattern, which is matched against paths and never looked up. */
function excludedNames(glob: string): string[] {
  const names = namesOf(checkedPath(glob));
  const isOutside =
    names.reduce((depth, name) => depth < 0 ? depth : name === ".." ? depth - 1 : depth + 1, 0) < 0;
  if (glob.startsWith("/") || isOutside || names.includes("..") && names.includes("**")) {
    const why = "must be relative to the root, stay in it, and not have both ** and ..";
    throw new TypeError(`expandGlob(): the exclude pattern ${quoted(glob)} ${why}.`);
  }
  return resolved(names);
}

interface PathPatternOptions extends NamePatternOptions {
  /** Whether a component `**` matches any number of components. */
  globstar: boolean;
}

/** Any number of components. */
const GLOBSTAR = Symbol("**");

type PathPattern = readonly (NamePattern | typeof GLOBSTAR)[];

function pathPattern(names: readonly string[], options: PathPatternOptions): PathPattern {
  const parts = names.map((name) =>
    options.globstar && name === "**" ? GLOBSTAR : namePattern(name, options)
  );
  return parts.filter((part, i) => part !== GLOBSTAR || parts[i - 1] !== GLOBSTAR);
}

/** The numbers of pattern components that some names may have used up, in ascending order. */
type States = readonly number[];

/** Matches paths below one directory. It keeps the states of the last path, because its entries usually come next. */
class PathMatcher {
  readonly #pattern: PathPattern;
  readonly #top: { readonly path: string; readonly states: States };
  #last: { readonly path: string; readonly states: States };
  #above: { readonly path: string; readonly states: States };

  /**
   * @param top The path of the directory, with which the path of each entry begins.
   * @param names The components that the pattern sees in place of that path.
   */
  constructor(pattern: PathPattern, top: string, names: readonly string[]) {
    this.#pattern = pattern;
    this.#top = {
      path: top,
      states: names.reduce((states, name) => this.#after(states, name), this.#passed([0])),
    };
    this.#last = this.#above = this.#top;
  }

  /** Whether the pattern matches a path. For a file, a last `**` must match at least one component. */
  means(path: string, isDirectory = true): boolean {
    const last = this.#pattern.length - 1;
    if (this.#statesOf(path).at(-1) !== last + 1) return false;
    if (isDirectory || this.#pattern[last] !== GLOBSTAR) return true;
    return path !== this.#top.path && this.#above.states.includes(last);
  }

  /** Whether the pattern may match something below a path. */
  reachesBelow(path: string): boolean {
    const first = this.#statesOf(path)[0];
    return first !== undefined && first < this.#pattern.length;
  }

  #statesOf(path: string): States {
    if (path === this.#last.path) return this.#last.states;
    const slash = path.lastIndexOf("/"), name = path.slice(slash + 1);
    const above = slash < 0 ? "." : path.slice(0, slash);
    if (above !== this.#above.path) this.#above = { path: above, states: this.#find(above) };
    this.#last = path === this.#top.path
      ? this.#top
      : { path, states: this.#after(this.#above.states, name) };
    return this.#last.states;
  }

  #find(path: string): States {
    const { path: top, states } = this.#top;
    if (path === top || path.length < top.length) return states;
    const names = path.slice(top === "." ? 0 : top.length + 1).split("/");
    return names.reduce((states, name) => this.#after(states, name), states);
  }

  #after(states: States, name: string): States {
    const next: number[] = [];
    for (const state of states) {
      const part = this.#pattern[state];
      if (part === GLOBSTAR) next.push(state);
      else if (part?.test(name)) next.push(state + 1);
    }
    return this.#passed(next);
  }

  /** Adds the states that are reached if `**` matches no component. */
  #passed(states: number[]): States {
    const all = new Set<number>();
    for (const state of states) {
      all.add(state);
      if (this.#pattern[state] === GLOBSTAR) all.add(state + 1);
    }
    return [...all].sort((a, b) => a - b);
  }
}
