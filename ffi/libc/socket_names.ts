/**
 * The addresses and options of sockets.
 *
 * Numbers are those of sys/socket.h and netinet6/in6.h of FreeBSD 13.2 and 15.1, and of asm-generic/socket.h, linux/socket.h
 * and linux/in6.h. AF_UNIX and AF_INET have the same number in both.
 *
 * @module
 */
import { AF_INET6, hasCapsicum } from "../symbols.ts";
import { rawCalls } from "../system.ts";
import { decodeName, encodeName } from "../values.ts";
import { AF_INET6 as LINUX_AF_INET6 } from "../linux/constants.ts";

const { bound, bind } = rawCalls();

/** The address of a socket or of its peer. */
export type SocketName =
  | { readonly family: "unix"; readonly path: string }
  | { readonly family: "inet"; readonly hostname: string; readonly port: number };

/** An address to connect to, or to listen at: the 4 or 16 bytes of an Internet address, or a path. */
export type SocketAddress =
  | { readonly bytes: Uint8Array; readonly port: number }
  | { readonly path: string };

const options = {
  freebsd: {
    SO_TYPE: [0xffff, 0x1008],
    SO_RCVBUF: [0xffff, 0x1002],
    SO_ERROR: [0xffff, 0x1007],
    SO_REUSEADDR: [0xffff, 0x4],
  },
  linux: {
    SO_TYPE: [1, 3],
    SO_RCVBUF: [1, 8],
    SO_ERROR: [1, 4],
    SO_REUSEADDR: [1, 2],
  },
} as const;

/** The level and the number of an option on this system. */
export function optionOf(name: keyof typeof options.linux): readonly [level: number, number: number] {
  return options[hasCapsicum() ? "freebsd" : "linux"][name];
}

/** `SOCK_STREAM` (1), `SOCK_DGRAM` (2) and the like; undefined if it is not a socket or lacks the right. */
export function typeOfSocket(fd: number): number | undefined {
  return socketOption(fd, "SO_TYPE");
}

/** The bytes of a socket's receive buffer (SO_RCVBUF); undefined if it is not a socket or lacks the right. */
export function receiveBufferOf(fd: number): number | undefined {
  return socketOption(fd, "SO_RCVBUF");
}

/** The errno of a connection that failed later, and 0 if it did not; reading it clears it. */
export function errorOfSocket(fd: number): number | undefined {
  return socketOption(fd, "SO_ERROR");
}

function socketOption(fd: number, name: "SO_TYPE" | "SO_RCVBUF" | "SO_ERROR"): number | undefined {
  const call = bound.getsockopt ?? bind("getsockopt"), [level, number] = optionOf(name);
  length[0] = 4;
  return call(fd, level, number, value, length) === -1 ? undefined : value[0];
}

/** Bytes of a `struct sockaddr_storage`. */
const SIZE = 128;

// The kernel fills these, and they are read before the next call.
const name = new Uint8Array(SIZE), value = new Int32Array(1), length = new Uint32Array(1);

/** The address of a socket; undefined if it is not a socket or lacks the right. */
export function nameOfSocket(fd: number): SocketName | undefined {
  length[0] = SIZE;
  const result = (bound.getsockname ?? bind("getsockname"))(fd, name, length);
  return result === -1 ? undefined : decode(name, length[0]!);
}

/** The address that a socket is connected to; undefined if it is not connected or lacks the right. */
export function nameOfPeer(fd: number): SocketName | undefined {
  length[0] = SIZE;
  const result = (bound.getpeername ?? bind("getpeername"))(fd, name, length);
  return result === -1 ? undefined : decode(name, length[0]!);
}

const AF_UNIX = 1, AF_INET = 2;
// Offsets in struct sockaddr_in, sockaddr_in6 and sockaddr_un, the same in both except for the family.
const PORT = 2, ADDRESS = 4, ADDRESS6 = 8, PATH = 2;
/** Bytes of struct sockaddr_in and sockaddr_in6. */
const INET_SIZE = 16, INET6_SIZE = 28;

function decode(name: Uint8Array, length: number): SocketName | undefined {
  const isFreebsd = hasCapsicum();
  // FreeBSD has sa_len in the first byte; Linux has a family of two bytes.
  const family = isFreebsd ? name[1]! : name[0]! | name[1]! << 8;
  const port = name[PORT]! << 8 | name[PORT + 1]!;
  if (family === AF_INET) {
    return { family: "inet", hostname: name.subarray(ADDRESS, ADDRESS + 4).join("."), port };
  }
  if (family === (isFreebsd ? AF_INET6 : LINUX_AF_INET6)) {
    const groups = Array.from(
      { length: 8 },
      (_, i) => (name[ADDRESS6 + 2 * i]! << 8 | name[ADDRESS6 + 2 * i + 1]!).toString(16),
    );
    return { family: "inet", hostname: groups.join(":"), port };
  }
  if (family !== AF_UNIX) return undefined;
  const path = name.subarray(PATH, Math.min(length, name.length)), end = path.indexOf(0);
  return { family: "unix", path: decodeName(end < 0 ? path : path.subarray(0, end)) };
}

/** The family of an address, by FreeBSD's number. */
export function familyOf(address: SocketAddress): number {
  return "path" in address ? AF_UNIX : address.bytes.length === 4 ? AF_INET : AF_INET6;
}

/** The longest path of a socket, in bytes: sun_path of FreeBSD has 104, with the NUL at the end. */
export const LONGEST_PATH = 103;

/**
 * The `struct sockaddr` of an address.
 *
 * @throws {RangeError} If a path is too long.
 */
export function encodeAddress(address: SocketAddress): Uint8Array<ArrayBuffer> {
  const isFreebsd = hasCapsicum(), family = familyOf(address);
  const path = "path" in address ? encodeName(address.path) : undefined;
  if (path !== undefined && path.length > LONGEST_PATH) {
    throw new RangeError(`The path of a socket has at most ${LONGEST_PATH} bytes, not ${path.length}.`);
  }
  const size = path ? PATH + path.length + 1 : family === AF_INET ? INET_SIZE : INET6_SIZE;
  const name = new Uint8Array(size);
  name.set(isFreebsd ? [size, family] : [family === AF_INET6 ? LINUX_AF_INET6 : family, 0]);
  if ("path" in address) name.set(path!, PATH);
  else {
    name.set([address.port >> 8, address.port & 0xff], PORT);
    name.set(address.bytes, family === AF_INET ? ADDRESS : ADDRESS6);
  }
  return name;
}
