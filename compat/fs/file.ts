import { servingAs } from "../../ffi/failure.ts";
import { closeOf } from "../../ffi/libc/by_descriptor.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { fdatasyncAsync, fsyncAsync, ftruncateAsync, POLLIN, POLLOUT } from "../../ffi/libc/bytes.ts";
import { abi } from "../../ffi/system.ts";
import { Descriptor, openDescriptor, timespecs } from "./descriptor.ts";
import { Calls, type Origin } from "./io/async_calls.ts";
import {
  Bound,
  type Kind,
  type LengthOptions,
  lengthOptions,
  lines,
  linesSync,
  readableOf,
  readingAll,
  restOf,
  roomOf,
  writableOf,
} from "./io/streams.ts";
import { progress, readHere, reading, readingAt, writeHere, writing, writingAt } from "./io/transfer.ts";
import { sleep } from "./io/waiting.ts";
import { aBoolean, aBuffer, anInteger, anOffset, checkArgument, checkOptions } from "../../ffi/values.ts";

/**
 * An open file over a raw descriptor, with the methods of `Deno.FsFile`, also in capability mode.
 *
 * All methods require `--allow-ffi` permission. Each names the rights(4) that it needs on the descriptor. Counts,
 * offsets and lengths are in bytes. The file has one offset, which all methods but `pread()` and `pwrite()` use and
 * move.
 *
 * **Asynchronous methods** take the parameters of their `Sync` twins, have their results and errors, and never stop the
 * event loop. They run in the order in which they were called, except for `pread()` and `pwrite()`, which need no
 * order. The buffer of a call must not change until the call has settled. One `write()` to a datagram or SEQPACKET
 * socket is one message. `readAll()`, `lines()` and `readable` read messages as large as the receive buffer of the
 * socket, and throw a RangeError for a larger one. Without GETSOCKOPT they cut larger messages.
 *
 * **Waiting.** A few threads serve all calls that wait for pipes, sockets or terminals, by poll(2), for which a limited
 * descriptor needs EVENT. Without that right at most eight calls wait at once, and further ones queue. A FIFO that the
 * library opened becomes O_NONBLOCK with the first asynchronous call; duplicates of its descriptor share this, and
 * `take()` undoes it. The library never changes O_NONBLOCK of another descriptor.
 *
 * **Closing** rejects the asynchronous calls that wait, with `Deno.errors.BadResource`. A call that is moving bytes of
 * a regular file ends as usual, and the descriptor is closed after it. A call that waits in the kernel, such as a long
 * write to a pipe that other code opened, is rejected at once. Its descriptor is closed when the kernel call returns.
 *
 * @throws {TypeError} If an argument or option is unknown or has the wrong type.
 * @throws {RangeError} If a number is out of range.
 * @throws {Deno.errors.BadResource} If the file is closed, or not open for reading or writing as the method needs.
 * @throws {Deno.errors.WouldBlock} If a synchronous method would wait and the descriptor is O_NONBLOCK.
 * @throws {Deno.errors.BrokenPipe} If it writes to a pipe or socket that no process reads.
 * @throws {Deno.errors.PermissionDenied} If file modes or owners do not permit it, or a sandbox on Linux.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 * @throws {CapsicumError} ENOTCAPABLE if a right is missing, and any errno without a class in Deno, such as ESPIPE for
 * a pipe and EINVAL for a negative offset.
 *
 * @example
 * ```ts
 * import { openDirSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 * using tmp = openDirSync("/tmp");
 * const path = tmp.makeTempFileSync();
 * using file = tmp.openSync(path, { read: true, write: true });
 * tmp.removeSync(path);
 * assertEquals([file.writeSync(new Uint8Array(3)), file.pwriteSync(new Uint8Array(3), 100)], [3, 3]);
 * assertEquals([file.preadSync(new Uint8Array(8), 101), file.seekSync(0, Deno.SeekMode.Start)], [2, 0]);
 * assertEquals([file.readSync(new Uint8Array(8)), file.readAllSync().length], [8, 95]);
 * ```
 */
export class FdFile extends Descriptor {
  readonly #origin: Origin;
  #calls: Calls | undefined;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;

  /**
   * Takes over a descriptor; `fromFd()` checks it first.
   * @param fd The number of the descriptor.
   * @param origin Which code opened it: this library, with or without O_NONBLOCK, or other code.
   */
  constructor(fd: number, origin: "elsewhere" | "own" | "hidden" | "nonblocking" = "elsewhere") {
    super(fd);
    this.#origin = origin;
    if (origin === "hidden") this.#asyncCalls();
  }

  /**
   * Takes over an open descriptor, which the `FdFile` closes from now on. Stands for fcntl(2), F_GETFD.
   * @param fd The number of the descriptor.
   *
   * @example
   * ```ts
   * import { FdFile, libc } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   * using zero = FdFile.fromFd(libc.open("/dev/zero", libc.O_RDWR | libc.O_CLOEXEC));
   * assertEquals(zero.readIntoSync(new Uint8Array(100_000)), 100_000);
   * ```
   */
  static fromFd(fd: number): FdFile {
    return new FdFile(openDescriptor(fd));
  }

  /**
   * Reads at the offset of the file. Stands for read(2). Needs READ.
   * @param p The buffer to read into.
   * @returns How many bytes it read, or null at the end of the file.
   */
  readSync(p: Uint8Array): number | null {
    checkArgument("FdFile.readSync()", "p", p, aBuffer);
    const count = this.#readHere(p);
    return count === 0 && p.length > 0 ? null : count;
  }

  /** The asynchronous twin of {@link FdFile.readSync}. */
  async read(p: Uint8Array): Promise<number | null> {
    checkArgument("FdFile.read()", "p", p, aBuffer);
    const count = await this.#inOrder(POLLIN, (calls) => calls.move(reading, p));
    return count === 0 && p.length > 0 ? null : count;
  }

  /**
   * Writes at the offset of the file. Stands for write(2). Needs WRITE.
   * @param p The bytes.
   * @returns How many bytes it wrote, which may be fewer than `p` has.
   */
  writeSync(p: Uint8Array): number {
    checkArgument("FdFile.writeSync()", "p", p, aBuffer);
    return this.#writeHere(p);
  }

  /** The asynchronous twin of {@link FdFile.writeSync}. */
  async write(p: Uint8Array): Promise<number> {
    checkArgument("FdFile.write()", "p", p, aBuffer);
    return await this.#inOrder(POLLOUT, (calls) => calls.move(writing, p));
  }

  /**
   * Reads at a given offset and leaves the file's own offset alone. Stands for pread(2). Needs READ and SEEK.
   * @param p The buffer to read into.
   * @param offset Where to start.
   * @returns How many bytes it read, or null at the end of the file.
   */
  preadSync(p: Uint8Array, offset: number | bigint): number | null {
    checkArgument("FdFile.preadSync()", "p", p, aBuffer);
    checkArgument("FdFile.preadSync()", "offset", offset, anOffset);
    const count = libc.pread(this, p, p.length, offset);
    return count === 0 && p.length > 0 ? null : count;
  }

  /** The asynchronous twin of {@link FdFile.preadSync}. It does not wait for the other calls of the file. */
  async pread(p: Uint8Array, offset: number | bigint): Promise<number | null> {
    checkArgument("FdFile.pread()", "p", p, aBuffer);
    checkArgument("FdFile.pread()", "offset", offset, anOffset);
    const count = await this.#asyncCalls().move(readingAt(offset), p);
    return count === 0 && p.length > 0 ? null : count;
  }

  /**
   * Writes at a given offset and leaves the file's own offset alone. Stands for pwrite(2). Needs WRITE and SEEK.
   * @param p The bytes.
   * @param offset Where to start.
   * @returns How many bytes it wrote, which may be fewer than `p` has.
   */
  pwriteSync(p: Uint8Array, offset: number | bigint): number {
    checkArgument("FdFile.pwriteSync()", "p", p, aBuffer);
    checkArgument("FdFile.pwriteSync()", "offset", offset, anOffset);
    return libc.pwrite(this, p, p.length, offset);
  }

  /** The asynchronous twin of {@link FdFile.pwriteSync}. It does not wait for the other calls of the file. */
  async pwrite(p: Uint8Array, offset: number | bigint): Promise<number> {
    checkArgument("FdFile.pwrite()", "p", p, aBuffer);
    checkArgument("FdFile.pwrite()", "offset", offset, anOffset);
    return await this.#asyncCalls().move(writingAt(offset), p);
  }

  /**
   * Reads from the offset of the file to its end. Stands for read(2). Needs READ.
   * @param options `maxLength` is the most bytes to return; more is a RangeError, after some of them were read. Default:
   * no bound.
   * @returns The bytes.
   */
  readAllSync(options: LengthOptions = {}): Uint8Array<ArrayBuffer> {
    checkOptions("FdFile.readAllSync()", options, lengthOptions("file"));
    const steps = readingAll(
      () => restOf(this.fd),
      this.#bound("file", options, "FdFile.readAllSync()"),
      roomOf(this.fd),
    );
    let step = steps.next();
    while (!step.done) step = steps.next(this.#readHere(step.value));
    return step.value;
  }

  /** The asynchronous twin of {@link FdFile.readAllSync}. */
  async readAll(options: LengthOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    checkOptions("FdFile.readAll()", options, lengthOptions("file"));
    return await this.#inOrder(POLLIN, async (calls) => {
      const steps = readingAll(
        () => restOf(this.fd),
        this.#bound("file", options, "FdFile.readAll()"),
        roomOf(this.fd),
      );
      let step = steps.next();
      while (!step.done) step = steps.next(await calls.move(reading, step.value));
      return step.value;
    });
  }

  /**
   * Reads at the offset of the file until the buffer is full or the file ends. Stands for read(2). Needs READ.
   * @param p The buffer to read into.
   * @returns How many bytes it read.
   */
  readIntoSync(p: Uint8Array): number {
    checkArgument("FdFile.readIntoSync()", "p", p, aBuffer);
    let used = this.#readHere(p);
    if (used === 0) return 0;
    for (let count; used < p.length && (count = this.#readHere(p.subarray(used))) > 0;) used += count;
    return used;
  }

  /** The asynchronous twin of {@link FdFile.readIntoSync}. */
  async readInto(p: Uint8Array): Promise<number> {
    checkArgument("FdFile.readInto()", "p", p, aBuffer);
    return await this.#inOrder(POLLIN, (calls) => calls.fill(p));
  }

  /**
   * Writes all bytes at the offset of the file. Stands for write(2). Needs WRITE. It throws `Deno.errors.WriteZero` if
   * write(2) succeeds but writes nothing.
   * @param p The bytes.
   */
  writeAllSync(p: Uint8Array): void {
    checkArgument("FdFile.writeAllSync()", "p", p, aBuffer);
    let used = this.#writeHere(p);
    while (used < p.length) used += progress(this.#writeHere(p.subarray(used)));
  }

  /** The asynchronous twin of {@link FdFile.writeAllSync}. */
  async writeAll(p: Uint8Array): Promise<void> {
    checkArgument("FdFile.writeAll()", "p", p, aBuffer);
    return await this.#inOrder(POLLOUT, (calls) => calls.drain(p));
  }

  /**
   * A stream of the bytes from the offset of the file on, also for `byob` readers. Stands for read(2) and close(2).
   * Needs READ. It closes the file at the end, on failure and when it is canceled. Its reads reject with the errors of
   * {@link FdFile.read}.
   */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= readableOf(this, roomOf(this.fd));
  }

  /**
   * A stream that writes at the offset of the file. Stands for write(2) and close(2). Needs WRITE. It closes the file
   * when it is closed or aborted, and on failure. Its writes reject with the errors of {@link FdFile.write}.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * await new Blob(["text"]).stream().pipeTo(tmp.openSync(path, { write: true }).writable);
   * assertEquals(await new Response(tmp.openSync(path).readable).text(), "text");
   * tmp.removeSync(path);
   * ```
   */
  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= (this.fd, writableOf(this));
  }

  /**
   * Reads the lines from the offset of the file on. Stands for read(2). Needs READ.
   *
   * What is not UTF-8 becomes U+FFFD, and a byte order mark at the start is left out. It reads ahead: after a loop that
   * ended early, the offset is beyond the last line that was returned. The first line throws the errors of the file.
   * @param options `maxLength` is the most bytes of a line; a longer one is a RangeError, after the lines before it.
   * Default: 16 MiB.
   * @returns The lines, without "\n" or "\r\n".
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * using file = tmp.createSync(path);
   * tmp.removeSync(path);
   * file.writeAllSync(new TextEncoder().encode("one\ntwo\r\nthree"));
   * file.seekSync(0, Deno.SeekMode.Start);
   * assertEquals([...file.linesSync()], ["one", "two", "three"]);
   * ```
   */
  linesSync(options: LengthOptions = {}): Generator<string, void, undefined> {
    checkOptions("FdFile.linesSync()", options, lengthOptions("line"));
    return linesSync(
      (bytes) => this.#readHere(bytes),
      () => this.#bound("line", options, "FdFile.linesSync()"),
      () => roomOf(this.fd),
    );
  }

  /** The asynchronous twin of {@link FdFile.linesSync}, for `for await`. */
  lines(options: LengthOptions = {}): AsyncGenerator<string, void, undefined> {
    checkOptions("FdFile.lines()", options, lengthOptions("line"));
    return lines(
      (bytes) => this.read(bytes),
      () => this.#bound("line", options, "FdFile.lines()"),
      () => roomOf(this.fd),
    );
  }

  #bound(kind: Kind, options: LengthOptions, syscall: string): Bound {
    return new Bound(kind, options, { syscall, fd: this.fd });
  }

  /**
   * Moves the offset of the file. Stands for lseek(2). Needs SEEK, even to ask for the offset.
   * @param offset How far, from where `whence` says; a result below 0 is EINVAL.
   * @param whence The start or end of the file, or its offset.
   * @returns The new offset.
   */
  seekSync(offset: number | bigint, whence: Deno.SeekMode): number {
    checkArgument("FdFile.seekSync()", "offset", offset, anOffset);
    checkArgument("FdFile.seekSync()", "whence", whence, anInteger(-0x80000000, 0x7fffffff));
    return libc.lseek(this, offset, whence);
  }

  /** The asynchronous twin of {@link FdFile.seekSync}. */
  async seek(offset: number | bigint, whence: Deno.SeekMode): Promise<number> {
    checkArgument("FdFile.seek()", "offset", offset, anOffset);
    checkArgument("FdFile.seek()", "whence", whence, anInteger(-0x80000000, 0x7fffffff));
    return await this.#inOrder(POLLOUT, () => this.seekSync(offset, whence));
  }

  /**
   * Reports on the file. Stands for fstat(2). Needs FSTAT.
   * @returns Its size in bytes, times, mode, owner and kind.
   */
  statSync(): Deno.FileInfo {
    const { statSize, decodeStat } = abi();
    const stat = new Uint8Array(statSize);
    libc.fstat(this, stat);
    return decodeStat(stat);
  }

  /** The asynchronous twin of {@link FdFile.statSync}. */
  stat(): Promise<Deno.FileInfo> {
    return this.#inOrder(POLLOUT, () => this.statSync());
  }

  /**
   * Cuts or extends the file. Stands for ftruncate(2). Needs FTRUNCATE. A file that is not open for writing is EINVAL.
   * @param len Its new length in bytes; a negative number is EINVAL.
   *
   * @example
   * ```ts
   * import { openDirSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals } from "jsr:@std/assert";
   * using tmp = openDirSync("/tmp");
   * const path = tmp.makeTempFileSync();
   * using file = tmp.createSync(path), other = tmp.openSync(path);
   * tmp.removeSync(path);
   * file.truncateSync(100);
   * file.utimeSync(1, new Date(2500));
   * file.syncDataSync();
   * file.syncSync();
   * assertEquals([file.statSync().size, file.statSync().mtime], [100, new Date(2500)]);
   * file.lockSync(true);
   * assertEquals(other.tryLockSync(), false);
   * file.unlockSync();
   * ```
   */
  truncateSync(len: number | bigint = 0): void {
    checkArgument("FdFile.truncateSync()", "len", len, anOffset);
    libc.ftruncate(this, len);
  }

  /** The asynchronous twin of {@link FdFile.truncateSync}. */
  async truncate(len: number | bigint = 0): Promise<void> {
    checkArgument("FdFile.truncate()", "len", len, anOffset);
    return await this.#inOrder(
      POLLOUT,
      (calls) => calls.using((fd) => ftruncateAsync(servingAs(this, fd), len)),
    );
  }

  /** Waits until data and metadata are on the disk. Stands for fsync(2). Needs FSYNC. A socket is EINVAL. */
  syncSync(): void {
    libc.fsync(this);
  }

  /** The asynchronous twin of {@link FdFile.syncSync}. */
  sync(): Promise<void> {
    return this.#inOrder(POLLOUT, (calls) => calls.using((fd) => fsyncAsync(servingAs(this, fd))));
  }

  /** Waits until the data is on the disk. Stands for fdatasync(2). Needs FSYNC. A socket is EINVAL. */
  syncDataSync(): void {
    libc.fdatasync(this);
  }

  /** The asynchronous twin of {@link FdFile.syncDataSync}. */
  syncData(): Promise<void> {
    return this.#inOrder(POLLOUT, (calls) => calls.using((fd) => fdatasyncAsync(servingAs(this, fd))));
  }

  /**
   * Returns whether the file is a terminal. Stands for isatty(3). Needs IOCTL with TIOCGETA.
   *
   * @example
   * ```ts
   * import { openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals, assertThrows } from "jsr:@std/assert";
   * using file = openSync("/dev/null");
   * assertEquals(file.isTerminal(), false);
   * assertThrows(() => file.setRaw(true), Deno.errors.NotSupported);
   * ```
   */
  isTerminal(): boolean {
    return libc.isatty(this) === 1;
  }

  /**
   * Throws `Deno.errors.NotSupported`. It exists so that an `FdFile` is a `Deno.FsFile` to the type checker.
   * @param _arguments Unused.
   */
  setRaw(..._arguments: Parameters<Deno.FsFile["setRaw"]>): void {
    throw new Deno.errors.NotSupported(
      "FdFile.setRaw() is not supported (EOPNOTSUPP): Deno.stdin.setRaw() sets the mode of the terminal.",
    );
  }

  /**
   * Locks the file, and waits while another lock prevents it. It gives up a shared lock before it waits for an exclusive one.
   * Stands for flock(2). Needs FLOCK.
   * @param exclusive Whether the lock excludes all others; if false, only exclusive ones.
   */
  lockSync(exclusive = false): void {
    checkArgument("FdFile.lockSync()", "exclusive", exclusive, aBoolean);
    libc.flock(this, exclusive ? libc.LOCK_EX : libc.LOCK_SH);
  }

  /** The asynchronous twin of {@link FdFile.lockSync}. It tries again up to 20 times a second, and uses no thread. */
  async lock(exclusive = false): Promise<void> {
    checkArgument("FdFile.lock()", "exclusive", exclusive, aBoolean);
    const calls = this.#asyncCalls();
    for (let pause = 1; !this.tryLockSync(exclusive); pause = Math.min(pause * 2, 50)) {
      // As flock(2) does before it waits. On FreeBSD a failed attempt keeps a shared lock, for whose end another process may wait.
      if (pause === 1) this.unlockSync();
      await calls.until(sleep(pause));
    }
  }

  /**
   * Locks the file if that is possible at once. If it is not, the file keeps an earlier shared lock on FreeBSD, and loses it on
   * Linux. Stands for flock(2) with LOCK_NB. Needs FLOCK.
   * @param exclusive As for {@link FdFile.lockSync}.
   * @returns Whether the file is locked; false if another lock prevents it.
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

  /** The asynchronous twin of {@link FdFile.tryLockSync}. */
  async tryLock(exclusive = false): Promise<boolean> {
    checkArgument("FdFile.tryLock()", "exclusive", exclusive, aBoolean);
    return await this.#inOrder(POLLOUT, () => this.tryLockSync(exclusive));
  }

  /** Unlocks the file. Stands for flock(2). Needs FLOCK. */
  unlockSync(): void {
    libc.flock(this, libc.LOCK_UN);
  }

  /** The asynchronous twin of {@link FdFile.unlockSync}. */
  unlock(): Promise<void> {
    return this.#inOrder(POLLOUT, () => this.unlockSync());
  }

  /**
   * Sets the times of the file, to the millisecond. Stands for futimens(2). Needs FUTIMES.
   * @param atime The time of access, as a Date or in seconds since 1970. FreeBSD can't set the last second before 1970.
   * @param mtime The time of modification, in the same form.
   */
  utimeSync(atime: number | Date, mtime: number | Date): void {
    libc.futimens(this, timespecs("FdFile.utimeSync()", atime, mtime));
  }

  /** The asynchronous twin of {@link FdFile.utimeSync}. */
  async utime(atime: number | Date, mtime: number | Date): Promise<void> {
    const times = timespecs("FdFile.utime()", atime, mtime);
    return await this.#inOrder(POLLOUT, () => void libc.futimens(this, times));
  }

  /**
   * Gives up the descriptor without closing it. Calls that wait are rejected.
   *
   * A FIFO that the library made O_NONBLOCK is blocking again, unless it lacks FCNTL. While an asynchronous call is
   * moving bytes, it throws `Deno.errors.Busy`: await the call first.
   * @returns The number of the descriptor, which the caller closes from now on.
   *
   * @example
   * ```ts
   * import { libc, openSync } from "jsr:@capsicum/capsicum";
   * import { assertEquals, assertThrows } from "jsr:@std/assert";
   * const file = openSync("/dev/zero");
   * await file.read(new Uint8Array(1));
   * assertEquals(libc.close(file.take()), 0);
   * assertThrows(() => file.close(), Deno.errors.BadResource);
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
   * Closes the file. Stands for close(2).
   *
   * If a call is moving bytes, the descriptor is closed after it, and only `await using` reports an error of close(2).
   * A late write error, such as EIO, is a `CapsicumError`; the file is closed anyway.
   */
  override close(): void {
    const fd = super.take();
    if (this.#calls) this.#calls.close(fd);
    else closeOf(this, fd);
  }

  /** Closes the file if it is open, and waits for the calls that are moving bytes. */
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
