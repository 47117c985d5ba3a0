import { checkUnsealed, errno, internal, sealIf } from "../symbols.ts";
import { shortened } from "../errors.ts";

const int = "i32";
const unsigned = "u32";
const long = "i64";
const unsigned_long = "u64";
const size_t = "usize";
const string = "buffer";
const memory = "buffer";

/** The glibc functions that the library calls, each with its C declaration; mode_t and uid_t have 32 bits. */
const symbols = {
  // int *__errno_location(void)
  __errno_location: { parameters: [], result: "pointer" },
  // void *memcpy(void *dest, const void *src, size_t n)
  memcpy: { parameters: [memory, "pointer", size_t], result: "void" },
  // void *memset(void *s, int c, size_t n)
  memset: { parameters: [memory, int, size_t], result: size_t },
  // int madvise(void *addr, size_t length, int advice)
  madvise: { parameters: [memory, size_t, int], result: int },

  // int openat(int dirfd, const char *pathname, int flags, ... mode_t mode)
  openat: { parameters: [int, string, int, unsigned], result: int },
  // long syscall(SYS_openat2, int dirfd, const char *pathname, struct open_how *how, size_t size)
  openat2: { name: "syscall", parameters: [long, int, string, memory, size_t], result: int },
  // long syscall(SYS_getdents64, int fd, void *dirp, size_t count)
  getdents64: { name: "syscall", parameters: [long, int, memory, size_t], result: int },
  // int statx(int dirfd, const char *pathname, int flags, unsigned int mask, struct statx *statxbuf)
  statx: { parameters: [int, string, int, unsigned, memory], result: int },

  // long syscall(SYS_fstat, int fd, struct stat *statbuf)
  fstat: { name: "syscall", parameters: [long, int, memory], result: int },

  close: { parameters: [int], result: int },
  read: { parameters: [int, memory, size_t], result: int },
  write: { parameters: [int, memory, size_t], result: int },
  pread: { parameters: [int, memory, size_t, long], result: int },
  pwrite: { parameters: [int, memory, size_t, long], result: int },
  lseek: { parameters: [int, long, int], result: long },
  lseek_errno: { name: "lseek", parameters: [int, long, int], result: int },
  ftruncate: { parameters: [int, long], result: int },
  fsync: { parameters: [int], result: int },
  fdatasync: { parameters: [int], result: int },
  flock: { parameters: [int, int], result: int },
  fchmod: { parameters: [int, unsigned], result: int },
  fchown: { parameters: [int, unsigned, unsigned], result: int },
  futimens: { parameters: [int, memory], result: int },
  fcntl: { parameters: [int, int, long], result: int },
  isatty: { parameters: [int], result: int },
  dup: { parameters: [int], result: int },
  // ssize_t preadv2(int fd, const struct iovec *iov, int iovcnt, off_t offset, int flags)
  preadv2: { parameters: [int, memory, int, long, int], result: int },
  // ssize_t pwritev2(int fd, const struct iovec *iov, int iovcnt, off_t offset, int flags)
  pwritev2: { parameters: [int, memory, int, long, int], result: int },
  // ssize_t vmsplice(int fd, const struct iovec *iov, size_t nr_segs, unsigned int flags)
  vmsplice: { parameters: [int, memory, size_t, unsigned], result: int },
  poll: { parameters: [memory, size_t, int], result: int },
  recv: { parameters: [int, memory, size_t, int], result: int },
  send: { parameters: [int, memory, size_t, int], result: int },
  // ssize_t recvmsg(int sockfd, struct msghdr *msg, int flags)
  recvmsg: { parameters: [int, memory, int], result: int },
  // ssize_t sendmsg(int sockfd, const struct msghdr *msg, int flags)
  sendmsg: { parameters: [int, memory, int], result: int },
  socket: { parameters: [int, int, int], result: int },
  socketpair: { parameters: [int, int, int, memory], result: int },
  connect: { parameters: [int, memory, unsigned], result: int },
  bind: { parameters: [int, memory, unsigned], result: int },
  listen: { parameters: [int, int], result: int },
  accept4: { parameters: [int, memory, memory, int], result: int },
  shutdown: { parameters: [int, int], result: int },
  getsockopt: { parameters: [int, int, int, memory, memory], result: int },
  setsockopt: { parameters: [int, int, int, memory, unsigned], result: int },

  faccessat: { parameters: [int, string, int, int], result: int },
  fchmodat: { parameters: [int, string, unsigned, int], result: int },
  fchownat: { parameters: [int, string, unsigned, unsigned, int], result: int },
  utimensat: { parameters: [int, string, memory, int], result: int },
  unlinkat: { parameters: [int, string, int], result: int },
  mkdirat: { parameters: [int, string, unsigned], result: int },
  mkfifoat: { parameters: [int, string, unsigned], result: int },
  symlinkat: { parameters: [string, int, string], result: int },
  readlinkat: { parameters: [int, string, memory, size_t], result: int },
  linkat: { parameters: [int, string, int, string, int], result: int },
  renameat: { parameters: [int, string, int, string], result: int },
  // long syscall(SYS_renameat2, int olddirfd, const char *oldpath, int newdirfd, const char *newpath, unsigned int flags)
  renameat2: { name: "syscall", parameters: [long, int, string, int, string, unsigned], result: int },
  // int prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4, unsigned long arg5)
  prctl: { parameters: [int, unsigned_long, unsigned_long, unsigned_long, unsigned_long], result: int },
  // long syscall(SYS_gettid)
  gettid: { name: "syscall", parameters: [long], result: int },
  // long syscall(SYS_seccomp, unsigned int operation, unsigned int flags, void *args)
  seccomp: { name: "syscall", parameters: [long, unsigned, unsigned, memory], result: int },
  // long syscall(SYS_landlock_create_ruleset, const struct landlock_ruleset_attr *attr, size_t size, uint32_t flags)
  landlock_create_ruleset: { name: "syscall", parameters: [long, memory, size_t, unsigned], result: int },
  // long syscall(SYS_landlock_add_rule, int ruleset_fd, enum landlock_rule_type rule_type, const void *rule_attr,
  // uint32_t flags)
  landlock_add_rule: { name: "syscall", parameters: [long, int, int, memory, unsigned], result: int },
  // long syscall(SYS_landlock_restrict_self, int ruleset_fd, uint32_t flags)
  landlock_restrict_self: { name: "syscall", parameters: [long, int, unsigned], result: int },
  // On a thread of the pool, where errno can't be read. Neither takes a path.
  landlock_restrict_self_async: {
    name: "syscall",
    parameters: [long, int, unsigned],
    result: int,
    nonblocking: true,
  },
  futex_async: {
    name: "syscall",
    parameters: [long, memory, int, int, unsigned_long, memory, int],
    result: int,
    nonblocking: true,
  },
  // long syscall(SYS_futex, uint32_t *uaddr, int futex_op, uint32_t val, unsigned long val2, uint32_t *uaddr2, uint32_t val3)
  futex: { name: "syscall", parameters: [long, memory, int, int, unsigned_long, memory, int], result: int },
  // ssize_t fgetxattr(int fd, const char *name, void *value, size_t size)
  fgetxattr: { parameters: [int, string, memory, size_t], result: int },
} as const satisfies Deno.ForeignLibraryInterface;

type Glibc = Deno.DynamicLibrary<typeof symbols>["symbols"];
/** The values that FFI accepts as a pointer. */
export type Memory = Parameters<Glibc["read"]>[1];

/** The paths of glibc on distributions. The bare name is found at any path, but needs unrestricted `--allow-ffi`. */
export const places: Readonly<Record<string, readonly string[]>> = {
  x86_64: ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6", "/usr/lib/libc.so.6", "libc.so.6"],
  aarch64: [
    "/lib/aarch64-linux-gnu/libc.so.6",
    "/lib64/libc.so.6",
    "/usr/lib/libc.so.6",
    "/lib/libc.so.6",
    "libc.so.6",
  ],
};

/** What reads errno: the address of this thread's, and memcpy(3). The first {@link glibc} sets them. */
const thread: { memcpy: Glibc["memcpy"]; errnoAt: Deno.PointerObject } = {
  memcpy: undefined!,
  errnoAt: undefined!,
};
let library: string | undefined;

/**
 * Binds one function of glibc.
 *
 * @throws {Deno.errors.NotSupported} If there is no glibc.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 */
function glibc<N extends keyof Glibc>(name: N): Glibc[N] {
  library ??= findLibrary();
  return bound[name] ?? open(library, { [name]: symbols[name] })[name];
}

/** What {@link bindGlibc} bound. */
const bound: Partial<Glibc> = Object.create(null);

/** The functions of glibc, for the modules of ffi/. */
export const rawGlibc = internal({ thread, glibc, bindGlibc, glibcAs });

/** Binds all functions that this glibc has: in a sandbox Deno may no longer open the library. */
function bindGlibc(): void {
  checkUnsealed();
  library ??= findLibrary();
  const optional = Object.entries(symbols).map(([name, symbol]) => [name, { ...symbol, optional: true }]);
  const found = Deno.dlopen(library, Object.fromEntries(optional)).symbols;
  // No function of JavaScript may get the table: hostile code can replace it.
  for (const [name, call] of Object.entries(found)) {
    if (call !== null) (bound as Record<string, unknown>)[name] = call;
  }
}

/** Binds a function by its FreeBSD declaration, if the declaration of glibc is the same. */
function glibcAs<S extends Deno.ForeignFunction>(name: string, symbol: S): unknown {
  library ??= findLibrary();
  return open(library, { [name]: symbol })[name as keyof Glibc];
}

function open(library: string, wanted: Deno.ForeignLibraryInterface): Glibc {
  checkUnsealed();
  const optional = Object.entries(wanted).map(([name, symbol]) => [name, { ...symbol, optional: true }]);
  const found = Deno.dlopen(library, Object.fromEntries(optional)).symbols as unknown as Glibc;
  const missing = Object.keys(wanted).find((name) => found[name as keyof Glibc] === null);
  if (missing === undefined) return found;
  throw new Deno.errors.NotSupported(
    `${missing}() is not in ${library} of this system: it needs a later glibc.`,
  );
}

function findLibrary(): string {
  const all = places[Deno.build.arch] ?? [];
  const isGranted = (path: string) =>
    Deno.permissions.querySync(path.startsWith("/") ? { name: "ffi", path } : { name: "ffi" }).state ===
      "granted";
  // A permitted path comes first: for any other path, Deno would prompt or refuse.
  const failures: unknown[] = [];
  for (const path of [...all.filter(isGranted), ...all.filter((path) => !isGranted(path))]) {
    try {
      const { memcpy: copy, __errno_location, prctl: ask } = open(path, {
        memcpy: symbols.memcpy,
        __errno_location: symbols.__errno_location,
        prctl: symbols.prctl,
      });
      prctl = ask;
      thread.memcpy = copy;
      thread.errnoAt = __errno_location()!;
      return path;
    } catch (cause) {
      if (cause instanceof Deno.errors.NotCapable && failures.length === 0) throw cause;
      failures.push(cause);
      if (cause instanceof Deno.errors.NotCapable) break;
    }
  }
  const cause = new AggregateError(failures), last = failures.find((failure) => !isAbsence(failure));
  if (last !== undefined) {
    throw new Error(`glibc can't be opened now: ${shortened((last as Error).message, 200)}.`, { cause });
  }
  throw new Deno.errors.NotSupported(
    `The file API needs glibc on Linux, and it is in none of ${all.join(", ")}, or they may not be opened ` +
      `(--allow-ffi). Another libc, as musl, is not supported.`,
    { cause },
  );
}

/** Whether the library does not exist or may not be opened. Lack of descriptors or memory does not count. */
function isAbsence(failure: unknown): boolean {
  return failure instanceof Deno.errors.NotCapable || failure instanceof Deno.errors.NotSupported ||
    (failure as Error).message.endsWith("No such file or directory");
}

/** Sets errno and returns -1, for a call that fails without a system call. */
export function failure(number: number): -1 {
  errno[0] = number;
  return -1;
}

/** What confines the process. */
export type Mechanism = "seccomp+landlock" | "seccomp" | "none";

/** The option of prctl(2) that only the filter of `sandbox()` answers: "Caps". */
export const QUESTION = 0x43617073;

/** The errno of the answer. The greatest that Linux has is 133, and a filter can pass 4095. */
export const answers = Object.freeze({ seccomp: 3237, "seccomp+landlock": 3238 });

/** Bound with the first function: see {@link sealIf}. */
let prctl: ReturnType<typeof glibc<"prctl">> | undefined;
const answer = new Int32Array(1);

/** What confines this process, by a call that only the filter answers in this way. */
export function mechanism(): Mechanism {
  library ??= findLibrary();
  const result = prctl!(QUESTION, 0n, 0n, 0n, 0n);
  if (result !== -1) return "none";
  thread.memcpy(answer, thread.errnoAt, 4n);
  if (answer[0] === answers["seccomp+landlock"]) return "seccomp+landlock";
  return answer[0] === answers.seccomp ? "seccomp" : "none";
}

let confined = false;

/** Whether this process is confined. It asks until it is, because another thread may confine it. */
export function isConfined(): boolean {
  return confined ||= mechanism() !== "none";
}

sealIf(() => prctl !== undefined && isConfined());
