/**
 * The patterns of `@std/path` for one name, as regular expressions: `globToRegExp` of that package is what the tests hold
 * this to, name by name.
 *
 * It is not imported. What the library runs in a sandbox would then be more than the library, and with no registry in reach
 * neither the demo nor the checks of a clone would start. Time is not the reason: posix/glob-to-regexp alone costs 0.1 ms of
 * a start of 16 ms, all of `@std/path` 10 ms.
 *
 * @module
 */

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

const special = /[\\^$.*+?()[\]{}|/]/g;
const specialInSet = /[\\\]^[]/g;
const escapedInSet = /[\\\]^[-]/g;

export interface NamePatternOptions {
  /** Whether `@(a|b)`, `?(a)`, `*(a)`, `+(a)` and `!(a)` mean something. */
  extended: boolean;
  caseInsensitive: boolean;
}

/** Whether a pattern means more than the name that it is. */
export function isPattern(name: string): boolean {
  return /[\\*?[{(]/.test(name);
}

/** Whole names that a pattern means; what is not well-formed means itself. */
export function namePattern(pattern: string, { extended, caseInsensitive }: NamePatternOptions): RegExp {
  const source = translate(pattern, extended) ?? literal(pattern);
  return new RegExp(`^(?:${source})$`, caseInsensitive ? "si" : "s");
}

function literal(text: string): string {
  return text.replace(special, "\\$&");
}

function translate(pattern: string, extended: boolean): string | undefined {
  /** What closes each open group: "}" of alternatives, else the sign before an extended one. */
  const open: string[] = [];
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const sign = pattern[at]!, group = open.at(-1);
    if (sign === "\\") {
      if (++at === pattern.length) return undefined;
      source += literal(pattern[at]!);
    } else if (sign === "[") {
      const set = translateSet(pattern, at);
      if (set === undefined) return undefined;
      source += set.source;
      at = set.end;
    } else if (extended && "?*+@!".includes(sign) && pattern[at + 1] === "(") {
      open.push(sign);
      source += sign === "!" ? "(?!" : "(?:";
      at++;
    } else if (sign === ")" && group !== undefined && group !== "}") {
      open.pop();
      source += group === "!" ? ").*" : group === "@" ? ")" : `)${group}`;
    } else if (sign === "|" && group !== undefined && group !== "}") source += "|";
    else if (sign === "{") {
      open.push("}");
      source += "(?:";
    } else if (sign === "}" && group === "}") {
      open.pop();
      source += ")";
    } else if (sign === "," && group === "}") source += "|";
    else if (sign === "*") source += source.endsWith(".*") ? "" : ".*";
    else source += sign === "?" ? "." : literal(sign);
  }
  return open.length === 0 ? source : undefined;
}

/** A set of characters, from its "[" to its "]". */
function translateSet(pattern: string, start: number): { source: string; end: number } | undefined {
  const isNegated = pattern[start + 1] === "!";
  let source = isNegated ? "[^" : "[";
  for (let at = start + (isNegated ? 2 : 1); at < pattern.length; at++) {
    const sign = pattern[at]!;
    const named = /^\[:(\w+):\]/.exec(pattern.slice(at));
    if (named && Object.hasOwn(classes, named[1]!)) {
      source += classes[named[1]!];
      at += named[0].length - 1;
    } else if (sign === "\\" && at + 1 < pattern.length) {
      source += pattern[++at]!.replace(escapedInSet, "\\$&");
    } else if (sign === "]") return { source: `${source}]`, end: at };
    else source += sign.replace(specialInSet, "\\$&");
  }
  return undefined;
}
