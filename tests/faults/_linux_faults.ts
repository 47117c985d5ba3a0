/**
 * Makes Linux refuse calls, and prints the errors in how the library handles this.
 *
 * A seccomp(2) filter decides by the descriptor's number. Each call has its own 160 numbers, and is refused on the n-th of them
 * with the errno n. So one filter is enough for every call with every errno. The library gets the intended number for a new
 * descriptor, because all lower numbers are in use.
 *
 * @module
 */
import { linuxErrno } from "../../ffi/errno.ts";
import { Dir, libc } from "../../mod.ts";
import {
  ALLOW,
  argument,
  AT_LEAST,
  EQUAL,
  glibc,
  install,
  LOAD,
  number,
  RETURN,
  type Step,
} from "../_seccomp.ts";
import { errnos, isWhole, meaningful, wrongIn } from "./_errnos.ts";
import { operations, Place } from "./_operations.ts";

/** The calls of Linux (x86_64), with the row of the table of errnos, and the argument that is the descriptor. */
const calls: readonly (readonly [name: string, number: number, like: string, arg?: number])[] = [
  ["openat", 257, "openat"],
  ["openat2", 437, "openat"],
  ["close", 3, "close"],
  ["read", 0, "read"],
  ["write", 1, "write"],
  ["pread64", 17, "pread"],
  ["pwrite64", 18, "pwrite"],
  ["lseek", 8, "lseek"],
  ["statx", 332, "fstatat"],
  ["ftruncate", 77, "ftruncate"],
  ["fsync", 74, "fsync"],
  ["fdatasync", 75, "fdatasync"],
  ["flock", 73, "flock"],
  ["fchmod", 91, "fchmod"],
  ["fchown", 93, "fchown"],
  ["fcntl", 72, "fcntl"],
  ["getdents64", 217, "getdirentries"],
  ["faccessat", 269, "faccessat"],
  ["faccessat2", 439, "faccessat"],
  ["fchmodat", 268, "fchmodat"],
  ["fchownat", 260, "fchownat"],
  ["utimensat", 280, "utimensat"],
  ["unlinkat", 263, "unlinkat"],
  ["mkdirat", 258, "mkdirat"],
  ["mknodat", 259, "mkfifoat"],
  ["symlinkat", 266, "symlinkat", 1],
  ["readlinkat", 267, "readlinkat"],
  ["linkat", 265, "linkat"],
  ["renameat", 264, "renameat"],
  ["renameat2", 316, "renameat2"],
  ["fgetxattr", 193, "fstat"],
];

const FIRST = 1000, ROOM = 160, SUBTRACT = 0x14, OR = 0x44, RETURN_A = 0x16, ERRNO = 0x50000;
const LAST = FIRST + calls.length * ROOM;
/** The number that the first descriptor of the library gets if the second is to be refused calls. */
const LOW = FIRST - 1;

const filter: Step[] = [];
for (const [i, [, syscall, , arg = 0]] of calls.entries()) {
  filter.push(
    [LOAD, 0, 0, number],
    [EQUAL, 0, 6, syscall],
    [LOAD, 0, 0, argument(arg)],
    [SUBTRACT, 0, 0, FIRST + i * ROOM],
    // Of a smaller number, 32 bits without a sign are left.
    [AT_LEAST, 2, 0, ROOM],
    [OR, 0, 0, ERRNO],
    [RETURN_A, 0, 0, 0],
    [RETURN, 0, 0, ALLOW],
  );
}
filter.push([RETURN, 0, 0, ALLOW]);

const numbers = new Map(Object.entries(linuxErrno()).map(([number, [name]]) => [name, Number(number)]));
const { symbols: { dup, close_range } } = Deno.dlopen(glibc, {
  dup: { parameters: ["i32"], result: "i32" },
  close_range: { parameters: ["u32", "u32", "i32"], result: "i32" },
});

using place = new Place(true);
const normal = new Map<string, { result: unknown; picture: string }>();
for (const [title, operation] of Object.entries(operations)) {
  for (const isSync of [true, false]) {
    const result = await place.run(operation, isSync, () => {}, () => {});
    normal.set(`${title} ${isSync}`, { result, picture: place.picture() });
    place.restore();
  }
}
const sources = libc.openat(place.dir, ".", libc.O_RDONLY | libc.O_DIRECTORY | libc.O_CLOEXEC);
install(filter, glibc);
for (let fd = 0; fd < LAST;) fd = dup(0);

const wrong: string[] = [];
let turn = 0, refused = 0, faults = 0;

/** Errnos after which the library repeats the call. */
const endless = ["EINTR", "EAGAIN"];

/** The next errno of a call, or all. */
function errnosOf(like: string): number[] {
  const usable = errnos[like]!.filter((code) => numbers.get(code)! > 0 && !endless.includes(code));
  return (isWhole ? usable : [usable[turn % usable.length]!]).map((code) => numbers.get(code)!);
}

const codeOf = (errno: number) => [...numbers].find(([, number]) => number === errno)![0];

/** Takes the numbers that the library had; says which are still open. */
function taken(free: readonly number[]): number[] {
  return free.filter((fd) => dup(0) !== fd);
}

for (const [title, operation] of Object.entries(operations)) {
  if (operation.on === "ambient") continue;
  for (const [i, [name, , like]] of calls.entries()) {
    // 0: the directory itself, 1: what the library opens first, 2: what it opens while that is open.
    const depths = operation.on === "file" ? [1] : isWhole ? [0, 1, 2] : [turn % 3];
    for (
      const [depth, errno] of depths.flatMap((depth) =>
        errnosOf(like).map((errno) => [depth, errno] as const)
      )
    ) {
      turn++;
      const code = codeOf(errno),
        fd = FIRST + i * ROOM + errno,
        isSync = turn % 2 === 0;
      const what = `${title}${isSync ? "Sync" : ""}: ${name} of descriptor ${depth}: ${code}`;
      faults++;
      const free = depth === 2 ? [LOW, fd] : [fd];
      for (const one of free) close_range(one, one, 0);
      let error: unknown, result: unknown;
      const dir = depth === 0 ? new Dir(libc.fcntl(sources, libc.F_DUPFD_CLOEXEC, fd), true) : place.dir;
      try {
        result = await place.run(operation, isSync, () => {}, () => {}, dir);
      } catch (caught) {
        error = caught;
      }
      const { result: usual, picture } = normal.get(`${title} ${isSync}`)!;
      if (depth === 0) {
        close_range(fd, fd, 0);
        dir.take();
      }
      // A close that the filter refuses does not close.
      if (name === "close") close_range(fd, fd, 0);
      const left = taken(free);
      if (left.length > 0) wrong.push(`${what}: open: ${left}`);
      const isSame = place.picture() === picture && JSON.stringify(result) === JSON.stringify(usual);
      if (error !== undefined) {
        refused++;
        wrong.push(...wrongIn(error, code, numbers).map((why) => `${what}: ${why}`));
      } else if (!isSame && name !== "fgetxattr" && !meaningful.includes(code)) {
        wrong.push(`${what}: silent, and has another result`);
      }
      place.restore();
    }
  }
}
// If it is unknown whether a file has an access control list, its copy gets permissions for the owner only.
const unknown = FIRST + (calls.length - 1) * ROOM + numbers.get("EACCES")!;
close_range(unknown, unknown, 0);
place.dir.copyFileSync("a/f", "b/g");
if ((place.fixture.stat("b/g").mode! & 0o77) !== 0) {
  wrong.push("a copy is for others, though the list is unknown");
}
console.log(JSON.stringify({ wrong, refused, faults }));
