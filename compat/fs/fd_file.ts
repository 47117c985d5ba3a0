import { abi } from "../../ffi/abi/abi.ts";
import * as libc from "../../ffi/libc.ts";
import { Descriptor, openDescriptor } from "./descriptor.ts";
import { timespecs } from "./_times.ts";

/**
 * An open file over a raw descriptor: the synchronous surface of `Deno.FsFile`, which also works in capability mode.
 *
 * Every method needs its right on the descriptor, as rights(4) says; one that lacks it throws a `CapsicumError` with the
 * code ENOTCAPABLE that names it. All methods require `--allow-ffi` permission.
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
   *   assertEquals(file.readAll().length, 0);
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
   */
  readSync(p: Uint8Array): number | null {
    const count = libc.read(this, p);
    return count === 0 && p.length > 0 ? null : count;
  }

  /**
   * Writes `p` at the offset of the file and returns how many bytes, which may be fewer than it has.
   *
   * Stands for write(2); needs WRITE.
   */
  writeSync(p: Uint8Array): number {
    return libc.write(this, p);
  }

  /**
   * Reads into `p` from `offset` on, in bytes, and returns how many, null at the end. The file's own offset stays.
   *
   * Stands for pread(2); needs READ and SEEK.
   */
  readAt(p: Uint8Array, offset: number | bigint): number | null {
    const count = libc.pread(this, p, p.length, offset);
    return count === 0 && p.length > 0 ? null : count;
  }

  /**
   * Writes `p` from `offset` on, in bytes, and returns how many. The file's own offset stays.
   *
   * Stands for pwrite(2); needs WRITE and SEEK.
   */
  writeAt(p: Uint8Array, offset: number | bigint): number {
    return libc.pwrite(this, p, p.length, offset);
  }

  /**
   * Everything from the offset of the file to its end.
   *
   * Stands for read(2), repeated; needs READ.
   */
  readAll(): Uint8Array<ArrayBuffer> {
    const full: Uint8Array<ArrayBuffer>[] = [];
    let chunk = new Uint8Array(16 * 1024), used = 0, total = 0;
    for (let count; (count = libc.read(this, chunk.subarray(used))) > 0;) {
      used += count;
      total += count;
      if (used < chunk.length) continue;
      full.push(chunk);
      chunk = new Uint8Array(Math.min(chunk.length * 4, 16 * 1024 * 1024));
      used = 0;
    }
    if (full.length === 0) return chunk.slice(0, used);
    const all = new Uint8Array(total);
    let at = 0;
    for (const part of full) {
      all.set(part, at);
      at += part.length;
    }
    all.set(chunk.subarray(0, used), at);
    return all;
  }

  /**
   * The lines of the text from the offset of the file on, without their "\n" or "\r\n". What is not UTF-8 becomes U+FFFD.
   *
   * It reads ahead: after a loop that ended early the offset is behind the last line that was given.
   *
   * Stands for read(2), repeated; needs READ.
   */
  *lines(): Generator<string, void, undefined> {
    const decoder = new TextDecoder();
    const chunk = new Uint8Array(64 * 1024);
    let rest: string[] = [];
    for (let count; (count = libc.read(this, chunk)) > 0;) {
      const parts = decoder.decode(chunk.subarray(0, count), { stream: true }).split("\n");
      rest.push(parts.shift()!);
      if (parts.length === 0) continue;
      yield withoutReturn(rest.join(""));
      rest = [parts.pop()!];
      for (const line of parts) yield withoutReturn(line);
    }
    const last = rest.join("") + decoder.decode();
    if (last !== "") yield withoutReturn(last);
  }

  /**
   * Moves the offset of the file and returns the new one, in bytes from the start.
   *
   * Stands for lseek(2); needs SEEK, also to tell the present offset.
   */
  seekSync(offset: number | bigint, whence: Deno.SeekMode): number {
    return libc.lseek(this, offset, whence);
  }

  /**
   * What is known of the file: size in bytes, times, mode, owner.
   *
   * Stands for fstat(2); needs FSTAT.
   */
  statSync(): Deno.FileInfo {
    const { statSize, decodeStat } = abi();
    const stat = new Uint8Array(statSize);
    libc.fstat(this, stat);
    return decodeStat(stat);
  }

  /**
   * Makes the file `len` bytes long.
   *
   * Stands for ftruncate(2); needs FTRUNCATE.
   */
  truncateSync(len: number | bigint = 0): void {
    libc.ftruncate(this, len);
  }

  /**
   * Brings data and metadata to the disk.
   *
   * Stands for fsync(2); needs FSYNC.
   */
  syncSync(): void {
    libc.fsync(this);
  }

  /**
   * Brings the data to the disk.
   *
   * Stands for fdatasync(2); needs FSYNC.
   */
  syncDataSync(): void {
    libc.fdatasync(this);
  }

  /**
   * Tells whether it is a terminal.
   *
   * Stands for isatty(3); needs IOCTL and the ioctl TIOCGETA.
   */
  isTerminal(): boolean {
    return libc.isatty(this) === 1;
  }

  /**
   * Locks the file, shared or exclusive, and waits for it as long as it takes.
   *
   * Stands for flock(2); needs FLOCK.
   */
  lockSync(exclusive = false): void {
    libc.flock(this, exclusive ? libc.LOCK_EX : libc.LOCK_SH);
  }

  /**
   * Locks the file and returns true, or returns false where another holds a lock.
   *
   * Stands for flock(2) with LOCK_NB; needs FLOCK.
   */
  tryLockSync(exclusive = false): boolean {
    try {
      libc.flock(this, (exclusive ? libc.LOCK_EX : libc.LOCK_SH) | libc.LOCK_NB);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.WouldBlock) return false;
      throw error;
    }
  }

  /**
   * Unlocks the file.
   *
   * Stands for flock(2); needs FLOCK.
   */
  unlockSync(): void {
    libc.flock(this, libc.LOCK_UN);
  }

  /**
   * Sets access and modification time, as Dates or in seconds since 1970, with milliseconds.
   *
   * Stands for futimens(2); needs FUTIMES.
   *
   * @throws {RangeError} When a time is none, or lies in the last second before 1970, which FreeBSD can't set.
   */
  utimeSync(atime: number | Date, mtime: number | Date): void {
    libc.futimens(this, timespecs(atime, mtime));
  }
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
