/** The elements of a list as callers give it, unchecked; a bare string is refused, for it would be read by letters. */
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
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "object" && value !== null) return Object.prototype.toString.call(value);
  return typeof value === "function" ? "A function" : String(value);
}

/** A number as it stands in the C headers. */
export function hex(value: number | bigint, digits: number): string {
  return `0x${value.toString(16).padStart(digits, "0")}`;
}

/** What a set looks like in `Deno.inspect`. */
export function inspected(name: string, elements: readonly string[]): string {
  return elements.length === 0 ? `${name} {}` : `${name} { ${elements.join(", ")} }`;
}

/** Calls back as `Set.prototype.forEach` does, but with a set that is a view. */
export function forEach<T, S extends { keys(): Iterable<T> }>(
  set: S,
  callback: (value: T, key: T, set: S) => void,
  thisArg: unknown,
): void {
  for (const element of set.keys()) callback.call(thisArg, element, element, set);
}

/** The pairs that `Set.prototype.entries` gives. */
export function entries<T>(elements: Iterable<T>): SetIterator<[T, T]> {
  return Array.from(elements, (element): [T, T] => [element, element]).values();
}
