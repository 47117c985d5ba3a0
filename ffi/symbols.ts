/**
 * The libc functions that the library calls, each parameter with its C declaration.
 *
 * Results that can fail are `i32` if a count fits. A BigInt result allocates, and an allocation between a call and the
 * reading of errno can overwrite errno. The two calls whose result needs 64 bits have a twin with an `i32` result,
 * `*_errno`, which repeats a failed call to read its errno.
 *
 * A function is bound at first use, under its FreeBSD name. `system.ts` binds functions on FreeBSD and Linux.
 *
 * @module
 */
import { listed, shortened } from "./errors.ts";

const int = "i32";
const u_int = "u32";
const long = "i64";
const u_long = "u64";
const size_t = "usize";
const off_t = "i64";
const mode_t = "u16";
const uid_t = "u32";
/** `const char *`: NUL-terminated bytes in a Uint8Array. */
const string = "buffer";
/** A pointer to a buffer of the caller, as a typed array. */
const memory = "buffer";

export const symbols = {
  // int *__error(void)
  __error: { parameters: [], result: "pointer" },
  // void *memcpy(void *dst, const void *src, size_t len)
  memcpy: { parameters: [memory, "pointer", size_t], result: "void" },
  // The same function, declared to return the address of its first argument.
  address: { name: "memcpy", parameters: [memory, memory, size_t], result: u_long },

  // int getosreldate(void)
  getosreldate: { parameters: [], result: int },

  // int cap_enter(void)
  cap_enter: { parameters: [], result: int },
  // int cap_getmode(u_int *modep)
  cap_getmode: { parameters: [memory], result: int },
  // bool cap_sandboxed(void)
  cap_sandboxed: { parameters: [], result: "bool" },
  // int cap_rights_limit(int fd, const cap_rights_t *rights)
  cap_rights_limit: { parameters: [int, memory], result: int },
  // int __cap_rights_get(int version, int fd, cap_rights_t *rights)
  __cap_rights_get: { parameters: [int, int, memory], result: int },
  // int cap_ioctls_limit(int fd, const cap_ioctl_t *cmds, size_t ncmds)
  cap_ioctls_limit: { parameters: [int, memory, size_t], result: int },
  // ssize_t cap_ioctls_get(int fd, cap_ioctl_t *cmds, size_t maxcmds)
  cap_ioctls_get: { parameters: [int, memory, size_t], result: "i64" },
  cap_ioctls_get_errno: { name: "cap_ioctls_get", parameters: [int, memory, size_t], result: int },
  // int cap_fcntls_limit(int fd, uint32_t fcntlrights)
  cap_fcntls_limit: { parameters: [int, u_int], result: int },
  // int cap_fcntls_get(int fd, uint32_t *fcntlrightsp)
  cap_fcntls_get: { parameters: [int, memory], result: int },

  // int open(const char *path, int flags, ... int mode)
  open: { parameters: [string, int, int], result: int },
  // int openat(int fd, const char *path, int flags, ... int mode)
  openat: { parameters: [int, string, int, int], result: int },
  // int close(int fd)
  close: { parameters: [int], result: int },
  // ssize_t read(int fd, void *buf, size_t nbytes)
  read: { parameters: [int, memory, size_t], result: int },
  // ssize_t write(int fd, const void *buf, size_t nbytes)
  write: { parameters: [int, memory, size_t], result: int },
  // ssize_t pread(int fd, void *buf, size_t nbytes, off_t offset)
  pread: { parameters: [int, memory, size_t, off_t], result: int },
  // ssize_t pwrite(int fd, const void *buf, size_t nbytes, off_t offset)
  pwrite: { parameters: [int, memory, size_t, off_t], result: int },
  // off_t lseek(int fd, off_t offset, int whence)
  lseek: { parameters: [int, off_t, int], result: "i64" },
  lseek_errno: { name: "lseek", parameters: [int, off_t, int], result: int },
  // int fstat(int fd, struct stat *sb)
  fstat: { parameters: [int, memory], result: int },
  // int ftruncate(int fd, off_t length)
  ftruncate: { parameters: [int, off_t], result: int },
  // int fsync(int fd)
  fsync: { parameters: [int], result: int },
  // int fdatasync(int fd)
  fdatasync: { parameters: [int], result: int },
  // int flock(int fd, int operation)
  flock: { parameters: [int, int], result: int },
  // int fchmod(int fd, mode_t mode)
  fchmod: { parameters: [int, mode_t], result: int },
  // int fchown(int fd, uid_t owner, gid_t group)
  fchown: { parameters: [int, uid_t, uid_t], result: int },
  // int futimens(int fd, const struct timespec times[2])
  futimens: { parameters: [int, memory], result: int },
  // int fcntl(int fd, int cmd, ... long arg)
  fcntl: { parameters: [int, int, long], result: int },
  // int ioctl(int fd, unsigned long request, ... void *argp)
  ioctl: { parameters: [int, u_long, memory], result: int },
  // int getdtablesize(void)
  getdtablesize: { parameters: [], result: int },
  // pid_t getpid(void)
  getpid: { parameters: [], result: int },
  // int sysctl(const int *name, u_int namelen, void *oldp, size_t *oldlenp, const void *newp, size_t newlen)
  sysctl: { parameters: [memory, u_int, memory, memory, memory, size_t], result: int },
  // int getsockname(int s, struct sockaddr *name, socklen_t *namelen)
  getsockname: { parameters: [int, memory, memory], result: int },
  // int getpeername(int s, struct sockaddr *name, socklen_t *namelen)
  getpeername: { parameters: [int, memory, memory], result: int },
  // int getsockopt(int s, int level, int optname, void *optval, socklen_t *optlen)
  getsockopt: { parameters: [int, int, int, memory, memory], result: int },
  // int setsockopt(int s, int level, int optname, const void *optval, socklen_t optlen)
  setsockopt: { parameters: [int, int, int, memory, u_int], result: int },
  // int socket(int domain, int type, int protocol)
  socket: { parameters: [int, int, int], result: int },
  // int socketpair(int domain, int type, int protocol, int *sv)
  socketpair: { parameters: [int, int, int, memory], result: int },
  // int connect(int s, const struct sockaddr *name, socklen_t namelen)
  connect: { parameters: [int, memory, u_int], result: int },
  // int bind(int s, const struct sockaddr *addr, socklen_t addrlen)
  bind: { parameters: [int, memory, u_int], result: int },
  // int listen(int s, int backlog)
  listen: { parameters: [int, int], result: int },
  // int accept4(int s, struct sockaddr *addr, socklen_t *addrlen, int flags)
  accept4: { parameters: [int, memory, memory, int], result: int },
  // int shutdown(int s, int how)
  shutdown: { parameters: [int, int], result: int },
  // int procctl(idtype_t idtype, id_t id, int cmd, void *data), where id_t has 64 bits
  procctl: { parameters: [u_int, long, int, memory], result: int },
  // int isatty(int fd)
  isatty: { parameters: [int], result: int },
  // int dup(int fd)
  dup: { parameters: [int], result: int },
  // ssize_t getdirentries(int fd, char *buf, size_t nbytes, off_t *basep)
  getdirentries: { parameters: [int, memory, size_t, memory], result: int },

  // int fstatat(int fd, const char *path, struct stat *sb, int flag)
  fstatat: { parameters: [int, string, memory, int], result: int },
  // int faccessat(int fd, const char *path, int mode, int flag)
  faccessat: { parameters: [int, string, int, int], result: int },
  // int fchmodat(int fd, const char *path, mode_t mode, int flag)
  fchmodat: { parameters: [int, string, mode_t, int], result: int },
  // int fchownat(int fd, const char *path, uid_t owner, gid_t group, int flag)
  fchownat: { parameters: [int, string, uid_t, uid_t, int], result: int },
  // int utimensat(int fd, const char *path, const struct timespec times[2], int flag)
  utimensat: { parameters: [int, string, memory, int], result: int },
  // int unlinkat(int fd, const char *path, int flag)
  unlinkat: { parameters: [int, string, int], result: int },
  // int mkdirat(int fd, const char *path, mode_t mode)
  mkdirat: { parameters: [int, string, mode_t], result: int },
  // int mkfifoat(int fd, const char *path, mode_t mode)
  mkfifoat: { parameters: [int, string, mode_t], result: int },
  // int symlinkat(const char *target, int fd, const char *path)
  symlinkat: { parameters: [string, int, string], result: int },
  // ssize_t readlinkat(int fd, const char *path, char *buf, size_t bufsize)
  readlinkat: { parameters: [int, string, memory, size_t], result: int },
  // int linkat(int fd1, const char *path1, int fd2, const char *path2, int flag)
  linkat: { parameters: [int, string, int, string, int], result: int },
  // int renameat(int fromfd, const char *from, int tofd, const char *to)
  renameat: { parameters: [int, string, int, string], result: int },
  // int renameat2(int oldfd, const char *from, int newfd, const char *to, u_int flags), since FreeBSD 15
  renameat2: { parameters: [int, string, int, string, u_int], result: int },

  // int poll(struct pollfd fds[], nfds_t nfds, int timeout), where nfds_t has 32 bits in FreeBSD and 64 in Linux
  poll: { parameters: [memory, size_t, int], result: int },
  // ssize_t recv(int s, void *buf, size_t len, int flags)
  recv: { parameters: [int, memory, size_t, int], result: int },
  // ssize_t send(int s, const void *msg, size_t len, int flags)
  send: { parameters: [int, memory, size_t, int], result: int },

  // ssize_t sendmsg(int s, const struct msghdr *msg, int flags)
  sendmsg: { parameters: [int, memory, int], result: int },
  // ssize_t recvmsg(int s, struct msghdr *msg, int flags)
  recvmsg: { parameters: [int, memory, int], result: int },

  // These run on pool threads, where errno can't be read: only `ffi/libc/bytes.ts` calls them. None takes a path.
  read_async: { name: "read", parameters: [int, memory, size_t], result: int, nonblocking: true },
  write_async: { name: "write", parameters: [int, memory, size_t], result: int, nonblocking: true },
  pread_async: { name: "pread", parameters: [int, memory, size_t, off_t], result: int, nonblocking: true },
  pwrite_async: { name: "pwrite", parameters: [int, memory, size_t, off_t], result: int, nonblocking: true },
  ftruncate_async: { name: "ftruncate", parameters: [int, off_t], result: int, nonblocking: true },
  fsync_async: { name: "fsync", parameters: [int], result: int, nonblocking: true },
  fdatasync_async: { name: "fdatasync", parameters: [int], result: int, nonblocking: true },
  poll_async: { name: "poll", parameters: [memory, size_t, int], result: int, nonblocking: true },
} as const satisfies Deno.ForeignLibraryInterface;

/** The first release whose libc has a function, if one of the supported releases lacks it. */
export const since: Readonly<Record<string, string>> = { renameat2: "15.1" };

type Symbols = Deno.DynamicLibrary<typeof symbols>["symbols"];
/** A row of the table. */
export type Name = keyof Symbols;
/** The types of the functions in the table. */
export type Functions = { [N in Name]: NonNullable<Symbols[N]> };

// The flags of send(2), recv(2) and socket(2) that the library uses, from sys/socket.h; the same in FreeBSD 13.2 to 15.1.
export const MSG_EOR = 0x8, MSG_DONTWAIT = 0x80, MSG_NOSIGNAL = 0x20000, MSG_CMSG_CLOEXEC = 0x40000;
export const SOCK_CLOEXEC = 0x10000000, SOCK_NONBLOCK = 0x20000000, AF_INET6 = 28;

/** The absolute path of libc: a bare name would need `--allow-ffi` for everything. */
export const library = "/lib/libc.so.7";

/**
 * Whether the kernel of this system knows rights.
 *
 * @throws {Deno.errors.NotSupported} If the library does not support the system.
 */
export function hasCapsicum(): boolean {
  const { os } = Deno.build;
  if (os === "freebsd" || os === "linux") return os === "freebsd";
  throw new Deno.errors.NotSupported(
    `Capsicum is a part of FreeBSD, and the file API works there and on Linux; this system is ` +
      `${os}, where only the sets of rights/ work.`,
  );
}

/** The functions bound so far. A call site reads `bound.name ?? bind("name")`. */
const bound: { [N in Name]?: Functions[N] } = Object.create(null);

/**
 * errno of the last call that failed.
 *
 * `thread.memcpy(errno, thread.errnoAt, 4n)` must directly follow each call, inline. Any code in between, even a call of a helper
 * function, can make the runtime call libc and overwrite errno.
 */
export const errno: Int32Array<ArrayBuffer> = new Int32Array(1);
/** Reads errno: the address of this thread's errno, from `__error()`, and memcpy(3). Binding the first function sets both. */
const thread: { memcpy: Functions["memcpy"]; errnoAt: Deno.PointerObject } = {
  memcpy: undefined!,
  errnoAt: undefined!,
};

let isSealed = false;

/** Makes every function from `internal()` throw from now on, because this process is sandboxed. */
export function seal(): void {
  isSealed = true;
  const { prototype } = Function, { call } = prototype;
  if (!Object.getOwnPropertyDescriptor(prototype, "call")?.configurable) return;
  // Deno makes a nonblocking call by this method. Code that replaced it would get the function of C, and could call it.
  Object.defineProperty(prototype, "call", {
    // By this member, packages of npm such as get-intrinsic find the method behind an accessor.
    get: Object.assign(() => call, { originalValue: call }),
    // Other functions can have a member of this name.
    set(this: object, value: unknown) {
      Object.defineProperty(this, "call", { value, writable: true, enumerable: true, configurable: true });
    },
    configurable: false,
  });
}

/**
 * Wraps values that only the modules of ffi/ may use, in a function that returns them until the process is sandboxed.
 *
 * Code in a sandbox can import every loaded module, and could corrupt memory with a raw C function. So no module exports one, and
 * each module that gets one keeps it private.
 */
export function internal<T>(value: T): () => T {
  return () => {
    checkUnsealed(isSealed || asksKernel());
    return value;
  };
}

let asksKernel = () => false;

/** Adds a way to find out whether another thread has sandboxed the process. */
export function sealIf(ask: () => boolean): void {
  const others = asksKernel;
  asksKernel = () => others() || ask();
}

/** Throws if the process is sandboxed. Then `Deno.dlopen` may be hostile code, whose functions must not get into a table. */
export function checkUnsealed(isInSandbox: boolean = isSealed): void {
  if (!isInSandbox) return;
  throw new Error("This module calls C functions, and the process is sandboxed: import it before entering.");
}

/** The raw C functions, for the modules of ffi/. */
export const rawFreebsd = internal({ bound, thread, bindFreebsd, bindReplacement });

/** Binds one function of FreeBSD's libc. Binding takes about 0.15 ms, so each function is bound at first use. */
function bindFreebsd<N extends Name>(name: N): Functions[N] {
  if (!hasCapsicum()) {
    throw new Deno.errors.NotSupported(
      "Linux has no Capsicum, which is a part of FreeBSD: only sets of rights, the file API and sandbox() work here. " +
        "If the program must also run on Linux, call isSupported() first.",
    );
  }
  if (thread.errnoAt === undefined) {
    const { memcpy, __error } = open("memcpy", "__error");
    thread.memcpy = memcpy;
    thread.errnoAt = __error()!;
  }
  return open(name)[name];
}

/** Binds a replacement for a FreeBSD function. The replacement reads errno itself. */
function bindReplacement<N extends Name>(name: N, replacement: Functions[N]): Functions[N] {
  thread.memcpy ??= () => {};
  return (bound as Functions)[name] = replacement;
}

/** Binds all functions that are not bound yet: in capability mode no library can be opened. */
export function bindAll(): void {
  if (bound.cap_enter === undefined) bindFreebsd("cap_enter");
  const rest = (Object.keys(symbols) as Name[]).filter((name) => bound[name] === undefined);
  if (rest.length > 0) open(...rest);
}

/**
 * Binds several functions at once.
 *
 * A function that this libc lacks throws when it is called. If the library cannot be opened for lack of descriptors or memory,
 * `bindTogether()` itself throws, because the library may have the function.
 */
function open<N extends Name>(...names: N[]): Pick<Functions, N> {
  checkUnsealed(isSealed || asksKernel());
  const wanted = Object.fromEntries(names.map((name) => [name, { ...symbols[name], optional: true }]));
  let found: Record<string, unknown>;
  try {
    found = Deno.dlopen(library, wanted as Deno.ForeignLibraryInterface).symbols;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    const why = shortened((cause as Error).message, 160);
    throw new Error(`${library} cannot be opened to call ${listed(names)}: ${why}.`, { cause });
  }
  // No function of JavaScript may get the table: hostile code can replace it.
  for (const name of names) bound[name] = (found[name] ?? missing(name)) as Functions[N];
  return bound as Functions;
}

/** Whether any function is bound. */
export function isBound(): boolean {
  for (const _ in bound) return true;
  return false;
}

/** The replacement for a function that this libc lacks. */
function missing(name: Name): () => never {
  const symbol: Deno.ForeignFunction = symbols[name], known = symbol.name ?? name;
  return () => {
    throw new Deno.errors.NotSupported(
      `${known}() is not in ${library} of this system: it needs FreeBSD ${
        since[known] ?? "of a later release"
      }.`,
    );
  };
}
