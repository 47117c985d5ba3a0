import { shown } from "../../ffi/errors.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { FdFile } from "../fs/file.ts";
import { binary, type Codec, text } from "./_codec.ts";

/** Bytes to read ahead, the same as `io.DEFAULT_BUFFER_SIZE` of Python. */
const readAhead = 8192;

/**
 * A file object as in Python's `io`, which `openat()` of the facades and `fdopen()` return.
 *
 * In binary mode it reads and writes `Uint8Array`. In text mode it reads and writes strings in valid UTF-8, and reads
 * "\r\n" and "\r" as "\n". Characters are code points. Positions are bytes in both modes. It reads ahead, but writes
 * immediately, so nothing is lost if the file is never closed.
 *
 * All methods require `--allow-ffi` permission. Reading needs READ, writing WRITE, moving the position SEEK, and writing
 * after reading ahead also SEEK.
 *
 * @throws {TypeError} If an argument has the wrong type, or a text that is read is not UTF-8.
 * @throws {Deno.errors.BadResource} If the file is closed, or its mode does not permit the call.
 * @throws {Deno.errors.IsADirectory} If it reads a directory.
 * @throws {CapsicumError} ENOTCAPABLE if a right is missing, and any errno without a class in Deno, such as ENOSPC, or
 * ESPIPE if the position of a pipe is moved.
 *
 * @example
 * ```ts
 * import { libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import * as cap from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * using tmp = openDirSync("/tmp");
 * const name = crypto.randomUUID();
 * using file = cap.openat(tmp, name, libc.O_RDWR | libc.O_CREAT | libc.O_EXCL, 0o600);
 * libc.unlinkat(tmp, name, 0);
 * assertEquals(file.write(new TextEncoder().encode("one\ntwo\n")), 8);
 * assertEquals([file.tell(), file.seek(0)], [8, 0]);
 * assertEquals(file.readline(), new TextEncoder().encode("one\n"));
 * assertEquals(file.readlines().length, 1);
 * ```
 */
export class PythonFile<T extends string | Uint8Array> implements Disposable, Iterable<T> {
  readonly #file: FdFile;
  readonly #mode: Mode;
  readonly #codec: Codec<T>;
  #closed = false;
  /** Bytes that were read ahead. */
  #ahead: Uint8Array = new Uint8Array();

  /**
   * Takes over a descriptor. {@link fdopen} does the same and has the type that belongs to the mode.
   *
   * @throws {RangeError} If the mode is invalid, or the number is out of range for a descriptor.
   * @throws {Deno.errors.BadResource} If the descriptor is not open.
   */
  constructor(fd: number, mode: string) {
    this.#mode = modeOf(mode);
    this.#codec = (this.#mode.isText ? text : binary) as Codec<string | Uint8Array> as Codec<T>;
    this.#file = FdFile.fromFd(fd);
    if (this.#mode.appends) this.#file.seekSync(0, libc.SEEK_END);
  }

  /** The number of the descriptor. All functions of the library accept the file in its place. */
  get fd(): number {
    return this.#file.fd;
  }

  /** The mode that the file was opened with. */
  get mode(): string {
    return this.#mode.text;
  }

  /** Whether the file is closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Returns the number of the descriptor. */
  fileno(): number {
    return this.fd;
  }

  /**
   * Reads the next `size` bytes or characters, or fewer at the end of the file. Without a size, or with a negative one, it
   * reads to the end.
   */
  read(size?: number | null): T {
    return this.#take(sizeOf(size), false);
  }

  /** Reads the next line with its "\n", or at most `size` of it. At the end of the file the result is empty. */
  readline(size?: number | null): T {
    return this.#take(sizeOf(size), true);
  }

  /** Reads the lines up to the end of the file. With a positive `hint` it stops once the lines exceed that size. */
  readlines(hint?: number | null): T[] {
    const enough = sizeOf(hint) || Infinity, lines: T[] = [];
    let size = 0;
    for (const line of this) {
      lines.push(line);
      size += this.#codec.encode(line)[1];
      if (size > enough) break;
    }
    return lines;
  }

  /** Reads the lines from the present position on, each with its "\n". */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (let line; (line = this.readline()).length > 0;) yield line;
  }

  /**
   * Writes all of the data at the present position, and returns the number of bytes or characters.
   *
   * @throws {TypeError} If the data is not a Uint8Array, or in text mode not a string, or a string with a lone surrogate.
   */
  write(data: T): number {
    this.#check("writes");
    const [bytes, units] = this.#codec.encode(data);
    if (this.#ahead.length > 0) this.seek(0, libc.SEEK_CUR);
    this.#file.writeAllSync(bytes);
    return units;
  }

  /**
   * Moves the position and returns the new one, in bytes from the start. `whence` is 0 for the start of the file, 1 for the
   * present position, 2 for the end. A position below 0 is EINVAL.
   *
   * @throws {RangeError} If the offset is not an integer, or in text mode not 0 with a `whence` of 1 or 2.
   */
  seek(offset: number, whence = 0): number {
    if (this.#mode.isText && whence !== libc.SEEK_SET && offset !== 0) {
      throw new RangeError(
        "In text mode a file is moved from its start, or by 0: open it in binary mode to move by bytes.",
      );
    }
    const from = whence === libc.SEEK_CUR ? offset - this.#ahead.length : offset;
    const position = this.#file.seekSync(from, whence);
    this.#ahead = new Uint8Array();
    return position;
  }

  /** Returns the present position, in bytes from the start. */
  tell(): number {
    return this.#file.seekSync(0, libc.SEEK_CUR) - this.#ahead.length;
  }

  /** Does nothing, because every write goes to the file immediately. */
  flush(): void {
    this.fd;
  }

  /**
   * Closes the descriptor. A second call does nothing.
   *
   * @throws {CapsicumError} If the system reports a late write error, such as EIO. The descriptor is then closed too.
   */
  close(): void {
    this.#closed = true;
    this.#file[Symbol.dispose]();
  }

  /** Closes the descriptor if it is open, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Returns what `console.log` prints, such as `PythonFile { mode: "rb", fd: 5 }`. */
  [Symbol.for("Deno.customInspect")](): string {
    const state = this.#closed ? "closed" : `fd: ${this.fd}`;
    return `PythonFile { mode: ${JSON.stringify(this.mode)}, ${state} }`;
  }

  #check(what: "reads" | "writes"): void {
    this.fd;
    if (this.#mode[what]) return;
    throw new Deno.errors.BadResource(
      `This file is open in mode ${shown(this.mode)}, which ${
        what === "reads" ? "reads" : "writes"
      } nothing.`,
    );
  }

  #take(most: number, isLine: boolean): T {
    this.#check("reads");
    const everything = most === Infinity && !isLine;
    let length: number | undefined;
    for (let more = true; length === undefined && more;) {
      length = everything ? undefined : this.#codec.measure(this.#ahead, most, isLine, false);
      if (length === undefined) more = this.#readMore();
    }
    if (!everything) length ??= this.#codec.measure(this.#ahead, most, isLine, true);
    const bytes = this.#ahead.subarray(0, length), data = this.#codec.decode(bytes);
    this.#ahead = this.#ahead.subarray(bytes.length);
    return data;
  }

  /** Reads as much again as is already read ahead, so that a long line is searched only a few times. */
  #readMore(): boolean {
    const known = this.#ahead.length, bytes = new Uint8Array(known + Math.max(known, readAhead));
    const count = this.#file.readSync(bytes.subarray(known)) ?? 0;
    bytes.set(this.#ahead);
    this.#ahead = bytes.subarray(0, known + count);
    return count > 0;
  }
}

/**
 * Takes over an open descriptor as a file object, in text mode unless the mode has a "b".
 *
 * The mode is one of "r", "w", "a" and "x", with "+" to read and write, and "b" or "t", in any order. The file is not
 * opened again: "w" does not truncate it, "x" is the same as "w", and "a" moves to the end.
 *
 * Stands for Python's `os.fdopen()`. It checks the descriptor by fcntl(2), F_GETFD. With "a" it needs SEEK.
 * Requires `--allow-ffi` permission.
 *
 * @throws {TypeError} If the descriptor is not a number, or the mode is not a string.
 * @throws {RangeError} If the mode is invalid, or the number is out of range for a descriptor.
 * @throws {Deno.errors.BadResource} If the descriptor is not open.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD or Linux.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { libc } from "jsr:@capsicum/capsicum";
 * import { fdopen } from "jsr:@capsicum/capsicum/pycapsicumcffi";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * using file = fdopen(libc.open("/dev/null", libc.O_RDWR | libc.O_CLOEXEC), "r+");
 * assertEquals(file.readlines(), []);
 * assertEquals(file.write("text"), 4);
 * ```
 */
export function fdopen(fd: number, mode: `${string}b${string}`): PythonFile<Uint8Array<ArrayBuffer>>;
/** Takes over an open descriptor as a file object in text mode. */
export function fdopen(fd: number, mode?: `${"r" | "w" | "a" | "x"}${"" | "+"}`): PythonFile<string>;
export function fdopen(fd: number, mode = "r"): PythonFile<string | Uint8Array<ArrayBuffer>> {
  return new PythonFile(fd, mode);
}

interface Mode {
  text: string;
  reads: boolean;
  writes: boolean;
  appends: boolean;
  isText: boolean;
}

function modeOf(text: string): Mode {
  if (typeof text !== "string") {
    throw new TypeError(`A mode is a string such as "r+b", not ${shown(text)}.`);
  }
  const has = (letter: string) => text.includes(letter);
  // One direction, and each letter once; the order is free.
  if (!/^(?=[+bt]*[rwax][+bt]*$)(?!.*([+bt]).*\1)(?!.*b.*t|.*t.*b)/.test(text)) {
    throw new RangeError(
      `${
        shown(text)
      } is not a mode: write one of "r", "w" and "a", then "+" to read and write, "b" for bytes.`,
    );
  }
  return {
    text,
    reads: has("r") || has("+"),
    writes: !has("r") || has("+"),
    appends: has("a"),
    isText: !has("b"),
  };
}

/** A size as in Python: a negative or missing size means no limit. */
function sizeOf(size: number | null | undefined): number {
  if (size === undefined || size === null) return Infinity;
  if (!Number.isInteger(size)) throw new TypeError(`A size is an integer, not ${shown(size)}.`);
  return size < 0 ? Infinity : size;
}
