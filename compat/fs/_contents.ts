/** Whole files at once, by paths below a directory. */
import { checkBuffer } from "../../ffi/async.ts";
import type { FdLike } from "../../ffi/fd_like.ts";
import * as libc from "../../ffi/libc.ts";
import { rightsOf } from "./_held.ts";
import { FdFile } from "./fd_file.ts";
import { permissionBits } from "./_mode.ts";
import { openBeneath } from "./open.ts";
import { openForUse } from "./open_async.ts";
import { aBoolean, anInteger, aSignal } from "./options.ts";
import { statOf } from "./_stat.ts";

const READING = libc.O_RDONLY | libc.O_CLOEXEC;
const encoder = new TextEncoder();

/** The options of `Dir.writeFile`: those of `Deno.writeFile`. */
export type WriteOptions = Deno.WriteFileOptions;

export const READ_OPTIONS = { signal: aSignal };
export const WRITE_OPTIONS = {
  append: aBoolean,
  create: aBoolean,
  createNew: aBoolean,
  mode: anInteger(0, 0o177777),
  signal: aSignal,
};

export function readFileSync(dir: FdLike, path: string): Uint8Array<ArrayBuffer> {
  // Copied by the constructor: unlike slice(), it does not fill the new memory with zeros first.
  return reading(
    dir,
    path,
    (bytes, used) => used === undefined ? bytes : new Uint8Array(bytes.subarray(0, used)),
  );
}

export function readTextFileSync(dir: FdLike, path: string): string {
  return reading(dir, path, (bytes, used) => textOf(used === undefined ? bytes : bytes.subarray(0, used)));
}

export async function readFile(
  dir: FdLike,
  path: string,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  await using file = await openForUse(dir, path, READING, 0, signal);
  return await untilAborted(file, signal, () => file.readAll());
}

export async function readTextFile(dir: FdLike, path: string, signal?: AbortSignal): Promise<string> {
  return textOf(await readFile(dir, path, signal));
}

/** The lines of a file, which is opened when the first is asked for. */
export function* readLinesSync(dir: FdLike, path: string): Generator<string, void, undefined> {
  using file = new FdFile(openBeneath(dir, path, READING));
  yield* file.linesSync();
}

export async function* readLines(
  dir: FdLike,
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  await using file = await openForUse(dir, path, READING, 0, signal);
  const lines = file.lines();
  for (;;) {
    const { value, done } = await untilAborted(file, signal, () => lines.next());
    if (done) return;
    yield value;
  }
}

export function writeFileSync(
  dir: FdLike,
  path: string,
  data: Uint8Array | string,
  options: WriteOptions,
): void {
  const bytes = bytesOf(data);
  options.signal?.throwIfAborted();
  const fd = openToWrite(dir, path, options);
  try {
    writeAll(fd, bytes);
  } finally {
    libc.close(fd);
  }
}

export async function writeFile(
  dir: FdLike,
  path: string,
  data: Uint8Array | string | ReadableStream<Uint8Array | string>,
  options: WriteOptions,
): Promise<void> {
  const { signal } = options;
  if (data instanceof ReadableStream) return await writeStream(dir, path, data, options);
  const bytes = bytesOf(data);
  await using file = await openToWriteAsync(dir, path, options);
  await untilAborted(file, signal, () => file.writeAll(bytes));
}

/** Writes what a stream gives. If that fails, the stream is cancelled with the reason, unless the file can't be opened. */
async function writeStream(
  dir: FdLike,
  path: string,
  stream: ReadableStream<Uint8Array | string>,
  options: WriteOptions,
): Promise<void> {
  const { signal } = options, source = stream.getReader();
  let file: FdFile;
  try {
    file = await openToWriteAsync(dir, path, options);
  } catch (error) {
    if (signal?.aborted) await source.cancel(error).catch(() => {});
    source.releaseLock();
    throw error;
  }
  await using _file = file;
  try {
    await untilAborted(file, signal, async () => {
      for (let chunk; !(chunk = await source.read()).done;) await file.writeAll(bytesOf(chunk.value));
    });
  } catch (error) {
    // A source that never ends cancelling keeps nothing open.
    source.cancel(error).catch(() => {});
    throw error;
  } finally {
    source.releaseLock();
  }
}

/** Works with a file, which an aborted signal closes: then this rejects at once with the signal's reason. */
async function untilAborted<T>(
  file: FdFile,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return await work();
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => {
    reject(signal.reason);
    file[Symbol.dispose]();
  };
  signal.addEventListener("abort", abort);
  try {
    const working = work();
    working.catch(() => {});
    return await Promise.race([working, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Writes all of the bytes. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += libc.write(fd, at === 0 ? bytes : bytes.subarray(at));
}

export function bytesOf(data: Uint8Array | string): Uint8Array {
  if (typeof data === "string") return encoder.encode(data);
  if (data instanceof Uint8Array) return checkBuffer(data);
  throw new TypeError(
    `What is written to a file is a string or a Uint8Array, not ${Deno.inspect(data, { depth: 0 })}.`,
  );
}

function openToWrite(dir: FdLike, path: string, options: WriteOptions): number {
  const { mode } = options;
  const fd = openBeneath(dir, path, writingFlags(options), permissionBits(mode ?? 0o666));
  try {
    setMode(fd, mode);
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

/** As Deno has it: also of a file that exists, and whatever the umask. */
function setMode(file: FdLike, mode: number | undefined): void {
  if (mode !== undefined) libc.fchmod(file, mode);
}

/** Where a file is read to before anything is known of its size: memory that is in use already is the fastest. */
let first: Uint8Array<ArrayBuffer> | undefined;
const FIRST = 32 * 1024;

/** Reads a file; `use` gets bytes that are its own, or the first `used` of some that the next call overwrites. */
function reading<T>(
  dir: FdLike,
  path: string,
  use: (bytes: Uint8Array<ArrayBuffer>, used?: number) => T,
): T {
  const fd = openBeneath(dir, path, READING);
  try {
    first ??= new Uint8Array(FIRST);
    const used = fill(fd, first);
    return used < FIRST ? use(first, used) : use(readRest(fd, first));
  } finally {
    libc.close(fd);
  }
}

/** Reads the rest of a file into memory of its size, behind what `first` has of it. */
function readRest(fd: number, first: Uint8Array): Uint8Array<ArrayBuffer> {
  const held = first.length;
  // Known, not tried: in capability mode a refusal may raise SIGTRAP.
  const size = rightsOf(fd).has("FSTAT") ? statOf(fd).size : 0;
  let all = new Uint8Array(size > held ? size : 2 * held);
  all.set(first);
  for (let used = held;;) {
    used += fill(fd, all.subarray(used));
    if (used < all.length) return all.slice(0, used);
    // One read more finds the end without memory for what does not come.
    const more = libc.read(fd, first);
    if (more === 0) return all;
    const grown = new Uint8Array(all.length * 2);
    grown.set(all);
    grown.set(first.subarray(0, more), used);
    used += more;
    all = grown;
  }
}

/** Reads until the memory is full or the file ends. */
function fill(fd: number, bytes: Uint8Array): number {
  let used = libc.read(fd, bytes);
  if (used === 0) return 0;
  for (let count; used < bytes.length && (count = libc.read(fd, bytes.subarray(used))) > 0;) used += count;
  return used;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
