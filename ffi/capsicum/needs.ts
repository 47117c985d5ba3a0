import type { RightName } from "../../rights/rights.ts";
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
} from "../freebsd/constants.ts";

/**
 * The rights that each call needs on its descriptor, by its C name. The rights that openat needs depend on its flags: see
 * `rightsFor()`.
 *
 * These rights suffice; without any one of them the call fails with ENOTCAPABLE. (poll and ppoll do not fail: they report
 * POLLNVAL.) A second word names one of two descriptors, or one use of the call: `"linkat to"` is the directory of the new
 * name, `"mmap PROT_READ"` is mmap with that protection. Several uses need the union of their rights.
 *
 * The table is taken from sys/kern of FreeBSD 13.2 and 15.1. Emulated kernels of both releases confirmed the rows of the
 * calls that `libc` has, and 226 (15.1) and 222 (13.2) checks of further calls.
 *
 * @example What a copy with mmap(2) and write(2) needs
 * ```ts
 * import { needs, Rights } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(new Rights(needs["mmap PROT_READ"]).names(), ["MMAP_R"]);
 * assertEquals(needs.write, ["WRITE"]);
 * ```
 */
export const needs = {
  close: [],
  dup: [],
  dup2: [],
  posix_fadvise: [],
  cap_rights_limit: [],
  cap_rights_get: [],
  cap_ioctls_limit: [],
  cap_ioctls_get: [],
  cap_fcntls_limit: [],
  cap_fcntls_get: [],

  read: ["READ"],
  readv: ["READ"],
  write: ["WRITE"],
  writev: ["WRITE"],
  pread: ["READ", "SEEK"],
  preadv: ["READ", "SEEK"],
  aio_read: ["READ", "SEEK"],
  pwrite: ["WRITE", "SEEK"],
  pwritev: ["WRITE", "SEEK"],
  aio_write: ["WRITE", "SEEK"],
  posix_fallocate: ["WRITE", "SEEK"],
  fspacectl: ["WRITE", "SEEK"],
  lseek: ["SEEK"],
  copy_file_range: ["READ"],
  "copy_file_range to": ["WRITE"],
  /** With a pointer to the offset. FreeBSD 13 needs only READ; 14 was not checked. */
  "copy_file_range with an offset": ["READ", "SEEK"],
  /** With a pointer to the offset. FreeBSD 13 needs only WRITE; 14 was not checked. */
  "copy_file_range to with an offset": ["WRITE", "SEEK"],
  sendfile: ["READ", "SEEK"],
  /** The rights of the socket. */
  "sendfile to": ["WRITE"],
  /** With no protection, or with MAP_PRIVATE and PROT_WRITE. The rights also limit a later mprotect. */
  mmap: ["MMAP"],
  "mmap PROT_READ": ["READ", "SEEK", "MMAP"],
  /** With MAP_SHARED. */
  "mmap PROT_WRITE": ["WRITE", "SEEK", "MMAP"],
  "mmap PROT_EXEC": ["MMAP_X"],
  fexecve: ["FEXECVE"],

  fstat: ["FSTAT"],
  fstatfs: ["FSTATFS"],
  fpathconf: ["FPATHCONF"],
  ftruncate: ["FTRUNCATE"],
  fsync: ["FSYNC"],
  fdatasync: ["FSYNC"],
  aio_fsync: ["FSYNC"],
  flock: ["FLOCK"],
  fchmod: ["FCHMOD"],
  fchown: ["FCHOWN"],
  fchflags: ["FCHFLAGS"],
  futimes: ["FUTIMES"],
  futimens: ["FUTIMES"],
  acl_get_fd: ["ACL_GET"],
  acl_set_fd: ["ACL_SET"],
  acl_delete_fd_np: ["ACL_DELETE"],
  acl_valid_fd_np: ["ACL_CHECK"],
  extattr_get_fd: ["EXTATTR_GET"],
  extattr_set_fd: ["EXTATTR_SET"],
  extattr_delete_fd: ["EXTATTR_DELETE"],
  extattr_list_fd: ["EXTATTR_LIST"],
  mac_get_fd: ["MAC_GET"],
  mac_set_fd: ["MAC_SET"],

  /** With F_GETFL, F_SETFL, F_GETOWN or F_SETOWN, if `limitFcntls()` permits them, or with F_KINFO. */
  fcntl: ["FCNTL"],
  "fcntl F_GETFL": ["FCNTL"],
  "fcntl F_SETFL": ["FCNTL"],
  "fcntl F_GETOWN": ["FCNTL"],
  "fcntl F_SETOWN": ["FCNTL"],
  /** Never in capability mode. */
  "fcntl F_KINFO": ["FCNTL"],
  "fcntl F_GETLK": ["FLOCK"],
  "fcntl F_SETLK": ["FLOCK"],
  "fcntl F_SETLKW": ["FLOCK"],
  "fcntl F_GETFD": [],
  "fcntl F_SETFD": [],
  "fcntl F_DUPFD": [],
  "fcntl F_DUPFD_CLOEXEC": [],
  "fcntl F_DUP2FD": [],
  "fcntl F_DUP2FD_CLOEXEC": [],
  "fcntl F_RDAHEAD": [],
  "fcntl F_READAHEAD": [],
  "fcntl F_ADD_SEALS": [],
  "fcntl F_GET_SEALS": [],
  /** `limitIoctls()` must permit the request. */
  ioctl: ["IOCTL"],
  isatty: ["IOCTL"],
  tcgetattr: ["IOCTL"],
  tcsetattr: ["IOCTL"],

  getdirentries: ["READ"],
  getdents: ["READ"],
  fdopendir: ["READ"],
  readdir: ["READ"],
  rewinddir: ["SEEK"],
  seekdir: ["SEEK"],
  /** Never in capability mode. */
  fchdir: ["FCHDIR"],
  /** Never in capability mode. */
  fchroot: ["FCHROOT"],
  fstatat: ["LOOKUP", "FSTAT"],
  faccessat: ["LOOKUP", "FSTAT"],
  fchmodat: ["LOOKUP", "FCHMOD"],
  fchownat: ["LOOKUP", "FCHOWN"],
  chflagsat: ["LOOKUP", "FCHFLAGS"],
  utimensat: ["LOOKUP", "FUTIMES"],
  futimesat: ["LOOKUP", "FUTIMES"],
  unlinkat: ["UNLINKAT"],
  funlinkat: ["UNLINKAT"],
  /** The rights of the open file that the path must name. */
  "funlinkat file": [],
  /** The rights of the open directory that the path must name, with AT_REMOVEDIR. */
  "funlinkat directory": ["LOOKUP"],
  mkdirat: ["MKDIRAT"],
  mkfifoat: ["MKFIFOAT"],
  /** For a device; see the row for a FIFO. */
  mknodat: ["MKNODAT"],
  /** The kernel makes a FIFO as mkfifoat does, and needs no other right. */
  "mknodat FIFO": ["MKFIFOAT"],
  symlinkat: ["SYMLINKAT"],
  readlinkat: ["LOOKUP"],
  linkat: ["LINKAT_SOURCE"],
  "linkat to": ["LINKAT_TARGET"],
  renameat: ["RENAMEAT_SOURCE"],
  "renameat to": ["RENAMEAT_TARGET"],
  /** If the new name exists. */
  "renameat over": ["RENAMEAT_TARGET", "UNLINKAT"],
  bindat: ["BINDAT"],
  "bindat socket": ["BIND"],
  connectat: ["CONNECTAT"],
  "connectat socket": ["CONNECT"],

  accept: ["ACCEPT"],
  accept4: ["ACCEPT"],
  /** Never in capability mode. */
  bind: ["BIND"],
  /** Never in capability mode. */
  connect: ["CONNECT"],
  getpeername: ["GETPEERNAME"],
  getsockname: ["GETSOCKNAME"],
  getsockopt: ["GETSOCKOPT"],
  listen: ["LISTEN"],
  recv: ["READ"],
  recvfrom: ["READ"],
  recvmsg: ["READ"],
  sctp_peeloff: ["PEELOFF"],
  send: ["WRITE"],
  sendmsg: ["WRITE"],
  sendto: ["WRITE"],
  /** Never in capability mode. */
  "sendmsg with an address": ["WRITE", "CONNECT"],
  /** Never in capability mode. */
  "sendto with an address": ["WRITE", "CONNECT"],
  setsockopt: ["SETSOCKOPT"],
  shutdown: ["SHUTDOWN"],

  poll: ["EVENT"],
  ppoll: ["EVENT"],
  select: ["EVENT"],
  pselect: ["EVENT"],
  /** With both changes and room for events; the next rows are for one of them. */
  kevent: ["KQUEUE_CHANGE", "KQUEUE_EVENT"],
  "kevent changelist": ["KQUEUE_CHANGE"],
  "kevent eventlist": ["KQUEUE_EVENT"],
  /** The rights of the watched descriptor. */
  "kevent ident": ["EVENT"],
  inotify_add_watch: ["INOTIFY_ADD"],
  inotify_add_watch_at: ["INOTIFY_ADD"],
  /** The rights of the parent directory of the path. */
  "inotify_add_watch_at directory": ["LOOKUP"],
  inotify_rm_watch: ["INOTIFY_RM"],

  pdgetpid: ["PDGETPID"],
  pdkill: ["PDKILL"],
  pdwait: ["PDWAIT"],
  ksem_getvalue: ["SEM_GETVALUE"],
  ksem_post: ["SEM_POST"],
  ksem_wait: ["SEM_WAIT"],
} as const;
for (const rights of Object.values(needs)) Object.freeze(rights);
Object.freeze(needs);

/** A call on a descriptor: a key of {@link needs}. */
export type Operation = keyof typeof needs;

/** The rights that a call other than openat needs; empty if the kernel checks no right. */
export function rightsNeeded(call: string): readonly RightName[] {
  return Object.hasOwn(needs, call) ? needs[call as Operation] : [];
}

/**
 * The rights that openat needs on the directory.
 *
 * @param osreldate Returns the release of the kernel, and is called only if it matters. Default: the newest release.
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
  // 13.2 needs no right for O_DSYNC, 15.1 does; releases between these were not checked.
  if (flags & O_SYNC || flags & O_DSYNC && osreldate() >= 1_400_000) rights.push("FSYNC");
  if (flags & (O_SHLOCK | O_EXLOCK)) rights.push("FLOCK");
  return rights;
}
