/**
 * Refuses a process on Linux, by seccomp(2), what FreeBSD refuses for descriptors without rights: to see what Deno's own
 * calls on its own descriptors come to.
 *
 * @module
 */
import { ALLOW, argument, EQUAL, failWith, install, LOAD, number, RETURN, type Step } from "./_seccomp.ts";

/** System calls of x86_64 that need a right of the descriptor in an argument, the first but for mmap. */
const calls: Record<string, number> = {
  read: 0,
  write: 1,
  fstat: 5,
  lseek: 8,
  mmap: 9,
  pread64: 17,
  pwrite64: 18,
  readv: 19,
  writev: 20,
  fcntl: 72,
  flock: 73,
  fsync: 74,
  fdatasync: 75,
  ftruncate: 77,
  fchmod: 91,
  fchown: 93,
  getdents64: 217,
  newfstatat: 262,
  fallocate: 285,
  preadv: 295,
  pwritev: 296,
  statx: 332,
};
/** The commands of fcntl that need no right, and those that need FLOCK. */
const free = [0, 1, 2, 1030], locks = [5, 6, 7];
const ENOTCAPABLE = 93;

/** From here on the descriptors have no right, or, if they may be locked, no other than FLOCK. */
export function takeRights(fds: readonly number[], mayBeLocked: boolean): void {
  const steps: Step[] = [];
  for (const [name, call] of Object.entries(calls)) {
    if (name === "flock" && mayBeLocked) continue;
    const permitted = name === "fcntl" ? mayBeLocked ? [...free, ...locks] : free : [];
    const body: Step[] = [
      [LOAD, 0, 0, argument(1)],
      ...permitted.flatMap((command): Step[] => [[EQUAL, 0, 1, command], [RETURN, 0, 0, ALLOW]]),
      [LOAD, 0, 0, argument(name === "mmap" ? 4 : 0)],
      ...fds.flatMap((fd): Step[] => [[EQUAL, 0, 1, fd], [RETURN, 0, 0, failWith(ENOTCAPABLE)]]),
      [RETURN, 0, 0, ALLOW],
    ];
    steps.push([LOAD, 0, 0, number], [EQUAL, 0, body.length, call], ...body);
  }
  install([...steps, [RETURN, 0, 0, ALLOW]]);
}
