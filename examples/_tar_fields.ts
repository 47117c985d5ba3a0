/** Parses the numbers, names and pax records in the headers of a tar archive. */
import { decodeName } from "../mod.ts";

/** Returns a string with one character for each byte. */
export function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** Decodes a name up to its first NUL by `decodeName()`, without loss if it is not UTF-8. */
export function name(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decodeName(end < 0 ? bytes : bytes.subarray(0, end));
}

/**
 * Parses a number in a header: octal or GNU's base 256, which can be negative. A blank field is 0. Some old programs write
 * a NUL before the digits.
 */
export function integer(field: Uint8Array): bigint | undefined {
  if (field[0]! & 0x80) {
    const value = field.reduce((value, byte) => value << 8n | BigInt(byte), 0n);
    return BigInt.asIntN(8 * field.length - 1, value);
  }
  const digits = /^\0?[ \t]*([0-7]*)(?:$|[ \0])/.exec(latin1(field))?.[1];
  return digits === undefined ? undefined : BigInt(`0o0${digits}`);
}

/** Parses a number of bytes in a header. */
export function count(field: Uint8Array): number | undefined {
  const value = Number(integer(field) ?? -1);
  return value >= 0 && Number.isSafeInteger(value) ? value : undefined;
}

/** Parses a decimal number of bytes in a pax record or a sparse map. */
export function decimal(digits: string): number | undefined {
  const value = Number(digits);
  return /^\d+$/.test(digits) && Number.isSafeInteger(value) ? value : undefined;
}

/** A time since 1970, as in `struct timespec`. */
export interface Time {
  seconds: bigint;
  /** From 0 to 999,999,999, also for times before 1970. */
  nanoseconds: bigint;
}

const second = 1_000_000_000n;

/** Converts nanoseconds to a time; returns `undefined` if the seconds do not fit in 64 bits. */
function timeOf(time: bigint): Time | undefined {
  const nanoseconds = (time % second + second) % second, seconds = (time - nanoseconds) / second;
  return BigInt.asIntN(64, seconds) === seconds ? { seconds, nanoseconds } : undefined;
}

/** Parses the time in a header. */
export function headerTime(field: Uint8Array): Time | undefined {
  const seconds = integer(field);
  return seconds === undefined ? undefined : timeOf(seconds * second);
}

/** Parses the time in a pax record, which can have a fraction. */
export function paxTime(text: string): Time | undefined {
  const [, sign, whole, fraction = ""] = /^(-?)(\d{1,20})(?:\.(\d*))?$/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const value = BigInt(whole + fraction.slice(0, 9).padEnd(9, "0"));
  return timeOf(sign === "-" ? -value : value);
}

/** The pax records that are used. All others are ignored, such as access times and owners. */
const used = /^(?:path|linkpath|size|mtime|SCHILY\.realsize|GNU\.sparse\..*)$/;

/**
 * Parses the records of a pax header, each a length, a space, a key, "=", a value and a newline. NULs end the list.
 *
 * @returns `undefined` if the header is malformed.
 */
export function records(bytes: Uint8Array): [key: string, value: string][] | undefined {
  const found: [string, string][] = [];
  for (let at = 0, end = 0; at < bytes.length && bytes[at] !== 0; at = end) {
    const digits = /^\d+(?= )/.exec(latin1(bytes.subarray(at, at + 20)))?.[0] ?? "";
    end = at + Number(digits);
    const record = bytes.subarray(at + digits.length + 1, end - 1), equals = record.indexOf(0x3d);
    if (end > bytes.length || bytes[end - 1] !== 0x0a || equals < 1) return undefined;
    const key = latin1(record.subarray(0, Math.min(equals, 80)));
    if (used.test(key)) found.push([key, name(record.subarray(equals + 1))]);
  }
  return found;
}
