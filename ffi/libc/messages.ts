/**
 * Messages with descriptors on sockets of AF_UNIX: SCM_RIGHTS of sendmsg(2) and recvmsg(2). A descriptor arrives with its
 * rights, and with the first byte of its message.
 *
 * The structs are those of sys/socket.h and sys/_iovec.h of FreeBSD 13.2 and 15.1, and of linux/socket.h and bits/socket.h
 * of glibc, with 64 bits. All numbers in them are little-endian, so a number of 32 bits with zeros after it is also right
 * where Linux has 64.
 *
 * @module
 */
import { errno, hasCapsicum } from "../symbols.ts";
import { MSG_CMSG_CLOEXEC, MSG_DONTWAIT, MSG_NOSIGNAL } from "../symbols.ts";
import { rawCalls } from "../system.ts";
import { descriptor, type FdLike, memory } from "../values.ts";
import { failure, syscallError } from "../failure.ts";
import { EINTR } from "../freebsd/constants.ts";
import { errnoTable } from "../errno.ts";
import { close } from "./by_descriptor.ts";

const { bound, thread, bind } = rawCalls();

// struct msghdr: the same offsets in both but for msg_flags, which follows the length of 4 or of 8 bytes.
const MSG_IOV = 16, MSG_IOVLEN = 24, MSG_CONTROL = 32, MSG_CONTROLLEN = 40;
// struct cmsghdr: cmsg_len at 0, of 4 or of 8 bytes. CMSG_DATA is at 16 in both.
const CMSG_DATA = 16, SCM_RIGHTS = 1;
const systems = {
  freebsd: { MSG_SIZE: 48, MSG_FLAGS: 44, CMSG_LEVEL: 4, CMSG_TYPE: 8, SOL_SOCKET: 0xffff, MSG_CTRUNC: 0x20 },
  linux: { MSG_SIZE: 56, MSG_FLAGS: 48, CMSG_LEVEL: 8, CMSG_TYPE: 12, SOL_SOCKET: 1, MSG_CTRUNC: 0x8 },
};

/** The most bytes, and the most descriptors, of one message. */
export const MOST_BYTES = 64 * 1024, MOST_DESCRIPTORS = 16;

/** What one call of {@linkcode receiveMessage} received. */
export interface Received {
  /** The number of bytes; 0 at the end. */
  readonly count: number;
  /** The descriptors, each close-on-exec, which the caller closes. */
  readonly fds: readonly number[];
}

/** The structs of a call, and the memory that they point to. Its address stays, because each buffer is made before its view. */
interface Message {
  readonly header: Uint8Array<ArrayBuffer>;
  readonly head: DataView;
  readonly part: DataView;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly control: DataView;
  readonly at: { readonly part: bigint; readonly bytes: bigint; readonly control: bigint };
}

let made: Message | undefined;

function message(): Message {
  if (made !== undefined) return made;
  const { MSG_SIZE } = systems[hasCapsicum() ? "freebsd" : "linux"];
  const [header, part, bytes, control] = [MSG_SIZE, 16, MOST_BYTES, spaceFor(MOST_DESCRIPTORS)].map((size) =>
    new Uint8Array(new ArrayBuffer(size))
  ) as [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>];
  const address = bound.address ?? bind("address");
  const at = (bytes: Uint8Array<ArrayBuffer>): bigint => address(bytes, bytes, 0n);
  return made = {
    header,
    head: new DataView(header.buffer),
    part: new DataView(part.buffer),
    bytes,
    control: new DataView(control.buffer),
    at: { part: at(part), bytes: at(bytes), control: at(control) },
  };
}

/** CMSG_SPACE: the bytes of control data with this many descriptors. */
function spaceFor(count: number): number {
  return aligned(CMSG_DATA + 4 * count);
}

function aligned(size: number): number {
  return (size + 7) & ~7;
}

/** Fills in the structs for a message of so many bytes, and so many bytes of control data. */
function prepare(
  { header, head, part, at }: Message,
  bytes: number,
  control: number,
): Uint8Array<ArrayBuffer> {
  header.fill(0);
  part.setBigUint64(0, at.bytes, true);
  part.setBigUint64(8, BigInt(bytes), true);
  head.setBigUint64(MSG_IOV, at.part, true);
  head.setUint32(MSG_IOVLEN, 1, true);
  if (control > 0) {
    head.setBigUint64(MSG_CONTROL, at.control, true);
    head.setUint32(MSG_CONTROLLEN, control, true);
  }
  return header;
}

/**
 * Sends bytes with descriptors, which stay open here. Stands for sendmsg(2) with MSG_DONTWAIT. Needs WRITE.
 *
 * @returns How many bytes it sent, the descriptors with the first of them; undefined if it would have to wait.
 */
export function sendMessage(fd: FdLike, bytes: Uint8Array, fds: readonly number[]): number | undefined {
  const number = descriptor(fd), passed = fds.map(descriptor), whole = message();
  if (bytes.length === 0 || passed.length > MOST_DESCRIPTORS) {
    throw new RangeError(`A message has at least one byte, and at most ${MOST_DESCRIPTORS} descriptors.`);
  }
  const part = memory(bytes, 1).subarray(0, MOST_BYTES);
  whole.bytes.set(part);
  const { control } = whole, { SOL_SOCKET, CMSG_LEVEL, CMSG_TYPE } = numbers();
  const size = passed.length === 0 ? 0 : spaceFor(passed.length);
  for (let at = 0; at < size; at += 8) control.setBigUint64(at, 0n);
  control.setUint32(0, CMSG_DATA + 4 * passed.length, true);
  control.setUint32(CMSG_LEVEL, SOL_SOCKET, true);
  control.setUint32(CMSG_TYPE, SCM_RIGHTS, true);
  passed.forEach((fd, i) => control.setInt32(CMSG_DATA + 4 * i, fd, true));
  const header = prepare(whole, part.length, size);
  const call = bound.sendmsg ?? bind("sendmsg");
  do {
    const result = call(number, header, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (result !== -1) return result;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  if (errnoTable()[errno[0]!]?.[0] === "EAGAIN") return undefined;
  throw syscallError("sendmsg", { fd: number }, fd);
}

/**
 * Receives bytes with at most `most` descriptors. Stands for recvmsg(2) with MSG_DONTWAIT and MSG_CMSG_CLOEXEC. Needs READ.
 *
 * @returns What came; undefined if it would have to wait.
 * @throws {CapsicumError} EMSGSIZE if more descriptors came. Then all of them are closed, and the bytes are lost.
 */
export function receiveMessage(fd: FdLike, buffer: Uint8Array, most: number): Received | undefined {
  const number = descriptor(fd), whole = message();
  const size = Math.min(memory(buffer, 1).length, MOST_BYTES);
  // With room for one at least, those that nobody asked for are seen here, and not only by the kernel.
  const header = prepare(whole, size, spaceFor(Math.min(Math.max(most, 1), MOST_DESCRIPTORS)));
  const call = bound.recvmsg ?? bind("recvmsg");
  let count: number;
  do {
    count = call(number, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count !== -1) break;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  if (count === -1) {
    if (errnoTable()[errno[0]!]?.[0] === "EAGAIN") return undefined;
    throw syscallError("recvmsg", { fd: number }, fd);
  }
  const fds = descriptorsIn(whole);
  if (fds.length > most || isCut(whole)) {
    for (const fd of fds) close(fd);
    throw failure(
      { syscall: "recvmsg", fd: number },
      "EMSGSIZE",
      `more than ${most} descriptors came with a message, and all are closed (EMSGSIZE).`,
    );
  }
  buffer.set(whole.bytes.subarray(0, count));
  return { count, fds };
}

function numbers(): typeof systems.linux {
  return systems[hasCapsicum() ? "freebsd" : "linux"];
}

function isCut({ head }: Message): boolean {
  const { MSG_FLAGS, MSG_CTRUNC } = numbers();
  return (head.getInt32(MSG_FLAGS, true) & MSG_CTRUNC) !== 0;
}

/** All descriptors in the control data. */
function descriptorsIn({ head, control }: Message): number[] {
  const { SOL_SOCKET, CMSG_LEVEL, CMSG_TYPE } = numbers();
  const end = head.getUint32(MSG_CONTROLLEN, true), fds: number[] = [];
  for (let at = 0; at + CMSG_DATA <= end;) {
    const length = control.getUint32(at, true);
    if (length < CMSG_DATA || at + length > end) break;
    const isRights = control.getUint32(at + CMSG_LEVEL, true) === SOL_SOCKET &&
      control.getUint32(at + CMSG_TYPE, true) === SCM_RIGHTS;
    for (let i = CMSG_DATA; isRights && i + 4 <= length; i += 4) fds.push(control.getInt32(at + i, true));
    at += aligned(length);
  }
  return fds;
}
