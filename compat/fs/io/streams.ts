/**
 * All bytes of a file, from its offset on: as streams, as lines, and as one array.
 *
 * @module
 */
import * as libc from "../../../ffi/libc/mod.ts";
import { receiveBufferOf, typeOfSocket } from "../../../ffi/libc/by_descriptor.ts";
import { type GivenCall, messageOf } from "../../../ffi/errors.ts";
import { rightsOf, statOf } from "../descriptor.ts";
import { anInteger, aSignal } from "../../../ffi/values.ts";

// The same in FreeBSD's sys/socket.h and Linux.
const SOCK_STREAM = 1;

/**
 * Bytes of a buffer that holds each message of a datagram or SEQPACKET socket; 0 for any other file, and without
 * GETSOCKOPT. Only a sender with a larger buffer than the receiver can send more.
 */
export function roomOf(fd: number): number {
  if (!rightsOf(fd).has("GETSOCKOPT")) return 0;
  const type = typeOfSocket(fd);
  return type === undefined || type === SOCK_STREAM ? 0 : (receiveBufferOf(fd) ?? 0) + 1;
}

/** Throws if a message has filled the buffer, because the kernel drops the rest of a longer one. */
function checkWhole(count: number | null, { length }: Uint8Array, room: number): void {
  if (room === 0 || count !== length) return;
  throw new RangeError(
    `A message of the socket has ${length} bytes or more: read it with read() and a buffer that is larger.`,
  );
}

/** The part of a file that a stream needs. */
interface Streamed {
  read(p: Uint8Array): Promise<number | null>;
  writeAll(p: Uint8Array): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Bytes of one read, unless the reader of a stream passes a buffer. */
const chunk = 64 * 1024;

/**
 * V8 frees used chunks only when its young space is full, and by then about 30 MiB of chunks have accumulated. A new
 * 64 KiB array with each chunk fills the young space sooner: about 10 MiB accumulate. It is dropped after each read: V8
 * enlarges the young space as more of it survives.
 */
export let ballast: unknown[] | undefined;

/**
 * The bytes of a file from its offset on. The file is closed at the end, on failure, and on cancel. `room` is what
 * {@link roomOf} returns.
 */
export function readableOf(file: Streamed, room: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    type: "bytes",
    autoAllocateChunkSize: Math.max(chunk, room),
    async pull(controller) {
      ballast = new Array(8192);
      const request = controller.byobRequest!;
      const count = await closingOnFailure(file, async () => {
        const view = request.view as Uint8Array, count = await file.read(view);
        checkWhole(count, view, room);
        return count;
      });
      ballast = undefined;
      if (count !== null) {
        request.respond(count);
        return;
      }
      await file[Symbol.asyncDispose]();
      controller.close();
      request.respond(0);
    },
    cancel: () => file[Symbol.asyncDispose](),
  });
}

/** Writes to a file at its offset. The file is closed with the stream, on failure, and on abort. */
export function writableOf(file: Streamed): WritableStream<Uint8Array> {
  return new WritableStream({
    start({ signal }) {
      // The stream calls its own abort() only after the current write, which may wait for another process.
      signal.addEventListener("abort", () => void file[Symbol.asyncDispose]().catch(() => {}));
    },
    write: (bytes) => closingOnFailure(file, () => file.writeAll(bytes)),
    close: () => file[Symbol.asyncDispose](),
    abort: () => file[Symbol.asyncDispose](),
  });
}

async function closingOnFailure<T>(file: Streamed, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    await file[Symbol.asyncDispose]().catch(() => {});
    throw error;
  }
}

const NEWLINE = 0x0a, RETURN = 0x0d;

/**
 * The lines of the text that `read` reads until it returns 0. `bound` is called when the first line is requested, and so
 * is `room`, which returns what {@link roomOf} does.
 */
export function* linesSync(
  read: (bytes: Uint8Array) => number,
  bound: () => Bound,
  room: () => number = () => 0,
): Generator<string, void, undefined> {
  const lines = new Lines(bound()), most = room(), buffer = new Uint8Array(Math.max(chunk, most));
  for (let count; (count = read(buffer)) > 0;) {
    checkWhole(count, buffer, most);
    yield* lines.push(buffer.subarray(0, count));
  }
  yield* lines.end();
}

/** The same for asynchronous reading; `read` returns null at the end. */
export async function* lines(
  read: (bytes: Uint8Array) => Promise<number | null>,
  bound: () => Bound,
  room: () => number = () => 0,
): AsyncGenerator<string, void, undefined> {
  const lines = new Lines(bound()), most = room(), buffer = new Uint8Array(Math.max(chunk, most));
  for (let count; (count = await read(buffer)) !== null;) {
    checkWhole(count, buffer, most);
    yield* lines.push(buffer.subarray(0, count));
  }
  yield* lines.end();
}

/** Splits chunks of bytes into lines without "\n" or "\r\n". Bytes that are not UTF-8 become U+FFFD. */
class Lines {
  readonly #bound: Bound;
  // Without ignoreBOM, Deno's decoder removes a U+FEFF at the start of any of the first chunks.
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #isStart = true;
  /** The unfinished line: its text, its number of bytes, and its last byte. */
  #rest: string[] = [];
  #length = 0;
  #last = 0;

  constructor(bound: Bound) {
    this.#bound = bound;
  }

  /** The lines that end in these bytes. */
  *push(bytes: Uint8Array): Generator<string, void, undefined> {
    const tooLong = this.#tooLong(bytes);
    const text = this.#decoder.decode(bytes.subarray(0, tooLong), { stream: true });
    const parts = this.#withoutMark(text).split("\n");
    this.#rest.push(parts.shift()!);
    if (parts.length > 0) {
      const line = this.#rest.join("");
      this.#rest = [parts.pop()!];
      yield withoutReturn(line);
      for (const line of parts) yield withoutReturn(line);
    }
    if (tooLong !== undefined) throw this.#bound.error();
  }

  /** The last line, if the text does not end with "\n". */
  *end(): Generator<string, void, undefined> {
    this.#bound.check(this.#length);
    const last = this.#rest.join("") + this.#decoder.decode();
    if (last !== "") yield last;
  }

  /** The text without a byte order mark at the very start. */
  #withoutMark(text: string): string {
    if (!this.#isStart || text === "") return text;
    this.#isStart = false;
    return text.startsWith("\ufeff") ? text.slice(1) : text;
  }

  /** The start of the first line in these bytes that is too long; undefined if none is. */
  #tooLong(bytes: Uint8Array): number | undefined {
    const { most } = this.#bound;
    for (let start = 0, length = this.#length;; length = 0) {
      const newline = bytes.indexOf(NEWLINE, start), end = newline < 0 ? bytes.length : newline;
      length += end - start;
      // A "\r" counts only if it does not belong to the end of the line.
      const last = end > 0 ? bytes[end - 1] : this.#last;
      if (length > most && !(length === most + 1 && last === RETURN)) return start;
      if (newline < 0) this.#length = length;
      else {
        start = newline + 1;
        if (bytes.length - start > most) continue;
        // All lines in the rest fit, because the rest does.
        this.#length = bytes.length - 1 - bytes.lastIndexOf(NEWLINE);
      }
      this.#last = bytes.at(-1)!;
      return undefined;
    }
  }
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

/** Bytes that are read before the size of the file is requested. */
const first = 16 * 1024;

/**
 * Reads everything; the caller makes the calls, synchronously or not. The generator yields a buffer to read into, takes
 * the number of bytes that were read (0 at the end), and returns all bytes. `rest` returns how many more to expect; it
 * is called only if there are more than a few. If there are more than `most`, it throws before it allocates for them.
 */
export function* readingAll(
  rest: () => number,
  most: Bound,
  room = 0,
): Generator<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>, number> {
  if (room > 0) return yield* readingMessages(room, most);
  const more = new Uint8Array(first);
  let all = new Uint8Array(), used = 0, asked = false;
  for (;;) {
    if (used < all.length) {
      const count = yield all.subarray(used);
      if (count === 0) return all.slice(0, used);
      used += count;
      most.check(used);
      continue;
    }
    // All expected bytes are there: a small buffer is enough to find the end.
    const count = yield more;
    if (count === 0) return all;
    let expected = 0;
    if (!asked && count === more.length) {
      asked = true;
      expected = rest();
    }
    most.check(used + count + expected);
    const wanted = used + count + (expected || used);
    const grown = most.buffer(Math.max(used + count, Math.min(wanted, most.most + 1)));
    grown.set(all);
    grown.set(more.subarray(0, count), used);
    all = grown;
    used += count;
  }
}

function* readingMessages(
  room: number,
  most: Bound,
): Generator<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>, number> {
  const buffer = new Uint8Array(room), messages: Uint8Array<ArrayBuffer>[] = [];
  let used = 0;
  for (let count; (count = yield buffer) > 0;) {
    checkWhole(count, buffer, room);
    most.check(used += count);
    messages.push(buffer.slice(0, count));
  }
  const all = new Uint8Array(used);
  for (const message of messages.toReversed()) all.set(message, used -= message.length);
  return all;
}

/** The number of bytes from the offset of a file to its end; 0 if unknown. */
export function restOf(fd: number): number {
  const rights = rightsOf(fd);
  if (!rights.has("FSTAT") || !rights.has("SEEK")) return 0;
  const { isFile, size } = statOf(fd);
  return isFile ? Math.max(0, size - libc.lseek(fd, 0, libc.SEEK_CUR)) : 0;
}

/** The options of calls that read a file, or a line of a file, as a whole. */
export interface LengthOptions {
  /**
   * The most bytes that a line or file may have; the "\n" or "\r\n" of a line does not count. A longer one is a
   * RangeError. A call allocates at most about twice this size. Default: 16 MiB for a line, 536,870,888 for text, no
   * limit for bytes.
   */
  maxLength?: number;
}

/** The options of calls that read files asynchronously: those of `Deno.readFile`, and a bound. */
export interface ReadOptions extends Deno.ReadFileOptions, LengthOptions {}

/** The most UTF-16 units that a V8 string can hold. Text has at least as many bytes. */
const STRING = 2 ** 29 - 24;

/** The default bounds of a line, of text and of bytes, and the largest bounds that a caller may pass. */
const defaultOf = { line: 16 * 1024 * 1024, text: STRING, file: Number.MAX_SAFE_INTEGER } as const;
const mostOf = { line: STRING, text: STRING, file: Number.MAX_SAFE_INTEGER } as const;

/** What is read: a line, a file as text, a file as bytes. */
export type Kind = keyof typeof defaultOf;

/** A check for each option. */
export const lengthOptions = (kind: Kind) => ({ maxLength: anInteger(0, mostOf[kind]) });
export const readOptions = (kind: Kind) => ({ signal: aSignal, ...lengthOptions(kind) });

/** The most bytes that a call may collect before it returns them. */
export class Bound {
  readonly most: number;
  readonly #kind: Kind;
  readonly #call: GivenCall;

  constructor(kind: Kind, { maxLength = defaultOf[kind] }: LengthOptions, call: GivenCall) {
    this.most = maxLength;
    this.#kind = kind;
    this.#call = call;
  }

  /** Throws a RangeError if `bytes` is above the bound. */
  check(bytes: number): void {
    if (bytes > this.most) throw this.error();
  }

  /** Returns a new buffer, or throws a RangeError that names the file if there is no room for it. */
  buffer(length: number): Uint8Array<ArrayBuffer> {
    try {
      return new Uint8Array(length);
    } catch (cause) {
      const why =
        `there is no room for a buffer of ${length} bytes (ENOMEM). Read it in pieces, with read().`;
      throw new RangeError(messageOf(this.#call, why), { cause });
    }
  }

  error(): RangeError {
    const what = this.#kind === "line" ? "a line" : "the file", isLast = this.most === STRING;
    const reason = isLast ? "which is the most that a string can hold" : "the bound that maxLength sets";
    const way = isLast ? "Read it in pieces, with read()." : "Pass a larger maxLength.";
    return new RangeError(
      messageOf(this.#call, `${what} has more than ${this.most} bytes, ${reason}. ${way}`),
    );
  }
}
