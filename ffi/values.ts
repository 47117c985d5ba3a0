/**
 * Validates arguments before the first system call: descriptors, numbers, buffers, file names and options. An unknown option, or
 * one of the wrong type, throws. FFI does not validate: it converts -1.9 to -1 or 1, and NaN to 0.
 *
 * The kernel treats a file name as bytes. As a string, each byte that is not part of valid UTF-8 is the lone surrogate
 * U+DC00 + byte, as in Python's "surrogateescape", so a listed name always opens its file.
 *
 * @module
 */
import { AT_FDCWD } from "./freebsd/constants.ts";
import { listed, quoted, shown } from "./errors.ts";

// Built-in functions, saved when the library is loaded. The bounds of a buffer must not depend on prototypes or globals that
// later code can change, nor on properties that an object overrides.

type Method = (this: never, ...args: never[]) => unknown;

/** Converts a method to a function whose first parameter is `this`. */
const unbound = Function.prototype.bind.bind(Function.prototype.call) as unknown as <Result>(
  method: Method,
) => (...args: unknown[]) => Result;

function getter<Result>(prototype: object, name: PropertyKey): (of: unknown) => Result {
  return unbound<Result>(Object.getOwnPropertyDescriptor(prototype, name)!.get!);
}

const typedArray: Int8Array = Object.getPrototypeOf(Int8Array.prototype);
const bufferOf = getter<ArrayBuffer>(typedArray, "buffer");
const byteOffsetOf = getter<number>(typedArray, "byteOffset");
const kindOf = getter<string | undefined>(typedArray, Symbol.toStringTag);
const isShared = unbound<boolean>(Object[Symbol.hasInstance] as Method).bind(null, SharedArrayBuffer);
const resizable = getter<boolean>(ArrayBuffer.prototype, "resizable");
const growable = getter<boolean>(SharedArrayBuffer.prototype, "growable");

/** The number of bytes of a typed array. Throws a TypeError if it is another value. */
export const byteLengthOf: (array: unknown) => number = getter<number>(typedArray, "byteLength");

/** Whether a value is a Uint8Array, or of a class that extends it. */
export function isUint8Array(value: unknown): value is Uint8Array {
  return kindOf(value) === "Uint8Array";
}

/** Whether the buffer of a typed array can change its length. */
export function isResizable(array: ArrayBufferView): boolean {
  const buffer = bufferOf(array);
  return isShared(buffer) ? growable(buffer) : resizable(buffer);
}

/** The original `Uint8Array`, also if the global name was replaced. */
export const Bytes = Uint8Array;
export type Bytes = Uint8Array<ArrayBuffer>;

/** The bytes of an array from `from` to `to`, in the same buffer. */
export function partOf(array: Uint8Array, from: number, to: number): Uint8Array<ArrayBuffer> {
  return new Bytes(bufferOf(array), byteOffsetOf(array) + from, to - from);
}

/** Copies all elements of a typed array to the front of another one. */
export const copyInto = unbound<void>(typedArray.set as Method) as (
  to: Uint8Array,
  from: Uint8Array,
) => void;

/** How many bytes a path has before its NUL. */
export function pathLength(path: Uint8Array): number {
  const most = byteLengthOf(path);
  let length = 0;
  while (length < most && path[length] !== 0) length++;
  return length;
}

export const toBigInt = BigInt, toNumber = Number;

export function lesser(a: number, b: number): number {
  return a < b ? a : b;
}

/** The same as the method `includes`. */
export function isAmong(values: readonly number[], value: number): boolean {
  for (let i = 0; i < values.length; i++) if (values[i] === value) return true;
  return false;
}

/**
 * A file descriptor: its number, or an object that has it as `fd`, such as `FdFile` and `Dir`. The `fd` of `node:fs`
 * handles is a descriptor in Deno 2.9, and an internal number in Deno 2.7.
 */
export type FdLike = number | { readonly fd: number };

/**
 * Returns the number of a descriptor.
 *
 * @throws {TypeError} If the value is neither a number nor an object with `fd`.
 * @throws {RangeError} If the number is out of range for a descriptor.
 * @throws {Deno.errors.BadResource} If the `FdFile` or `Dir` is closed.
 */
export function descriptor(fd: FdLike): number {
  const number = typeof fd === "object" && fd !== null ? fd.fd : fd;
  if (typeof number !== "number") {
    throw new TypeError(`A file descriptor is a number or an object with "fd", not ${shown(fd)}.`);
  }
  if (!(number >= 0 && number <= 0x7fffffff && Number.isInteger(number))) {
    throw new RangeError(`A file descriptor is an integer from 0 to 2147483647, not ${number}.`);
  }
  return number;
}

/** A descriptor, or `AT_FDCWD`. */
export function directory(fd: FdLike): number {
  return fd === AT_FDCWD ? AT_FDCWD : descriptor(fd);
}

/** A C `int`; `what` names it in the message. */
export function int(value: number, what: string): number {
  return integer(value, what, -0x80000000, 0x7fffffff);
}

/** A C `u_int`. */
export function unsigned(value: number, what: string): number {
  return integer(value, what, 0, 0xffffffff);
}

/** A `mode_t`. */
export function mode(value: number): number {
  return integer(value, "mode", 0, 0o177777);
}

/** An owner or group; -1 leaves it unchanged. */
export function owner(value: number, what: string): number {
  return value === -1 ? 0xffffffff : unsigned(value, what);
}

function integer(value: number, what: string, least: number, most: number): number {
  if (typeof value !== "number") {
    throw new TypeError(`The ${what} is a number, not ${shown(value)}.`);
  }
  if (!(value >= least && value <= most && Number.isInteger(value))) {
    throw new RangeError(`The ${what} is an integer from ${least} to ${most}, not ${value}.`);
  }
  return value;
}

/** A C `off_t` or `long`. */
export function long(value: number | bigint, what: string): bigint {
  if (typeof value !== "number" && typeof value !== "bigint") {
    throw new TypeError(`The ${what} is a number or a bigint, not ${shown(value)}.`);
  }
  if (typeof value === "number" ? !Number.isSafeInteger(value) : BigInt.asIntN(64, value) !== value) {
    throw new RangeError(`The ${what} is a safe integer or a bigint of 64 bits, not ${value}.`);
  }
  return toBigInt(value);
}

/** The number of bytes of a buffer that a call may use: `count`, bounded by the buffer and by an `i32` result. */
export function length(buffer: Uint8Array, count: number | undefined): bigint {
  const most = byteLengthOf(memory(buffer, 0));
  if (count === undefined) return toBigInt(lesser(most, 0x7fffffff));
  return toBigInt(lesser(integer(count, "count of the buffer's bytes", 0, most), 0x7fffffff));
}

/** A buffer of at least `least` bytes that the call reads or fills. */
export function memory(buffer: Uint8Array, least: number): Uint8Array<ArrayBuffer> {
  if (!isUint8Array(buffer)) throw new TypeError(`A buffer is a Uint8Array, not ${shown(buffer)}.`);
  const length = byteLengthOf(buffer);
  if (length < least) throw new RangeError(`The call needs a buffer of ${least} bytes, not of ${length}.`);
  if (length === 0 && isGone(buffer)) {
    throw new TypeError(
      "The buffer's memory is gone: its ArrayBuffer was transferred or resized.",
    );
  }
  return buffer as Uint8Array<ArrayBuffer>;
}

/** Whether the memory of a buffer was detached or shrank; FFI would treat it as empty. */
function isGone(buffer: Uint8Array): boolean {
  try {
    buffer.keys();
    return false;
  } catch {
    return true;
  }
}

/** Two `struct timespec`, or null for the current time. */
export function timespecs(times: Uint8Array | null): Uint8Array<ArrayBuffer> | null {
  return times === null ? null : memory(times, 32);
}

/** Throws if a set is undefined: as an empty set it would permanently remove everything. */
export function given<T>(set: T, what: string): T {
  if (set === undefined) throw new TypeError(`The ${what} are undefined: to permit none, pass [].`);
  return set;
}

let decoder: TextDecoder | undefined;
let encoder: TextEncoder | undefined;
const encodeInto = unbound<TextEncoderEncodeIntoResult>(TextEncoder.prototype.encodeInto as Method);
const Encoder = TextEncoder;

/** Writes text as UTF-8 from `at` on, and returns where it ends. No other code gets the bytes: they are a path that is not checked yet. */
function writeText(text: string, bytes: Uint8Array, at: number): number {
  const { written } = encodeInto(encoder ??= new Encoder(), text, partOf(bytes, at, byteLengthOf(bytes)));
  return at + written;
}
const SLASH = 0x2f;

function utf8(): TextDecoder {
  return decoder ??= new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
}

/** Decodes names, each followed by "/". */
export function decodeNames(bytes: Uint8Array): string[] {
  if (bytes.length === 0) return [];
  try {
    return utf8().decode(bytes.subarray(0, -1)).split("/");
  } catch {
    const names: string[] = [];
    for (let start = 0; start < bytes.length;) {
      const end = bytes.indexOf(SLASH, start);
      names.push(decodeName(bytes.subarray(start, end)));
      start = end + 1;
    }
    return names;
  }
}

/**
 * Returns the string for the bytes of a file name, as all functions of this library use it.
 *
 * Each byte that is not part of valid UTF-8 becomes the lone surrogate U+DC00 + byte.
 *
 * @param bytes The bytes of a name or path.
 * @returns The name, which {@link encodeName} converts back to the same bytes.
 * @throws {TypeError} If `bytes` is not a Uint8Array.
 *
 * @example
 * ```ts
 * import { decodeName } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(decodeName(new Uint8Array([0x63, 0x61, 0x66, 0xe9])), "caf\udce9");
 * ```
 */
export function decodeName(bytes: Uint8Array): string {
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(`decodeName(): bytes is a Uint8Array, not ${shown(bytes)}.`);
  }
  try {
    return utf8().decode(bytes);
  } catch {
    let name = "";
    for (let at = 0; at < bytes.length;) {
      const length = sequenceLength(bytes, at);
      name += length === 0
        ? String.fromCharCode(0xdc00 + bytes[at]!)
        : utf8().decode(bytes.subarray(at, at + length));
      at += length || 1;
    }
    return name;
  }
}

/** Returns the length of the valid UTF-8 sequence at `at`, or 0. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  const length = first < 0x80
    ? 1
    : first < 0xc2
    ? 0
    : first < 0xe0
    ? 2
    : first < 0xf0
    ? 3
    : first < 0xf5
    ? 4
    : 0;
  if (length < 2) return length;
  try {
    utf8().decode(bytes.subarray(at, at + length));
    return length;
  } catch {
    return 0;
  }
}

// PATH_MAX of FreeBSD is 1024 bytes; the kernel refuses a longer path.
const LONGEST = 4096;
const reused: Uint8Array<ArrayBuffer>[] = [];

/**
 * Converts a path to a C string, in a buffer that the next call with the same `slot` overwrites.
 *
 * @throws {TypeError} If the path is not a string, is empty, or has a NUL or a lone surrogate outside U+DC80 to U+DCFF.
 */
export function cString(path: string, slot: 0 | 1 = 0): Uint8Array<ArrayBuffer> {
  if (typeof path !== "string") throw new TypeError(`A path must be a string, not ${shown(path)}.`);
  const length = path.length;
  if (length === 0) throw new TypeError('The path "" is empty: write "." for the directory itself.');
  const short = reused[slot] ??= new Bytes(LONGEST);
  if (length < 48) {
    let at = 0;
    for (; at < length; at++) {
      const unit = path.charCodeAt(at);
      if (unit === 0 || unit > 0x7f) break;
      short[at] = unit;
    }
    if (at === length) {
      short[at] = 0;
      return short;
    }
  }
  if (path.includes("\0")) {
    throw new TypeError(`The path ${quoted(path)} has a NUL character, which ends a path in C.`);
  }
  const size = length * 3 < LONGEST ? LONGEST : length * 3 + 1,
    bytes = size === LONGEST ? short : new Bytes(size);
  let end = 0;
  if (path.isWellFormed()) end = writeText(path, bytes, 0);
  else {
    for (const character of path) {
      const code = character.codePointAt(0)!;
      if (code >= 0xdc80 && code <= 0xdcff) bytes[end++] = code - 0xdc00;
      else if (code >= 0xd800 && code <= 0xdfff) {
        throw new TypeError(
          `The path ${quoted(path)} has the lone surrogate U+${code.toString(16).toUpperCase()}, ` +
            `which stands for no byte: only U+DC80 to U+DCFF do.`,
        );
      } else end = writeText(character, bytes, end);
    }
  }
  bytes[end] = 0;
  // The path must end here, even if the program has replaced TextEncoder.
  bytes[size - 1] = 0;
  return bytes;
}

/**
 * Returns the bytes of a file name or path, as the kernel gets them.
 *
 * The inverse of {@link decodeName}: the lone surrogates U+DC80 to U+DCFF become the bytes 0x80 to 0xFF, and all other
 * text becomes UTF-8. `TextEncoder` does not round-trip a name that is not UTF-8.
 *
 * @param name A name or path from this library, or any text.
 * @returns Its bytes, without a NUL at the end.
 * @throws {TypeError} If `name` is not a string, is empty, or has a NUL or a lone surrogate outside U+DC80 to U+DCFF.
 *
 * @example
 * ```ts
 * import { encodeName } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(encodeName("caf\udce9"), new Uint8Array([0x63, 0x61, 0x66, 0xe9]));
 * ```
 */
export function encodeName(name: string): Uint8Array<ArrayBuffer> {
  const path = cString(name), length = pathLength(path), bytes = new Bytes(length);
  copyInto(bytes, partOf(path, 0, length));
  return bytes;
}

/** Returns the expected type or range if a value does not have it. */
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

/** Accepts any value; the function that uses the value checks it. */
export const anything: Check = () => undefined;

/** An integer in a range, both ends included. */
export function anInteger(least: number, most: number = Number.MAX_SAFE_INTEGER): Check {
  const expected = `an integer from ${least} to ${most}`;
  return (value) => {
    if (typeof value !== "number") return type(expected);
    return Number.isInteger(value) && value >= least && value <= most ? undefined : range(expected);
  };
}

/** A number that is not NaN; infinities are permitted. */
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
 * Checks an options object: its members must be known and of the right type. An undefined member counts as left out.
 *
 * @param call The function, as error messages name it.
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

/** Whether an object is an instance of a class, such as `Dir` or `Date`, rather than an options object. */
export function isOther(options: object): boolean {
  const prototype = Object.getPrototypeOf(options);
  return prototype !== null && Object.getPrototypeOf(prototype) !== null && Object.keys(options).length === 0;
}

/** Checks an argument as {@linkcode checkOptions} checks an option, but refuses undefined. */
export function checkArgument(call: string, name: string, value: unknown, check: Check): void {
  const wrong = check(value);
  if (wrong !== undefined) {
    throw new wrong.error(`${call}: the argument ${name} must be ${wrong.expected}, not ${shown(value)}.`);
  }
}
