import { int, long, memory, unsigned } from "../values.ts";
import { syscallError } from "../failure.ts";
import { EINTR, F_GETFD, O_CLOEXEC, O_DIRECTORY, O_RDONLY } from "../freebsd/constants.ts";
import { freebsdFiles, listedEnd, type OpenFile } from "../freebsd/structs.ts";
import { errnoTable } from "../errno.ts";
import { errno, hasCapsicum } from "../symbols.ts";
import { abi, rawCalls } from "../system.ts";
import { close } from "./by_descriptor.ts";
import { open } from "./by_name.ts";
import { getdirentries } from "./bytes.ts";

const { bound, thread, bind } = rawCalls();

/**
 * Returns how many descriptors the process may have: one more than the largest number. Stands for getdtablesize(2):
 * `int getdtablesize(void)`.
 *
 * @example
 * ```ts
 * import { libc } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 * assert(libc.getdtablesize() > 2);
 * ```
 */
export function getdtablesize(): number {
  return (bound.getdtablesize ?? bind("getdtablesize"))();
}

/**
 * Controls a process; ECAPMODE in capability mode. Stands for procctl(2): `int procctl(idtype_t idtype, id_t id, int
 * cmd, void *data)`.
 * @param idtype The kind of `id`; 0 is P_PID.
 * @param id The process; ESRCH if it does not exist.
 * @param cmd A command whose data is an int, which excludes PROC_REAP_*. EINVAL if this release does not have it.
 * @param data A buffer of 4 bytes, with the int that the command reads or fills.
 *
 * @example
 * ```ts
 * import { isSupported, libc } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 * if (isSupported()) {
 *   const state = new Uint8Array(4), PROC_TRAPCAP_STATUS = 10, PROC_TRAPCAP_CTL_DISABLE = 2;
 *   libc.procctl(0, Deno.pid, PROC_TRAPCAP_STATUS, state);
 *   assertEquals(state[0], PROC_TRAPCAP_CTL_DISABLE);
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
    thread.memcpy(errno, thread.errnoAt, 4n);
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

/** `FD_CLOEXEC` and the like, by F_GETFD of fcntl(2); undefined if the number is not open. */
export function descriptorFlags(fd: number): number | undefined {
  const call = bound.fcntl ?? bind("fcntl");
  do {
    const flags = call(fd, F_GETFD, 0n);
    if (flags !== -1) return flags;
    thread.memcpy(errno, thread.errnoAt, 4n);
  } while (errno[0] === EINTR);
  if (errnoTable()[errno[0]!]?.[0] === "EBADF") return undefined;
  throw syscallError("fcntl", { fd });
}

/** The descriptors in /proc/self/fd, without the one that lists them. */
function linuxFiles(): OpenFile[] | undefined {
  return numbersIn("/proc/self/fd", (fd, directory) => fd !== directory)?.map((fd) => ({ fd }));
}

/**
 * The numbers that name the entries of a directory in /proc; undefined if it can't be read.
 *
 * @param counts Whether a number counts; it also gets the descriptor of the directory.
 */
export function numbersIn(
  path: string,
  counts: (number: number, directory: number) => boolean = () => true,
): number[] | undefined {
  const buffer = new Uint8Array(2 ** 15), base = new Uint8Array(8), numbers: number[] = [];
  try {
    const directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    try {
      for (let length; (length = getdirentries(directory, buffer, buffer.length, base)) > 0;) {
        const { names } = abi().decodeDirectory(buffer, length);
        numbers.push(...names.map(Number).filter((number) => counts(number, directory)));
      }
    } finally {
      close(directory);
    }
  } catch (error) {
    // Errors other than those of system calls, such as a missing permission, go to the caller.
    if (!Object.hasOwn(error as object, "errno")) throw error;
    return undefined;
  }
  return numbers;
}
