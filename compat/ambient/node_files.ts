/** The open files of node:fs, which are numbers: those that were opened in a directory of the sandbox. */
import { shown } from "../../ffi/errors.ts";
import { failure } from "../../ffi/failure.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { anOffset, checkArgument } from "../../ffi/values.ts";
import type { FdFile } from "../fs/file.ts";
import {
  asOptions,
  type Bytes,
  bytesOf,
  lengthOf,
  modeOf,
  newBuffer,
  type NodeFs,
  partOf,
  statsOf,
  timeOf,
} from "./node_values.ts";

/** A function in its forms, which get a place in the sandbox for each path. */
export interface Forms {
  sync(...args: never[]): unknown;
  /** Default: the asynchronous forms do what `sync` does, which takes microseconds. */
  async?(...args: never[]): Promise<unknown>;
  /** Which arguments are paths, if the first is not the number of a file. Default: the first. */
  readonly at?: readonly number[];
  /** What is added to a path to look for its place: the path of `mkdtemp` is the start of one. */
  readonly addition?: string;
  /** The members of the asynchronous result that a callback gets after the error. `sync` returns the first. */
  readonly results?: readonly string[];
}

/** A place in a file; Node's null and -1 stand for the file's own offset. */
function placeOf(position: unknown): number | bigint | undefined {
  if (position === undefined || position === null) return undefined;
  checkArgument("node:fs", "position", position, anOffset);
  return (position as number) < 0 ? undefined : position as number | bigint;
}

interface Moving {
  readonly part: Bytes;
  readonly at: number | bigint | undefined;
}

/** The arguments of `fs.read(fd, buffer, offset, length, position)`, in each of its forms. */
function readingOf(args: unknown[]): Moving & { readonly buffer: unknown } {
  const [first, second] = args,
    isFirst = args.length > 0 && asOptions(first) === undefined || ArrayBuffer.isView(first);
  const options = asOptions(isFirst ? second : first);
  const buffer = isFirst ? first : options?.buffer ?? newBuffer(16_384);
  const [offset, length, position] = options || !isFirst
    ? [options?.offset, options?.length, options?.position]
    : args.slice(1);
  return { buffer, part: partOf(buffer, offset, length), at: placeOf(position) };
}

/** The arguments of `fs.write()`: `(fd, string, position, encoding)`, `(fd, buffer, offset, length, position)`. */
function writingOf([data, ...rest]: unknown[]): Moving {
  const numbered = (position: unknown) => placeOf(typeof position === "number" ? position : null);
  if (typeof data === "string") return { part: bytesOf(data, rest[1]), at: numbered(rest[0]) };
  const options = asOptions(rest[0]);
  const [offset, length, position] = options ? [options.offset, options.length, options.position] : rest;
  return { part: partOf(data, offset, length), at: numbered(position) };
}

/** The bytes of the buffers of `fs.writev()`, or room for those of `fs.readv()`. */
function joined(buffers: unknown): Bytes {
  if (!Array.isArray(buffers)) {
    throw new TypeError(`The buffers of node:fs must be an array, not ${shown(buffers)}.`);
  }
  const parts = buffers.map((buffer) => partOf(buffer, 0, null));
  const all = newBuffer(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}

/** Distributes the bytes that were read into one buffer, and returns their number. */
function scatter(all: Bytes, count: number, buffers: unknown): number {
  let at = 0;
  for (const part of (buffers as unknown[]).map((buffer) => partOf(buffer, 0, null))) {
    const rest = all.subarray(at, Math.min(count, at + part.length));
    part.set(rest);
    at += rest.length;
  }
  return count;
}

const readSync = (file: FdFile, { part, at }: Moving) =>
  (at === undefined ? file.readSync(part) : file.preadSync(part, at)) ?? 0;
const read = async (file: FdFile, { part, at }: Moving) =>
  await (at === undefined ? file.read(part) : file.pread(part, at)) ?? 0;
const writeSync = (file: FdFile, { part, at }: Moving) =>
  at === undefined ? file.writeSync(part) : file.pwriteSync(part, at);
const write = (file: FdFile, { part, at }: Moving) =>
  at === undefined ? file.write(part) : file.pwrite(part, at);

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
    const file = this.#files.get(fd as number);
    if (file) return file;
    throw failure({ syscall: "node:fs" }, "EBADF", "the file is closed (EBADF). Open it again.");
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
      sync: (fd, ...args) => readSync(this.of(fd), readingOf(args)),
      async: async (fd, ...args) => {
        const moving = readingOf(args);
        return { bytesRead: await read(this.of(fd), moving), buffer: moving.buffer };
      },
      results: ["bytesRead", "buffer"],
    },
    write: {
      sync: (fd, ...args) => writeSync(this.of(fd), writingOf(args)),
      async: async (fd, ...args) => ({
        bytesWritten: await write(this.of(fd), writingOf(args)),
        buffer: args[0],
      }),
      results: ["bytesWritten", "buffer"],
    },
    readv: {
      sync: (fd, buffers, position) => {
        const part = joined(buffers);
        return scatter(part, readSync(this.of(fd), { part, at: placeOf(position) }), buffers);
      },
      async: async (fd, buffers, position) => {
        const part = joined(buffers), count = await read(this.of(fd), { part, at: placeOf(position) });
        return { bytesRead: scatter(part, count, buffers), buffers };
      },
      results: ["bytesRead", "buffers"],
    },
    writev: {
      sync: (fd, buffers, position) =>
        writeSync(this.of(fd), { part: joined(buffers), at: placeOf(position) }),
      async: async (fd, buffers, position) => ({
        bytesWritten: await write(this.of(fd), { part: joined(buffers), at: placeOf(position) }),
        buffers,
      }),
      results: ["bytesWritten", "buffers"],
    },
    fstat: { sync: (fd, options) => statsOf(this.of(fd).statSync(), options, this.#fs) },
    ftruncate: {
      sync: (fd, length) => this.of(fd).truncateSync(lengthOf(length)),
      async: async (fd, length) => await this.of(fd).truncate(lengthOf(length)),
    },
    fsync: { sync: (fd) => this.of(fd).syncSync(), async: (fd) => this.of(fd).sync() },
    fdatasync: { sync: (fd) => this.of(fd).syncDataSync(), async: (fd) => this.of(fd).syncData() },
    futimes: { sync: (fd, atime, mtime) => this.of(fd).utimeSync(timeOf(atime), timeOf(mtime)) },
    fchmod: { sync: (fd, mode) => void libc.fchmod(this.of(fd), modeOf(mode)) },
    fchown: { sync: (fd, uid, gid) => void libc.fchown(this.of(fd), uid as number, gid as number) },
  };
}
