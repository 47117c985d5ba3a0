import { decodeName, int, long, memory, unsigned } from "../values.ts";
import { syscallError } from "../failure.ts";
import { EINTR, F_GETFD, O_CLOEXEC, O_DIRECTORY, O_RDONLY } from "../freebsd/constants.ts";
import { freebsdFiles, listedEnd, type OpenFile } from "../freebsd/structs.ts";
import { bound, errno, errnoAt, hasCapsicum, memcpy } from "../symbols.ts";
import { abi, bind } from "../system.ts";
import { close } from "./by_descriptor.ts";
import { open } from "./by_name.ts";
import { getdirentries } from "./bytes.ts";

/**
 * Returns how many descriptors the process may have. Stands for getdtablesize(2): `int getdtablesize(void)`.
 * @returns One more than the largest descriptor that it can open.
 *
 * @example
 * ```ts
 * import { isSupported, libc } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) assert(libc.getdtablesize() > 2);
 * ```
 */
export function getdtablesize(): number {
  return (bound.getdtablesize ?? bind("getdtablesize"))();
}

/**
 * Controls a process; ECAPMODE in capability mode. Stands for procctl(2): `int procctl(idtype_t idtype, id_t id, int cmd,
 * void *data)`.
 * @param idtype What `id` is; 0 is P_PID.
 * @param id The process; ESRCH if there is none.
 * @param cmd A command whose data is an int, which the PROC_REAP_* commands do not have. EINVAL if this release has no
 * such command.
 * @param data The int that the command reads or fills, 4 bytes.
 *
 * @example
 * ```ts
 * import { isSupported, libc } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * // PROC_TRAPCAP_STATUS of this process: 2 is PROC_TRAPCAP_CTL_DISABLE.
 * if (isSupported()) {
 *   const state = new Uint8Array(4);
 *   assertEquals(libc.procctl(0, Deno.pid, 10, state), 0);
 *   assertEquals(state[0], 2);
 * }
 * ```
 */
export function procctl(idtype: number, id: number | bigint, cmd: number, data: Uint8Array): number {
  const type = unsigned(idtype, "idtype"), who = long(id, "id"), command = int(cmd, "cmd");
  if (!takesInt(command)) {
    throw new RangeError(
      `procctl() takes the commands whose data is an int, and ${command} is not one of them.`,
    );
  }
  const bytes = memory(data, 4);
  const call = bound.procctl ?? bind("procctl");
  do {
    const result = call(type, who, command, bytes);
    if (result !== -1) return result;
    memcpy(errno, errnoAt, 4n);
  } while (errno[0] === EINTR);
  throw syscallError("procctl", {});
}

/**
 * Whether the data of a command is an int, as of those of sys/procctl.h up to FreeBSD 15.1.
 *
 * PROC_REAP_* (2 to 6) have none, more than an int, or an address in it.
 */
function takesInt(command: number): boolean {
  return command === 1 || command >= 7 && command <= 24;
}

/**
 * Returns every open descriptor: from the list of the kernel, or else by trying each number below the limit.
 *
 * In capability mode FreeBSD provides no list. dup2(2) can still make a descriptor with any number below the limit, so
 * a shorter search would miss some. On FreeBSD, getdtablesize(2) never exceeds the sysctl kern.maxfilesperproc.
 */
export function openFiles(): OpenFile[] {
  const listed = listedFiles();
  if (listed !== undefined) return listed;
  const found: OpenFile[] = [];
  const limit = Math.max(listedEnd, getdtablesize());
  for (let fd = 0; fd < limit; fd++) if (descriptorFlags(fd) !== undefined) found.push({ fd });
  return found;
}

/** The list of the kernel; undefined in capability mode, and on Linux if /proc is not mounted or can't be read. */
export function listedFiles(): OpenFile[] | undefined {
  return hasCapsicum() ? freebsdFiles() : linuxFiles();
}

/**
 * `FD_CLOEXEC` and the like, by F_GETFD of fcntl(2); undefined if the number is not open.
 *
 * It does not throw, because most of the numbers that are tried are not open.
 */
export function descriptorFlags(fd: number): number | undefined {
  const flags = (bound.fcntl ?? bind("fcntl"))(fd, F_GETFD, 0n);
  return flags === -1 ? undefined : flags;
}

/** The names in /proc/self/fd, without the descriptor that lists them. */
function linuxFiles(): OpenFile[] | undefined {
  const buffer = new Uint8Array(2 ** 15), base = new Uint8Array(8), files: OpenFile[] = [];
  try {
    const directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    try {
      for (let length; (length = getdirentries(directory, buffer, buffer.length, base)) > 0;) {
        const { names } = abi().decodeDirectory(buffer, length);
        files.push(...names.map((name) => ({ fd: Number(name) })).filter(({ fd }) => fd !== directory));
      }
    } finally {
      close(directory);
    }
  } catch (error) {
    // Errors other than those of system calls, such as a missing permission, go to the caller.
    if (!Object.hasOwn(error as object, "errno")) throw error;
    return undefined;
  }
  return files;
}

/** The address of a socket or of its peer. */
export type SocketName =
  | { readonly family: "unix"; readonly path: string }
  | { readonly family: "inet"; readonly hostname: string; readonly port: number };

// sys/socket.h of FreeBSD 13.2 and 15.1, and asm-generic/socket.h of Linux.
const socketOptions = {
  freebsd: { SOL_SOCKET: 0xffff, SO_TYPE: 0x1008, SO_RCVBUF: 0x1002 },
  linux: { SOL_SOCKET: 1, SO_TYPE: 3, SO_RCVBUF: 8 },
};
/** Bytes of a `struct sockaddr_storage`. */
const SIZE = 128;

/** `SOCK_STREAM` (1), `SOCK_DGRAM` (2) and the like; undefined if it is not a socket or lacks the right. */
export function typeOfSocket(fd: number): number | undefined {
  return socketOption(fd, "SO_TYPE");
}

/** The bytes of a socket's receive buffer (SO_RCVBUF); undefined if it is not a socket or lacks the right. */
export function receiveBufferOf(fd: number): number | undefined {
  return socketOption(fd, "SO_RCVBUF");
}

function socketOption(fd: number, name: "SO_TYPE" | "SO_RCVBUF"): number | undefined {
  const numbers = hasCapsicum() ? socketOptions.freebsd : socketOptions.linux;
  const value = new Int32Array(1), length = new Uint32Array([4]);
  const call = bound.getsockopt ?? bind("getsockopt");
  return call(fd, numbers.SOL_SOCKET, numbers[name], value, length) === -1 ? undefined : value[0];
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
