/**
 * The arguments of calls as data, good and bad, and which error a bad one must be.
 *
 * @module
 */

/** What a parameter takes. */
export type Kind = "fd" | "path" | "int" | "mode" | "long" | "bytes" | "rights" | "fcntls";

/**
 * An argument: a value; the i-th descriptor of the program, of all or of those of one kind that are open; bytes; or a value
 * that can't be written as JSON.
 */
export type Arg =
  | number
  | string
  | readonly string[]
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
    case "mode":
      return integer(value, 0, 0o177777);
    case "long":
      if (typeof value === "bigint") return BigInt.asIntN(64, value) === value ? undefined : "RangeError";
      return integer(value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    case "path":
      return typeof value === "string" && value !== "" && isName(value) ? undefined : "TypeError";
    case "bytes":
      return value instanceof Uint8Array ? undefined : "TypeError";
    case "rights":
    case "fcntls":
      if (!Array.isArray(value)) return "TypeError";
      return value.includes("NOPE") ? "RangeError" : undefined;
  }
}

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
