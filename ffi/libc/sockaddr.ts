import { bound, hasCapsicum } from "../symbols.ts";
import { bind } from "../system.ts";
import { decodeName } from "../names.ts";

/** The address of a socket or of its peer. */
export type SocketName =
  | { readonly family: "unix"; readonly path: string }
  | { readonly family: "inet"; readonly hostname: string; readonly port: number };

// sys/socket.h of FreeBSD 13.2 and 15.1, and asm-generic/socket.h of Linux.
const socketType = {
  freebsd: { SOL_SOCKET: 0xffff, SO_TYPE: 0x1008 },
  linux: { SOL_SOCKET: 1, SO_TYPE: 3 },
};
/** Bytes of a `struct sockaddr_storage`. */
const SIZE = 128;

/** `SOCK_STREAM` (1), `SOCK_DGRAM` (2) and the like; undefined if it is not a socket or lacks the right. */
export function typeOfSocket(fd: number): number | undefined {
  const { SOL_SOCKET, SO_TYPE } = hasCapsicum() ? socketType.freebsd : socketType.linux;
  const type = new Int32Array(1), length = new Uint32Array([4]);
  const result = (bound.getsockopt ?? bind("getsockopt"))(fd, SOL_SOCKET, SO_TYPE, type, length);
  return result === -1 ? undefined : type[0];
}

/** The address of a socket; undefined if it is not a socket or lacks the right. */
export function nameOfSocket(fd: number): SocketName | undefined {
  const name = new Uint8Array(SIZE), length = new Uint32Array([SIZE]);
  const result = (bound.getsockname ?? bind("getsockname"))(fd, name, length);
  return result === -1 ? undefined : decode(name, length[0]!);
}

/** The address that a socket is connected to; undefined if it is not connected or lacks the right. */
export function nameOfPeer(fd: number): SocketName | undefined {
  const name = new Uint8Array(SIZE), length = new Uint32Array([SIZE]);
  const result = (bound.getpeername ?? bind("getpeername"))(fd, name, length);
  return result === -1 ? undefined : decode(name, length[0]!);
}

// sys/socket.h and netinet6/in6.h of FreeBSD, linux/socket.h: AF_UNIX and AF_INET have the same number in both.
const AF_UNIX = 1, AF_INET = 2;
// Offsets in struct sockaddr_in, sockaddr_in6 and sockaddr_un, the same in both except for the family.
const PORT = 2, ADDRESS = 4, ADDRESS6 = 8, PATH = 2;

function decode(name: Uint8Array, length: number): SocketName | undefined {
  const isFreebsd = hasCapsicum();
  // FreeBSD has sa_len in the first byte; Linux has a family of two bytes.
  const family = isFreebsd ? name[1]! : name[0]! | name[1]! << 8, AF_INET6 = isFreebsd ? 28 : 10;
  const port = name[PORT]! << 8 | name[PORT + 1]!;
  if (family === AF_INET) {
    return { family: "inet", hostname: name.subarray(ADDRESS, ADDRESS + 4).join("."), port };
  }
  if (family === AF_INET6) {
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
