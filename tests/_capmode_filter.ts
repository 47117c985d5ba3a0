/**
 * Refuses a process on Linux, by seccomp(2), the calls that FreeBSD's capability mode refuses, to test Deno's own calls.
 *
 * It is no capability mode: it looks at the numbers in a call, not at the paths. A call with a path is refused where it
 * starts from the working directory, which is how Deno makes all of its own.
 *
 * @module
 */

import {
  ALLOW,
  argument,
  AT_LEAST,
  EQUAL,
  failWith,
  glibc,
  install,
  LOAD,
  number,
  origin,
  RETURN,
  type Step,
} from "./_seccomp.ts";

/** System calls of x86_64, refused with any arguments. */
const refused: Record<string, number> = {
  open: 2,
  stat: 4,
  lstat: 6,
  access: 21,
  connect: 42,
  bind: 49,
  execve: 59,
  truncate: 76,
  getcwd: 79,
  chdir: 80,
  rename: 82,
  mkdir: 83,
  rmdir: 84,
  creat: 85,
  link: 86,
  unlink: 87,
  symlink: 88,
  readlink: 89,
  chmod: 90,
  chown: 92,
  lchown: 94,
  sysinfo: 99,
  ptrace: 101,
  mknod: 133,
  statfs: 137,
  inotify_add_watch: 254,
  execveat: 322,
};

/** Those that are refused without a directory's descriptor. */
const refusedFromCwd: Record<string, number> = {
  openat: 257,
  mkdirat: 258,
  mknodat: 259,
  fchownat: 260,
  newfstatat: 262,
  unlinkat: 263,
  renameat: 264,
  linkat: 265,
  readlinkat: 267,
  fchmodat: 268,
  faccessat: 269,
  utimensat: 280,
  renameat2: 316,
  statx: 332,
  openat2: 437,
  faccessat2: 439,
};

const socket = 41, AF_NETLINK = 16, kill = 62, sendto = 44;
const AT_FDCWD = 0xffffff9c;
/** ECAPMODE of FreeBSD: a number that Deno maps to no known error, on either system. */
const ECAPMODE = 94;
const REFUSE = failWith(ECAPMODE);

/** Calls from an address in this function are not refused. */
interface Exempt {
  /** Where glibc's syscall(2) begins. */
  readonly syscall: bigint;
}

/**
 * From here on this process, with all its threads and children, is refused these calls.
 *
 * @param library A library by which glibc's functions can be called.
 */
export function refuse(library = glibc, exempt?: Exempt): void {
  const steps: Step[] = exempt ? permitFrom(exempt.syscall) : [];
  steps.push([LOAD, 0, 0, number]);
  for (const call of Object.values(refused)) steps.push([EQUAL, 0, 1, call], [RETURN, 0, 0, REFUSE]);
  const refuseIf = (call: number, at: number, value: number, isRefused = true) =>
    steps.push(
      [EQUAL, 0, 4, call],
      [LOAD, 0, 0, argument(at)],
      [EQUAL, isRefused ? 0 : 1, isRefused ? 1 : 0, value],
      [RETURN, 0, 0, REFUSE],
      [RETURN, 0, 0, ALLOW],
    );
  for (const call of Object.values(refusedFromCwd)) refuseIf(call, 0, AT_FDCWD);
  refuseIf(socket, 0, AF_NETLINK);
  refuseIf(kill, 0, Deno.pid, false);
  refuseIf(sendto, 4, 0, false);
  install([...steps, [RETURN, 0, 0, ALLOW]], library);
}

/** glibc's syscall() has fewer bytes of code. */
const size = 96;

function permitFrom(address: bigint): Step[] {
  const [low, high] = [Number(address & 0xffffffffn), Number(address >> 32n)];
  return [
    [LOAD, 0, 0, origin[1]],
    [EQUAL, 0, 4, high],
    [LOAD, 0, 0, origin[0]],
    [AT_LEAST, 0, 2, low],
    [AT_LEAST, 1, 0, low + size],
    [RETURN, 0, 0, ALLOW],
  ];
}
