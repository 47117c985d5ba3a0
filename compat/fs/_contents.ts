/** Whole files at once, by paths below a directory. */
import type { FdLike } from "../../ffi/fd_like.ts";
import * as libc from "../../ffi/libc.ts";
import { rightsOf } from "./_held.ts";
import { FdFile } from "./fd_file.ts";
import { openBeneath } from "./open.ts";
import { statOf } from "./_stat.ts";

const READING = libc.O_RDONLY | libc.O_CLOEXEC;
const encoder = new TextEncoder();

/** The options of `Dir.writeFile`: those of `Deno.writeFile`. */
export type WriteOptions = Deno.WriteFileOptions;

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
  signal?.throwIfAborted();
  await using file = new FdFile(openBeneath(dir, path, READING));
  if (signal === undefined) return await file.readAll();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of file.readable) {
    signal.throwIfAborted();
    chunks.push(chunk);
  }
  return concatenated(chunks);
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
  signal?.throwIfAborted();
  await using file = new FdFile(openBeneath(dir, path, READING));
  for await (const line of file.lines()) {
    signal?.throwIfAborted();
    yield line;
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
  const chunks = data instanceof ReadableStream ? data : [bytesOf(data)];
  signal?.throwIfAborted();
  await using file = new FdFile(openToWrite(dir, path, options));
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    await file.writeAll(bytesOf(chunk));
  }
}

/** Writes all of the bytes. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += libc.write(fd, at === 0 ? bytes : bytes.subarray(at));
}

export function bytesOf(data: Uint8Array | string): Uint8Array {
  if (typeof data === "string") return encoder.encode(data);
  if (data instanceof Uint8Array) return data;
  throw new TypeError(
    `What is written to a file is a string or a Uint8Array, not ${Deno.inspect(data, { depth: 0 })}.`,
  );
}

function openToWrite(dir: FdLike, path: string, options: WriteOptions): number {
  const { append = false, create = true, createNew = false, mode } = options;
  const flags = libc.O_WRONLY | libc.O_CLOEXEC | (append ? libc.O_APPEND : libc.O_TRUNC) |
    (createNew ? libc.O_CREAT | libc.O_EXCL : create ? libc.O_CREAT : 0);
  const fd = openBeneath(dir, path, flags, mode ?? 0o666);
  if (mode === undefined) return fd;
  try {
    // As Deno has it: also of a file that exists, and whatever the umask.
    libc.fchmod(fd, mode);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
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

function concatenated(chunks: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
