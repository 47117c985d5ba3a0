/** The open files of node:fs, which are numbers: those that were opened in a directory of the sandbox. */
import * as libc from "../../ffi/libc/mod.ts";
import type { FdFile } from "../fs/file.ts";
import type { OpenOptions } from "../fs/open.ts";
import type { Call, Calls } from "./deno.ts";

/** What is used of node:fs. */
export type NodeFs = Calls & {
  readonly promises: Calls;
  readonly constants: Readonly<Record<string, number>>;
  readonly Dirent: new (name: unknown, type: number, path: string) => unknown;
  readonly Stats: { readonly prototype: object };
};

/** A function in its forms, which get a place in the sandbox for each path. */
export interface Forms {
  sync(...args: never[]): unknown;
  /** Default: the asynchronous forms do what `sync` does, which takes microseconds. */
  async?(...args: never[]): Promise<unknown>;
  /** Which arguments are paths, if the first is not the number of a file. Default: the first. */
  readonly at?: readonly number[];
  /** What is added to a path to look for its place: the path of `mkdtemp` is the start of one. */
  readonly addition?: string;
  /** What a callback gets after the error. */
  results?(value: never): unknown[];
}

type Bytes = Uint8Array<ArrayBuffer>;
interface BufferClass {
  from(data: unknown, encoding?: unknown, length?: number): Bytes & { toString(encoding: string): string };
}

/** Deno loads it at first use. */
const buffers = () => (globalThis as unknown as { Buffer: BufferClass }).Buffer;

/** Bytes as Node returns them: a buffer or, with an encoding, a string. */
export function encoded(bytes: Bytes, options: unknown): unknown {
  const encoding = typeof options === "string"
    ? options
    : (options as { encoding?: string } | null | undefined)?.encoding;
  const buffer = buffers().from(bytes.buffer, bytes.byteOffset, bytes.length);
  return encoding && encoding !== "buffer" ? buffer.toString(encoding) : buffer;
}

/** The bytes of what Node's functions write. */
export function bytesOf(data: unknown, encoding: unknown = "utf8"): Bytes {
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  }
  if (typeof data === "string") return buffers().from(data, encoding ?? "utf8");
  throw new TypeError("The data of node:fs is a string, a TypedArray or a DataView.");
}

/** The options that stand for a flag of Node, such as "w+". */
export function openingOf(flag: unknown = "r", mode: unknown, fs: NodeFs): OpenOptions {
  const bits = mode === undefined || mode === null ? {} : { mode: numberOf(mode) };
  if (typeof flag === "number") return { ...bits, ...optionsOfBits(flag, fs) };
  const text = String(flag).replace("s", ""), [kind] = text, both = text.includes("+");
  const sync = String(flag).includes("s") ? { sync: true } : {};
  if (!/^(r\+?|[wa]x?\+?|[wa]\+?x)$/.test(text)) {
    throw new TypeError(`fs.open(): there is no flag ${JSON.stringify(flag)}.`);
  }
  if (kind === "r") return { ...sync, read: true, write: both };
  const create = text.includes("x") ? { createNew: true } : { create: true };
  return {
    ...bits,
    ...sync,
    ...create,
    read: both,
    ...(kind === "w" ? { write: true, truncate: true } : { append: true }),
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

/** A mode, which Node also takes as text of octal digits. */
export function numberOf(mode: unknown): number {
  return typeof mode === "string" ? parseInt(mode, 8) : mode as number;
}

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

/** A place in a file; Node's null and -1 stand for the file's own offset. */
function placeOf(position: unknown): number | bigint | undefined {
  if (typeof position !== "number" && typeof position !== "bigint") return undefined;
  return position < 0 ? undefined : position;
}

/** The part of a buffer that `fs.read()` and `fs.write()` use. */
function partOf(buffer: unknown, offset: unknown, length: unknown): Bytes {
  const bytes = bytesOf(buffer), start = Number(offset ?? 0);
  return bytes.subarray(start, length === undefined || length === null ? undefined : start + Number(length));
}

/** The arguments of `fs.read(fd, buffer, offset, length, position)`, in each of its forms. */
function readingOf(args: unknown[]): { buffer: unknown; part: Bytes; at: number | bigint | undefined } {
  const [first, second] = args;
  const isBuffer = ArrayBuffer.isView(first),
    options = (isBuffer ? second : first) as Record<string, unknown> | undefined;
  const named = typeof options === "object" && options !== null || args.length < 2;
  const buffer = isBuffer ? first : options?.buffer ?? buffers().from(new ArrayBuffer(16_384));
  const [offset, length, position] = named
    ? [options?.offset, options?.length, options?.position]
    : args.slice(1);
  return { buffer, part: partOf(buffer, offset, length), at: placeOf(position) };
}

/** The arguments of `fs.write()`: `(fd, string, position, encoding)`, `(fd, buffer, offset, length, position)`. */
function writingOf([data, ...rest]: unknown[]): { part: Bytes; at: number | bigint | undefined } {
  if (typeof data === "string") return { part: bytesOf(data, rest[1]), at: placeOf(rest[0]) };
  const [first] = rest,
    options = typeof first === "object" && first !== null ? first as Record<string, unknown> : undefined;
  const [offset, length, position] = options ? [options.offset, options.length, options.position] : rest;
  return { part: partOf(data, offset, length), at: placeOf(position) };
}

/** A function on an open file; see {@link Forms}. */
interface NumberForms extends Forms {
  sync(fd: unknown, ...args: unknown[]): unknown;
  async?(fd: unknown, ...args: unknown[]): Promise<unknown>;
}

/** The open files by their numbers. */
export class Files {
  readonly #files = new Map<number, FdFile>();
  readonly #fs: NodeFs;

  constructor(fs: NodeFs) {
    this.#fs = fs;
  }

  /** Takes over a file, and returns its number. */
  add(file: FdFile): number {
    this.#files.set(file.fd, file);
    return file.fd;
  }

  isOwn(fd: unknown): boolean {
    return this.#files.has(fd as number);
  }

  of(fd: unknown): FdFile {
    return this.#files.get(fd as number)!;
  }

  /** The functions whose first argument is a number. */
  readonly forms: Readonly<Record<string, NumberForms>> = {
    close: {
      sync: (fd) => {
        const file = this.of(fd);
        this.#files.delete(fd as number);
        file.close();
      },
    },
    read: {
      sync: (fd, ...args) => {
        const { part, at } = readingOf(args);
        return (at === undefined ? this.of(fd).readSync(part) : this.of(fd).preadSync(part, at)) ?? 0;
      },
      async: async (fd, ...args) => {
        const { buffer, part, at } = readingOf(args), file = this.of(fd);
        return { bytesRead: await (at === undefined ? file.read(part) : file.pread(part, at)) ?? 0, buffer };
      },
      results: ({ bytesRead, buffer }: { bytesRead: number; buffer: unknown }) => [bytesRead, buffer],
    },
    write: {
      sync: (fd, ...args) => {
        const { part, at } = writingOf(args);
        return at === undefined ? this.of(fd).writeSync(part) : this.of(fd).pwriteSync(part, at);
      },
      async: async (fd, ...args) => {
        const { part, at } = writingOf(args), file = this.of(fd);
        return {
          bytesWritten: await (at === undefined ? file.write(part) : file.pwrite(part, at)),
          buffer: args[0],
        };
      },
      results: (
        { bytesWritten, buffer }: { bytesWritten: number; buffer: unknown },
      ) => [bytesWritten, buffer],
    },
    fstat: { sync: (fd, options) => statsOf(this.of(fd).statSync(), options, this.#fs) },
    ftruncate: {
      sync: (fd, length) => this.of(fd).truncateSync(Number(length ?? 0)),
      async: (fd, length) => this.of(fd).truncate(Number(length ?? 0)),
    },
    fsync: { sync: (fd) => this.of(fd).syncSync(), async: (fd) => this.of(fd).sync() },
    fdatasync: { sync: (fd) => this.of(fd).syncDataSync(), async: (fd) => this.of(fd).syncData() },
    futimes: {
      sync: (fd, atime, mtime) => this.of(fd).utimeSync(atime as number | Date, mtime as number | Date),
    },
  };

  /** The `FileHandle` of an open file, which `fs.promises.open()` returns. */
  handle(fd: number): object {
    const file = this.of(fd), { forms } = this;
    const call =
      (name: string, form: Call = forms[name]!.async ?? forms[name]!.sync) => async (...args: unknown[]) =>
        await form(fd, ...args);
    const write = async (data: unknown, options?: unknown) => {
      await file.writeAll(bytesOf(data, typeof options === "string" ? options : undefined));
    };
    const close = async () => {
      if (this.isOwn(fd)) await forms.close!.sync(fd);
    };
    return {
      fd,
      read: call("read"),
      write: call("write"),
      readFile: async (options: unknown) => encoded(await file.readAll(), options),
      writeFile: write,
      appendFile: write,
      stat: call("fstat"),
      truncate: call("ftruncate"),
      sync: call("fsync"),
      datasync: call("fdatasync"),
      utimes: call("futimes"),
      chmod: call("fchmod", (_, mode) => libc.fchmod(file, numberOf(mode))),
      close,
      [Symbol.asyncDispose]: close,
    };
  }
}
