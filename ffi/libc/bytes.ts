import { bound, errno, errnoAt, memcpy } from "../symbols.ts";
import { bind } from "../system.ts";
import { descriptor, type FdLike, int, length, long, memory } from "../values.ts";
import { syscallError } from "../_syscall_error.ts";
import { EINTR, SEEK_CUR } from "../freebsd/constants.ts";

/**
 * Reads at the offset of a file. Stands for read(2): `ssize_t read(int fd, void *buf, size_t nbytes)`. Needs READ.
 * @param fd The file.
 * @param buffer The buffer to read into.
 * @param nbytes The most bytes to read. Default: the length of the buffer.
 * @returns How many bytes it read; 0 at the end of the file.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using zero = openSync("/dev/zero");
 *   const buffer = new Uint8Array([1, 2, 3]);
 *   assertEquals(libc.read(zero, buffer, 2), 2);
 *   assertEquals(buffer, new Uint8Array([0, 0, 3]));
 * }
 * ```
 */
export function read(fd: FdLike, buffer: Uint8Array, nbytes?: number): number {
  const number = descriptor(fd), count = length(buffer, nbytes), bytes = memory(buffer, 0);
  const call = bound.read ?? bind("read");
  do {
    const result = call(number, bytes, count);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("read", { fd: number }, fd);
}

/**
 * Writes at the offset of a file. Stands for write(2): `ssize_t write(int fd, const void *buf, size_t nbytes)`. Needs
 * WRITE.
 * @param fd The file.
 * @param buffer The bytes.
 * @param nbytes How many of them to write. Default: all.
 * @returns How many bytes it wrote, which may be fewer.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openSync } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using file = openSync("/dev/null", { write: true });
 *   assertEquals(libc.write(file, new Uint8Array(3)), 3);
 * }
 * ```
 */
export function write(fd: FdLike, buffer: Uint8Array, nbytes?: number): number {
  const number = descriptor(fd), count = length(buffer, nbytes), bytes = memory(buffer, 0);
  const call = bound.write ?? bind("write");
  do {
    const result = call(number, bytes, count);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("write", { fd: number }, fd);
}

/**
 * Reads at a given offset. Stands for pread(2): `ssize_t pread(int fd, void *buf, size_t nbytes, off_t offset)`. Needs
 * READ and SEEK.
 * @param fd The file, whose own offset stays.
 * @param buffer The buffer to read into.
 * @param nbytes The most bytes to read.
 * @param offset Where to start.
 * @returns How many bytes it read; 0 at the end of the file.
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
 *   libc.write(file, new Uint8Array([1, 2, 3]));
 *   const buffer = new Uint8Array(2);
 *   assertEquals(libc.pread(file, buffer, 2, 1), 2);
 *   assertEquals(buffer, new Uint8Array([2, 3]));
 * }
 * ```
 */
export function pread(fd: FdLike, buffer: Uint8Array, nbytes: number, offset: number | bigint): number {
  const number = descriptor(fd), count = length(buffer, nbytes), bytes = memory(buffer, 0);
  const at = long(offset, "offset");
  const call = bound.pread ?? bind("pread");
  do {
    const result = call(number, bytes, count, at);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("pread", { fd: number }, fd);
}

/**
 * Writes at a given offset. Stands for pwrite(2): `ssize_t pwrite(int fd, const void *buf, size_t nbytes, off_t offset)`.
 * Needs WRITE and SEEK.
 * @param fd The file, whose own offset stays.
 * @param buffer The bytes.
 * @param nbytes How many of them to write.
 * @param offset Where to start.
 * @returns How many bytes it wrote, which may be fewer.
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
 *   assertEquals(libc.pwrite(file, new Uint8Array(3), 3, 100), 3);
 *   assertEquals(file.statSync().size, 103);
 * }
 * ```
 */
export function pwrite(fd: FdLike, buffer: Uint8Array, nbytes: number, offset: number | bigint): number {
  const number = descriptor(fd), count = length(buffer, nbytes), bytes = memory(buffer, 0);
  const at = long(offset, "offset");
  const call = bound.pwrite ?? bind("pwrite");
  do {
    const result = call(number, bytes, count, at);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("pwrite", { fd: number }, fd);
}

/**
 * Moves the offset of a file. Stands for lseek(2): `off_t lseek(int fd, off_t offset, int whence)`. Needs SEEK.
 * @param fd The file; a pipe or socket is ESPIPE.
 * @param offset How far, from where `whence` says; a result below 0 is EINVAL.
 * @param whence `SEEK_SET`, `SEEK_CUR` or `SEEK_END`.
 * @returns The new offset.
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
 *   assertEquals(libc.lseek(file, 2 ** 33, libc.SEEK_SET), 2 ** 33);
 *   assertEquals(libc.lseek(file, 0, libc.SEEK_END), 0);
 * }
 * ```
 */
export function lseek(fd: FdLike, offset: number | bigint, whence: number): number {
  const number = descriptor(fd), by = long(offset, "offset"), from = int(whence, "whence");
  const call = bound.lseek ?? bind("lseek");
  const result = call(number, by, from);
  if (result !== -1n) return Number(result);
  const again = bound.lseek_errno ?? bind("lseek_errno");
  if (again(number, by, from) !== -1) return Number(call(number, 0n, SEEK_CUR));
  memcpy(errno, errnoAt, 4n);
  throw syscallError("lseek", { fd: number }, fd);
}

/**
 * Reads entries of a directory. Stands for getdirentries(2): `ssize_t getdirentries(int fd, char *buf, size_t nbytes,
 * off_t *basep)`. Needs READ.
 * @param fd The directory.
 * @param buffer Gets the entries, each a `struct dirent`.
 * @param nbytes The length of the buffer.
 * @param basep Gets the offset of the entries, in 8 bytes.
 * @returns How many bytes it filled; 0 at the end of the directory.
 *
 * @example
 * ```ts
 * import { isSupported, libc, openDirSync } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   using dev = openDirSync("/dev");
 *   const buffer = new Uint8Array(4096);
 *   const length = libc.getdirentries(dev, buffer, buffer.length, new Uint8Array(8));
 *   // d_reclen and d_namlen of the first struct dirent
 *   const entry = new DataView(buffer.buffer);
 *   assert(entry.getUint16(16, true) <= length);
 *   assert(entry.getUint16(20, true) < entry.getUint16(16, true));
 * }
 * ```
 */
export function getdirentries(fd: FdLike, buffer: Uint8Array, nbytes: number, basep: Uint8Array): number {
  const number = descriptor(fd), count = length(buffer, nbytes), bytes = memory(buffer, 0);
  const base = memory(basep, 8);
  const call = bound.getdirentries ?? bind("getdirentries");
  do {
    const result = call(number, bytes, count, base);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("getdirentries", { fd: number }, fd);
}
