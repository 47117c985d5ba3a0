/**
 * Reads whole files, by paths below a directory.
 *
 * @module
 */
import { request, serve, type Serving, serving } from "../../ffi/failure.ts";
import * as libc from "../../ffi/libc/mod.ts";
import type { FdLike } from "../../ffi/values.ts";
import { rightsOf, statOf } from "./descriptor.ts";
import { FdFile } from "./file.ts";
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
import { untilAborted } from "./io/waiting.ts";
import { openForUse } from "./open.ts";
import { openBeneath } from "./path/resolve.ts";

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
  let all = new Uint8Array(size > held ? size : Math.min(2 * held, most.most + 1));
  all.set(first);
  for (let used = held;;) {
    used += fill(file, all.subarray(used));
    most.check(used);
    if (used < all.length) return all.slice(0, used);
    // One more read into `first` finds the end of the file, without a larger buffer.
    const more = libc.read(file, first);
    if (more === 0) return all;
    most.check(used + more);
    const grown = new Uint8Array(Math.max(used + more, Math.min(all.length * 2, most.most + 1)));
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
