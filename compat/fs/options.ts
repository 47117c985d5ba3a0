/**
 * Checks options before the first system call: a misspelt or mistyped option throws, it is never ignored.
 *
 * @module
 */
import { listed, shown } from "../../ffi/errors.ts";

/** Returns what was expected, if the value is something else. */
export type Check = (value: unknown) => Expected | undefined;

interface Expected {
  readonly expected: string;
  readonly error: typeof TypeError | typeof RangeError;
}

const type = (expected: string): Expected => ({ expected, error: TypeError });
const range = (expected: string): Expected => ({ expected, error: RangeError });

export const aBoolean: Check = (value) => typeof value === "boolean" ? undefined : type("a boolean");

export const aString: Check = (value) => typeof value === "string" ? undefined : type("a string");

export const aSignal: Check = (value) => value instanceof AbortSignal ? undefined : type("an AbortSignal");

export const aFunction: Check = (value) => typeof value === "function" ? undefined : type("a function");

/** Any value; the function that uses it checks it. */
export const anything: Check = () => undefined;

/** An integer in a range, both ends included. */
export function anInteger(least: number, most: number = Number.MAX_SAFE_INTEGER): Check {
  const expected = `an integer from ${least} to ${most}`;
  return (value) => {
    if (typeof value !== "number") return type(expected);
    return Number.isInteger(value) && value >= least && value <= most ? undefined : range(expected);
  };
}

/** A number that is not NaN; infinities are numbers too. */
export const aNumber: Check = (value) => {
  if (typeof value !== "number") return type("a number");
  return Number.isNaN(value) ? range("a number") : undefined;
};

/** A `mode_t`. */
export const aMode: Check = anInteger(0, 0o177777);

export const aBuffer: Check = (value) => value instanceof Uint8Array ? undefined : type("a Uint8Array");

/** An `off_t`. */
export const anOffset: Check = (value) => {
  if (typeof value === "bigint") {
    return BigInt.asIntN(64, value) === value ? undefined : range("an integer of 64 bits");
  }
  if (typeof value !== "number") return type("a number or a bigint");
  return Number.isSafeInteger(value) ? undefined : range("a safe integer");
};

/** The length of a file. */
export const aLength: Check = anInteger(0);

/** One of some strings. */
export function oneOf(...values: readonly string[]): Check {
  const expected = values.map((value) => JSON.stringify(value)).join(" or ");
  return (value) =>
    typeof value !== "string" ? type(expected) : values.includes(value) ? undefined : range(expected);
}

/** An array whose elements all pass. */
export function arrayOf(element: Check, plural: string): Check {
  return (value) =>
    Array.isArray(value) && value.every((one) => element(one) === undefined)
      ? undefined
      : type(`an array of ${plural}`);
}

/** An instance of a class. */
export function anInstance(of: abstract new (...args: never[]) => unknown): Check {
  return (value) => value instanceof of ? undefined : type(`a ${of.name}`);
}

/**
 * Checks an options object: its members must be known and of the right type; one that is undefined counts as left out.
 *
 * @param call The function that takes the options, as its caller writes it.
 * @param options What the caller passed.
 * @param known A check for each option.
 */
export function checkOptions(call: string, options: unknown, known: Readonly<Record<string, Check>>): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null || Array.isArray(options) || isOther(options)) {
    throw new TypeError(`${call}: the options must be an object, not ${shown(options)}.`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(known, name)) {
      throw new TypeError(
        `${call}: there is no option ${shown(name)}. The options are ${listed(Object.keys(known), 150)}.`,
      );
    }
    const wrong = value === undefined ? undefined : known[name]!(value);
    if (wrong !== undefined) {
      throw new wrong.error(`${call}: the option ${name} must be ${wrong.expected}, not ${shown(value)}.`);
    }
  }
}

/** Whether an object is of a class, as a `Dir` or a `Date`, and has no members that could be options. */
export function isOther(options: object): boolean {
  const prototype = Object.getPrototypeOf(options);
  return prototype !== null && Object.getPrototypeOf(prototype) !== null && Object.keys(options).length === 0;
}

/** Checks an argument as {@linkcode checkOptions} checks an option; undefined is not left out here. */
export function checkArgument(call: string, name: string, value: unknown, check: Check): void {
  const wrong = check(value);
  if (wrong !== undefined) {
    throw new wrong.error(`${call}: the argument ${name} must be ${wrong.expected}, not ${shown(value)}.`);
  }
}
