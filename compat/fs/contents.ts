/**
 * Reads and writes whole files, by paths below a directory.
 *
 * `writeAtomic()` replaces a file as a whole: a process that opens it finds either the old content or the new content. The
 * new file is a {@link Successor}: it has a hidden name in the same directory until it is complete.
 *
 * @module
 */
import { codeOf, request, serve, type Serving, serving } from "../../ffi/failure.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { checkBuffer } from "../../ffi/libc/bytes.ts";
import { shown } from "../../ffi/errors.ts";
import {
  aBoolean,
  aLength,
  aMode,
  anInteger,
  aSignal,
  checkArgument,
  checkOptions,
  descriptor,
  type FdLike,
} from "../../ffi/values.ts";
import {
  checkHolds,
  mayHaveAcl,
  modeAfter,
  permissionBits,
  rightsOf,
  statIfThere,
  statOf,
} from "./descriptor.ts";
import { SUCCEEDING, Successor } from "./entries.ts";
import { FdFile } from "./file.ts";
import { untilAborted } from "./io/waiting.ts";
import { openForUse } from "./open.ts";
import { checkedPath } from "./path/components.ts";
import { openBeneath, type Place, resolve } from "./path/resolve.ts";
import {
  Bound,
  type Kind,
  type LengthOptions,
  lines,
  linesSync,
  readingAll,
  type ReadOptions,
  restOf,
} from "./io/streams.ts";

/** The options of `Dir.writeFile`: those of `Deno.writeFile`. */
type WriteOptions = Deno.WriteFileOptions;

export const WRITE_OPTIONS = {
  append: aBoolean,
  create: aBoolean,
  createNew: aBoolean,
  mode: anInteger(0, 0o177777),
  signal: aSignal,
};

export function writeFileSync(dir: FdLike, path: string, data: Uint8Array, options: WriteOptions): void {
  writeSync(dir, path, bytesFor("Dir.writeFileSync()").whole(data), options);
}

export function writeTextFileSync(dir: FdLike, path: string, data: string, options: WriteOptions): void {
  writeSync(dir, path, textFor("Dir.writeTextFileSync()").whole(data), options);
}

function writeSync(dir: FdLike, path: string, bytes: Uint8Array, options: WriteOptions): void {
  options.signal?.throwIfAborted();
  const fd = openToWrite(dir, path, options);
  try {
    writeAll(serving(fd, request(dir, path)), bytes);
  } finally {
    libc.close(fd);
  }
}

export async function writeFile(
  dir: FdLike,
  path: string,
  data: Uint8Array | ReadableStream<Uint8Array>,
  options: WriteOptions,
): Promise<void> {
  await write(dir, path, data, options, bytesFor("Dir.writeFile()"));
}

export async function writeTextFile(
  dir: FdLike,
  path: string,
  data: string | ReadableStream<string>,
  options: WriteOptions,
): Promise<void> {
  await write(dir, path, data, options, textFor("Dir.writeTextFile()"));
}

async function write(
  dir: FdLike,
  path: string,
  data: Uint8Array | string | ReadableStream<unknown>,
  options: WriteOptions,
  encoding: Encoding,
): Promise<void> {
  const { signal } = options;
  if (data instanceof ReadableStream) return await writeStream(dir, path, data, options, encoding);
  const bytes = encoding.whole(data);
  await using file = await openToWriteAsync(dir, path, options);
  await untilAborted(file, signal, () => file.writeAll(bytes));
}

/**
 * Writes the chunks of a stream. If a write fails, the stream is cancelled with the error. If the file can't be
 * opened, the stream is not cancelled.
 */
async function writeStream(
  dir: FdLike,
  path: string,
  stream: ReadableStream<unknown>,
  options: WriteOptions,
  encoding: Encoding,
): Promise<void> {
  const { signal } = options, source = stream.getReader();
  let file: FdFile;
  try {
    file = await openToWriteAsync(dir, path, options);
  } catch (error) {
    if (signal?.aborted) source.cancel(error).catch(() => {});
    source.releaseLock();
    throw error;
  }
  await using _file = file;
  try {
    await untilAborted(file, signal, async () => {
      for (let chunk; !(chunk = await source.read()).done;) await file.writeAll(encoding.chunk(chunk.value));
      await file.writeAll(encoding.rest());
    });
  } catch (error) {
    // Not awaited: a source whose cancel() never settles must not keep the file open.
    source.cancel(error).catch(() => {});
    throw error;
  } finally {
    source.releaseLock();
  }
}

export function truncate(call: string, dir: FdLike, path: string, length: number): void {
  checkArgument(call, "len", length, aLength);
  // With O_APPEND the right SEEK is not needed; with O_NONBLOCK a FIFO does not wait for a reader.
  const flags = libc.O_WRONLY | libc.O_APPEND | libc.O_NONBLOCK | libc.O_CLOEXEC;
  const fd = openBeneath(dir, checkedPath(path, call), flags);
  try {
    libc.ftruncate(serving(fd, request(dir, path)), length);
  } finally {
    libc.close(fd);
  }
}

/** Writes all of the bytes. */
export function writeAll(fd: FdLike, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += libc.write(fd, at === 0 ? bytes : bytes.subarray(at));
}

function openToWrite(dir: FdLike, path: string, options: WriteOptions): number {
  const { mode } = options;
  const fd = openBeneath(dir, path, writingFlags(options), permissionBits(mode ?? 0o666));
  try {
    setMode(serving(fd, request(dir, path)), mode);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

async function openToWriteAsync(dir: FdLike, path: string, options: WriteOptions): Promise<FdFile> {
  const { mode, signal } = options;
  const bits = permissionBits(mode ?? 0o666);
  const file = await openForUse(dir, path, writingFlags(options), bits, signal);
  try {
    setMode(file, mode);
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

function writingFlags({ append = false, create = true, createNew = false }: WriteOptions): number {
  return libc.O_WRONLY | libc.O_CLOEXEC | (append ? libc.O_APPEND : libc.O_TRUNC) |
    (createNew ? libc.O_CREAT | libc.O_EXCL : create ? libc.O_CREAT : 0);
}

/** Sets the mode as Deno does: even if the file existed, and without the umask. */
function setMode(file: FdLike, mode: number | undefined): void {
  if (mode !== undefined) libc.fchmod(file, mode);
}

/** The options of `Dir.writeFileAtomic`. */
export interface AtomicWriteOptions {
  /**
   * The mode of the file; the umask does not apply. Default: the permission bits of the file that is replaced. A new
   * file gets 0o666 less the umask.
   */
  mode?: number;
}

/** Without one of these rights the call would fail halfway, or leave the new file under its hidden name. */
const NEEDS = [...SUCCEEDING, "FSYNC"] as const;

export function writeAtomicSync(
  dir: FdLike,
  path: string,
  data: Uint8Array | string,
  options?: AtomicWriteOptions,
): void {
  const bytes = bytesOf("Dir.writeFileAtomicSync()", data);
  for (const file of succeeding("Dir.writeFileAtomicSync()", dir, path, options)) {
    file.writeAllSync(bytes);
    file.syncSync();
  }
}

export async function writeAtomic(
  dir: FdLike,
  path: string,
  data: Uint8Array | string,
  options?: AtomicWriteOptions,
): Promise<void> {
  const bytes = bytesOf("Dir.writeFileAtomic()", data);
  for (const file of succeeding("Dir.writeFileAtomic()", dir, path, options)) {
    await file.writeAll(bytes);
    await file.sync();
  }
}

/** Yields the new file, which the caller fills and flushes to the disk. Then the file takes its place. */
function* succeeding(
  call: string,
  dir: FdLike,
  path: string,
  options?: AtomicWriteOptions,
): Generator<FdFile, void, undefined> {
  checkOptions(call, options, { mode: aMode });
  using place = resolve(dir, checkedPath(path, call), { syscall: "renameat", isKept: true });
  checkHolds(descriptor(dir), { ...place.request, syscall: "renameat" }, NEEDS);
  const old = statIfThere(place, place.name);
  const isReplaced = old?.isFile === true, hasList = isReplaced && mayHaveAcl(place, place.name);
  const mode = options?.mode ?? (isReplaced ? undefined : modeOfNew(place));
  using next = new Successor(place);
  yield next.file;
  if (isReplaced) keepOwner(next.file, old);
  next.publish(mode === undefined ? modeAfter(old!, hasList, next.file.fd) : mode & 0o7777);
}

/** The permission bits that a new file gets in the directory: by the umask, or by an access control list. */
function modeOfNew(place: Place): number {
  using probe = new Successor(place, 0o666);
  const mode = statOf(probe.file.fd).mode! & 0o777;
  probe.discard();
  return mode;
}

/** Gives a file the owner and the group of the file that it replaces, as far as that is permitted. */
function keepOwner(file: FdFile, { uid, gid }: Deno.FileInfo): void {
  const now = statOf(file.fd);
  if (now.uid === uid && now.gid === gid || !rightsOf(file.fd).has("FCHOWN")) return;
  if (!gives(file, uid!, gid!)) gives(file, -1, gid!);
}

function gives(file: FdFile, uid: number, gid: number): boolean {
  try {
    libc.fchown(file, uid, gid);
    return true;
  } catch (error) {
    // Linux reports EINVAL for an owner that is not mapped in the user namespace.
    if (codeOf(error) !== "EPERM" && codeOf(error) !== "EINVAL") throw error;
    return false;
  }
}

/** Encodes what is written to a file, as a whole or in chunks. */
interface Encoding {
  /** The bytes of all data. */
  whole(data: unknown): Uint8Array;
  /** The bytes of a chunk, without a last half of a surrogate pair, which waits for the next chunk. */
  chunk(data: unknown): Uint8Array;
  /** The bytes of what the last chunk left over. */
  rest(): Uint8Array;
}

/** The bytes of `data`, which is text or bytes. `call` is the function that a TypeError names. */
function bytesOf(call: string, data: unknown): Uint8Array {
  if (typeof data === "string") return utf8(data);
  if (data instanceof Uint8Array) return checkBuffer(data);
  throw wrong(call, "a string or a Uint8Array", data);
}

/** An encoding for data that is bytes. `call` is the function that a TypeError names. */
function bytesFor(call: string): Encoding {
  const whole = (data: unknown) => {
    if (data instanceof Uint8Array) return checkBuffer(data);
    throw wrong(call, "a Uint8Array", data);
  };
  return { whole, chunk: whole, rest: () => new Uint8Array() };
}

/** An encoding for text. A chunk may end within a surrogate pair; a lone surrogate becomes U+FFFD. */
function textFor(call: string): Encoding {
  const stringOf = (data: unknown) => {
    if (typeof data === "string") return data;
    throw wrong(call, "a string", data);
  };
  let high = "";
  return {
    whole: (data) => utf8(stringOf(data)),
    chunk(data) {
      const text = high + stringOf(data), end = text.length - 1, last = text.charCodeAt(end);
      const isHalf = last >= 0xd800 && last <= 0xdbff;
      high = isHalf ? text[end]! : "";
      return utf8(isHalf ? text.slice(0, end) : text);
    },
    rest: () => utf8(high),
  };
}

function wrong(call: string, expected: string, data: unknown): TypeError {
  return new TypeError(`${call}: what is written must be ${expected}, not ${shown(data)}.`);
}

let encoder: TextEncoder | undefined;

function utf8(text: string): Uint8Array {
  return (encoder ??= new TextEncoder()).encode(text);
}

const READING = libc.O_RDONLY | libc.O_CLOEXEC;

export function readFileSync(dir: FdLike, path: string, options: LengthOptions): Uint8Array<ArrayBuffer> {
  // Copied by the constructor: unlike slice(), it does not fill the new buffer with zeros first.
  return reading(
    dir,
    path,
    bound("file", options, "Dir.readFileSync()", dir, path),
    (bytes, used) => used === undefined ? bytes : new Uint8Array(bytes.subarray(0, used)),
  );
}

export function readTextFileSync(dir: FdLike, path: string, options: LengthOptions): string {
  return reading(
    dir,
    path,
    bound("text", options, "Dir.readTextFileSync()", dir, path),
    (bytes, used) => textOf(used === undefined ? bytes : bytes.subarray(0, used)),
  );
}

export async function readFile(
  dir: FdLike,
  path: string,
  options: ReadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  return await readWhole(dir, path, options.signal, bound("file", options, "Dir.readFile()", dir, path));
}

export async function readTextFile(dir: FdLike, path: string, options: ReadOptions): Promise<string> {
  const most = bound("text", options, "Dir.readTextFile()", dir, path);
  return textOf(await readWhole(dir, path, options.signal, most));
}

async function readWhole(
  dir: FdLike,
  path: string,
  signal: AbortSignal | undefined,
  most: Bound,
): Promise<Uint8Array<ArrayBuffer>> {
  await using file = await openForUse(dir, path, READING, 0, signal);
  const { fd } = file;
  return await untilAborted(file, signal, async () => {
    const steps = readingAll(() => restOf(fd), most);
    let step = steps.next();
    while (!step.done) step = steps.next(await file.read(step.value) ?? 0);
    return step.value;
  });
}

/** The lines of a file, which is opened when the caller asks for the first line. */
export function* readLinesSync(
  dir: FdLike,
  path: string,
  options: LengthOptions,
): Generator<string, void, undefined> {
  const asks = request(dir, path);
  using file = serve(new FdFile(openBeneath(dir, path, READING)), asks);
  yield* linesSync(
    (bytes) => libc.read(file, bytes),
    () => bound("line", options, "Dir.readTextFileLinesSync()", dir, path),
  );
}

export async function* readLines(
  dir: FdLike,
  path: string,
  options: ReadOptions,
): AsyncGenerator<string, void, undefined> {
  const { signal } = options;
  await using file = await openForUse(dir, path, READING, 0, signal);
  const all = lines(
    (bytes) => file.read(bytes),
    () => bound("line", options, "Dir.readTextFileLines()", dir, path),
  );
  for (;;) {
    const { value, done } = await untilAborted(file, signal, () => all.next());
    if (done) return;
    yield value;
  }
}

function bound(kind: Kind, options: LengthOptions, syscall: string, dir: FdLike, path: string): Bound {
  return new Bound(kind, options, { ...request(dir, path), syscall });
}

/** The buffer for the start of each file, before its size is known. A buffer that was used before is the fastest. */
let first: Uint8Array<ArrayBuffer> | undefined;
const FIRST = 32 * 1024;

/** Reads a file. `use` gets a buffer of its own or, with `used`, a part of a buffer that the next call overwrites. */
function reading<T>(
  dir: FdLike,
  path: string,
  most: Bound,
  use: (bytes: Uint8Array<ArrayBuffer>, used?: number) => T,
): T {
  const fd = openBeneath(dir, path, READING);
  try {
    const file = serving(fd, request(dir, path));
    first ??= new Uint8Array(FIRST);
    const used = fill(file, first);
    most.check(used);
    return used < FIRST ? use(first, used) : use(readRest(file, first, most));
  } finally {
    libc.close(fd);
  }
}

/** Reads the rest of a file into a buffer of the file's size, behind the bytes that are in `first`. */
function readRest(file: Serving, first: Uint8Array, most: Bound): Uint8Array<ArrayBuffer> {
  const held = first.length;
  // Asked before the call, not tried: in capability mode a refused call may raise SIGTRAP.
  const size = rightsOf(file.fd).has("FSTAT") ? statOf(file).size : 0;
  most.check(size);
  let all = most.buffer(size > held ? size : Math.min(2 * held, most.most + 1));
  all.set(first);
  for (let used = held;;) {
    used += fill(file, all.subarray(used));
    most.check(used);
    if (used < all.length) return all.slice(0, used);
    // One more read into `first` finds the end of the file, without a larger buffer.
    const more = libc.read(file, first);
    if (more === 0) return all;
    most.check(used + more);
    const grown = most.buffer(Math.max(used + more, Math.min(all.length * 2, most.most + 1)));
    grown.set(all);
    grown.set(first.subarray(0, more), used);
    used += more;
    all = grown;
  }
}

/** Reads until the buffer is full or the file ends. */
function fill(fd: FdLike, bytes: Uint8Array): number {
  let used = libc.read(fd, bytes);
  if (used === 0) return 0;
  for (let count; used < bytes.length && (count = libc.read(fd, bytes.subarray(used))) > 0;) used += count;
  return used;
}

let decoder: TextDecoder | undefined;

function textOf(bytes: Uint8Array): string {
  return (decoder ??= new TextDecoder("utf-8", { ignoreBOM: true })).decode(bytes);
}
