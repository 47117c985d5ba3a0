/**
 * Every right that capsicum(4) knows, by its `CAP_` name without the prefix, in the order of sys/capsicum.h.
 *
 * A value contains the index of its word (bits 57 to 61), as in C. Values of one word may be OR-ed; values of two words
 * must be listed: `[Right.READ, Right.IOCTL]`. See rights(4) for what each right permits. Unless noted otherwise, every
 * release since FreeBSD 11 has the right.
 *
 * @example A right's value
 * ```ts
 * import { Right } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(Right.PREAD, Right.READ | Right.SEEK);
 * ```
 */
export const Right = {
  /**
   * Permits `read`, `readv`, `recv`, `recvfrom`, `recvmsg`, `getdirentries`, `copy_file_range` from it;
   * `openat` for reading.
   */
  READ: 0x0200000000000001n,
  /**
   * Permits `write`, `writev`, `send`, `sendto`, `sendmsg`, `sendfile` and `copy_file_range` to it; `openat`
   * for writing.
   */
  WRITE: 0x0200000000000002n,
  /** Permits nothing alone: half of `SEEK`, and even `lseek(fd, 0, SEEK_CUR)` needs both halves. */
  SEEK_TELL: 0x0200000000000004n,
  /** Permits `lseek`; `openat` for writing without `O_APPEND` or `O_TRUNC`. */
  SEEK: 0x020000000000000cn,
  /** Permits `pread`, `preadv`, `aio_read`, `sendfile` from it: `READ` with `SEEK`. */
  PREAD: 0x020000000000000dn,
  /** Permits `pwrite`, `pwritev`, `aio_write`, `posix_fallocate`, `fspacectl`: `WRITE` with `SEEK`. */
  PWRITE: 0x020000000000000en,
  /**
   * Permits `mmap`; `PROT_READ`, shared `PROT_WRITE` and `PROT_EXEC` take `MMAP_R`, `MMAP_W` and `MMAP_X`.
   */
  MMAP: 0x0200000000000010n,
  /** Permits `mmap` with `PROT_READ`. */
  MMAP_R: 0x020000000000001dn,
  /** Permits `mmap` with `PROT_WRITE` and `MAP_SHARED`. */
  MMAP_W: 0x020000000000001en,
  /** Permits `mmap` with `PROT_EXEC`. */
  MMAP_X: 0x020000000000003cn,
  /** Permits `mmap` with `PROT_READ` and `PROT_WRITE`. */
  MMAP_RW: 0x020000000000001fn,
  /** Permits `mmap` with `PROT_READ` and `PROT_EXEC`. */
  MMAP_RX: 0x020000000000003dn,
  /** Permits `mmap` with `PROT_WRITE` and `PROT_EXEC`. */
  MMAP_WX: 0x020000000000003en,
  /** Permits `mmap` with every protection. */
  MMAP_RWX: 0x020000000000003fn,
  /** Permits `openat` with `O_CREAT`. */
  CREATE: 0x0200000000000040n,
  /** Permits `fexecve`; `openat` with `O_EXEC` or `O_SEARCH`. */
  FEXECVE: 0x0200000000000080n,
  /**
   * Permits `fsync`, `fdatasync`, `aio_fsync`; `openat` with `O_SYNC`, in FreeBSD 15 also with `O_DSYNC`.
   */
  FSYNC: 0x0200000000000100n,
  /** Permits `ftruncate`; `openat` with `O_TRUNC`. */
  FTRUNCATE: 0x0200000000000200n,
  /**
   * Permits `openat`, `readlinkat` and every other call with a path relative to this directory, in addition to their
   * own rights.
   */
  LOOKUP: 0x0200000000000400n,
  /** Permits `fchdir`, outside of capability mode. */
  FCHDIR: 0x0200000000000800n,
  /** Permits `fchflags`. */
  FCHFLAGS: 0x0200000000001000n,
  /** Permits `chflagsat`: `FCHFLAGS` with `LOOKUP`. */
  CHFLAGSAT: 0x0200000000001400n,
  /** Permits `fchmod`. */
  FCHMOD: 0x0200000000002000n,
  /** Permits `fchmodat`: `FCHMOD` with `LOOKUP`. */
  FCHMODAT: 0x0200000000002400n,
  /** Permits `fchown`. */
  FCHOWN: 0x0200000000004000n,
  /** Permits `fchownat`: `FCHOWN` with `LOOKUP`. */
  FCHOWNAT: 0x0200000000004400n,
  /**
   * Permits `fcntl` with those of `F_GETFL`, `F_SETFL`, `F_GETOWN`, `F_SETOWN` that `cap_fcntls_limit` left.
   */
  FCNTL: 0x0200000000008000n,
  /**
   * Permits `flock`; `fcntl` with `F_GETLK`, `F_SETLK`, `F_SETLKW`; `openat` with `O_SHLOCK` or `O_EXLOCK`.
   */
  FLOCK: 0x0200000000010000n,
  /** Permits `fpathconf`. */
  FPATHCONF: 0x0200000000020000n,
  /** Permits the `sysctl` by which a background `fsck` repairs a mounted UFS. */
  FSCK: 0x0200000000040000n,
  /** Permits `fstat`. */
  FSTAT: 0x0200000000080000n,
  /** Permits `fstatat`, `faccessat`: `FSTAT` with `LOOKUP`. */
  FSTATAT: 0x0200000000080400n,
  /** Permits `fstatfs`. */
  FSTATFS: 0x0200000000100000n,
  /** Permits `futimes`, `futimens`. */
  FUTIMES: 0x0200000000200000n,
  /** Permits `utimensat`, `futimesat`: `FUTIMES` with `LOOKUP`. */
  FUTIMESAT: 0x0200000000200400n,
  /** Permits `linkat` to a new name in this directory. */
  LINKAT_TARGET: 0x0200000000400400n,
  /** Permits `mkdirat`. */
  MKDIRAT: 0x0200000000800400n,
  /** Permits `mkfifoat`. */
  MKFIFOAT: 0x0200000001000400n,
  /** Permits `mknodat`. */
  MKNODAT: 0x0200000002000400n,
  /** Permits `renameat` of a name in this directory. */
  RENAMEAT_SOURCE: 0x0200000004000400n,
  /** Permits `symlinkat`. */
  SYMLINKAT: 0x0200000008000400n,
  /** Permits `unlinkat`, `funlinkat`; `renameat` onto a name that exists in this directory. */
  UNLINKAT: 0x0200000010000400n,
  /** Permits `accept`, `accept4`. */
  ACCEPT: 0x0200000020000000n,
  /** Permits `bind`, outside of capability mode; `bindat`, if the directory has `BINDAT`. */
  BIND: 0x0200000040000000n,
  /**
   * Permits `connect` and, with `WRITE`, `sendto` an address, both outside of capability mode; `connectat`,
   * if the directory has `CONNECTAT`.
   */
  CONNECT: 0x0200000080000000n,
  /** Permits `getpeername`. */
  GETPEERNAME: 0x0200000100000000n,
  /** Permits `getsockname`. */
  GETSOCKNAME: 0x0200000200000000n,
  /** Permits `getsockopt`. */
  GETSOCKOPT: 0x0200000400000000n,
  /** Permits `listen`. */
  LISTEN: 0x0200000800000000n,
  /** Permits `sctp_peeloff`. */
  PEELOFF: 0x0200001000000000n,
  /** Permits `recv` and everything else that `READ` permits: the same value. */
  RECV: 0x0200000000000001n,
  /** Permits `send` and everything else that `WRITE` permits: the same value. */
  SEND: 0x0200000000000002n,
  /** Permits `setsockopt`. */
  SETSOCKOPT: 0x0200002000000000n,
  /** Permits `shutdown`. */
  SHUTDOWN: 0x0200004000000000n,
  /** Permits `bindat` to a name in this directory, if the socket has `BIND`. */
  BINDAT: 0x0200008000000400n,
  /** Permits `connectat` to a name in this directory, if the socket has `CONNECT`. */
  CONNECTAT: 0x0200010000000400n,
  /** Permits `linkat` of a name in this directory. */
  LINKAT_SOURCE: 0x0200020000000400n,
  /** Permits `renameat` to a name in this directory. */
  RENAMEAT_TARGET: 0x0200040000000400n,
  /** Permits `fchroot`, outside of capability mode. Since FreeBSD 15. */
  FCHROOT: 0x0200080000000000n,
  /**
   * Permits what a connecting socket does: `connect`, `read`, `write`, `getpeername`, `getsockname`,
   * `getsockopt`, `setsockopt`, `shutdown`, `sctp_peeloff`.
   */
  SOCK_CLIENT: 0x0200007780000003n,
  /**
   * Permits what a listening socket and those that it accepts do: `bind`, `listen`, `accept`, and all of
   * `SOCK_CLIENT` but `connect`.
   */
  SOCK_SERVER: 0x0200007f60000003n,
  /** Permits `mac_get_fd`. */
  MAC_GET: 0x0400000000000001n,
  /** Permits `mac_set_fd`. */
  MAC_SET: 0x0400000000000002n,
  /** Permits `ksem_getvalue`. */
  SEM_GETVALUE: 0x0400000000000004n,
  /** Permits `ksem_post`. */
  SEM_POST: 0x0400000000000008n,
  /** Permits `ksem_wait`, `ksem_trywait`, `ksem_timedwait`. */
  SEM_WAIT: 0x0400000000000010n,
  /** Permits `poll`, `ppoll`, `select`, `pselect` on it, and watching it by `kevent`. */
  EVENT: 0x0400000000000020n,
  /** Permits `kevent` to take events from this kqueue. */
  KQUEUE_EVENT: 0x0400000000000040n,
  /** Permits `ioctl` with those requests that `cap_ioctls_limit` left. */
  IOCTL: 0x0400000000000080n,
  /** Permits the kernel to hook into this terminal, as for `snp`. */
  TTYHOOK: 0x0400000000000100n,
  /** Permits `pdgetpid`. */
  PDGETPID: 0x0400000000000200n,
  /** Permits `pdwait`, a call of FreeBSD 15; the right is older. */
  PDWAIT: 0x0400000000000400n,
  /** Permits `pdkill`. */
  PDKILL: 0x0400000000000800n,
  /** Permits `extattr_delete_fd`. */
  EXTATTR_DELETE: 0x0400000000001000n,
  /** Permits `extattr_get_fd`. */
  EXTATTR_GET: 0x0400000000002000n,
  /** Permits `extattr_list_fd`. */
  EXTATTR_LIST: 0x0400000000004000n,
  /** Permits `extattr_set_fd`. */
  EXTATTR_SET: 0x0400000000008000n,
  /** Permits `acl_valid_fd_np`. */
  ACL_CHECK: 0x0400000000010000n,
  /** Permits `acl_delete_fd_np`. */
  ACL_DELETE: 0x0400000000020000n,
  /** Permits `acl_get_fd`, `acl_get_fd_np`. */
  ACL_GET: 0x0400000000040000n,
  /** Permits `acl_set_fd`, `acl_set_fd_np`. */
  ACL_SET: 0x0400000000080000n,
  /** Permits `kevent` to change what this kqueue watches. */
  KQUEUE_CHANGE: 0x0400000000100000n,
  /** Permits `kevent` on this kqueue, to change and to take: `KQUEUE_CHANGE` with `KQUEUE_EVENT`. */
  KQUEUE: 0x0400000000100040n,
  /** Permits `inotify_add_watch`, `inotify_add_watch_at`. Since FreeBSD 15. */
  INOTIFY_ADD: 0x0400000000200000n,
  /** Permits `inotify_rm_watch`. Since FreeBSD 15. */
  INOTIFY_RM: 0x0400000000400000n,
  /** Permits `poll` and everything else that `EVENT` permits: the same value. */
  POLL_EVENT: 0x0400000000000020n,
} as const;

/** The name of a right: a key of {@linkcode Right}. */
export type RightName = keyof typeof Right;

/** `CAP_ALL` of each major release. */
export const allRights: { readonly [major: number]: readonly [bigint, bigint] } = {
  13: [0x020007ffffffffffn, 0x04000000001fffffn],
  14: [0x020007ffffffffffn, 0x04000000001fffffn],
  15: [0x02000fffffffffffn, 0x04000000007fffffn],
};
