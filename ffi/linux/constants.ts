/**
 * The constants of Linux under their C names, from asm-generic/fcntl.h, linux/fcntl.h, linux/openat2.h, linux/stat.h,
 * linux/socket.h and asm/unistd.h. x86_64 and arm64 differ in a few.
 *
 * @module
 */
const isArm = Deno.build.arch === "aarch64";

export const O_CREAT = 0x40;
export const O_EXCL = 0x80;
export const O_NOCTTY = 0x100;
export const O_TRUNC = 0x200;
export const O_APPEND = 0x400;
export const O_NONBLOCK = 0x800;
export const O_DSYNC = 0x1000;
export const O_ASYNC = 0x2000;
export const O_DIRECT: number = isArm ? 0x10000 : 0x4000;
export const O_DIRECTORY: number = isArm ? 0x4000 : 0x10000;
export const O_NOFOLLOW: number = isArm ? 0x8000 : 0x20000;
export const O_CLOEXEC = 0x80000;
export const O_SYNC = 0x101000;
export const O_PATH = 0x200000;

export const RESOLVE_NO_MAGICLINKS = 0x02;
export const RESOLVE_BENEATH = 0x08;

export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
export const AT_EACCESS = 0x200;
export const AT_SYMLINK_FOLLOW = 0x400;
export const AT_EMPTY_PATH = 0x1000;
export const RENAME_NOREPLACE = 1;

export const STATX_BASIC_STATS = 0x7ff;
export const STATX_BTIME = 0x800;

export const F_SETOWN = 8;
export const F_GETOWN = 9;
export const F_DUPFD_CLOEXEC = 1030;
export const F_ADD_SEALS = 1033;
export const F_GET_SEALS = 1034;

export const UTIME_NOW = 0x3fffffffn;
export const UTIME_OMIT = 0x3ffffffen;

export const MSG_DONTWAIT = 0x40;
export const MSG_EOR = 0x80;
export const MSG_NOSIGNAL = 0x4000;

export const EPERM = 1;
export const ENOENT = 2;
export const EINTR = 4;
export const EAGAIN = 11;
export const EXDEV = 18;
export const EINVAL = 22;
export const ENOSYS = 38;
export const ENODATA = 61;
export const EOPNOTSUPP = 95;

// BigInt: an i64 that is passed as a number takes the slow path of FFI.
export const SYS_openat2 = 437n;
export const SYS_renameat2: bigint = isArm ? 276n : 316n;
export const SYS_getdents64: bigint = isArm ? 61n : 217n;
