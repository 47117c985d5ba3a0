/**
 * Every call of libc that takes a descriptor of a file or a directory, with what it needs and what came of it under
 * given rights.
 *
 * As a program it reads `Trials` from standard input, enters capability mode where they say so, makes them, and writes
 * an `Outcome` for each to standard output.
 *
 * @module
 */
import { CapsicumError, enter, libc, limit, type RightName, Rights } from "../../../mod.ts";
import { rightsNeeded, rightsToOpen } from "../../../ffi/capsicum/needs.ts";
import { kernel } from "../../_kernel.ts";

export interface Operation {
  /** The C name of the call. */
  call: string;
  /** What distinguishes it from others of that call. */
  variant?: string;
  on: "file" | "directory";
  /** What it needs of its descriptor; for the calls on two, of each. */
  needs: readonly (readonly RightName[])[];
  run(fd: number, toFd: number): number;
}

export interface Trial {
  /** The index in `operations`. */
  operation: number;
  /** The rights of each descriptor, as `Rights.toJSON()` gives them. */
  held: string[][];
}

export interface Trials {
  capmode: boolean;
  /** An ambient path of an empty directory. */
  base: string;
  trials: Trial[];
}

export interface Outcome {
  /** "ok", or the error's code. */
  code: string;
  missing?: RightName[];
  /** Which of the descriptors the error names. */
  end?: number;
  message?: string;
}

const { AT_REMOVEDIR, F_GETFD, F_GETFL, F_SETFL, LOCK_NB, LOCK_SH, R_OK, SEEK_CUR, SEEK_SET } = libc;
const { O_APPEND, O_CREAT, O_DIRECTORY, O_DSYNC, O_EXCL, O_EXLOCK, O_NOFOLLOW, O_RDONLY } = libc;
const { O_RDWR, O_SEARCH, O_SHLOCK, O_SYNC, O_TRUNC, O_WRONLY } = libc;
const FIONREAD = 0x4004667f;
const bytes = (length: number) => new Uint8Array(length);

function onFile(call: string, run: Operation["run"], variant?: string, needs?: RightName[]): Operation {
  return {
    call,
    on: "file",
    needs: [needs ?? rightsNeeded(call)],
    run,
    ...(variant === undefined ? {} : { variant }),
  };
}

function onDirectory(call: string, run: Operation["run"], variant?: string): Operation {
  return { ...onFile(call, run, variant), on: "directory" };
}

function opening(flags: number, variant: string, name = "file"): Operation {
  const run = (fd: number) => libc.close(libc.openat(fd, name, flags, 0o600));
  return {
    call: "openat",
    variant,
    on: "directory",
    needs: [rightsToOpen(flags, () => kernel.osreldate)],
    run,
  };
}

export const operations: readonly Operation[] = [
  onFile("close", (fd) => libc.close(libc.dup(fd))),
  onFile("dup", (fd) => libc.close(libc.dup(fd))),
  onFile("read", (fd) => libc.read(fd, bytes(2))),
  onFile("write", (fd) => libc.write(fd, bytes(2))),
  onFile("pread", (fd) => libc.pread(fd, bytes(2), 2, 0)),
  onFile("pwrite", (fd) => libc.pwrite(fd, bytes(2), 2, 0)),
  onFile("lseek", (fd) => libc.lseek(fd, 1, SEEK_SET), "to an offset"),
  onFile("lseek", (fd) => libc.lseek(fd, 0, SEEK_CUR), "that only asks"),
  onFile("fstat", (fd) => libc.fstat(fd, bytes(224))),
  onFile("ftruncate", (fd) => libc.ftruncate(fd, 5)),
  onFile("fsync", (fd) => libc.fsync(fd)),
  onFile("fdatasync", (fd) => libc.fdatasync(fd)),
  onFile("flock", (fd) => libc.flock(fd, LOCK_SH | LOCK_NB)),
  onFile("fchmod", (fd) => libc.fchmod(fd, 0o755)),
  onFile("fchown", (fd) => libc.fchown(fd, -1, -1)),
  onFile("futimens", (fd) => libc.futimens(fd, null)),
  onFile("fcntl", (fd) => libc.fcntl(fd, F_GETFL), "F_GETFL"),
  onFile("fcntl", (fd) => libc.fcntl(fd, F_SETFL, O_APPEND), "F_SETFL"),
  onFile("fcntl", (fd) => libc.fcntl(fd, F_GETFD), "F_GETFD", []),
  onFile("ioctl", (fd) => libc.ioctl(fd, FIONREAD, bytes(4))),
  onFile("isatty", (fd) => libc.isatty(fd)),

  onDirectory("getdirentries", (fd) => libc.getdirentries(fd, bytes(4096), 4096, bytes(8))),
  onDirectory("fstatat", (fd) => libc.fstatat(fd, "file", bytes(224), 0)),
  onDirectory("faccessat", (fd) => libc.faccessat(fd, "file", R_OK, 0)),
  onDirectory("fchmodat", (fd) => libc.fchmodat(fd, "file", 0o755, 0)),
  onDirectory("fchownat", (fd) => libc.fchownat(fd, "file", -1, -1, 0)),
  onDirectory("utimensat", (fd) => libc.utimensat(fd, "file", null, 0)),
  onDirectory("readlinkat", (fd) => libc.readlinkat(fd, "link", bytes(9))),
  onDirectory("unlinkat", (fd) => libc.unlinkat(fd, "victim", 0), "a file"),
  onDirectory("unlinkat", (fd) => libc.unlinkat(fd, "empty", AT_REMOVEDIR), "a directory"),
  onDirectory("mkdirat", (fd) => libc.mkdirat(fd, "new", 0o700)),
  onDirectory("mkfifoat", (fd) => libc.mkfifoat(fd, "new", 0o600)),
  onDirectory("symlinkat", (fd) => libc.symlinkat("file", fd, "new")),

  opening(O_RDONLY, "O_RDONLY"),
  opening(O_RDONLY | O_DIRECTORY, "O_RDONLY of a directory", "empty"),
  opening(O_RDONLY | O_NOFOLLOW, "O_RDONLY|O_NOFOLLOW"),
  opening(O_WRONLY, "O_WRONLY"),
  opening(O_WRONLY | O_APPEND, "O_WRONLY|O_APPEND"),
  opening(O_WRONLY | O_TRUNC, "O_WRONLY|O_TRUNC"),
  opening(O_RDWR, "O_RDWR"),
  opening(O_RDWR | O_APPEND, "O_RDWR|O_APPEND"),
  opening(O_RDWR | O_TRUNC, "O_RDWR|O_TRUNC"),
  opening(O_RDWR | O_CREAT, "O_RDWR|O_CREAT of what exists"),
  opening(O_RDONLY | O_CREAT, "O_RDONLY|O_CREAT", "new"),
  opening(O_WRONLY | O_CREAT | O_EXCL, "O_WRONLY|O_CREAT|O_EXCL", "new"),
  opening(O_WRONLY | O_CREAT | O_TRUNC, "O_WRONLY|O_CREAT|O_TRUNC", "new"),
  opening(O_SEARCH, "O_SEARCH of a directory", "empty"),
  opening(O_RDONLY | O_SYNC, "O_RDONLY|O_SYNC"),
  opening(O_RDONLY | O_DSYNC, "O_RDONLY|O_DSYNC"),
  opening(O_RDONLY | O_SHLOCK, "O_RDONLY|O_SHLOCK"),
  opening(O_WRONLY | O_EXLOCK | O_APPEND, "O_WRONLY|O_EXLOCK|O_APPEND"),

  onTwo("linkat", "linkat to", (fd, toFd) => libc.linkat(fd, "file", toFd, "new", 0)),
  onTwo("renameat", "renameat to", (fd, toFd) => libc.renameat(fd, "victim", toFd, "new")),
  onTwo("renameat", "renameat over", (fd, toFd) => libc.renameat(fd, "victim", toFd, "other"), "onto a name"),
  {
    ...onTwo("renameat", "renameat to", (fd, toFd) => libc.renameat2(fd, "victim", toFd, "new", 0)),
    call: "renameat2",
  },
];

function onTwo(call: string, to: string, run: Operation["run"], variant?: string): Operation {
  return { ...onDirectory(call, run, variant), needs: [rightsNeeded(call), rightsNeeded(to)] };
}

function make({ operation, held }: Trial, base: number): Outcome {
  const { on, run } = operations[operation]!;
  prepare(base);
  const open = (rights: string[]) => {
    const fd = libc.openat(
      base,
      on === "file" ? "file" : ".",
      on === "file" ? O_RDWR : O_RDONLY | O_DIRECTORY,
    );
    limit(fd, Rights.fromJSON(rights));
    return fd;
  };
  const fds = held.map(open);
  try {
    run(fds[0]!, fds[1]!);
    return { code: "ok" };
  } catch (error) {
    const { code = String(error), fd, message } = error as CapsicumError;
    const missing = error instanceof CapsicumError ? error.missing?.names() : undefined;
    return { code, message, ...(missing && { missing }), ...(fd !== undefined && { end: fds.indexOf(fd) }) };
  } finally {
    for (const fd of fds) libc.close(fd);
  }
}

/** Puts everything in its place again that an operation may have used up. */
function prepare(base: number): void {
  for (const name of ["file", "victim", "other"]) {
    libc.close(libc.openat(base, name, O_WRONLY | O_CREAT | O_TRUNC, 0o700));
  }
  unless("EEXIST", () => libc.symlinkat("file", base, "link"));
  unless("EEXIST", () => libc.mkdirat(base, "empty", 0o700));
  // What unlinkat says of a directory is EPERM.
  unless("ENOENT", () => unless("EPERM", () => libc.unlinkat(base, "new", 0)));
  unless("ENOENT", () => unless("ENOTDIR", () => libc.unlinkat(base, "new", AT_REMOVEDIR)));
}

function unless(code: string, call: () => unknown): void {
  try {
    call();
  } catch (error) {
    if ((error as CapsicumError).code !== code) throw error;
  }
}

if (import.meta.main) {
  const { capmode, base, trials }: Trials = await new Response(Deno.stdin.readable).json();
  const fd = libc.open(base, O_RDONLY | O_DIRECTORY | libc.O_CLOEXEC);
  if (capmode) enter();
  console.log(JSON.stringify(trials.map((trial) => make(trial, fd))));
}
