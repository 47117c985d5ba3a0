/**
 * Sends and receives messages with descriptors on AF_UNIX sockets, by SCM_RIGHTS of sendmsg(2) and recvmsg(2). A descriptor keeps
 * its rights, and arrives with the first byte of its message.
 *
 * The structs are those of sys/socket.h and sys/_iovec.h of FreeBSD 13.2 and 15.1, and of linux/socket.h and bits/socket.h
 * of glibc, on 64-bit systems. They are little-endian, so a 32-bit number followed by zeros is also correct for a 64-bit member
 * on Linux.
 *
 * @module
 */
import {
  byteLengthOf,
  Bytes,
  copyInto,
  descriptor,
  type FdLike,
  lesser,
  memory,
  partOf,
  toBigInt,
} from "../values.ts";
import { errno, hasCapsicum, MSG_CMSG_CLOEXEC, MSG_DONTWAIT, MSG_NOSIGNAL } from "../symbols.ts";
import { rawCalls } from "../system.ts";
import { failure, syscallError } from "../failure.ts";
import { EINTR } from "../freebsd/constants.ts";
import { errnoTable } from "../errno.ts";
import { close } from "./by_descriptor.ts";

const { bound, thread, bind } = rawCalls();

// struct msghdr: the same offsets on both systems, except msg_flags, which follows a length of 4 or 8 bytes.
const MSG_IOV = 16, MSG_IOVLEN = 24, MSG_CONTROL = 32, MSG_CONTROLLEN = 40;
// struct cmsghdr: cmsg_len at 0, of 4 or 8 bytes. CMSG_DATA is at 16 on both systems.
const CMSG_DATA = 16, SCM_RIGHTS = 1;
const systems = {
  freebsd: { MSG_SIZE: 48, MSG_FLAGS: 44, CMSG_LEVEL: 4, CMSG_TYPE: 8, SOL_SOCKET: 0xffff, MSG_CTRUNC: 0x20 },
  linux: { MSG_SIZE: 56, MSG_FLAGS: 48, CMSG_LEVEL: 8, CMSG_TYPE: 12, SOL_SOCKET: 1, MSG_CTRUNC: 0x8 },
};

/** The words of 8 bytes in the longer struct. */
const MOST_WORDS = systems.linux.MSG_SIZE / 8;

/** The most bytes and descriptors of one message. */
export const MOST_BYTES = 64 * 1024, MOST_DESCRIPTORS = 16;

/** What one call of {@linkcode receiveMessage} received. */
export interface Received {
  /** The number of bytes; 0 at the end. */
  readonly count: number;
  /** The descriptors, with close-on-exec set. The caller must close them. */
  readonly fds: readonly number[];
  /**
   * Whether the kernel closed arriving descriptors because the process has too many open files (EMFILE). On FreeBSD `count` is
   * then 0 although the stream has not ended: the bytes follow.
   */
  readonly isLost: boolean;
}

/**
 * The structs of a call, as words of 8 or 4 bytes, and the buffers that they point to. Each buffer is made before its view, so its
 * address does not change. No other code gets these buffers. Elements are set one by one, without methods that code could replace.
 */
interface Message {
  readonly header: Uint8Array<ArrayBuffer>;
  readonly head: BigUint64Array;
  readonly head32: Int32Array;
  readonly part: BigUint64Array;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly control: Int32Array;
  readonly at: { readonly part: bigint; readonly bytes: bigint; readonly control: bigint };
}

let made: Message | undefined;
const Words8 = BigUint64Array, Words4 = Int32Array, Memory = ArrayBuffer;

function message(): Message {
  if (made !== undefined) return made;
  const { MSG_SIZE } = systems[hasCapsicum() ? "freebsd" : "linux"];
  const header = new Memory(MSG_SIZE), part = new Memory(16);
  const bytes = new Bytes(new Memory(MOST_BYTES)), control = new Memory(spaceFor(MOST_DESCRIPTORS));
  const address = bound.address ?? bind("address");
  const at = (bytes: Uint8Array<ArrayBuffer>): bigint => address(bytes, bytes, 0n);
  return made = {
    header: new Bytes(header),
    head: new Words8(header),
    head32: new Words4(header),
    part: new Words8(part),
    bytes,
    control: new Words4(control),
    at: { part: at(new Bytes(part)), bytes: at(bytes), control: at(new Bytes(control)) },
  };
}

/** CMSG_SPACE: the bytes of control data with this many descriptors. */
function spaceFor(count: number): number {
  return aligned(CMSG_DATA + 4 * count);
}

function aligned(size: number): number {
  return (size + 7) & ~7;
}

/** Fills in the structs for a message with these numbers of bytes and of bytes of control data. */
function prepare(
  { header, head, part, at }: Message,
  bytes: number,
  control: number,
): Uint8Array<ArrayBuffer> {
  for (let i = 0; i < MOST_WORDS; i++) head[i] = 0n;
  part[0] = at.bytes;
  part[1] = toBigInt(bytes);
  head[MSG_IOV / 8] = at.part;
  head[MSG_IOVLEN / 8] = 1n;
  if (control > 0) {
    head[MSG_CONTROL / 8] = at.control;
    head[MSG_CONTROLLEN / 8] = toBigInt(control);
  }
  return header;
}

/**
 * Sends bytes with descriptors, which stay open here. Stands for sendmsg(2) with MSG_DONTWAIT. Needs WRITE.
 *
 * @returns The number of bytes sent; undefined if the call would block. The descriptors are sent with the first byte.
 */
export function sendMessage(fd: FdLike, bytes: Uint8Array, fds: readonly number[]): number | undefined {
  const number = descriptor(fd), passed = fds.map(descriptor), whole = message(), count = +passed.length;
  if (byteLengthOf(bytes) === 0 || !(count <= MOST_DESCRIPTORS)) {
    throw new RangeError(
      `A message must have at least one byte and at most ${MOST_DESCRIPTORS} descriptors.`,
    );
  }
  const length = lesser(byteLengthOf(memory(bytes, 1)), MOST_BYTES);
  copyInto(whole.bytes, partOf(bytes, 0, length));
  const { control } = whole, { SOL_SOCKET, CMSG_LEVEL, CMSG_TYPE } = numbers();
  const size = count === 0 ? 0 : spaceFor(count);
  for (let at = 0; at < size; at += 4) control[at / 4] = 0;
  control[0] = CMSG_DATA + 4 * count;
  control[CMSG_LEVEL / 4] = SOL_SOCKET;
  control[CMSG_TYPE / 4] = SCM_RIGHTS;
  for (let i = 0; i < count; i++) control[CMSG_DATA / 4 + i] = passed[i]!;
  const header = prepare(whole, length, size);
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
 * @returns The bytes and descriptors received; undefined if the call would block.
 * @throws {CapsicumError} EMSGSIZE if more than `most` descriptors arrived. All of them are then closed, and the bytes are lost.
 */
export function receiveMessage(fd: FdLike, buffer: Uint8Array, most: number): Received | undefined {
  const number = descriptor(fd), whole = message(), room = +most;
  const size = lesser(byteLengthOf(memory(buffer, 1)), MOST_BYTES);
  // There is always room for one descriptor, so that an unexpected one is detected here.
  const header = prepare(whole, size, spaceFor(room > 1 ? lesser(room, MOST_DESCRIPTORS) : 1));
  const call = bound.recvmsg ?? bind("recvmsg");
  let count: number;
  do {
    count = call(number, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count !== -1) break;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  if (count === -1) {
    const code = errnoTable()[errno[0]!]?.[0];
    if (code === "EAGAIN") return undefined;
    // sys/kern/uipc_usrreq.c, unp_externalize().
    if (code === "EMSGSIZE" && hasCapsicum()) return { count: 0, fds: [], isLost: true };
    throw syscallError("recvmsg", { fd: number }, fd);
  }
  const fds = descriptorsIn(whole), isLost = isCut(whole) && !hasCapsicum() && fds.length < room;
  if (fds.length > room || isCut(whole) && !isLost) {
    for (const fd of fds) close(fd);
    throw failure(
      { syscall: "recvmsg", fd: number },
      "EMSGSIZE",
      `more than ${most} descriptors arrived with a message, and all were closed (EMSGSIZE).`,
    );
  }
  copyInto(buffer, partOf(whole.bytes, 0, count));
  return { count, fds, isLost };
}

function numbers(): typeof systems.linux {
  return systems[hasCapsicum() ? "freebsd" : "linux"];
}

function isCut({ head32 }: Message): boolean {
  const { MSG_FLAGS, MSG_CTRUNC } = numbers();
  return (head32[MSG_FLAGS / 4]! & MSG_CTRUNC) !== 0;
}

/** Returns all descriptors in the control data. */
function descriptorsIn({ head32, control }: Message): number[] {
  const { SOL_SOCKET, CMSG_LEVEL, CMSG_TYPE } = numbers();
  const end = head32[MSG_CONTROLLEN / 4]!, fds: number[] = [];
  for (let at = 0; at + CMSG_DATA <= end;) {
    const length = control[at / 4]!;
    if (length < CMSG_DATA || at + length > end) break;
    const isRights = control[(at + CMSG_LEVEL) / 4] === SOL_SOCKET &&
      control[(at + CMSG_TYPE) / 4] === SCM_RIGHTS;
    for (let i = CMSG_DATA; isRights && i + 4 <= length; i += 4) fds.push(control[(at + i) / 4]!);
    at += aligned(length);
  }
  return fds;
}
