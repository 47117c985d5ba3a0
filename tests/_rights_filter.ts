/**
 * Refuses a process on Linux, by seccomp(2), what FreeBSD refuses for limited descriptors: to see what Deno's own calls on
 * its own descriptors come to.
 *
 * @module
 */
import { needs, type Operation, type RightName, Rights } from "../mod.ts";
import {
  ALLOW,
  argument,
  EQUAL,
  failWith,
  glibc,
  install,
  LOAD,
  number,
  RETURN,
  type Step,
} from "./_seccomp.ts";

/** System calls of x86_64 by their numbers: which of FreeBSD's each is, and which argument is the descriptor. */
const calls: readonly [number: number, call: Operation, at?: number][] = [
  [0, "read"],
  [1, "write"],
  [5, "fstat"],
  [8, "lseek"],
  [9, "mmap", 4],
  [17, "pread"],
  [18, "pwrite"],
  [19, "readv"],
  [20, "writev"],
  [73, "flock"],
  [74, "fsync"],
  [75, "fdatasync"],
  [77, "ftruncate"],
  [91, "fchmod"],
  [93, "fchown"],
  [217, "getdirentries"],
  [262, "fstat"], // newfstatat, with an empty path
  [285, "posix_fallocate"],
  [295, "preadv"],
  [296, "pwritev"],
  [332, "fstat"], // statx, with an empty path
];
const fcntl = 72, ioctl = 16;
/** Commands of Linux by their numbers. */
const commands: readonly [number: number, call: Operation][] = [
  [0, "fcntl F_DUPFD"],
  [1, "fcntl F_GETFD"],
  [2, "fcntl F_SETFD"],
  [3, "fcntl F_GETFL"],
  [5, "fcntl F_GETLK"],
  [6, "fcntl F_SETLK"],
  [7, "fcntl F_SETLKW"],
  [1030, "fcntl F_DUPFD_CLOEXEC"],
];
const ENOTCAPABLE = 93;

/** From here on the descriptors hold no other rights, and permit no other ioctls. F_SETFL is refused in any case. */
export function leave(
  fds: readonly number[],
  rights: readonly RightName[],
  ioctls: readonly number[] = [],
): void {
  const held = new Rights(rights), may = (call: Operation) => held.isSupersetOf(needs[call]);
  const steps: Step[] = [];
  const refuse = (call: number, at: number, permitted: readonly number[] = []) => {
    const body: Step[] = [
      [LOAD, 0, 0, argument(1)],
      ...permitted.flatMap((command): Step[] => [[EQUAL, 0, 1, command], [RETURN, 0, 0, ALLOW]]),
      [LOAD, 0, 0, argument(at)],
      ...fds.flatMap((fd): Step[] => [[EQUAL, 0, 1, fd], [RETURN, 0, 0, failWith(ENOTCAPABLE)]]),
      [RETURN, 0, 0, ALLOW],
    ];
    steps.push([LOAD, 0, 0, number], [EQUAL, 0, body.length, call], ...body);
  };
  for (const [call, name, at = 0] of calls) if (!may(name)) refuse(call, at);
  refuse(fcntl, 0, commands.filter(([, name]) => may(name)).map(([command]) => command));
  refuse(ioctl, 0, may("ioctl") ? ioctls : []);
  install([...steps, [RETURN, 0, 0, ALLOW]], glibc);
}
