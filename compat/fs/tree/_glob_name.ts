/**
 * The glob patterns of `@std/path` for a single name. The tests compare them with `globToRegExp` of that package.
 *
 * Matching takes time linear in the length of the name and in the length of the pattern. A regular expression would
 * backtrack, and a user who may create files could stop the process by a long name. So a pattern becomes a
 * nondeterministic automaton.
 *
 * The automaton reads a name once, from its end. For each position, this finds the states from which the rest of the
 * name is accepted. `!(p)` accepts any text, unless a text that begins at the same position matches `p`. When reading
 * from the end, that is known already.
 *
 * The package is not imported: sandboxed code consists of this library only.
 *
 * @module
 */

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
