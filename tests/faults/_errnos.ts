/**
 * The errnos in the man page of each call, of FreeBSD 13.2 to 15.1, and ENOMEM, which Linux may return for any call.
 *
 * @module
 */
import type { SyscallError } from "../../mod.ts";

/** Whether each call fails with every errno, not with one in turn. */
export const isWhole: boolean = Deno.env.get("CAPSICUM_TEST_FAULTS") === "all";

const words = (text: string) => text.split(" ");

/** The errnos of a path lookup. */
const lookup = words(
  "ENOTDIR ENAMETOOLONG ENOENT EACCES ELOOP EFAULT EIO EINTEGRITY EBADF EINVAL ENOTCAPABLE ECAPMODE",
);
/** The errnos of a call that creates or removes a name. */
const changing = [...lookup, ...words("EPERM EROFS ENOSPC EDQUOT")];
const onFile = words("EBADF EINVAL EIO EINTEGRITY EPERM EROFS");
const opening = [
  ...changing,
  ...words("EISDIR EMLINK EMFILE ENFILE ENXIO EINTR EOPNOTSUPP EAGAIN ETXTBSY EEXIST ENOMEM"),
];
const reading = words(
  "EBADF ECONNRESET EFAULT EIO EINTEGRITY EBUSY EINTR EINVAL EISDIR EOPNOTSUPP EOVERFLOW",
);
const writing = words("EBADF EPIPE EFBIG EFAULT EINVAL ENOSPC EDQUOT EIO EINTEGRITY EINTR EROFS ENOMEM");

const restricting = words("E2BIG EBADF EBADFD EINVAL EOPNOTSUPP EPERM ENOMEM");
const recv = words("EBADF ECONNRESET ENOTCONN ENOTSOCK EFAULT EINTR EAGAIN ENOMEM");
const send = words(
  "EBADF ENOTCONN ENOTSOCK ECONNRESET EFAULT EINTR EAGAIN ENOBUFS ENOMEM EPIPE EMSGSIZE EHOSTUNREACH EHOSTDOWN",
);

/** The errnos by the C names of the calls. */
export const errnos: Readonly<Record<string, readonly string[]>> = {
  open: opening,
  openat: opening,
  // EINTR is no failure there: tests/ffi/errno_test.ts.
  close: words("EBADF ENOSPC ECONNRESET EIO EDQUOT"),
  read: reading,
  pread: [...reading, "ESPIPE", "ENXIO"],
  write: writing,
  pwrite: [...writing, "ESPIPE"],
  lseek: words("EBADF EINVAL ENXIO EOVERFLOW ESPIPE"),
  fstat: words("EBADF EFAULT EIO EINTEGRITY EOVERFLOW ENOMEM"),
  ftruncate: [...onFile, "EFBIG", "EISDIR", "ETXTBSY", "EINTR"],
  fsync: words("EBADF EINVAL EIO EINTEGRITY ENOSPC EINTR"),
  fdatasync: words("EBADF EINVAL EIO EINTEGRITY ENOSPC EINTR"),
  flock: words("EAGAIN EBADF EINVAL EOPNOTSUPP EINTR ENOLCK"),
  fchmod: [...onFile, "EFTYPE", "EINTR"],
  fchown: [...onFile, "EINTR"],
  futimens: [...onFile, "EACCES", "EINTR"],
  fcntl: words("EAGAIN EBADF EBUSY EDEADLK EINTR EINVAL EMFILE ENOTTY ENOLCK EOPNOTSUPP EPERM ESRCH"),
  isatty: words("EBADF ENOTTY"),
  dup: words("EBADF EMFILE EINTR"),
  getdirentries: words("EBADF EFAULT EINVAL EIO EINTEGRITY EINTR ENOENT"),
  fstatat: [...lookup, "EOVERFLOW", "EINTR", "ENOMEM"],
  faccessat: [...lookup, "EROFS", "ETXTBSY", "EINTR"],
  fchmodat: [...lookup, "EPERM", "EROFS", "EFTYPE", "EINTR"],
  fchownat: [...lookup, "EPERM", "EROFS", "EINTR"],
  utimensat: [...lookup, "EPERM", "EROFS", "EINTR"],
  unlinkat: [...changing, "EISDIR", "EBUSY", "ENOTEMPTY", "EINTR"],
  mkdirat: [...changing, "EMLINK", "EEXIST", "EINTR"],
  mkfifoat: [...changing, "EOPNOTSUPP", "EEXIST", "EINTR"],
  symlinkat: [...changing, "EEXIST", "EINTR"],
  readlinkat: [...lookup, "EINTR", "ENOMEM"],
  linkat: [...changing, "EXDEV", "EMLINK", "EOPNOTSUPP", "EEXIST", "EINTR"],
  renameat: [...changing, "EXDEV", "EISDIR", "ENOTEMPTY", "EINTR"],
  renameat2: [...changing, "EXDEV", "EISDIR", "ENOTEMPTY", "EOPNOTSUPP", "EEXIST", "EINTR"],
  poll: words("EFAULT EINTR EINVAL ENOMEM"),
  getsockopt: words("EBADF ENOTSOCK ENOPROTOOPT EFAULT EINVAL"),
  setsockopt: words("EBADF ENOTSOCK ENOPROTOOPT EFAULT EINVAL ENOMEM"),
  getsockname: words("EBADF ECONNRESET EINVAL ENOTSOCK ENOBUFS EFAULT"),
  getpeername: words("EBADF ECONNRESET EINVAL ENOTCONN ENOTSOCK ENOBUFS EFAULT"),
  socket: words("EACCES EAFNOSUPPORT EMFILE ENFILE ENOBUFS EPERM EPROTONOSUPPORT EPROTOTYPE ENOMEM"),
  socketpair: words("EAFNOSUPPORT EMFILE ENFILE EOPNOTSUPP EPROTONOSUPPORT EFAULT ENOBUFS ENOMEM"),
  connect: words(
    "EBADF EINVAL ENOTSOCK EADDRNOTAVAIL EAFNOSUPPORT EISCONN ETIMEDOUT ECONNREFUSED ECONNRESET ENETUNREACH EHOSTUNREACH " +
      "EADDRINUSE EFAULT EINPROGRESS EINTR EALREADY EACCES EAGAIN ENOTDIR ENAMETOOLONG ENOENT ELOOP EPERM ENOBUFS",
  ),
  bind: words(
    "EAGAIN EBADF EINVAL ENOTSOCK EADDRNOTAVAIL EADDRINUSE EAFNOSUPPORT EACCES EFAULT ENOBUFS ENOTCAPABLE ENOMEM",
  ),
  listen: words("EBADF EDESTADDRREQ EINVAL ENOTSOCK EOPNOTSUPP EADDRINUSE ENOMEM"),
  accept4: words("EBADF EINTR EMFILE ENFILE ENOTSOCK EINVAL EFAULT EAGAIN ECONNABORTED ENOBUFS ENOMEM"),
  shutdown: words("EBADF EINVAL ENOTCONN ENOTSOCK"),
  recv,
  recvmsg: [...recv, "EMSGSIZE"],
  send,
  sendmsg: [...send, "ETOOMANYREFS"],
  cap_enter: words("ENOSYS"),
  cap_getmode: words("EFAULT ENOSYS"),
  cap_rights_limit: words("EBADF EINVAL ENOTCAPABLE ENOMEM"),
  __cap_rights_get: words("EBADF EFAULT EINVAL"),
  cap_ioctls_limit: words("EBADF EFAULT EINVAL ENOTCAPABLE ENOMEM"),
  cap_ioctls_get: words("EBADF EFAULT"),
  cap_fcntls_limit: words("EBADF EINVAL ENOTCAPABLE"),
  cap_fcntls_get: words("EBADF EFAULT"),
  sysctl: words("EFAULT EINVAL ENOMEM EPERM ENOENT"),

  // Linux.
  openat2: [...opening, "E2BIG", "EXDEV"],
  getdents64: words("EBADF EFAULT EINVAL ENOENT ENOTDIR"),
  statx: [...lookup, "ENOMEM"],
  fgetxattr: words("EBADF ENODATA ENOTSUP ERANGE EIO"),
  prctl: words("EINVAL EFAULT EACCES EPERM"),
  seccomp: words("EACCES ECANCELED EFAULT EINVAL ENOMEM EOPNOTSUPP ESRCH EPERM ENOSYS"),
  landlock_create_ruleset: words("E2BIG EFAULT EINVAL ENOMSG EOPNOTSUPP EMFILE ENOMEM"),
  landlock_add_rule: words("EBADF EBADFD EFAULT EINVAL ENOMSG EOPNOTSUPP EPERM ENOMEM"),
  landlock_restrict_self: restricting,
  landlock_restrict_self_async: restricting,
};

/** The class of the error for an errno: one of Deno's, or CapsicumError, as the documentation of `libc` says. */
function classFor(code: string): string {
  const known: Readonly<Record<string, string>> = {
    EACCES: "PermissionDenied",
    EAGAIN: "WouldBlock",
    EBADF: "BadResource",
    EBUSY: "Busy",
    ECONNABORTED: "ConnectionAborted",
    ECONNREFUSED: "ConnectionRefused",
    ECONNRESET: "ConnectionReset",
    EEXIST: "AlreadyExists",
    EINTR: "Interrupted",
    EISDIR: "IsADirectory",
    ELOOP: "FilesystemLoop",
    ENOENT: "NotFound",
    ENOSYS: "NotSupported",
    ENOTCONN: "NotConnected",
    ENOTDIR: "NotADirectory",
    EOPNOTSUPP: "NotSupported",
    EPERM: "PermissionDenied",
    EPIPE: "BrokenPipe",
    ETIMEDOUT: "TimedOut",
  };
  return known[code] ?? "CapsicumError";
}

/** Errnos that the library handles itself in some calls. */
export const meaningful: readonly string[] = words(
  "ENOENT ENOTDIR ELOOP EMLINK EEXIST EPERM EISDIR ENOTEMPTY EAGAIN EOPNOTSUPP EINVAL ENXIO ENOSYS EACCES ENOTCAPABLE EROFS " +
    "EXDEV",
);

/**
 * Describes what is wrong in the error of a failed call.
 *
 * @param expected The errno with which it failed.
 * @param numbers The number of each errno on this system.
 */
export function wrongIn(error: unknown, expected: string, numbers: ReadonlyMap<string, number>): string[] {
  const { code, errno, syscall, path, fd, message, constructor } = error as SyscallError;
  if (typeof code !== "string") return [`not an error of a call: ${error}`];
  const wrong: string[] = [];
  if (code !== expected && !meaningful.includes(expected)) wrong.push(`its code is ${code}: ${message}`);
  const isSymlink = code === "EMLINK" && constructor === Deno.errors.FilesystemLoop;
  if (constructor.name !== classFor(code) && !isSymlink) wrong.push(`its class is ${constructor.name}`);
  if (errno !== numbers.get(code)) wrong.push(`its errno is ${errno}`);
  if (typeof syscall !== "string" || path === undefined && fd === undefined) {
    wrong.push(`it names neither call nor path: ${message}`);
  }
  if (!message.includes(`(${code})`) || message.length > 300) wrong.push(`its message is ${message}`);
  if (code === "EINTR" && !/^cap_/.test(syscall)) wrong.push(`EINTR is reported: ${message}`);
  return wrong;
}
