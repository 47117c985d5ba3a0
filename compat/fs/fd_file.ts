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
    const count = libc.read(this, p);
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
    return libc.write(this, p);
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
   *   assertEquals(file.readAt(bytes, 1), 2);
   *   assertEquals(bytes, new Uint8Array([2, 3]));
   * }
   * ```
   */
  readAt(p: Uint8Array, offset: number | bigint): number | null {
    const count = libc.pread(this, p, p.length, offset);
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
   *   assertEquals(file.writeAt(new Uint8Array(3), 100), 3);
   *   assertEquals(file.statSync().size, 103);
   * }
   * ```
   */
  writeAt(p: Uint8Array, offset: number | bigint): number {
    return libc.pwrite(this, p, p.length, offset);
  }

  /**
   * Everything from the offset of the file to its end.
   *
   * Stands for read(2), repeated; needs READ.
   *
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
   *   file.writeAt(new TextEncoder().encode("text"), 0);
   *   assertEquals(new TextDecoder().decode(file.readAll()), "text");
   * }
   * ```
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
   * The lines of the text from the offset of the file on, without their "\n" or "\r\n". What is not UTF-8 becomes U+FFFD,
   * and a byte order mark at the start is left out.
   *
   * It reads ahead: after a loop that ended early the offset is behind the last line that was given.
   *
   * Stands for read(2), repeated; needs READ.
   *
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
   *   file.writeAt(new TextEncoder().encode("one\ntwo\r\nthree"), 0);
   *   assertEquals([...file.lines()], ["one", "two", "three"]);
   * }
   * ```
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
    if (last !== "") yield last;
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
    libc.flock(this, exclusive ? libc.LOCK_EX : libc.LOCK_SH);
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
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
