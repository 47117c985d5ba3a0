/**
 * The calls of random programs: how to generate their arguments, and how to make them.
 *
 * @module
 */
import { abi } from "../../ffi/system.ts";
import { decodeName, FdFile, getRights, libc, limit, limitFcntls } from "../../mod.ts";
import type { Random } from "../_random.ts";
import type { Arg, Kind } from "./_calls_values.ts";

export type Run = (...args: never[]) => unknown;
/** A call: its arguments, how each one is generated, and its result as data. */
export interface Call {
  kinds: readonly Kind[];
  make(random: Random): Arg[];
  run: Run;
  /** Whether the call returns a descriptor. */
  opens?: true;
  /** Whether the call can block on a descriptor that is not a file. */
  onFilesOnly?: true;
}

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
];
const targets = ["file", "dir", "..", "../outside/f", "dir/../file", "missing", "link", "new1", "new2"];
const rights = [
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
];
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

const fd = (random: Random, of?: "file" | "directory"): Arg => {
  if (random.chance(3)) return random.pick([1_000_000, 0x7fffffff]);
  const index = random.below(40);
  return of === undefined || random.chance(20) ? { fd: index } : { fd: index, of };
};
const dir = (random: Random): Arg => fd(random, "directory");
const file = (random: Random): Arg => fd(random, "file");
const bytes = (random: Random): Arg => ({ bytes: random.pick([1, 2, 5, 64]) });
const offset = (random: Random): Arg => random.pick([0, 1, 3, 10, 100, -1, -5]);
const mode = (random: Random): Arg => random.pick([0o600, 0o644, 0o400, 0o200, 0]);
const some = (random: Random, all: readonly string[]) => all.filter(() => random.chance(70));
const stat = (use: (stat: Uint8Array) => number) => {
  const buffer = new Uint8Array(abi().statSize);
  use(buffer);
  const { isFile, isDirectory, isSymlink, isFifo, size } = abi().decodeStat(buffer);
  return isFile ? size : isDirectory ? "directory" : isSymlink ? "symlink" : isFifo ? "pipe" : "socket";
};
const filled = (buffer: Uint8Array, count: number) => [...buffer.subarray(0, count)];

function onCopy<T>(fd: number, use: (file: FdFile) => T): T {
  using file = FdFile.fromFd(libc.fcntl(fd, libc.F_DUPFD_CLOEXEC, 0));
  return use(file);
}

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
  read: {
    kinds: ["fd", "bytes"],
    make: (r) => [file(r), bytes(r)],
    run: (fd, buffer) => filled(buffer, libc.read(fd, buffer)),
  },
  write: { kinds: ["fd", "bytes"], make: (r) => [file(r), bytes(r)], run: libc.write as Run },
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
  fchmod: { kinds: ["fd", "mode"], make: (r) => [file(r), mode(r)], run: libc.fchmod },
  dup: { kinds: ["fd"], make: (r) => [file(r)], run: libc.dup, opens: true },
  F_DUPFD_CLOEXEC: {
    kinds: ["fd", "long"],
    make: (r) => [file(r), r.pick([0, 0, 50, -1, 0x7fffffff])],
    run: (fd, least) => libc.fcntl(fd, libc.F_DUPFD_CLOEXEC, least),
    opens: true,
  },
  F_GETFD: { kinds: ["fd"], make: (r) => [fd(r)], run: (fd) => libc.fcntl(fd, libc.F_GETFD) },
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
  file_read: {
    kinds: ["fd", "bytes"],
    make: (r) => [file(r), bytes(r)],
    run: (fd, buffer) =>
      onCopy(fd, (file) => {
        const count = file.readSync(buffer);
        return count === null ? null : filled(buffer, count);
      }),
    onFilesOnly: true,
  },
  file_write: {
    kinds: ["fd", "bytes"],
    make: (r) => [file(r), bytes(r)],
    run: (fd, buffer) => onCopy(fd, (file) => file.writeSync(buffer)),
    onFilesOnly: true,
  },
  file_closed: {
    kinds: ["fd"],
    make: (r) => [fd(r)],
    run: (fd) => onCopy(fd, (file) => (file.close(), file.readSync(new Uint8Array(1)))),
  },
  limit: { kinds: ["fd", "rights"], make: (r) => [fd(r), some(r, rights)], run: limit },
  getRights: { kinds: ["fd"], make: (r) => [fd(r)], run: (fd) => getRights(fd).toJSON() },
  limitFcntls: {
    kinds: ["fd", "fcntls"],
    make: (r) => [fd(r), some(r, ["GETFL", "SETFL"])],
    run: limitFcntls,
  },
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
    kinds: ["fd", "path", "int"],
    make: (r) => [dir(r), newPath(r), r.pick(atFlags)],
    run: (fd, path, flags) => libc.utimensat(fd, path, null, flags),
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
};

/** The calls whose last argument is optional. */
export const defaults = ["openat", "F_DUPFD_CLOEXEC", "F_SETFL"];
