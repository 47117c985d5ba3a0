/**
 * Finds paths by patterns: one for each component, where `**` matches any number of components.
 *
 * The pattern of a component has the meaning of `globToRegExp` of `@std/path`; the tests compare the two. Matching takes
 * time linear in the length of the name and of the pattern. A regular expression would backtrack, and a user who may
 * create files could stop the process by a long name. So a pattern becomes a nondeterministic automaton.
 *
 * The automaton reads a name once, from its end. For each position, this finds the states from which the rest of the
 * name is accepted. `!(p)` accepts any text, unless a text that begins at the same position matches `p`. When reading
 * from the end, that is known already.
 *
 * The package is not imported: sandboxed code consists of this library only.
 *
 * @module
 */
import { codeOf } from "../../../ffi/failure.ts";
import { quoted } from "../../../ffi/errors.ts";
import { aBoolean, aFunction, arrayOf, aString, type Check, type FdLike } from "../../../ffi/values.ts";
import { realPath, stat } from "../entries.ts";
import { checkedPath, joined, normalized } from "../path/components.ts";
import { afterPauses, handling, Pause, type WalkEntry, walking } from "./walk.ts";

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
   * `expandGlob` first awaits a promise that it returns, and `expandGlobSync` throws a TypeError for one. Default: the
   * first error is thrown.
   */
  onError?: (error: Error, path: string) => unknown;
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

type Found = Generator<WalkEntry | Pause, void, undefined>;

/** The entries that a pattern matches, in the order in which they are found. */
export function* globbing(
  dir: FdLike,
  glob: string,
  options: ExpandGlobOptions,
): Found {
  const { root = ".", includeDirs = true } = options;
  const search = new Search(dir, checkedPath(root), options);
  // stat() refuses an absolute path, which leaves the directory.
  for (const path of [root, checkedPath(glob)]) if (path.startsWith("/")) stat(dir, path);
  const isDirectoryWanted = /\/\.?$/.test(glob), stages = stagesOf(namesOf(glob)), last = stages.pop()!;
  let starts = [root];
  for (const stage of stages) {
    const found = new Set<string>();
    for (const start of starts) {
      for (const entry of search.entries(start, stage)) {
        if (entry instanceof Pause) yield entry;
        else if (entry.isDirectory) found.add(entry.path);
      }
    }
    starts = [...found];
  }
  for (const start of starts) {
    for (const entry of search.entries(start, last)) {
      if (entry instanceof Pause) yield entry;
      else if (entry.isDirectory ? includeDirs : !isDirectoryWanted) yield* search.canonical(entry);
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
  *entries(from: string, { way, pattern }: Stage): Found {
    const start = yield* this.#attempt(
      from,
      () => way.reduce((path, name) => this.#go(path, name), normalized(from)),
    );
    const info = start === undefined ? undefined : yield* this.#attempt(start, () => stat(this.#dir, start));
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
      if (entry instanceof Pause) yield entry;
      else if (matcher.means(entry.path, entry.isDirectory) && !isExcluded(entry.path)) yield entry;
    }
  }

  /** The same entry, by its real path if the options ask for that. */
  *canonical(entry: WalkEntry): Found {
    const { followSymlinks, canonicalize = true } = this.#options;
    if (!followSymlinks || !canonicalize) return yield entry;
    const path = yield* this.#attempt(entry.path, () => realPath(this.#dir, entry.path));
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
  *#attempt<T>(path: string, use: () => T): Generator<Pause, T | undefined, undefined> {
    try {
      return use();
    } catch (error) {
      const { onError } = this.#options, code = codeOf(error);
      if (code === "ENOENT" || code === "ENOTDIR") return undefined;
      if (onError === undefined || code === undefined || code === "ENOTCAPABLE") throw error;
      yield* handling(onError, error as Error, path);
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
  entries: Iterable<WalkEntry | Pause>,
): AsyncGenerator<WalkEntry, void, undefined> {
  yield* sorted(await Array.fromAsync(afterPauses(entries)));
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

export interface NamePatternOptions {
  /** Whether `@(a|b)`, `?(a)`, `*(a)`, `+(a)` and `!(a)` are special. */
  extended: boolean;
  caseInsensitive: boolean;
}

/** Returns whether the pattern matches a name. */
export interface NamePattern {
  test(name: string): boolean;
}

/** Whether a text is a pattern, and not a plain name. */
export function isPattern(name: string): boolean {
  return /[\\*?[{(]/.test(name);
}

/** A pattern that matches whole names. A malformed pattern matches itself only. */
export function namePattern(pattern: string, options: NamePatternOptions): NamePattern {
  const automaton = compile(pattern, options);
  if (automaton !== undefined) return automaton;
  const same = (text: string) => options.caseInsensitive ? folded(text) : text;
  const itself = same(pattern);
  return { test: (name) => same(name) === itself };
}

/** What matches one UTF-16 code unit: the unit itself, ANY, or a set of units. */
type Unit = number | UnitSet;
const ANY = -1;

interface State {
  readonly id: number;
  /** How many `!( )` enclose the state. */
  readonly depth: number;
  /** The states from which one code unit leads here. */
  readonly reads: { readonly from: State; readonly unit: Unit }[];
  /** The states that lead here without a code unit, unless a text is accepted from `unless`. */
  readonly passes: { readonly from: State; readonly unless?: State }[];
  /** The last position, counted over all names, at which the state accepted the rest. */
  position: number;
}

/** A group that is still open. */
interface Group {
  /** "}" for `{a,b}`, else the sign before "(". */
  readonly sign: string;
  readonly before: State;
  readonly start: State;
  readonly end: State;
}

/** What is known about one position in a name: the states that accept the rest of the name. */
interface Position {
  /** The accepting states that are reached by a code unit. */
  readonly states: readonly State[];
  /** Whether the pattern matches the rest. */
  readonly isMeant: boolean;
  /** Whether the pattern matches no text that ends with the rest. */
  readonly isHopeless: boolean;
  /** The position before this one, for each code unit there. */
  readonly before: Map<number, Position>;
}

/** How many positions are cached for later names, and how many states such a position has at most. */
const KEPT = 4096, FEW = 64;

class Automaton implements NamePattern {
  readonly #start: State;
  readonly #end: State;
  /** The ends of the patterns in `!( )`: a text may end there at any position. */
  readonly #inner: readonly State[];
  readonly #fold: boolean;
  /** The states of the position that is being computed, by depth. */
  readonly #states: State[][];
  #position = 0;
  /** The positions so far, so that equal positions are the same object. */
  readonly #known = new Map<string, Position>();
  #kept = 0;
  #last: Position | undefined;

  constructor(start: State, end: State, inner: readonly State[], fold: boolean) {
    this.#start = start;
    this.#end = end;
    this.#inner = inner;
    this.#fold = fold;
    const deepest = inner.reduce((most, { depth }) => Math.max(most, depth), 0);
    this.#states = Array.from({ length: deepest + 1 }, () => []);
  }

  test(name: string): boolean {
    let position = this.#last ??= this.#find([this.#end]);
    for (let at = name.length - 1; at >= 0 && !position.isHopeless; at--) {
      const unit = this.#fold ? foldedUnit(name.charCodeAt(at)) : name.charCodeAt(at);
      position = position.before.get(unit) ?? this.#before(position, unit);
    }
    return position.isMeant;
  }

  #before(position: Position, unit: number): Position {
    const from: State[] = [];
    for (const { reads } of position.states) {
      for (const read of reads) if (isOf(unit, read.unit)) from.push(read.from);
    }
    const before = this.#find(from);
    if (before.states.length > FEW) return before;
    if (++this.#kept > KEPT) {
      this.#known.clear();
      this.#last = undefined;
      this.#kept = 0;
    }
    const key = `${before.isMeant} ${before.isHopeless} ${
      before.states.map(({ id }) => id).sort((a, b) => a - b)
    }`;
    const known = this.#known.get(key) ?? before;
    this.#known.set(key, known);
    position.before.set(unit, known);
    return known;
  }

  /** Adds the states that lead to others without a code unit, deepest first: the result of `!( )` is needed outside. */
  #find(from: readonly State[]): Position {
    const byDepth = this.#states, position = ++this.#position;
    for (const states of byDepth) states.length = 0;
    const add = (state: State) => {
      if (state.position === position) return;
      state.position = position;
      byDepth[state.depth]!.push(state);
    };
    for (const state of from) add(state);
    for (const end of this.#inner) add(end);
    for (let depth = byDepth.length - 1; depth >= 0; depth--) {
      for (const { passes } of byDepth[depth]!) {
        for (const { from, unless } of passes) if (unless?.position !== position) add(from);
      }
    }
    return {
      states: byDepth.flatMap((states) => states.filter(({ reads }) => reads.length > 0)),
      isMeant: this.#start.position === position,
      isHopeless: byDepth[0]!.length === 0,
      before: new Map(),
    };
  }
}

function isOf(unit: number, units: Unit): boolean {
  return typeof units === "number" ? units === unit || units === ANY : units.has(unit);
}

/** The automaton of a pattern; undefined if the pattern is malformed. */
function compile(pattern: string, { extended, caseInsensitive }: NamePatternOptions): Automaton | undefined {
  const open: Group[] = [], inner: State[] = [];
  let depth = 0, id = 0;
  const state = (...before: State[]): State => {
    return { id: id++, depth, reads: [], passes: before.map((from) => ({ from })), position: 0 };
  };
  const start = state();
  let at = start;
  const read = (unit: Unit) => {
    const next = state();
    next.reads.push({ from: at, unit });
    at = next;
  };
  const readSign = (sign: string) =>
    read(caseInsensitive ? foldedUnit(sign.charCodeAt(0)) : sign.charCodeAt(0));
  const readAnything = (next: State) => {
    next.reads.push({ from: next, unit: ANY });
    at = next;
  };
  const begin = (sign: string) => {
    const before = at;
    if (sign === "!") depth++;
    at = sign === "!" ? state() : state(before);
    open.push({ sign, before, start: at, end: state() });
  };
  const endAlternative = ({ start, end }: Group) => {
    end.passes.push({ from: at });
    at = start;
  };
  const end = () => {
    const group = open.pop()!, { sign, before, start, end } = group;
    endAlternative(group);
    if (sign === "?" || sign === "*") end.passes.push({ from: start });
    if (sign === "*" || sign === "+") start.passes.push({ from: end });
    at = end;
    if (sign !== "!") return;
    inner.push(end);
    depth--;
    const after = state();
    after.passes.push({ from: before, unless: start });
    readAnything(after);
  };
  for (let i = 0; i < pattern.length; i++) {
    const sign = pattern[i]!, group = open.at(-1), isExtended = group !== undefined && group.sign !== "}";
    if (sign === "\\") {
      if (++i === pattern.length) return undefined;
      readSign(pattern[i]!);
    } else if (sign === "[") {
      const set = translateSet(pattern, i), units = set && unitSet(set.source, caseInsensitive);
      if (set === undefined || units === undefined) return undefined;
      read(units);
      i = set.end;
    } else if (extended && "?*+@!".includes(sign) && pattern[i + 1] === "(") {
      begin(sign);
      i++;
    } else if (sign === "{") begin("}");
    else if (sign === ")" && isExtended || sign === "}" && group?.sign === "}") end();
    else if (sign === "|" && isExtended || sign === "," && group?.sign === "}") endAlternative(group!);
    else if (sign === "*") {
      while (pattern[i + 1] === "*") i++;
      readAnything(state(at));
    } else if (sign === "?") read(ANY);
    else readSign(sign);
  }
  return open.length === 0 ? new Automaton(start, at, inner, caseInsensitive) : undefined;
}

/** A set of code units, given by a regular expression. */
class UnitSet {
  readonly #expression: RegExp;
  readonly #known = new Map<number, boolean>();

  constructor(expression: RegExp) {
    this.#expression = expression;
  }

  has(unit: number): boolean {
    let has = this.#known.get(unit);
    if (has === undefined) {
      has = this.#expression.test(String.fromCharCode(unit));
      this.#known.set(unit, has);
    }
    return has;
  }
}

function unitSet(source: string, caseInsensitive: boolean): UnitSet | undefined {
  try {
    return new UnitSet(new RegExp(source, caseInsensitive ? "i" : ""));
  } catch {
    // A range such as "z-a" is malformed.
    return undefined;
  }
}

function folded(text: string): string {
  return Array.from({ length: text.length }, (_, i) => String.fromCharCode(foldedUnit(text.charCodeAt(i))))
    .join("");
}

/** A code unit, case-folded as regular expressions with the flag i do it. */
function foldedUnit(unit: number): number {
  if (unit < 0x80) return unit >= 0x61 && unit <= 0x7a ? unit - 0x20 : unit;
  const upper = String.fromCharCode(unit).toUpperCase(), code = upper.charCodeAt(0);
  return upper.length === 1 && code >= 0x80 ? code : unit;
}

const classes: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  ascii: "\\x00-\\x7f",
  blank: "\\t ",
  cntrl: "\\x00-\\x1f\\x7f",
  digit: "0-9",
  graph: "\\x21-\\x7e",
  lower: "a-z",
  print: "\\x20-\\x7e",
  punct: "\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e",
  space: "\\s",
  upper: "A-Z",
  word: "\\w",
  xdigit: "0-9A-Fa-f",
};

/** The regular expression of a set of characters, from "[" to "]". */
function translateSet(pattern: string, start: number): { source: string; end: number } | undefined {
  const specialInSet = /[\\\]^[]/g, named = /\[:(\w+):\]/y, escapedInSet = /[\\\]^[-]/g;
  const isNegated = pattern[start + 1] === "!";
  let source = isNegated ? "[^" : "[";
  for (let at = start + (isNegated ? 2 : 1); at < pattern.length; at++) {
    const sign = pattern[at]!;
    named.lastIndex = at;
    const name = named.exec(pattern)?.[1];
    if (name !== undefined && Object.hasOwn(classes, name)) {
      source += classes[name];
      at = named.lastIndex - 1;
    } else if (sign === "\\" && at + 1 < pattern.length) {
      source += pattern[++at]!.replace(escapedInSet, "\\$&");
    } else if (sign === "]") return { source: `${source}]`, end: at };
    else source += sign.replace(specialInSet, "\\$&");
  }
  return undefined;
}
