/**
 * The arguments of calls as data, good and bad, and which error a bad one must be.
 *
 * @module
 */
import type { Random } from "../_random.ts";

/** What a parameter takes. */
export type Kind =
  | "fd"
  | "path"
  | "int"
  | "flags"
  | "mode"
  | "long"
  | "bytes"
  | "count"
  | "size"
  | "command"
  | "time"
  | "rights"
  | "fcntls"
  | "ioctls";

/**
 * An argument: a value; the i-th descriptor of the program, of all or of those of one kind that are open; bytes; or a value
 * that can't be written as JSON.
 */
export type Arg =
  | number
  | string
  | readonly (string | number)[]
  | { fd: number; of?: "file" | "directory" }
  | { bytes: number }
  | { wrong: string };

/** Values of wrong types and ranges, by how they are written. */
export const wrongValues: Readonly<Record<string, unknown>> = {
  undefined: undefined,
  null: null,
  NaN: NaN,
  Infinity: Infinity,
  "1.5": 1.5,
  "-1": -1,
  "2 ** 31": 2 ** 31,
  "2 ** 53": 2 ** 53,
  "2n ** 70n": 2n ** 70n,
  true: true,
  "{}": {},
  "[]": [],
  "Symbol()": Symbol(),
  '""': "",
  '"a\\0b"': "a\0b",
  '"a\\ud800"': "a\ud800",
  '"\\udc41"': "\udc41",
  '["NOPE"]': ["NOPE"],
};

/** The error of a value for a parameter, before any system call; undefined if the kernel gets it. */
export function refused(kind: Kind, value: unknown): "TypeError" | "RangeError" | undefined {
  switch (kind) {
    case "fd":
      return integer(value, 0, 0x7fffffff);
    case "int":
      return integer(value, -0x80000000, 0x7fffffff);
    case "flags":
      return integer(value, 0, 0xffffffff);
    case "mode":
      return integer(value, 0, 0o177777);
    case "long":
      if (typeof value === "bigint") return BigInt.asIntN(64, value) === value ? undefined : "RangeError";
      return integer(value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    case "path":
      return typeof value === "string" && value !== "" && isName(value) ? undefined : "TypeError";
    case "bytes":
      return value instanceof Uint8Array ? undefined : "TypeError";
    case "count":
      return integer(value, 0, COUNT);
    case "size":
      return typeof value === "number" && value < 100 ? "RangeError" : undefined;
    case "command":
      // The others take an address, or do not exist.
      return integer(value, 0, -1);
    case "time":
      return undefined;
    case "rights":
    case "fcntls":
      if (!Array.isArray(value)) return "TypeError";
      return value.includes("NOPE") ? "RangeError" : undefined;
    case "ioctls":
      return Array.isArray(value) && !value.includes("NOPE") ? undefined : "TypeError";
  }
}

/** The length of a buffer that a call is told to use in part. */
export const COUNT = 5;

function integer(value: unknown, least: number, most: number): "TypeError" | "RangeError" | undefined {
  if (typeof value !== "number") return "TypeError";
  return Number.isInteger(value) && value >= least && value <= most ? undefined : "RangeError";
}

/** Whether a text stands for bytes without a NUL: of lone surrogates only U+DC80 to U+DCFF do. */
function isName(text: string): boolean {
  return !text.includes("\0") && text.replace(/[\udc80-\udcff]/g, "").isWellFormed();
}

export function showArg(arg: Arg): string {
  if (typeof arg !== "object" || Array.isArray(arg)) {
    return JSON.stringify(arg).replace(/n{20,}/, (names) => `\u2026${names.length} n\u2026`);
  }
  if ("fd" in arg) return `${arg.of ?? "fd"}#${arg.fd}`;
  if ("bytes" in arg) return `${arg.bytes} bytes`;
  return (arg as { wrong: string }).wrong;
}

export type Run = (...args: never[]) => unknown;
/** A call: its arguments, how each one is generated, and its result as data. */
export interface Call {
  kinds: readonly Kind[];
  make(random: Random): Arg[];
  run: Run;
  /** Whether the call returns a descriptor. */
  opens?: true;
  /** Whether the call can block on a descriptor that is not a file. */
  onFilesOnly?: true;
}

export const fd = (random: Random, of?: "file" | "directory"): Arg => {
  if (random.chance(3)) return random.pick([1_000_000, 0x7fffffff]);
  const index = random.below(40);
  return of === undefined || random.chance(20) ? { fd: index } : { fd: index, of };
};
export const file = (random: Random): Arg => fd(random, "file");
export const bytes = (random: Random): Arg => ({ bytes: random.pick([1, 2, 5, 64]) });
export const offset = (random: Random): Arg => random.pick([0, 1, 3, 10, 100, -1, -5]);
export const filled = (buffer: Uint8Array, count: number): number[] => [...buffer.subarray(0, count)];
