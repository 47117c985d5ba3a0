import { quoted, shortened } from "./text.ts";

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
