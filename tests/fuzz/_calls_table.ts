/**
 * The calls of random programs: how to generate their arguments, and how to make them.
 *
 * @module
 */
import { abi } from "../../ffi/system.ts";
import {
  decodeName,
  getFcntls,
  getIoctls,
  getRights,
  Ioctl,
  libc,
  limit,
  limitFcntls,
  limitIoctls,
  listDirSync,
  type RightName,
} from "../../mod.ts";
import type { Random } from "../_random.ts";
import { fileCalls } from "./_calls_fd_file.ts";
import {
  type Arg,
  bytes,
  type Call,
  COUNT,
  fd,
  file,
  filled,
  type Kind,
  offset,
  type Run,
} from "./_calls_values.ts";

const {
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
} = libc;
const openFlags = [
  ...[
    O_RDONLY,
    O_RDONLY,
    libc.O_WRONLY,
    O_RDWR,
    O_RDWR | O_APPEND,
    O_RDONLY | O_NOFOLLOW,
    O_RDONLY | O_DIRECTORY,
  ],
  ...[
    O_RDWR | O_CREAT,
    O_RDWR | O_CREAT | O_EXCL,
    O_RDWR | O_CREAT | O_TRUNC,
    libc.O_WRONLY | O_TRUNC,
    O_PATH,
  ],
  ...[
    O_PATH | O_DIRECTORY,
    O_PATH | O_NOFOLLOW,
    O_RDONLY | O_TRUNC,
    O_RDWR | O_CREAT | O_NOFOLLOW,
    libc.O_SHLOCK,
    O_RDWR | O_CREAT | libc.O_EXLOCK,
    O_RDWR | O_TRUNC | libc.O_EXLOCK,
    0x40000000,
  ],
];
const names = [
  "file",
  "dir",
  "f",
  "sub",
  "link",
  "dirlink",
  "out",
  "dangling",
  "loop",
  "new1",
  "new2",
  "inside",
  "\ufeffbom",
];
const targets = ["file", "dir", "..", "../outside/f", "dir/../file", "missing", "link", "new1", "new2"];
/** Each right that one of the calls needs. */
const rights: readonly RightName[] = [
  ...[
    "READ",
    "WRITE",
    "SEEK",
    "LOOKUP",
    "FSTAT",
    "FCNTL",
    "CREATE",
    "FTRUNCATE",
    "UNLINKAT",
    "MKDIRAT",
  ] as const,
  ...["FCHMOD", "FCHOWN", "FUTIMES", "FSYNC", "FLOCK", "IOCTL", "MKFIFOAT", "SYMLINKAT"] as const,
  ...["LINKAT_SOURCE", "LINKAT_TARGET", "RENAMEAT_SOURCE", "RENAMEAT_TARGET"] as const,
];
const requests = [Ioctl.FIONREAD, Ioctl.TIOCGETA, Ioctl.FIOCLEX].map(Number);
const { AT_REMOVEDIR, AT_RESOLVE_BENEATH, AT_SYMLINK_NOFOLLOW } = libc;
const atFlags = [
  0,
  0,
  0,
  AT_SYMLINK_NOFOLLOW,
  AT_RESOLVE_BENEATH,
  AT_SYMLINK_NOFOLLOW | AT_RESOLVE_BENEATH,
  1,
];

/** A random name of any bytes except NUL and "/". */
const anyName = (random: Random) => {
  const bytes = Array.from({ length: 1 + random.below(4) }, () => 1 + random.below(255)).filter((byte) =>
    byte !== 0x2f
  );
  return bytes.length === 0 ? "x" : decodeName(Uint8Array.from(bytes)).replace(/^\.{1,2}$/, "x");
};
/** The path of the fixture, which only the process that runs the program knows. */
export const ROOT = "@/";

function newPath(random: Random): string {
  const above = random.chance(60)
    ? []
    : [random.pick(["dir", "sub", "dirlink", "..", "dir/..", ".", "out/.."])];
  const name = random.chance(3)
    ? "n".repeat(random.pick([255, 256]))
    : random.chance(8)
    ? anyName(random)
    : random.pick(names);
  return (random.chance(4) ? `${ROOT}inside/` : "") + [...above, name].join("/");
}

function path(random: Random): string {
  if (random.chance(5)) {
    return random.pick([".", "..", "dir/.", "dir/..", "sub/../..", "../inside", "dirlink/sub", "dirlink/.."]);
  }
  return newPath(random);
}

const dir = (random: Random): Arg => fd(random, "directory");
const mode = (random: Random): Arg => random.pick([0o600, 0o644, 0o400, 0o200, 0]);
const time = (random: Random): Arg => random.pick(["now", "omit", 1, 1e9]);

/** Two `struct timespec`: the current time of access, and a time of modification. Null sets both to the current time. */
function timesOf(mtime: number | string): Uint8Array | null {
  if (mtime === "now") return null;
  const times = new BigInt64Array([0n, BigInt(libc.UTIME_NOW), 0n, 0n]);
  if (typeof mtime === "number") times[2] = BigInt(mtime);
  else times[3] = BigInt(libc.UTIME_OMIT);
  return new Uint8Array(times.buffer);
}

function some<T>(random: Random, all: readonly T[]): T[] {
  const percent = random.pick([50, 90, 97]);
  return all.filter(() => random.chance(percent));
}
const count = (random: Random): Arg => random.pick([1, 3, COUNT, COUNT + 1, 0x7fffffff]);
const stat = (use: (stat: Uint8Array) => number, length = abi().statSize) => {
  const buffer = new Uint8Array(length);
  use(buffer);
  const { isFile, isDirectory, isSymlink, isFifo, size } = abi().decodeStat(buffer);
  return isFile ? size : isDirectory ? "directory" : isSymlink ? "symlink" : isFifo ? "pipe" : "socket";
};

export const calls: Readonly<Record<string, Call>> = {
  openat: {
    kinds: ["fd", "path", "int", "mode"],
    make: (r) => [
      dir(r),
      path(r) + (r.chance(0) ? "/" : ""),
      r.pick(openFlags) | O_NONBLOCK | (r.chance(50) ? O_CLOEXEC : 0) |
      (r.chance(10) ? libc.O_RESOLVE_BENEATH : 0),
      0o644,
    ],
    run: libc.openat,
    opens: true,
  },
  open: {
    kinds: ["path", "int", "mode"],
    make: (r) => [
      `${ROOT}inside/${newPath(r).replace(ROOT, "")}`,
      r.pick(openFlags) | O_NONBLOCK | (r.chance(50) ? O_CLOEXEC : 0),
      0o644,
    ],
    run: libc.open,
    opens: true,
  },
  read: {
    kinds: ["fd", "bytes"],
    make: (r) => [file(r), bytes(r)],
    run: (fd, buffer) => filled(buffer, libc.read(fd, buffer)),
  },
  write: { kinds: ["fd", "bytes"], make: (r) => [file(r), bytes(r)], run: libc.write as Run },
  read_n: {
    kinds: ["fd", "count"],
    make: (r) => [file(r), count(r)],
    run: (fd, count) => {
      const buffer = new Uint8Array(COUNT);
      return filled(buffer, libc.read(fd, buffer, count));
    },
  },
  write_n: {
    kinds: ["fd", "count"],
    make: (r) => [file(r), count(r)],
    run: (fd, count) => libc.write(fd, new Uint8Array(COUNT).fill(65), count),
  },
  fstat_n: {
    kinds: ["fd", "size"],
    make: (r) => [file(r), r.pick([10, 99, 500])],
    run: (fd, size) => stat((buffer) => libc.fstat(fd, buffer), size),
  },
  fcntl: {
    kinds: ["fd", "command", "long"],
    make: (r) => [fd(r), r.pick([7, 11, 13, 22, 99]), 0],
    run: libc.fcntl,
  },
  pread: {
    kinds: ["fd", "bytes", "long"],
    make: (r) => [file(r), bytes(r), offset(r)],
    run: (fd, buffer: Uint8Array, at) => filled(buffer, libc.pread(fd, buffer, buffer?.length, at)),
  },
  pwrite: {
    kinds: ["fd", "bytes", "long"],
    make: (r) => [file(r), bytes(r), offset(r)],
    run: (fd, buffer: Uint8Array, at) => libc.pwrite(fd, buffer, buffer?.length, at),
  },
  lseek: {
    kinds: ["fd", "long", "int"],
    make: (r) => [file(r), offset(r), r.pick([0, 0, 1, 2, 99])],
    run: libc.lseek,
  },
  ftruncate: { kinds: ["fd", "long"], make: (r) => [file(r), offset(r)], run: libc.ftruncate },
  fsync: { kinds: ["fd"], make: (r) => [file(r)], run: libc.fsync },
  fdatasync: { kinds: ["fd"], make: (r) => [file(r)], run: libc.fdatasync },
  fstat: { kinds: ["fd"], make: (r) => [file(r)], run: (fd) => stat((buffer) => libc.fstat(fd, buffer)) },
  fchown: { kinds: ["fd"], make: (r) => [file(r)], run: (fd) => libc.fchown(fd, -1, -1) },
  futimens: {
    kinds: ["fd", "time"],
    make: (r) => [file(r), time(r)],
    run: (fd, time) => libc.futimens(fd, timesOf(time)),
  },
  mtime: {
    kinds: ["fd"],
    make: (r) => [file(r)],
    run: (fd) => {
      const buffer = new Uint8Array(abi().statSize);
      libc.fstat(fd, buffer);
      return Number(abi().decodeStat(buffer).mtime) / 1000;
    },
  },
  flock: {
    kinds: ["fd", "int"],
    make: (r) => [file(r), r.pick([libc.LOCK_SH, libc.LOCK_EX, libc.LOCK_UN, 64]) | libc.LOCK_NB],
    run: libc.flock,
    onFilesOnly: true,
  },
  isatty: { kinds: ["fd"], make: (r) => [fd(r)], run: libc.isatty },
  FIONREAD: {
    kinds: ["fd"],
    make: (r) => [fd(r)],
    run: (fd) => {
      const count = new Int32Array(1);
      libc.ioctl(fd, Ioctl.FIONREAD, new Uint8Array(count.buffer));
      return count[0];
    },
  },
  fchmod: { kinds: ["fd", "mode"], make: (r) => [file(r), mode(r)], run: libc.fchmod },
  dup: { kinds: ["fd"], make: (r) => [file(r)], run: libc.dup, opens: true },
  F_DUPFD_CLOEXEC: {
    kinds: ["fd", "long"],
    make: (r) => [file(r), r.pick([0, 0, 50, -1, 0x7fffffff])],
    run: (fd, least) => libc.fcntl(fd, libc.F_DUPFD_CLOEXEC, least),
    opens: true,
  },
  F_GETFD: { kinds: ["fd"], make: (r) => [fd(r)], run: (fd) => libc.fcntl(fd, libc.F_GETFD) },
  F_SETFD: {
    kinds: ["fd", "long"],
    make: (r) => [fd(r), r.pick([0, libc.FD_CLOEXEC, libc.FD_RESOLVE_BENEATH])],
    run: (fd, flags) => libc.fcntl(fd, libc.F_SETFD, flags),
  },
  F_GETOWN: { kinds: ["fd"], make: (r) => [fd(r)], run: (fd) => libc.fcntl(fd, libc.F_GETOWN) },
  F_GETFL: {
    kinds: ["fd"],
    make: (r) => [fd(r)],
    run: (fd) => libc.fcntl(fd, libc.F_GETFL) & (libc.O_ACCMODE | O_APPEND),
  },
  F_SETFL: {
    kinds: ["fd", "long"],
    make: (r) => [fd(r), O_NONBLOCK | (r.chance(50) ? O_APPEND : 0)],
    run: (fd, flags) => libc.fcntl(fd, libc.F_SETFL, flags),
  },
  close: { kinds: ["fd"], make: (r) => [fd(r)], run: libc.close },
  ...fileCalls,
  limit: { kinds: ["fd", "rights"], make: (r) => [fd(r), some(r, rights)], run: limit },
  getRights: { kinds: ["fd"], make: (r) => [fd(r)], run: (fd) => getRights(fd).toJSON() },
  limitFcntls: {
    kinds: ["fd", "fcntls"],
    make: (r) => [fd(r), some(r, ["GETFL", "SETFL", "GETOWN"])],
    run: limitFcntls,
  },
  getFcntls: { kinds: ["fd"], make: (r) => [fd(r)], run: (fd) => [...getFcntls(fd)] },
  limitIoctls: { kinds: ["fd", "ioctls"], make: (r) => [fd(r), some(r, requests)], run: limitIoctls },
  getIoctls: {
    kinds: ["fd"],
    make: (r) => [fd(r)],
    run: (fd) => {
      const ioctls = getIoctls(fd);
      return ioctls.isUnlimited ? "all" : [...ioctls].map(Number).sort();
    },
  },
  list: { kinds: ["fd"], make: (r) => [dir(r)], run: (fd) => listDirSync(fd).sort() },
  fstatat: {
    kinds: ["fd", "path", "int"],
    make: (r) => [dir(r), path(r), r.pick(atFlags)],
    run: (fd, path, flags) => stat((buffer) => libc.fstatat(fd, path, buffer, flags)),
  },
  faccessat: {
    kinds: ["fd", "path", "int", "int"],
    make: (r) => [dir(r), path(r), r.pick([0, 4, 2, 6, 8]), r.pick([0, 0, AT_RESOLVE_BENEATH, 1])],
    run: libc.faccessat,
  },
  fchmodat: {
    kinds: ["fd", "path", "mode", "int"],
    make: (
      r,
    ) => [dir(r), newPath(r), r.pick([0o700, 0o740, 0o755]), r.pick([0, 0, AT_RESOLVE_BENEATH, 1])],
    run: libc.fchmodat,
  },
  fchownat: {
    kinds: ["fd", "path", "int"],
    make: (r) => [dir(r), newPath(r), r.pick(atFlags)],
    run: (fd, path, flags) => libc.fchownat(fd, path, -1, -1, flags),
  },
  utimensat: {
    kinds: ["fd", "path", "time", "int"],
    make: (r) => [dir(r), newPath(r), time(r), r.pick(atFlags)],
    run: (fd, path, time, flags) => libc.utimensat(fd, path, timesOf(time), flags),
  },
  readlinkat: {
    kinds: ["fd", "path"],
    make: (r) => [dir(r), path(r)],
    run: (fd, path) => {
      const buffer = new Uint8Array(1024);
      return decodeName(buffer.subarray(0, libc.readlinkat(fd, path, buffer)));
    },
  },
  mkdirat: {
    kinds: ["fd", "path"],
    make: (r) => [dir(r), path(r)],
    run: (fd, path) => libc.mkdirat(fd, path, 0o755),
  },
  mkfifoat: {
    kinds: ["fd", "path"],
    make: (r) => [dir(r), newPath(r)],
    run: (fd, path) => libc.mkfifoat(fd, path, 0o644),
  },
  symlinkat: {
    kinds: ["path", "fd", "path"],
    make: (r) => [r.pick(targets), dir(r), newPath(r)],
    run: libc.symlinkat,
  },
  unlinkat: {
    kinds: ["fd", "path", "int"],
    make: (
      r,
    ) => [
      dir(r),
      newPath(r),
      r.pick([0, 0, AT_REMOVEDIR, AT_RESOLVE_BENEATH, AT_REMOVEDIR | AT_RESOLVE_BENEATH, 1]),
    ],
    run: libc.unlinkat,
  },
  linkat: {
    kinds: ["fd", "path", "fd", "path", "int"],
    make: (r) => [dir(r), newPath(r), dir(r), newPath(r), r.pick([0, 0, AT_RESOLVE_BENEATH, 1])],
    run: libc.linkat,
  },
  renameat: {
    kinds: ["fd", "path", "fd", "path"],
    make: (r) => [dir(r), newPath(r), dir(r), newPath(r)],
    run: libc.renameat,
  },
  renameat2: {
    kinds: ["fd", "path", "fd", "path", "flags"],
    make: (r) => [dir(r), newPath(r), dir(r), newPath(r), r.pick([0, libc.AT_RENAME_NOREPLACE, 8])],
    run: libc.renameat2,
  },
};

/** The calls whose last argument is optional. */
export const defaults = [
  "open",
  "openat",
  "F_DUPFD_CLOEXEC",
  "F_SETFL",
  "F_SETFD",
  "file_truncate",
  "file_truncate_async",
  "read_n",
  "write_n",
  "fcntl",
];

/** The names of the flags of a call that opens or looks up a name; undefined for another argument. */
export function flagsIn(call: string, kind: Kind, arg: Arg): string | undefined {
  const opens = calls[call]!.opens && call.startsWith("open");
  if (kind !== "int" || typeof arg !== "number" || !(opens || /at$/.test(call))) return undefined;
  let rest = arg;
  const names = opens ? [["O_RDONLY", "O_WRONLY", "O_RDWR"][rest & libc.O_ACCMODE]] : [];
  if (opens) rest &= ~libc.O_ACCMODE;
  for (const [name, value] of Object.entries(libc)) {
    if (!name.startsWith(opens ? "O_" : "AT_") || typeof value !== "number") continue;
    if (value > 0 && (rest & value) === value && !(value & (value - 1))) {
      names.push(name);
      rest &= ~value;
    }
  }
  return [...names, ...rest !== 0 || names.length === 0 ? [String(rest)] : []].join(" | ");
}
