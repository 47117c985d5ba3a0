import { abi } from "../../ffi/system.ts";
import { fdatasyncAsync, fsyncAsync, ftruncateAsync, POLLIN, POLLOUT } from "../../ffi/libc/threads.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { Bound, type Kind, type LengthOptions, lengthOptions } from "./whole/bound.ts";
import { Descriptor, openDescriptor } from "./descriptor.ts";
import { lines, linesSync } from "./io/lines.ts";
import { aBoolean, aBuffer, anInteger, anOffset, checkArgument, checkOptions } from "./options.ts";
import { readingAll, restOf } from "./io/read_all.ts";
import { Calls } from "./io/async_calls.ts";
import { readableOf, writableOf } from "./io/streams.ts";
import type { Origin } from "./io/subject.ts";
import { readHere, writeHere } from "./io/synchronous.ts";
import { progress, reading, readingAt, writing, writingAt } from "./io/transfer.ts";
import { sleep } from "./io/wait.ts";
import { timespecs } from "./metadata/times.ts";

/**
 * An open file over a raw descriptor: the surface of `Deno.FsFile`, which also works in capability mode.
 *
 * Every method needs its right on the descriptor, as rights(4) says; one that lacks it throws a `CapsicumError` with the
 * code ENOTCAPABLE that names it. All methods require `--allow-ffi` permission.
 *
 * The asynchronous methods do what the synchronous ones do, with the same errors, and never stop the event loop. They
 * happen in the order in which they were called, except for `pread()` and `pwrite()`, which need no order. Until one has
 * settled, its buffer is in use. One `write()` to a datagram or SEQPACKET socket is one message.
 *
 * If a pipe, socket or terminal has to wait, any number of calls take no more than a few threads: poll(2) waits for all of
 * them, for which a limited descriptor needs EVENT. Without that right eight calls wait at once, and further ones wait for
 * these. A FIFO that the library opened is O_NONBLOCK once it is used asynchronously, which a duplicate of its descriptor
 * shows; `take()` undoes it. O_NONBLOCK of any other descriptor is never changed.
 *
 * Closing a file rejects the asynchronous calls that wait, with `Deno.errors.BadResource`. One that moves bytes of a
 * regular file at that moment ends as it would have; only then is the descriptor closed. One that waits in the kernel, as
 * a long write to a pipe from elsewhere, is rejected at once, and the descriptor is closed when the kernel lets it go.
 *
 * @example
 * ```ts
 * import { isSupported, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using zero = openSync("/dev/zero");
 *   const bytes = new Uint8Array([1, 2, 3]);
 *   assertEquals(zero.readSync(bytes), 3);
 *   assertEquals(bytes, new Uint8Array(3));
 * }
 * ```
 */
export class FdFile extends Descriptor {
  readonly #origin: Origin;
  #calls: Calls | undefined;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;

  /**
   * Takes over a descriptor; `fromFd` checks it first.
   *
   * @param origin Who opened it: the library itself, with or without O_NONBLOCK, or somebody else.
   */
  constructor(fd: number, origin: "elsewhere" | "own" | "hidden" | "nonblocking" = "elsewhere") {
    super(fd);
    this.#origin = origin;
    if (origin === "hidden") this.#asyncCalls();
  }

  /**
   * Takes over an open descriptor, which the `FdFile` closes from now on.
   *
   * Stands for fcntl(2), F_GETFD, by which it checks it. Requires `--allow-ffi` permission.
   *
   * @throws {RangeError} When the number is no descriptor.
   * @throws {Deno.errors.BadResource} When it is not open.
   *
   * @example
   * ```ts
   * import { FdFile, isSupported, libc } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using file = FdFile.fromFd(libc.open("/dev/null", libc.O_RDWR | libc.O_CLOEXEC));
   *   assertEquals(file.readAllSync().length, 0);
   * }
   * ```
   */
  static fromFd(fd: number): FdFile {
    return new FdFile(openDescriptor(fd));
  }

  /**
   * Reads into `p` at the offset of the file and returns how many bytes, null at its end.
   *
   * Stands for read(2); needs READ.
   *
   * @throws {TypeError} When `p` is no Uint8Array.
   * @throws {Deno.errors.BadResource} When it is closed, or not open to read.
   * @throws {Deno.errors.WouldBlock} When it does not block and there is nothing to read.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks READ, and any errno that Deno has no class for.
   *
   * @example
   * ```ts
   * import { isSupported, openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using zero = openSync("/dev/zero");
   *   assertEquals(zero.readSync(new Uint8Array(8)), 8);
   *   using nothing = openSync("/dev/null");
   *   assertEquals(nothing.readSync(new Uint8Array(8)), null);
   * }
   * ```
   */
  readSync(p: Uint8Array): number | null {
    const count = this.#readHere(p);
    return count === 0 && p.length > 0 ? null : count;
  }

  /**
   * The asynchronous twin of `readSync()`, with its errors.
   *
   * Stands for read(2); needs READ.
   *
   * @throws {Deno.errors.BadResource} When it is closed, or is closed while the call waits.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks READ.
   *
   * @example
   * ```ts
   * import { openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using file = openSync("/dev/zero");
   * assertEquals(await file.read(new Uint8Array(3)), 3);
   * ```
   */
  async read(p: Uint8Array): Promise<number | null> {
    checkArgument("FdFile.read()", "p", p, aBuffer);
    const count = await this.#inOrder(POLLIN, (calls) => calls.move(reading, p));
    return count === 0 && p.length > 0 ? null : count;
  }

  /**
   * Writes `p` at the offset of the file and returns how many bytes, which may be fewer than it has.
   *
   * Stands for write(2); needs WRITE.
   *
   * @throws {TypeError} When `p` is no Uint8Array.
   * @throws {Deno.errors.BadResource} When it is closed, or not open to write.
   * @throws {Deno.errors.WouldBlock} When it does not block and nothing fits.
   * @throws {Deno.errors.BrokenPipe} When nobody reads the pipe.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks WRITE, and any errno that Deno has no class for.
   *
   * @example
   * ```ts
   * import { isSupported, openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using file = openSync("/dev/null", { write: true });
   *   assertEquals(file.writeSync(new TextEncoder().encode("text")), 4);
   * }
   * ```
   */
  writeSync(p: Uint8Array): number {
    return this.#writeHere(p);
  }

  /**
   * The asynchronous twin of `writeSync()`, with its errors.
   *
   * Stands for write(2); needs WRITE.
   *
   * @throws {Deno.errors.BadResource} When it is closed, or is closed while the call waits.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks WRITE.
   *
   * @example
   * ```ts
   * import { openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using file = openSync("/dev/null", { write: true });
   * assertEquals(await file.write(new Uint8Array(3)), 3);
   * ```
   */
  async write(p: Uint8Array): Promise<number> {
    checkArgument("FdFile.write()", "p", p, aBuffer);
    return await this.#inOrder(POLLOUT, (calls) => calls.move(writing, p));
  }

  /**
   * Reads into `p` from `offset` on, in bytes, and returns how many, null at the end. The file's own offset stays.
   *
   * Stands for pread(2); needs READ and SEEK.
   *
   * @throws {TypeError} When `p` is no Uint8Array.
   * @throws {RangeError} When the offset is no integer of 64 bits.
   * @throws {Deno.errors.BadResource} When it is closed, or not open to read.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks READ or SEEK, EINVAL for a negative offset, ESPIPE for a pipe.
   *
   * @example
   * ```ts
   * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using tmp = openDirSync("/tmp");
   *   const name = crypto.randomUUID();
   *   using file = tmp.openSync(name, { read: true, write: true, createNew: true });
   *   libc.unlinkat(tmp, name, 0);
   *   file.writeSync(new Uint8Array([1, 2, 3]));
   *   const bytes = new Uint8Array(2);
   *   assertEquals(file.preadSync(bytes, 1), 2);
   *   assertEquals(bytes, new Uint8Array([2, 3]));
   * }
   * ```
   */
  preadSync(p: Uint8Array, offset: number | bigint): number | null {
    checkArgument("FdFile.preadSync()", "p", p, aBuffer);
    checkArgument("FdFile.preadSync()", "offset", offset, anOffset);
    const count = libc.pread(this, p, p.length, offset);
    return count === 0 && p.length > 0 ? null : count;
  }

  /**
   * The asynchronous twin of `preadSync()`, with its errors. It takes no turn among the other calls of the file.
   *
   * Stands for pread(2); needs READ and SEEK.
   *
   * @throws {Deno.errors.BadResource} When it is closed, or is closed while the call waits.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks READ or SEEK.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * {
   *   using file = tmp.openSync(path, { read: true, write: true });
   *   file.writeAllSync(new TextEncoder().encode("text"));
   *   const bytes = new Uint8Array(2);
   *   assertEquals(await file.pread(bytes, 1), 2);
   *   assertEquals(new TextDecoder().decode(bytes), "ex");
   * }
   * tmp.removeSync(path);
   * ```
   */
  async pread(p: Uint8Array, offset: number | bigint): Promise<number | null> {
    checkArgument("FdFile.pread()", "p", p, aBuffer);
    checkArgument("FdFile.pread()", "offset", offset, anOffset);
    const count = await this.#asyncCalls().move(readingAt(offset), p);
    return count === 0 && p.length > 0 ? null : count;
  }

  /**
   * Writes `p` from `offset` on, in bytes, and returns how many. The file's own offset stays.
   *
   * Stands for pwrite(2); needs WRITE and SEEK.
   *
   * @throws {TypeError} When `p` is no Uint8Array.
   * @throws {RangeError} When the offset is no integer of 64 bits.
   * @throws {Deno.errors.BadResource} When it is closed, or not open to write.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks WRITE or SEEK, EINVAL for a negative offset, ESPIPE for a pipe.
   *
   * @example
   * ```ts
   * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using tmp = openDirSync("/tmp");
   *   const name = crypto.randomUUID();
   *   using file = tmp.openSync(name, { write: true, createNew: true });
   *   libc.unlinkat(tmp, name, 0);
   *   assertEquals(file.pwriteSync(new Uint8Array(3), 100), 3);
   *   assertEquals(file.statSync().size, 103);
   * }
   * ```
   */
  pwriteSync(p: Uint8Array, offset: number | bigint): number {
    checkArgument("FdFile.pwriteSync()", "p", p, aBuffer);
    checkArgument("FdFile.pwriteSync()", "offset", offset, anOffset);
    return libc.pwrite(this, p, p.length, offset);
  }

  /**
   * The asynchronous twin of `pwriteSync()`, with its errors. It takes no turn among the other calls of the file.
   *
   * Stands for pwrite(2); needs WRITE and SEEK.
   *
   * @throws {Deno.errors.BadResource} When it is closed, or is closed while the call waits.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks WRITE or SEEK.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * {
   *   using file = tmp.openSync(path, { read: true, write: true });
   *   assertEquals(await file.pwrite(new Uint8Array(4), 100), 4);
   *   assertEquals(file.statSync().size, 104);
   * }
   * tmp.removeSync(path);
   * ```
   */
  async pwrite(p: Uint8Array, offset: number | bigint): Promise<number> {
    checkArgument("FdFile.pwrite()", "p", p, aBuffer);
    checkArgument("FdFile.pwrite()", "offset", offset, anOffset);
    return await this.#asyncCalls().move(writingAt(offset), p);
  }

  /**
   * Reads everything from the offset of the file to its end.
   *
   * Stands for read(2), repeated; needs READ.
   *
   * @param options `maxLength` bounds how many bytes it returns. Default: no bound.
   * @returns The bytes.
   * @throws {TypeError} If an option is unknown or of the wrong type.
   * @throws {RangeError} If there are more than `maxLength` bytes. Some may have been read then.
   * @throws {Deno.errors.BadResource} When it is closed, or not open to read.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks READ, and any errno that Deno has no class for.
   *
   * @example
   * ```ts
   * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using tmp = openDirSync("/tmp");
   *   const name = crypto.randomUUID();
   *   using file = tmp.openSync(name, { read: true, write: true, createNew: true });
   *   libc.unlinkat(tmp, name, 0);
   *   file.pwriteSync(new TextEncoder().encode("text"), 0);
   *   assertEquals(new TextDecoder().decode(file.readAllSync()), "text");
   * }
   * ```
   */
  readAllSync(options: LengthOptions = {}): Uint8Array<ArrayBuffer> {
    checkOptions("FdFile.readAllSync()", options, lengthOptions("file"));
    const steps = readingAll(() => restOf(this.fd), this.#bound("file", options, "FdFile.readAllSync()"));
    let step = steps.next();
    while (!step.done) step = steps.next(this.#readHere(step.value));
    return step.value;
  }

  /**
   * The asynchronous twin of `readAllSync()`, with its errors.
   *
   * Stands for read(2), repeated; needs READ.
   *
   * @throws {Deno.errors.BadResource} When it is closed, or is closed while the call waits.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks READ.
   *
   * @example
   * ```ts
   * import { openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using file = openSync("/dev/null");
   * assertEquals((await file.readAll()).length, 0);
   * ```
   */
  async readAll(options: LengthOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    checkOptions("FdFile.readAll()", options, lengthOptions("file"));
    return await this.#inOrder(POLLIN, async (calls) => {
      const steps = readingAll(() => restOf(this.fd), this.#bound("file", options, "FdFile.readAll()"));
      let step = steps.next();
      while (!step.done) step = steps.next(await calls.move(reading, step.value));
      return step.value;
    });
  }

  /**
   * Reads into `p`, from the offset of the file on, until it is full or the file ends, and returns how many bytes.
   *
   * Stands for read(2), repeated; needs READ.
   *
   * @throws {TypeError} When `p` is no Uint8Array.
   * @throws {Deno.errors.BadResource} When it is closed, or not open to read.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks READ.
   *
   * @example
   * ```ts
   * import { openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using file = openSync("/dev/zero");
   * assertEquals(file.readIntoSync(new Uint8Array(100_000)), 100_000);
   * ```
   */
  readIntoSync(p: Uint8Array): number {
    let used = this.#readHere(p);
    if (used === 0) return 0;
    for (let count; used < p.length && (count = this.#readHere(p.subarray(used))) > 0;) used += count;
    return used;
  }

  /**
   * The asynchronous twin of `readIntoSync()`, with its errors.
   *
   * Stands for read(2), repeated; needs READ.
   *
   * @throws {Deno.errors.BadResource} When it is closed, or is closed while the call waits.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks READ.
   *
   * @example
   * ```ts
   * import { openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using file = openSync("/dev/zero");
   * const bytes = new Uint8Array(100_000).fill(1);
   * assertEquals(await file.readInto(bytes), 100_000);
   * assertEquals(bytes[99_999], 0);
   * ```
   */
  async readInto(p: Uint8Array): Promise<number> {
    checkArgument("FdFile.readInto()", "p", p, aBuffer);
    return await this.#inOrder(POLLIN, (calls) => calls.fill(p));
  }

  /**
   * Writes all of `p` at the offset of the file.
   *
   * Stands for write(2), repeated; needs WRITE.
   *
   * @throws {Deno.errors.WriteZero} When the file takes no more bytes and says no reason.
   * @throws {TypeError} When `p` is no Uint8Array.
   * @throws {Deno.errors.BadResource} When it is closed, or not open to write.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks WRITE.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * {
   *   using file = tmp.openSync(path, { read: true, write: true });
   *   file.writeAllSync(new Uint8Array(1_000_000));
   *   assertEquals(file.statSync().size, 1_000_000);
   * }
   * tmp.removeSync(path);
   * ```
   */
  writeAllSync(p: Uint8Array): void {
    let used = this.#writeHere(p);
    while (used < p.length) used += progress(this.#writeHere(p.subarray(used)));
  }

  /**
   * The asynchronous twin of `writeAllSync()`, with its errors.
   *
   * Stands for write(2), repeated; needs WRITE.
   *
   * @throws {Deno.errors.BadResource} When it is closed, or is closed while the call waits.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks WRITE.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * {
   *   using file = tmp.openSync(path, { read: true, write: true });
   *   await file.writeAll(new Uint8Array(1_000_000));
   *   assertEquals(file.statSync().size, 1_000_000);
   * }
   * tmp.removeSync(path);
   * ```
   */
  async writeAll(p: Uint8Array): Promise<void> {
    checkArgument("FdFile.writeAll()", "p", p, aBuffer);
    return await this.#inOrder(POLLOUT, (calls) => calls.drain(p));
  }

  /**
   * The bytes from the offset of the file on, as a stream, which closes the file at their end, on failure and when it is
   * cancelled. A reader may bring its own memory (`mode: "byob"`).
   *
   * Stands for read(2), repeated, and close(2); needs READ.
   *
   * @throws {Deno.errors.BadResource} When it is closed; its reads reject with the errors of `readSync()`.
   *
   * @example
   * ```ts
   * import { openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * const chunks = await Array.fromAsync(openSync("/dev/null").readable);
   * assertEquals(chunks, []);
   * ```
   */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= (this.fd, readableOf(this));
  }

  /**
   * A stream that writes at the offset of the file, and closes the file when it is closed or aborted and on failure.
   *
   * Stands for write(2), repeated, and close(2); needs WRITE.
   *
   * @throws {Deno.errors.BadResource} When it is closed; its writes reject with the errors of `writeSync()`.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * const text = new Blob(["text"]).stream();
   * await text.pipeTo(tmp.openSync(path, { write: true }).writable);
   * assertEquals(tmp.readTextFileSync(path), "text");
   * tmp.removeSync(path);
   * ```
   */
  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= (this.fd, writableOf(this));
  }

  /**
   * The lines of the text from the offset of the file on, without their "\n" or "\r\n". What is not UTF-8 becomes U+FFFD,
   * and a byte order mark at the start is left out.
   *
   * It reads ahead: after a loop that ended early the offset is behind the last line that was given. A line of more than
   * `maxLength` bytes, without its end, ends the loop with a RangeError; the lines before it come first.
   *
   * Stands for read(2), repeated; needs READ.
   *
   * @param options `maxLength` is the most bytes of a line. Default: 16 MiB.
   * @returns The lines, as they are asked for.
   * @throws {TypeError} If an option is unknown or of the wrong type.
   * @throws {RangeError} If a line has more than `maxLength` bytes.
   * @throws {Deno.errors.BadResource} When it is closed, or not open to read: when the first line is asked for.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks READ, and any errno that Deno has no class for.
   *
   * @example
   * ```ts
   * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using tmp = openDirSync("/tmp");
   *   const name = crypto.randomUUID();
   *   using file = tmp.openSync(name, { read: true, write: true, createNew: true });
   *   libc.unlinkat(tmp, name, 0);
   *   file.pwriteSync(new TextEncoder().encode("one\ntwo\r\nthree"), 0);
   *   assertEquals([...file.linesSync()], ["one", "two", "three"]);
   * }
   * ```
   */
  linesSync(options: LengthOptions = {}): Generator<string, void, undefined> {
    checkOptions("FdFile.linesSync()", options, lengthOptions("line"));
    return linesSync(
      (bytes) => this.#readHere(bytes),
      () => this.#bound("line", options, "FdFile.linesSync()"),
    );
  }

  /**
   * The asynchronous twin of `linesSync()`, with its errors.
   *
   * Stands for read(2), repeated; needs READ.
   *
   * @throws {Deno.errors.BadResource} When it is closed, or is closed while the call waits.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks READ.
   *
   * @example
   * ```ts
   * import { openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using file = openSync("/dev/null");
   * assertEquals(await Array.fromAsync(file.lines()), []);
   * ```
   */
  lines(options: LengthOptions = {}): AsyncGenerator<string, void, undefined> {
    checkOptions("FdFile.lines()", options, lengthOptions("line"));
    return lines((bytes) => this.read(bytes), () => this.#bound("line", options, "FdFile.lines()"));
  }

  #bound(kind: Kind, options: LengthOptions, syscall: string): Bound {
    return new Bound(kind, options, { syscall, fd: this.fd });
  }

  /**
   * Moves the offset of the file and returns the new one, in bytes from the start.
   *
   * Stands for lseek(2); needs SEEK, also to tell the present offset.
   *
   * @throws {RangeError} When the offset is no integer of 64 bits.
   * @throws {Deno.errors.BadResource} When it is closed.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks SEEK, EINVAL when the offset would be negative, ESPIPE for a pipe.
   *
   * @example
   * ```ts
   * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using tmp = openDirSync("/tmp");
   *   const name = crypto.randomUUID();
   *   using file = tmp.openSync(name, { write: true, createNew: true });
   *   libc.unlinkat(tmp, name, 0);
   *   assertEquals(file.seekSync(2 ** 33, Deno.SeekMode.Start), 2 ** 33);
   *   assertEquals(file.seekSync(0, Deno.SeekMode.End), 0);
   * }
   * ```
   */
  seekSync(offset: number | bigint, whence: Deno.SeekMode): number {
    return libc.lseek(this, offset, whence);
  }

  /**
   * The asynchronous twin of `seekSync()`, with its errors.
   *
   * Stands for lseek(2); needs SEEK.
   *
   * @throws {Deno.errors.BadResource} When it is closed, or is closed while the call waits.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks SEEK.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * {
   *   using file = tmp.openSync(path, { read: true, write: true });
   *   assertEquals(await file.seek(10, Deno.SeekMode.Start), 10);
   * }
   * tmp.removeSync(path);
   * ```
   */
  async seek(offset: number | bigint, whence: Deno.SeekMode): Promise<number> {
    checkArgument("FdFile.seek()", "offset", offset, anOffset);
    checkArgument("FdFile.seek()", "whence", whence, anInteger(-0x80000000, 0x7fffffff));
    return await this.#inOrder(POLLOUT, () => this.seekSync(offset, whence));
  }

  /**
   * What is known of the file: size in bytes, times, mode, owner.
   *
   * Stands for fstat(2); needs FSTAT.
   *
   * @throws {Deno.errors.BadResource} When it is closed.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks FSTAT, and any errno that Deno has no class for.
   *
   * @example
   * ```ts
   * import { isSupported, openSync } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using file = openSync("/dev/null");
   *   assert(file.statSync().isCharDevice);
   * }
   * ```
   */
  statSync(): Deno.FileInfo {
    const { statSize, decodeStat } = abi();
    const stat = new Uint8Array(statSize);
    libc.fstat(this, stat);
    return decodeStat(stat);
  }

  /**
   * The asynchronous twin of `statSync()`, with its errors.
   *
   * Stands for fstat(2); needs FSTAT.
   *
   * @throws {Deno.errors.BadResource} When it is closed, or is closed while the call waits.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks FSTAT.
   *
   * @example
   * ```ts
   * import { openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using file = openSync("/dev/null");
   * assertEquals((await file.stat()).isCharDevice, true);
   * ```
   */
  stat(): Promise<Deno.FileInfo> {
    return this.#inOrder(POLLOUT, () => this.statSync());
  }

  /**
   * Makes the file `len` bytes long.
   *
   * Stands for ftruncate(2); needs FTRUNCATE.
   *
   * @throws {RangeError} When the length is no integer of 64 bits.
   * @throws {Deno.errors.BadResource} When it is closed.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks FTRUNCATE, EINVAL when it is not open to write or the length is negative.
   *
   * @example
   * ```ts
   * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using tmp = openDirSync("/tmp");
   *   const name = crypto.randomUUID();
   *   using file = tmp.openSync(name, { write: true, createNew: true });
   *   libc.unlinkat(tmp, name, 0);
   *   file.truncateSync(100);
   *   assertEquals(file.statSync().size, 100);
   * }
   * ```
   */
  truncateSync(len: number | bigint = 0): void {
    libc.ftruncate(this, len);
  }

  /**
   * The asynchronous twin of `truncateSync()`, with its errors.
   *
   * Stands for ftruncate(2); needs FTRUNCATE.
   *
   * @throws {Deno.errors.BadResource} When it is closed, or is closed while the call waits.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks FTRUNCATE.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * {
   *   using file = tmp.openSync(path, { read: true, write: true });
   *   await file.truncate(5);
   *   assertEquals(file.statSync().size, 5);
   * }
   * tmp.removeSync(path);
   * ```
   */
  async truncate(len: number | bigint = 0): Promise<void> {
    checkArgument("FdFile.truncate()", "len", len, anOffset);
    return await this.#inOrder(POLLOUT, (calls) => calls.using((fd) => ftruncateAsync(fd, len)));
  }

  /**
   * Brings data and metadata to the disk.
   *
   * Stands for fsync(2); needs FSYNC.
   *
   * @throws {Deno.errors.BadResource} When it is closed.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks FSYNC, EINVAL for a socket, and any errno that Deno has no class for.
   *
   * @example
   * ```ts
   * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using tmp = openDirSync("/tmp");
   *   const name = crypto.randomUUID();
   *   using file = tmp.openSync(name, { write: true, createNew: true });
   *   libc.unlinkat(tmp, name, 0);
   *   file.writeSync(new Uint8Array(3));
   *   file.syncSync();
   *   assertEquals(file.statSync().size, 3);
   * }
   * ```
   */
  syncSync(): void {
    libc.fsync(this);
  }

  /**
   * The asynchronous twin of `syncSync()`, with its errors.
   *
   * Stands for fsync(2); needs FSYNC.
   *
   * @throws {Deno.errors.BadResource} When it is closed, or is closed while the call waits.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks FSYNC.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * {
   *   using file = tmp.openSync(path, { read: true, write: true });
   *   await file.writeAll(new Uint8Array(5));
   *   await file.sync();
   *   assertEquals(file.statSync().size, 5);
   * }
   * tmp.removeSync(path);
   * ```
   */
  sync(): Promise<void> {
    return this.#inOrder(POLLOUT, (calls) => calls.using(fsyncAsync));
  }

  /**
   * Brings the data to the disk.
   *
   * Stands for fdatasync(2); needs FSYNC.
   *
   * @throws {Deno.errors.BadResource} When it is closed.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks FSYNC, EINVAL for a socket, and any errno that Deno has no class for.
   *
   * @example
   * ```ts
   * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using tmp = openDirSync("/tmp");
   *   const name = crypto.randomUUID();
   *   using file = tmp.openSync(name, { write: true, createNew: true });
   *   libc.unlinkat(tmp, name, 0);
   *   file.writeSync(new Uint8Array(3));
   *   file.syncDataSync();
   *   assertEquals(file.statSync().size, 3);
   * }
   * ```
   */
  syncDataSync(): void {
    libc.fdatasync(this);
  }

  /**
   * The asynchronous twin of `syncDataSync()`, with its errors.
   *
   * Stands for fdatasync(2); needs FSYNC.
   *
   * @throws {Deno.errors.BadResource} When it is closed, or is closed while the call waits.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks FSYNC.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * {
   *   using file = tmp.openSync(path, { read: true, write: true });
   *   await file.writeAll(new Uint8Array(5));
   *   await file.syncData();
   *   assertEquals(file.statSync().size, 5);
   * }
   * tmp.removeSync(path);
   * ```
   */
  syncData(): Promise<void> {
    return this.#inOrder(POLLOUT, (calls) => calls.using(fdatasyncAsync));
  }

  /**
   * Tells whether it is a terminal.
   *
   * Stands for isatty(3); needs IOCTL and the ioctl TIOCGETA.
   *
   * @throws {Deno.errors.BadResource} When it is closed.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks IOCTL or that ioctl.
   *
   * @example
   * ```ts
   * import { isSupported, openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using file = openSync("/dev/null");
   *   assertEquals(file.isTerminal(), false);
   * }
   * ```
   */
  isTerminal(): boolean {
    return libc.isatty(this) === 1;
  }

  /**
   * Locks the file, shared or exclusive, and waits for it as long as it takes.
   *
   * Stands for flock(2); needs FLOCK.
   *
   * @throws {Deno.errors.BadResource} When it is closed.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks FLOCK, and any errno that Deno has no class for.
   *
   * @example
   * ```ts
   * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using tmp = openDirSync("/tmp");
   *   const name = crypto.randomUUID();
   *   using file = tmp.openSync(name, { write: true, createNew: true });
   *   libc.unlinkat(tmp, name, 0);
   *   file.lockSync(true);
   *   assert(file.tryLockSync(true));
   * }
   * ```
   */
  lockSync(exclusive = false): void {
    checkArgument("FdFile.lockSync()", "exclusive", exclusive, aBoolean);
    libc.flock(this, exclusive ? libc.LOCK_EX : libc.LOCK_SH);
  }

  /**
   * Locks the file, shared or exclusive, as soon as nobody holds a lock that excludes it.
   *
   * It tries again and again, up to 20 times a second, and takes no thread. Stands for flock(2) with LOCK_NB; needs FLOCK.
   *
   * @throws {Deno.errors.BadResource} When it is closed, or is closed while the call waits.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks FLOCK.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * {
   *   using file = tmp.openSync(path, { read: true, write: true });
   *   using other = tmp.openSync(path);
   *   await file.lock(true);
   *   assertEquals(other.tryLockSync(), false);
   * }
   * tmp.removeSync(path);
   * ```
   */
  async lock(exclusive = false): Promise<void> {
    checkArgument("FdFile.lock()", "exclusive", exclusive, aBoolean);
    const calls = this.#asyncCalls();
    for (let pause = 1; !this.tryLockSync(exclusive); pause = Math.min(pause * 2, 50)) {
      await calls.until(sleep(pause));
    }
  }

  /**
   * Locks the file and returns true, or returns false where another holds a lock.
   *
   * Stands for flock(2) with LOCK_NB; needs FLOCK.
   *
   * @throws {Deno.errors.BadResource} When it is closed.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks FLOCK, and any errno that Deno has no class for.
   *
   * @example
   * ```ts
   * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using tmp = openDirSync("/tmp");
   *   const name = crypto.randomUUID();
   *   using one = tmp.openSync(name, { write: true, createNew: true });
   *   using two = tmp.openSync(name);
   *   libc.unlinkat(tmp, name, 0);
   *   assert(one.tryLockSync(true));
   *   assert(!two.tryLockSync());
   * }
   * ```
   */
  tryLockSync(exclusive = false): boolean {
    checkArgument("FdFile.tryLockSync()", "exclusive", exclusive, aBoolean);
    try {
      libc.flock(this, (exclusive ? libc.LOCK_EX : libc.LOCK_SH) | libc.LOCK_NB);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.WouldBlock) return false;
      throw error;
    }
  }

  /**
   * The asynchronous twin of `tryLockSync()`, with its errors.
   *
   * Stands for flock(2) with LOCK_NB; needs FLOCK.
   *
   * @throws {Deno.errors.BadResource} When it is closed, or is closed while the call waits.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks FLOCK.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * {
   *   using file = tmp.openSync(path, { read: true, write: true });
   *   using other = tmp.openSync(path);
   *   assertEquals(await file.tryLock(true), true);
   *   assertEquals(await other.tryLock(), false);
   * }
   * tmp.removeSync(path);
   * ```
   */
  async tryLock(exclusive = false): Promise<boolean> {
    checkArgument("FdFile.tryLock()", "exclusive", exclusive, aBoolean);
    return await this.#inOrder(POLLOUT, () => this.tryLockSync(exclusive));
  }

  /**
   * Unlocks the file.
   *
   * Stands for flock(2); needs FLOCK.
   *
   * @throws {Deno.errors.BadResource} When it is closed.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks FLOCK, and any errno that Deno has no class for.
   *
   * @example
   * ```ts
   * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
   * import { assert } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using tmp = openDirSync("/tmp");
   *   const name = crypto.randomUUID();
   *   using one = tmp.openSync(name, { write: true, createNew: true });
   *   using two = tmp.openSync(name);
   *   libc.unlinkat(tmp, name, 0);
   *   one.lockSync(true);
   *   one.unlockSync();
   *   assert(two.tryLockSync());
   * }
   * ```
   */
  unlockSync(): void {
    libc.flock(this, libc.LOCK_UN);
  }

  /**
   * The asynchronous twin of `unlockSync()`, with its errors.
   *
   * Stands for flock(2); needs FLOCK.
   *
   * @throws {Deno.errors.BadResource} When it is closed, or is closed while the call waits.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks FLOCK.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * {
   *   using file = tmp.openSync(path, { read: true, write: true });
   *   using other = tmp.openSync(path);
   *   await file.lock(true);
   *   await file.unlock();
   *   assertEquals(await other.tryLock(true), true);
   * }
   * tmp.removeSync(path);
   * ```
   */
  unlock(): Promise<void> {
    return this.#inOrder(POLLOUT, () => this.unlockSync());
  }

  /**
   * Sets access and modification time, as Dates or in seconds since 1970, with milliseconds.
   *
   * Stands for futimens(2); needs FUTIMES.
   *
   * @throws {RangeError} When a time is none, or lies in the last second before 1970, which FreeBSD can't set.
   * @throws {TypeError} When a time is neither a number nor a Date.
   * @throws {Deno.errors.BadResource} When it is closed.
   * @throws {Deno.errors.PermissionDenied} When the file is somebody else's.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks FUTIMES, and any errno that Deno has no class for.
   *
   * @example
   * ```ts
   * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * if (isSupported()) {
   *   using tmp = openDirSync("/tmp");
   *   const name = crypto.randomUUID();
   *   using file = tmp.openSync(name, { write: true, createNew: true });
   *   libc.unlinkat(tmp, name, 0);
   *   file.utimeSync(1, new Date(2500));
   *   assertEquals(file.statSync().mtime, new Date(2500));
   * }
   * ```
   */
  utimeSync(atime: number | Date, mtime: number | Date): void {
    libc.futimens(this, timespecs(atime, mtime));
  }

  /**
   * The asynchronous twin of `utimeSync()`, with its errors.
   *
   * Stands for futimens(2); needs FUTIMES.
   *
   * @throws {Deno.errors.BadResource} When it is closed, or is closed while the call waits.
   * @throws {CapsicumError} ENOTCAPABLE when it lacks FUTIMES.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * {
   *   using file = tmp.openSync(path, { read: true, write: true });
   *   await file.utime(1, new Date(2_000));
   *   assertEquals(file.statSync().mtime, new Date(2_000));
   * }
   * tmp.removeSync(path);
   * ```
   */
  async utime(atime: number | Date, mtime: number | Date): Promise<void> {
    const times = timespecs(atime, mtime);
    return await this.#inOrder(POLLOUT, () => void libc.futimens(this, times));
  }

  /**
   * Gives up the descriptor: its number, which the caller closes from now on. Calls that wait are rejected.
   *
   * A FIFO that the library made O_NONBLOCK is that no longer, unless it lacks FCNTL.
   *
   * @throws {Deno.errors.Busy} While an asynchronous call is moving bytes: await it first.
   * @throws {Deno.errors.BadResource} When it is closed or was taken already.
   *
   * @example
   * ```ts
   * import { libc, openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   *
   * const file = openSync("/dev/zero");
   * await file.read(new Uint8Array(1));
   * assertEquals(libc.close(file.take()), 0);
   * ```
   */
  override take(): number {
    if (this.#calls?.busy) {
      throw new Deno.errors.Busy(
        `An asynchronous call uses the descriptor ${this.fd}: await it before take().`,
      );
    }
    this.#calls?.reveal(this.fd);
    const fd = super.take();
    this.#calls?.interrupt();
    return fd;
  }

  /**
   * Closes the file. Asynchronous calls that wait are rejected; where one is moving bytes, the descriptor is closed once
   * that has ended, and only `await using` tells of an error of that.
   *
   * Stands for close(2). Requires `--allow-ffi` permission.
   *
   * @throws {Deno.errors.BadResource} When it is closed already.
   * @throws {CapsicumError} When the system reports a late write error, as EIO. It is closed then too.
   *
   * @example
   * ```ts
   * import { openSync } from "jsr:@capsicum/capsicum";
   * import { assertThrows } from "jsr:@std/assert";
   *
   * const file = openSync("/dev/null");
   * file.close();
   * assertThrows(() => file.fd, Deno.errors.BadResource);
   * ```
   */
  override close(): void {
    const fd = super.take();
    if (this.#calls) this.#calls.close(fd);
    else libc.close(fd);
  }

  /**
   * Closes the file if it is open, and waits for the calls that are moving bytes.
   */
  override async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
    await this.#calls?.closing;
  }

  #asyncCalls(): Calls {
    return this.#calls ??= new Calls(this, this.#origin);
  }

  #readHere(p: Uint8Array): number {
    return this.#calls?.isHidden ? readHere(this.fd, p) : libc.read(this, p);
  }

  #writeHere(p: Uint8Array): number {
    return this.#calls?.isHidden ? writeHere(this.fd, p) : libc.write(this, p);
  }

  #inOrder<T>(
    events: typeof POLLIN | typeof POLLOUT,
    work: (calls: Calls) => T | Promise<T>,
  ): Promise<T> {
    const calls = this.#asyncCalls();
    return calls.inOrder(events, () => work(calls));
  }
}
