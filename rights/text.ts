/** The dots in place of the part that was cut. */
const CUT = "...";

/** A string as an error message shows it: in quotes and escaped, of at most `most` characters, cut in the middle. */
export function quoted(text: string, most = 60): string {
  if (text.length <= most) {
    const whole = inJson(text);
    if (whole.length <= most) return whole;
  }
  const room = Math.max(most - CUT.length - 2, 0), half = Math.ceil(room / 2);
  const start = escaped(text.slice(0, half + 1), half),
    end = escaped(text.slice(-half - 1), room - half, true);
  return `"${start}${CUT}${end}"`;
}

/** Characters that a terminal may obey or misrender: control, bidirectional and invisible characters, ends of lines. */
// deno-lint-ignore no-control-regex
const UNSEEN = /[\0-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\p{Surrogate}/gu;

/** A text with visible characters only; all others are escaped, such as `\u001b`. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A text as JSON writes it, and visible. */
function inJson(text: string): string {
  return visible(JSON.stringify(text));
}

/** The first characters of a text, or the last, as JSON escapes them, as many as there is room for. */
function escaped(text: string, room: number, last = false): string {
  const characters = Array.from(text, (character) => inJson(character).slice(1, -1));
  if (last) characters.reverse();
  const fitting: string[] = [];
  for (const character of characters) {
    if ((room -= character.length) < 0) break;
    fitting.push(character);
  }
  return (last ? fitting.reverse() : fitting).join("");
}

/** A text of at most `most` characters, cut in the middle. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const room = most - CUT.length, half = Math.ceil(room / 2);
  return text.slice(0, half) + CUT + text.slice(text.length - (room - half));
}

/** Names in a message, of at most `most` characters: of a long list the first ones, and how many more there are. */
export function listed(names: Iterable<string>, most = 60): string {
  const all = [...names], text = all.join(", ");
  if (text.length <= most) return text || "none";
  let length = 0, count = 0;
  for (; count < all.length && length + all[count]!.length + 2 <= most - " and 100 more".length; count++) {
    length += all[count]!.length + 2;
  }
  return count === 0
    ? `${quoted(all[0]!, most - 16)} and ${all.length - 1} more`
    : `${all.slice(0, count).join(", ")} and ${all.length - count} more`;
}

/**
 * A text in lines of at most 80 columns, broken at spaces, and within words that are longer than a line. The first line
 * starts with `first`, the others are indented as far.
 */
export function wrapped(first: string, text: string): string[] {
  const indent = " ".repeat(first.length), room = 80 - first.length;
  const pieces = text.split(" ").flatMap((word) => word.match(new RegExp(`.{1,${room}}`, "gsu")) ?? [""]);
  const lines: string[] = [];
  let line: string | undefined;
  for (const piece of pieces) {
    if (line !== undefined && line.length + 1 + piece.length > room) {
      lines.push(line);
      line = undefined;
    }
    line = line === undefined ? piece : `${line} ${piece}`;
  }
  return [...lines, line ?? ""].map((line, i) => (i === 0 ? first : indent) + line);
}

/** The unchecked elements of a caller's list. A bare string is refused, because it would be read letter by letter. */
export function elements(list: unknown, form: string): Iterable<unknown> {
  if (typeof list === "string") {
    throw new TypeError(`The string ${show(list)} is not a list: write [${show(list)}].`);
  }
  if (typeof list !== "object" || list === null || !(Symbol.iterator in list)) {
    throw new TypeError(`${show(list)} is not a list: expected one such as ${form}.`);
  }
  return list as Iterable<unknown>;
}

/** Any value, as an error message names it. */
export function show(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "bigint") return shortened(`${value}n`, 60);
  if (typeof value === "object" && value !== null) {
    return shortened(Object.prototype.toString.call(value), 60);
  }
  return typeof value === "function" ? "A function" : shortened(String(value), 60);
}

/** A number in the form of the C headers. */
export function hex(value: number | bigint, digits: number): string {
  return `0x${value.toString(16).padStart(digits, "0")}`;
}

/** The form of a set in `Deno.inspect`. */
export function inspected(name: string, elements: readonly string[]): string {
  return elements.length === 0 ? `${name} {}` : `${name} { ${elements.join(", ")} }`;
}

/** Calls back like `Set.prototype.forEach`, but for a set that is a view. */
export function forEach<T, S extends { keys(): Iterable<T> }>(
  set: S,
  callback: (value: T, key: T, set: S) => void,
  thisArg: unknown,
): void {
  if (typeof callback !== "function") {
    throw new TypeError(`forEach() takes a function, not ${show(callback)}.`);
  }
  for (const element of set.keys()) callback.call(thisArg, element, element, set);
}

/** The pairs of `Set.prototype.entries`. */
export function entries<T>(elements: Iterable<T>): SetIterator<[T, T]> {
  return Array.from(elements, (element): [T, T] => [element, element]).values();
}
