/** Writes whole files, by paths below a directory. */
import type { FdLike } from "../../../ffi/check.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { bytesFor, type Encoding, textFor } from "./data.ts";
import type { FdFile } from "../file.ts";
import { permissionBits } from "../descriptor.ts";
import { openBeneath, openForUse } from "../open.ts";
import { aBoolean, aLength, anInteger, aSignal, checkArgument } from "../options.ts";
import { named, told } from "../path/told.ts";
import { untilAborted } from "./until_aborted.ts";

/** The options of `Dir.writeFile`: those of `Deno.writeFile`. */
export type WriteOptions = Deno.WriteFileOptions;

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
    writeAll(fd, bytes);
  } catch (error) {
    throw told(error, fd, named(dir, path));
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
  const bytes = encoding.whole(data), name = named(dir, path);
  await using file = await openToWriteAsync(dir, path, options);
  const { fd } = file;
  try {
    await untilAborted(file, signal, () => file.writeAll(bytes));
  } catch (error) {
    throw told(error, fd, name);
  }
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
  const { signal } = options, name = named(dir, path), source = stream.getReader();
  let file: FdFile;
  try {
    file = await openToWriteAsync(dir, path, options);
  } catch (error) {
    if (signal?.aborted) source.cancel(error).catch(() => {});
    source.releaseLock();
    throw error;
  }
  await using _file = file;
  const { fd } = file;
  try {
    await untilAborted(file, signal, async () => {
      for (let chunk; !(chunk = await source.read()).done;) await file.writeAll(encoding.chunk(chunk.value));
      await file.writeAll(encoding.rest());
    });
  } catch (error) {
    told(error, fd, name);
    // Not awaited: a source whose cancel() never settles must not keep the file open.
    source.cancel(error).catch(() => {});
    throw error;
  } finally {
    source.releaseLock();
  }
}

export function truncate(dir: FdLike, path: string, length: number): void {
  checkArgument("Dir.truncate()", "len", length, aLength);
  // With O_APPEND the right SEEK is not needed; with O_NONBLOCK a FIFO does not wait for a reader.
  const flags = libc.O_WRONLY | libc.O_APPEND | libc.O_NONBLOCK | libc.O_CLOEXEC;
  const fd = openBeneath(dir, path, flags);
  try {
    libc.ftruncate(fd, length);
  } catch (error) {
    throw told(error, fd, named(dir, path));
  } finally {
    libc.close(fd);
  }
}

/** Writes all of the bytes. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += libc.write(fd, at === 0 ? bytes : bytes.subarray(at));
}

function openToWrite(dir: FdLike, path: string, options: WriteOptions): number {
  const { mode } = options;
  const fd = openBeneath(dir, path, writingFlags(options), permissionBits(mode ?? 0o666));
  try {
    setMode(fd, mode);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw told(error, fd, named(dir, path));
  }
}

async function openToWriteAsync(dir: FdLike, path: string, options: WriteOptions): Promise<FdFile> {
  const { mode, signal } = options;
  const bits = permissionBits(mode ?? 0o666), name = named(dir, path);
  const file = await openForUse(dir, path, writingFlags(options), bits, signal);
  const { fd } = file;
  try {
    setMode(fd, mode);
    return file;
  } catch (error) {
    file.close();
    throw told(error, fd, name);
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
