/**
 * The rights under the names of pycapsicumcffi's module `cap`: `CAP_*` without the prefix. The main module's `Right` has
 * the same values, and documents what each right permits.
 *
 * @module
 */
import { Right } from "../../rights/rights.ts";

/** `CAP_READ`. */
export const READ: typeof Right.READ = Right.READ;
/** `CAP_WRITE`. */
export const WRITE: typeof Right.WRITE = Right.WRITE;
/** `CAP_SEEK_TELL`. */
export const SEEK_TELL: typeof Right.SEEK_TELL = Right.SEEK_TELL;
/** `CAP_SEEK`. */
export const SEEK: typeof Right.SEEK = Right.SEEK;
/** `CAP_PREAD`. */
export const PREAD: typeof Right.PREAD = Right.PREAD;
/** `CAP_PWRITE`. */
export const PWRITE: typeof Right.PWRITE = Right.PWRITE;
/** `CAP_MMAP`. */
export const MMAP: typeof Right.MMAP = Right.MMAP;
/** `CAP_MMAP_R`. */
export const MMAP_R: typeof Right.MMAP_R = Right.MMAP_R;
/** `CAP_MMAP_W`. */
export const MMAP_W: typeof Right.MMAP_W = Right.MMAP_W;
/** `CAP_MMAP_X`. */
export const MMAP_X: typeof Right.MMAP_X = Right.MMAP_X;
/** `CAP_MMAP_RW`. */
export const MMAP_RW: typeof Right.MMAP_RW = Right.MMAP_RW;
/** `CAP_MMAP_RX`. */
export const MMAP_RX: typeof Right.MMAP_RX = Right.MMAP_RX;
/** `CAP_MMAP_WX`. */
export const MMAP_WX: typeof Right.MMAP_WX = Right.MMAP_WX;
/** `CAP_MMAP_RWX`. */
export const MMAP_RWX: typeof Right.MMAP_RWX = Right.MMAP_RWX;
/** `CAP_CREATE`. */
export const CREATE: typeof Right.CREATE = Right.CREATE;
/** `CAP_FEXECVE`. */
export const FEXECVE: typeof Right.FEXECVE = Right.FEXECVE;
/** `CAP_FSYNC`. */
export const FSYNC: typeof Right.FSYNC = Right.FSYNC;
/** `CAP_FTRUNCATE`. */
export const FTRUNCATE: typeof Right.FTRUNCATE = Right.FTRUNCATE;
/** `CAP_LOOKUP`. */
export const LOOKUP: typeof Right.LOOKUP = Right.LOOKUP;
/** `CAP_FCHDIR`. */
export const FCHDIR: typeof Right.FCHDIR = Right.FCHDIR;
/** `CAP_FCHFLAGS`. */
export const FCHFLAGS: typeof Right.FCHFLAGS = Right.FCHFLAGS;
/** `CAP_CHFLAGSAT`. */
export const CHFLAGSAT: typeof Right.CHFLAGSAT = Right.CHFLAGSAT;
/** `CAP_FCHMOD`. */
export const FCHMOD: typeof Right.FCHMOD = Right.FCHMOD;
/** `CAP_FCHMODAT`. */
export const FCHMODAT: typeof Right.FCHMODAT = Right.FCHMODAT;
/** `CAP_FCHOWN`. */
export const FCHOWN: typeof Right.FCHOWN = Right.FCHOWN;
/** `CAP_FCHOWNAT`. */
export const FCHOWNAT: typeof Right.FCHOWNAT = Right.FCHOWNAT;
/** `CAP_FCNTL`. */
export const FCNTL: typeof Right.FCNTL = Right.FCNTL;
/** `CAP_FLOCK`. */
export const FLOCK: typeof Right.FLOCK = Right.FLOCK;
/** `CAP_FPATHCONF`. */
export const FPATHCONF: typeof Right.FPATHCONF = Right.FPATHCONF;
/** `CAP_FSCK`. */
export const FSCK: typeof Right.FSCK = Right.FSCK;
/** `CAP_FSTAT`. */
export const FSTAT: typeof Right.FSTAT = Right.FSTAT;
/** `CAP_FSTATAT`. */
export const FSTATAT: typeof Right.FSTATAT = Right.FSTATAT;
/** `CAP_FSTATFS`. */
export const FSTATFS: typeof Right.FSTATFS = Right.FSTATFS;
/** `CAP_FUTIMES`. */
export const FUTIMES: typeof Right.FUTIMES = Right.FUTIMES;
/** `CAP_FUTIMESAT`. */
export const FUTIMESAT: typeof Right.FUTIMESAT = Right.FUTIMESAT;
/** `CAP_LINKAT_TARGET`. */
export const LINKAT_TARGET: typeof Right.LINKAT_TARGET = Right.LINKAT_TARGET;
/** `CAP_MKDIRAT`. */
export const MKDIRAT: typeof Right.MKDIRAT = Right.MKDIRAT;
/** `CAP_MKFIFOAT`. */
export const MKFIFOAT: typeof Right.MKFIFOAT = Right.MKFIFOAT;
/** `CAP_MKNODAT`. */
export const MKNODAT: typeof Right.MKNODAT = Right.MKNODAT;
/** `CAP_RENAMEAT_SOURCE`. */
export const RENAMEAT_SOURCE: typeof Right.RENAMEAT_SOURCE = Right.RENAMEAT_SOURCE;
/** `CAP_SYMLINKAT`. */
export const SYMLINKAT: typeof Right.SYMLINKAT = Right.SYMLINKAT;
/** `CAP_UNLINKAT`. */
export const UNLINKAT: typeof Right.UNLINKAT = Right.UNLINKAT;
/** `CAP_ACCEPT`. */
export const ACCEPT: typeof Right.ACCEPT = Right.ACCEPT;
/** `CAP_BIND`. */
export const BIND: typeof Right.BIND = Right.BIND;
/** `CAP_CONNECT`. */
export const CONNECT: typeof Right.CONNECT = Right.CONNECT;
/** `CAP_GETPEERNAME`. */
export const GETPEERNAME: typeof Right.GETPEERNAME = Right.GETPEERNAME;
/** `CAP_GETSOCKNAME`. */
export const GETSOCKNAME: typeof Right.GETSOCKNAME = Right.GETSOCKNAME;
/** `CAP_GETSOCKOPT`. */
export const GETSOCKOPT: typeof Right.GETSOCKOPT = Right.GETSOCKOPT;
/** `CAP_LISTEN`. */
export const LISTEN: typeof Right.LISTEN = Right.LISTEN;
/** `CAP_PEELOFF`. */
export const PEELOFF: typeof Right.PEELOFF = Right.PEELOFF;
/** `CAP_RECV`. */
export const RECV: typeof Right.RECV = Right.RECV;
/** `CAP_SEND`. */
export const SEND: typeof Right.SEND = Right.SEND;
/** `CAP_SETSOCKOPT`. */
export const SETSOCKOPT: typeof Right.SETSOCKOPT = Right.SETSOCKOPT;
/** `CAP_SHUTDOWN`. */
export const SHUTDOWN: typeof Right.SHUTDOWN = Right.SHUTDOWN;
/** `CAP_BINDAT`. */
export const BINDAT: typeof Right.BINDAT = Right.BINDAT;
/** `CAP_CONNECTAT`. */
export const CONNECTAT: typeof Right.CONNECTAT = Right.CONNECTAT;
/** `CAP_LINKAT_SOURCE`. */
export const LINKAT_SOURCE: typeof Right.LINKAT_SOURCE = Right.LINKAT_SOURCE;
/** `CAP_RENAMEAT_TARGET`. */
export const RENAMEAT_TARGET: typeof Right.RENAMEAT_TARGET = Right.RENAMEAT_TARGET;
/** `CAP_FCHROOT`. */
export const FCHROOT: typeof Right.FCHROOT = Right.FCHROOT;
/** `CAP_SOCK_CLIENT`. */
export const SOCK_CLIENT: typeof Right.SOCK_CLIENT = Right.SOCK_CLIENT;
/** `CAP_SOCK_SERVER`. */
export const SOCK_SERVER: typeof Right.SOCK_SERVER = Right.SOCK_SERVER;
/** `CAP_MAC_GET`. */
export const MAC_GET: typeof Right.MAC_GET = Right.MAC_GET;
/** `CAP_MAC_SET`. */
export const MAC_SET: typeof Right.MAC_SET = Right.MAC_SET;
/** `CAP_SEM_GETVALUE`. */
export const SEM_GETVALUE: typeof Right.SEM_GETVALUE = Right.SEM_GETVALUE;
/** `CAP_SEM_POST`. */
export const SEM_POST: typeof Right.SEM_POST = Right.SEM_POST;
/** `CAP_SEM_WAIT`. */
export const SEM_WAIT: typeof Right.SEM_WAIT = Right.SEM_WAIT;
/** `CAP_EVENT`. */
export const EVENT: typeof Right.EVENT = Right.EVENT;
/** `CAP_KQUEUE_EVENT`. */
export const KQUEUE_EVENT: typeof Right.KQUEUE_EVENT = Right.KQUEUE_EVENT;
/** `CAP_IOCTL`. */
export const IOCTL: typeof Right.IOCTL = Right.IOCTL;
/** `CAP_TTYHOOK`. */
export const TTYHOOK: typeof Right.TTYHOOK = Right.TTYHOOK;
/** `CAP_PDGETPID`. */
export const PDGETPID: typeof Right.PDGETPID = Right.PDGETPID;
/** `CAP_PDWAIT`. */
export const PDWAIT: typeof Right.PDWAIT = Right.PDWAIT;
/** `CAP_PDKILL`. */
export const PDKILL: typeof Right.PDKILL = Right.PDKILL;
/** `CAP_EXTATTR_DELETE`. */
export const EXTATTR_DELETE: typeof Right.EXTATTR_DELETE = Right.EXTATTR_DELETE;
/** `CAP_EXTATTR_GET`. */
export const EXTATTR_GET: typeof Right.EXTATTR_GET = Right.EXTATTR_GET;
/** `CAP_EXTATTR_LIST`. */
export const EXTATTR_LIST: typeof Right.EXTATTR_LIST = Right.EXTATTR_LIST;
/** `CAP_EXTATTR_SET`. */
export const EXTATTR_SET: typeof Right.EXTATTR_SET = Right.EXTATTR_SET;
/** `CAP_ACL_CHECK`. */
export const ACL_CHECK: typeof Right.ACL_CHECK = Right.ACL_CHECK;
/** `CAP_ACL_DELETE`. */
export const ACL_DELETE: typeof Right.ACL_DELETE = Right.ACL_DELETE;
/** `CAP_ACL_GET`. */
export const ACL_GET: typeof Right.ACL_GET = Right.ACL_GET;
/** `CAP_ACL_SET`. */
export const ACL_SET: typeof Right.ACL_SET = Right.ACL_SET;
/** `CAP_KQUEUE_CHANGE`. */
export const KQUEUE_CHANGE: typeof Right.KQUEUE_CHANGE = Right.KQUEUE_CHANGE;
/** `CAP_KQUEUE`. */
export const KQUEUE: typeof Right.KQUEUE = Right.KQUEUE;
/** `CAP_INOTIFY_ADD`. */
export const INOTIFY_ADD: typeof Right.INOTIFY_ADD = Right.INOTIFY_ADD;
/** `CAP_INOTIFY_RM`. */
export const INOTIFY_RM: typeof Right.INOTIFY_RM = Right.INOTIFY_RM;
/** `CAP_POLL_EVENT`. */
export const POLL_EVENT: typeof Right.POLL_EVENT = Right.POLL_EVENT;
