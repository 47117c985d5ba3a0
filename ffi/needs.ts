import type { RightName } from "../rights/mod.ts";
import {
  O_ACCMODE,
  O_APPEND,
  O_CREAT,
  O_DSYNC,
  O_EXEC,
  O_EXLOCK,
  O_RDONLY,
  O_RDWR,
  O_SHLOCK,
  O_SYNC,
  O_TRUNC,
} from "./abi/freebsd_constants.ts";

/** A call on a descriptor, by its C name: all that the table has. What openat needs depends on its flags. */
export type Operation =
  | "close"
  | "dup"
  | "read"
  | "write"
  | "pread"
  | "pwrite"
  | "lseek"
  | "fstat"
  | "ftruncate"
  | "fsync"
  | "fdatasync"
  | "flock"
  | "fchmod"
  | "fchown"
  | "futimens"
  | "fcntl"
  | "ioctl"
  | "isatty"
  | "getdirentries"
  | "fstatat"
  | "faccessat"
  | "fchmodat"
  | "fchownat"
  | "utimensat"
  | "unlinkat"
  | "mkdirat"
  | "mkfifoat"
  | "symlinkat"
  | "readlinkat"
  | "linkat"
  | "linkat to"
  | "renameat"
  | "renameat to"
  | "renameat over"
  | "accept"
  | "bind"
  | "connect"
  | "getpeername"
  | "getsockname"
  | "getsockopt"
  | "listen"
  | "setsockopt"
  | "shutdown";

/**
 * The rights that each call needs on its descriptor; for linkat and renameat on the first and on the second.
 *
 * Read from sys/kern of FreeBSD 13.2 and 15.1, and seen on a running 15.1; those of sockets are only read.
 */
export const needs: Readonly<Record<Operation, readonly RightName[]>> = {
  close: [],
  dup: [],
  read: ["READ"],
  write: ["WRITE"],
  pread: ["READ", "SEEK"],
  pwrite: ["WRITE", "SEEK"],
  lseek: ["SEEK"],
  fstat: ["FSTAT"],
  ftruncate: ["FTRUNCATE"],
  fsync: ["FSYNC"],
  fdatasync: ["FSYNC"],
  flock: ["FLOCK"],
  fchmod: ["FCHMOD"],
  fchown: ["FCHOWN"],
  futimens: ["FUTIMES"],
  fcntl: ["FCNTL"],
  ioctl: ["IOCTL"],
  isatty: ["IOCTL"],
  getdirentries: ["READ"],
  fstatat: ["LOOKUP", "FSTAT"],
  faccessat: ["LOOKUP", "FSTAT"],
  fchmodat: ["LOOKUP", "FCHMOD"],
  fchownat: ["LOOKUP", "FCHOWN"],
  utimensat: ["LOOKUP", "FUTIMES"],
  unlinkat: ["UNLINKAT"],
  mkdirat: ["MKDIRAT"],
  mkfifoat: ["MKFIFOAT"],
  symlinkat: ["SYMLINKAT"],
  readlinkat: ["LOOKUP"],
  linkat: ["LINKAT_SOURCE"],
  "linkat to": ["LINKAT_TARGET"],
  renameat: ["RENAMEAT_SOURCE"],
  "renameat to": ["RENAMEAT_TARGET"],
  // Where the new name exists already.
  "renameat over": ["RENAMEAT_TARGET", "UNLINKAT"],
  accept: ["ACCEPT"],
  bind: ["BIND"],
  connect: ["CONNECT"],
  getpeername: ["GETPEERNAME"],
  getsockname: ["GETSOCKNAME"],
  getsockopt: ["GETSOCKOPT"],
  listen: ["LISTEN"],
  setsockopt: ["SETSOCKOPT"],
  shutdown: ["SHUTDOWN"],
};

/** The rights that a call other than openat needs; none where the kernel asks for none. */
export function rightsNeeded(call: string): readonly RightName[] {
  return Object.hasOwn(needs, call) ? needs[call as Operation] : [];
}

/**
 * The rights that openat needs on the directory, by its flags and the osreldate of the kernel, which is rarely asked for:
 * the newest, unless told.
 */
export function rightsToOpen(flags: number, osreldate: () => number = () => Infinity): readonly RightName[] {
  const rights: RightName[] = ["LOOKUP"];
  if (flags & O_EXEC) rights.push("FEXECVE");
  else {
    const access = flags & O_ACCMODE;
    if (access === O_RDONLY || access === O_RDWR) rights.push("READ");
    if (access !== O_RDONLY) {
      rights.push("WRITE");
      if (!(flags & (O_APPEND | O_TRUNC))) rights.push("SEEK");
    }
  }
  if (flags & O_CREAT) rights.push("CREATE");
  if (flags & O_TRUNC) rights.push("FTRUNCATE");
  // 13.2 asks nothing for O_DSYNC, 15.1 does; of those between it is not known.
  if (flags & O_SYNC || flags & O_DSYNC && osreldate() >= 1_400_000) rights.push("FSYNC");
  if (flags & (O_SHLOCK | O_EXLOCK)) rights.push("FLOCK");
  return rights;
}
