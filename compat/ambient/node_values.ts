/** The arguments and results of the functions of node:fs: flags, modes, times, encodings, bytes, `Stats` and error codes. */
import { quoted, shown } from "../../ffi/errors.ts";
import { aBoolean, anInteger, type Check, checkArgument, decodeName, encodeName } from "../../ffi/values.ts";
import type { OpenOptions } from "../fs/open.ts";
import { pathOf } from "../fs/path/components.ts";
import type { Call, Calls } from "./deno.ts";

/** What is used of node:fs. */
export type NodeFs = Calls & {
  readonly promises: Calls;
  readonly constants: Readonly<Record<string, number>>;
  readonly Dirent: new (name: unknown, type: number, path: string) => unknown;
  readonly Stats: { readonly prototype: object };
};

export type Options = Record<string, unknown> | undefined;

export type Bytes = Uint8Array<ArrayBuffer>;
interface BufferClass {
  from(data: unknown, encoding?: unknown, length?: number): Bytes & { toString(encoding: string): string };
  isEncoding(encoding: unknown): boolean;
}

/** Deno loads it at first use. */
const buffers = () => (globalThis as unknown as { Buffer: BufferClass }).Buffer;

/** Gives an error a code of Node, also in its message. */
export function withCode<T extends Error>(error: T, code: string): T & { code: string } {
  error.message += ` (${code}).`;
  return Object.assign(error, { code });
}

/** Gives an error of an argument the code that Node's error has. */
export function coded(error: unknown): unknown {
  const code = error instanceof TypeError
    ? "ERR_INVALID_ARG_TYPE"
    : error instanceof RangeError
    ? "ERR_OUT_OF_RANGE"
    : undefined;
  return code === undefined || "code" in (error as Error) ? error : Object.assign(error as Error, { code });
}

/** Calls a callback in a later turn: what it throws is an uncaught error, not the error of the call. */
export function later(callback: Call, ...args: unknown[]): void {
  queueMicrotask(() => void callback(...args));
}

/** The options of a call, which can also be an encoding or a mode. */
export const asOptions = (options: unknown): Options =>
  typeof options === "object" && options !== null ? options as Options : undefined;

/** Whether a boolean option is set. */
export function isSet(options: unknown, name: string): boolean {
  const value = asOptions(options)?.[name] ?? false;
  checkArgument("node:fs", name, value, aBoolean);
  return value as boolean;
}

/** The encoding of a call: the options can be an encoding, or have one. */
export function encodingOf(options: unknown): string | undefined {
  const given = asOptions(options), encoding = given ? given.encoding : options;
  if (encoding === undefined || encoding === null) return undefined;
  if (encoding === "buffer" || buffers().isEncoding(encoding)) return encoding as string;
  throw withCode(new TypeError(`node:fs: there is no encoding ${shown(encoding)}`), "ERR_INVALID_ARG_VALUE");
}

/** Bytes as Node returns them: a buffer or, with an encoding, a string. */
export function encoded(bytes: Bytes, options: unknown): unknown {
  const encoding = encodingOf(options), buffer = buffers().from(bytes.buffer, bytes.byteOffset, bytes.length);
  return encoding && encoding !== "buffer" ? buffer.toString(encoding) : buffer;
}

/** A name as Node returns it, except that UTF-8 is lossless. */
export function nameAs(name: string, options: unknown): unknown {
  const encoding = encodingOf(options);
  return encoding === undefined || /^utf-?8$/i.test(encoding) ? name : encoded(encodeName(name), encoding);
}

/** The bytes of what Node's functions write. */
export function bytesOf(data: unknown, options?: unknown): Bytes {
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  }
  if (typeof data === "string") return buffers().from(data, encodingOf(options) ?? "utf8");
  throw new TypeError(
    `The data of node:fs must be a string, a TypedArray or a DataView, not ${shown(data)}.`,
  );
}

/** What Node's asynchronous functions write: all at once, or the parts of an iterable. */
export function partsOf(data: unknown): Iterable<unknown> | AsyncIterable<unknown> {
  const hasParts = typeof data === "object" && data !== null && !ArrayBuffer.isView(data) &&
    (Symbol.iterator in data || Symbol.asyncIterator in data);
  return hasParts ? data as AsyncIterable<unknown> : [data];
}

/** A new buffer of Node. */
export function newBuffer(length: number): Bytes {
  return buffers().from(new ArrayBuffer(length));
}

/** The part of a buffer that `fs.read()` and `fs.write()` use. */
export function partOf(buffer: unknown, offset: unknown, length: unknown): Bytes {
  if (!ArrayBuffer.isView(buffer)) {
    throw new TypeError(`The buffer of node:fs must be a TypedArray or a DataView, not ${shown(buffer)}.`);
  }
  const bytes = bytesOf(buffer);
  const within = (value: unknown, name: string, most: number) => {
    checkArgument("node:fs", name, value, anInteger(0, most));
    return value as number;
  };
  const from = within(offset ?? 0, "offset", bytes.length), most = bytes.length - from;
  return bytes.subarray(from, from + within(length ?? most, "length", most));
}

/** The options that stand for a flag of Node, such as "w+". */
export function openingOf(flag: unknown, mode: unknown, fs: NodeFs): OpenOptions {
  const bits = mode === undefined || mode === null ? {} : { mode: modeOf(mode) };
  if (typeof flag === "number") return { ...bits, ...optionsOfBits(flag, fs) };
  const text = String(flag), has = (sign: string) => text.includes(sign);
  if (!/^(?:r|rs|sr|[wa]|[wa]x|x[wa]|as|sa)\+?$/.test(text)) {
    throw withCode(new TypeError(`fs.open(): there is no flag ${shown(flag)}`), "ERR_INVALID_ARG_VALUE");
  }
  const sync = has("s") ? { sync: true } : {};
  if (has("r")) return { ...sync, read: true, write: has("+") };
  return {
    ...bits,
    ...sync,
    ...(has("x") ? { createNew: true } : { create: true }),
    read: has("+"),
    ...(has("w") ? { write: true, truncate: true } : { append: true }),
  };
}

function optionsOfBits(flags: number, { constants: of }: NodeFs): OpenOptions {
  const has = (name: string) => (flags & of[name]!) !== 0;
  const access = flags & 3, write = access !== 0;
  return {
    read: access !== 1,
    write: write && !has("O_APPEND"),
    append: write && has("O_APPEND"),
    truncate: has("O_TRUNC"),
    create: has("O_CREAT") && !has("O_EXCL"),
    createNew: has("O_CREAT") && has("O_EXCL"),
    sync: has("O_SYNC"),
    noFollow: has("O_NOFOLLOW"),
    directory: has("O_DIRECTORY"),
  };
}

/** A mode, which Node also takes as a string of octal digits. */
export function modeOf(mode: unknown): number {
  if (typeof mode !== "string") return mode as number;
  if (/^[0-7]+$/.test(mode)) return parseInt(mode, 8);
  throw withCode(
    new TypeError(`node:fs: the mode ${quoted(mode)} is not an octal number`),
    "ERR_INVALID_ARG_VALUE",
  );
}

/** A time, which Node also takes as a string with a number of seconds. */
export function timeOf(time: unknown): number | Date {
  return (typeof time === "string" && time.trim() !== "" && Number.isFinite(+time) ? +time : time) as
    | number
    | Date;
}

/** A length to truncate to. Node takes a negative length for 0. */
export function lengthOf(length: unknown = 0): number {
  checkArgument("node:fs", "len", length, anInteger(Number.MIN_SAFE_INTEGER));
  return Math.max(0, length as number);
}

/** The mode of `fs.access()` and of `fs.copyFile()`. */
export const ofThreeBits: Check = anInteger(0, 7);

/** The `Stats` of a file's information. */
export function statsOf(info: Deno.FileInfo, options: unknown, { Stats }: NodeFs): object {
  const isBig = (options as { bigint?: boolean } | null | undefined)?.bigint === true;
  const { dev, mode, nlink, uid, gid, rdev, blksize, ino, size, blocks } = info;
  const numbers: Record<string, unknown> = { dev, mode, nlink, uid, gid, rdev, blksize, ino, size, blocks };
  const times = {
    atime: info.atime,
    mtime: info.mtime,
    ctime: info.ctime,
    birthtime: info.birthtime ?? info.ctime,
  };
  for (const [name, time] of Object.entries(times)) numbers[`${name}Ms`] = +time!;
  if (isBig) {
    for (const [name, value] of Object.entries(numbers)) {
      numbers[name] = BigInt(Math.trunc(Number(value ?? 0)));
    }
    for (const [name, time] of Object.entries(times)) numbers[`${name}Ns`] = BigInt(+time!) * 1_000_000n;
  }
  const is = (type: boolean | null) => ({ value: () => type === true });
  const stats = Object.create(Stats.prototype, {
    isFile: is(info.isFile),
    isDirectory: is(info.isDirectory),
    isSymbolicLink: is(info.isSymlink),
    isFIFO: is(info.isFifo),
    isSocket: is(info.isSocket),
    isBlockDevice: is(info.isBlockDevice),
    isCharacterDevice: is(info.isCharDevice),
  });
  for (const [name, value] of Object.entries({ ...numbers, ...times })) {
    Object.defineProperty(stats, name, { value, enumerable: true, writable: true, configurable: true });
  }
  return stats;
}

/** A path of Node: a string, a URL, or bytes. */
export function textOf(path: unknown): string {
  const isText = typeof path === "string" || path instanceof URL;
  if (!isText && !(path instanceof Uint8Array)) {
    const error = new TypeError(`node:fs: a path must be a string, a URL or bytes, not ${shown(path)}.`);
    throw Object.assign(error, { code: "ERR_INVALID_ARG_TYPE" });
  }
  const text = isText ? pathOf(path) : decodeName(path);
  if (!text.includes("\0")) return text;
  const error = new TypeError(
    `node:fs: the path ${quoted(text)} contains a NUL character (ERR_INVALID_ARG_VALUE).`,
  );
  throw Object.assign(error, { code: "ERR_INVALID_ARG_VALUE" });
}
