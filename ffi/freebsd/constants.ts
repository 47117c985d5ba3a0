/**
 * FreeBSD's constants under their C names.
 *
 * The values were read from the headers that each group names, of FreeBSD 12.1, 13.2 and 15.1, on amd64 and arm64: a
 * constant has one value in all of them that have it. One without a release is in every release that has Capsicum as
 * this library needs it, 13 and later.
 *
 * @module
 */

// sys/fcntl.h, for open(2), openat(2)
/** Open for reading only. */
export const O_RDONLY = 0;
/** Open for writing only. */
export const O_WRONLY = 1;
/** Open for reading and writing. */
export const O_RDWR = 2;
/** The mask of the three access modes. */
export const O_ACCMODE = 3;
/** Do not block. */
export const O_NONBLOCK = 4;
/** Every write goes to the end. */
export const O_APPEND = 8;
/** Take a shared flock. */
export const O_SHLOCK = 0x10;
/** Take an exclusive flock. */
export const O_EXLOCK = 0x20;
/** Writes reach the disk before they return. */
export const O_SYNC = 0x80;
/** A symlink as the last component is EMLINK. */
export const O_NOFOLLOW = 0x100;
/** Create the file if it does not exist. */
export const O_CREAT = 0x200;
/** Truncate the file to 0 bytes. */
export const O_TRUNC = 0x400;
/** With O_CREAT, an existing name is EEXIST. */
export const O_EXCL = 0x800;
/** Do not make a terminal the controlling terminal. */
export const O_NOCTTY = 0x8000;
/** Keep caching low. */
export const O_DIRECT = 0x10000;
/** Anything but a directory is ENOTDIR. */
export const O_DIRECTORY = 0x20000;
/** Open for execution only. */
export const O_EXEC = 0x40000;
/** Open a directory for lookups only; the same bit as O_EXEC. Since FreeBSD 13. */
export const O_SEARCH = 0x40000;
/** Close the descriptor on exec. */
export const O_CLOEXEC = 0x100000;
/** Check the content by mac_veriexec(4). */
export const O_VERIFY = 0x200000;
/** A descriptor that names a file without opening it. Since FreeBSD 13. */
export const O_PATH = 0x400000;
/** A path that leaves the directory is ENOTCAPABLE. Since FreeBSD 13. */
export const O_RESOLVE_BENEATH = 0x800000;
/** Data, not metadata, reaches the disk before a write returns. Since FreeBSD 13. */
export const O_DSYNC = 0x1000000;
/** An empty path means the descriptor itself. Since FreeBSD 13. */
export const O_EMPTY_PATH = 0x2000000;
/** Close the descriptor on fork. Since FreeBSD 15. */
export const O_CLOFORK = 0x8000000;

// sys/fcntl.h, for the *at(2) calls
/** The working directory in place of a descriptor; ECAPMODE in capability mode. */
export const AT_FDCWD: number = -100;
/** Check with the effective ids. */
export const AT_EACCESS = 0x100;
/** The symlink itself, not its target. */
export const AT_SYMLINK_NOFOLLOW = 0x200;
/** Linkat() links the target of a symlink. */
export const AT_SYMLINK_FOLLOW = 0x400;
/** Unlinkat() removes a directory. */
export const AT_REMOVEDIR = 0x800;
/** A path that leaves the directory is ENOTCAPABLE. Since FreeBSD 13; unlinkat ignores it before 14.3p16, 14.4p7, 15.0p11, 15.1p1. */
export const AT_RESOLVE_BENEATH = 0x2000;
/** An empty path means the descriptor itself. Since FreeBSD 13. */
export const AT_EMPTY_PATH = 0x4000;
/** Renameat2() does not replace: a name that exists is EEXIST. Since FreeBSD 15. */
export const AT_RENAME_NOREPLACE = 1;

// sys/fcntl.h, for fcntl(2)
/** Duplicate to the lowest descriptor from the argument on. */
export const F_DUPFD = 0;
/** Get the flags of the descriptor. */
export const F_GETFD = 1;
/** Set the flags of the descriptor. */
export const F_SETFD = 2;
/** Get the status flags. */
export const F_GETFL = 3;
/** Set the status flags. */
export const F_SETFL = 4;
/** Get the process or process group that receives SIGIO. */
export const F_GETOWN = 5;
/** Set the process or process group that receives SIGIO. */
export const F_SETOWN = 6;
/** Duplicate to the descriptor given. */
export const F_DUP2FD = 10;
/** Set the read-ahead in bytes. */
export const F_READAHEAD = 15;
/** Switch read-ahead on or off. */
export const F_RDAHEAD = 16;
/** The same as F_DUPFD, with close-on-exec. */
export const F_DUPFD_CLOEXEC = 17;
/** The same as F_DUP2FD, with close-on-exec. */
export const F_DUP2FD_CLOEXEC = 18;
/** Add seals to a memory file. Since FreeBSD 13. */
export const F_ADD_SEALS = 19;
/** Get the seals of a memory file. Since FreeBSD 13. */
export const F_GET_SEALS = 20;
/** Ask whether it is part of a union mount. Since FreeBSD 13. */
export const F_ISUNIONSTACK = 21;

// sys/fcntl.h, for fcntl(2)
/** The descriptor is closed on exec. */
export const FD_CLOEXEC = 1;
/** Every lookup of a relative path stays beneath the descriptor; it cannot be cleared. Since FreeBSD 15. */
export const FD_RESOLVE_BENEATH = 2;
/** The descriptor is closed on fork. Since FreeBSD 15. */
export const FD_CLOFORK = 4;

// sys/fcntl.h, for flock(2)
/** A shared lock. */
export const LOCK_SH = 1;
/** An exclusive lock. */
export const LOCK_EX = 2;
/** EAGAIN in place of waiting. */
export const LOCK_NB = 4;
/** Unlock. */
export const LOCK_UN = 8;

// sys/unistd.h, for lseek(2)
/** From the start. */
export const SEEK_SET = 0;
/** From the current offset. */
export const SEEK_CUR = 1;
/** From the end. */
export const SEEK_END = 2;
/** The next data at or after the offset. */
export const SEEK_DATA = 3;
/** The next hole at or after the offset. */
export const SEEK_HOLE = 4;

// sys/unistd.h, for faccessat(2)
/** Check that it exists. */
export const F_OK = 0;
/** Check that it may be executed or searched. */
export const X_OK = 1;
/** Check that it may be written. */
export const W_OK = 2;
/** Check that it may be read. */
export const R_OK = 4;

// sys/capsicum.h, for cap_fcntls_limit(2)
/** Permit F_GETFL. */
export const CAP_FCNTL_GETFL = 8;
/** Permit F_SETFL. */
export const CAP_FCNTL_SETFL = 0x10;
/** Permit F_GETOWN. */
export const CAP_FCNTL_GETOWN = 0x20;
/** Permit F_SETOWN. */
export const CAP_FCNTL_SETOWN = 0x40;
/** Permit all four. */
export const CAP_FCNTL_ALL = 0x78;

// sys/capsicum.h and sys/kern/sys_capability.c, for cap_ioctls_limit(2) and cap_ioctls_get(2)
/** The result of cap_ioctls_get() if every ioctl is permitted: SSIZE_MAX of C, rounded to a number. */
export const CAP_IOCTLS_ALL: number = Number(0x7fffffffffffffffn);
/** The most ioctls that a descriptor can be limited to. */
export const IOCTLS_MAX_COUNT = 256;

// sys/stat.h, for utimensat(2) and futimens(2)
/** As nanoseconds: the current time. */
export const UTIME_NOW: number = -1;
/** As nanoseconds: leave this time unchanged. */
export const UTIME_OMIT: number = -2;

// sys/errno.h
/** Interrupted system call. */
export const EINTR = 4;
/** Bad file descriptor. */
export const EBADF = 9;
/** Capabilities insufficient: the descriptor lacks a right, or the path leaves the directory. */
export const ENOTCAPABLE = 93;
/** Not permitted in capability mode. */
export const ECAPMODE = 94;

// sys/dirent.h
/** The file system does not report the type. */
export const DT_UNKNOWN = 0;
/** A directory. */
export const DT_DIR = 4;
/** A regular file. */
export const DT_REG = 8;
/** A symlink. */
export const DT_LNK = 10;
/** A whiteout of a union mount. */
export const DT_WHT = 14;
