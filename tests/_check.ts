/**
 * Checks, at the boundary of FFI, each name that the library gives to Linux. The runner preloads it with `CAPSICUM_CHECK=1`. The
 * library has no hook for it. This module imports nothing.
 *
 * - A call with the descriptor of a directory gets a single name that it does not follow, unless the kernel keeps the lookup
 *   beneath the directory (RESOLVE_BENEATH).
 * - What such a call opens is in the directory, according to /proc. Directories that are opened only for lookups (O_PATH) are
 *   steps of one lookup: what the last step opens must be in the directory of the first.
 * - Any other path comes from a function that takes an ambient path, or is a constant.
 * - Each function of C that the library binds is known here.
 *
 * A violation prints its stack, is added to the file that the URL of this module names, and ends the process with code 86. Direct
 * calls of `libc` by a test are checked only in the sandbox, where `libc` itself keeps paths beneath their directory.
 *
 * What runs at each call uses no methods, because hostile code in some tests replaces them.
 *
 * @module
 */
type Call = (...args: unknown[]) => unknown;
type Bytes = Uint8Array<ArrayBuffer>;

const isArm = Deno.build.arch === "aarch64";
// fcntl.h, linux/openat2.h and sys/socket.h.
const O_NOFOLLOW = isArm ? 0x8000 : 0x20000,
  O_DIRECTORY = isArm ? 0x4000 : 0x10000,
  O_PATH = 0x200000,
  O_CLOEXEC = 0x80000,
  O_APPEND = 0x400,
  O_WRONLY = 1;
const AT_FDCWD = -100, AT_SYMLINK_NOFOLLOW = 0x100, AT_SYMLINK_FOLLOW = 0x400, AT_EMPTY_PATH = 0x1000;
const RESOLVE_BENEATH = 8, AF_UNIX = 1;
const F_DUPFD = 0, F_DUPFD_CLOEXEC = 1030;
const PR_SET_SECCOMP = 22;

/** The arguments of a call that are a descriptor and a name, and what the kernel does with them. */
interface Shape {
  names: readonly (readonly [fd: number, name: number])[];
  /**
   * Whether the kernel follows a symlink at the end of the first name. Undefined for calls that act on the name itself, and do
   * not follow a symlink with a slash after it either.
   */
  follows?(args: unknown[]): boolean;
  /** Whether the kernel keeps the lookup beneath the directory. */
  isBeneath?(args: unknown[]): boolean;
  /** Whether the result is a descriptor; returns the flags that it was opened with. */
  opens?(args: unknown[]): number;
}

const unless = (at: number, flag: number) => (args: unknown[]) => ((args[at] as number) & flag) === 0;
const one: Shape["names"] = [[0, 1]];
const how = (args: unknown[], at: number): number => (args[3] as Int32Array | null)?.[at] ?? 0;

/** By the name of the function; those of syscall(2) by their number. */
const shapes: Readonly<Record<string, Shape>> = {
  __proto__: null!,
  openat: { names: one, follows: unless(2, O_NOFOLLOW), opens: (args) => args[2] as number },
  // openat2
  437: {
    names: [[1, 2]],
    follows: (args) => (how(args, 0) & O_NOFOLLOW) === 0,
    isBeneath: (args) => (how(args, 4) & RESOLVE_BENEATH) !== 0,
    opens: (args) => how(args, 0),
  },
  statx: { names: one, follows: unless(2, AT_SYMLINK_NOFOLLOW) },
  faccessat: { names: one, follows: unless(3, AT_SYMLINK_NOFOLLOW) },
  fchmodat: { names: one, follows: unless(3, AT_SYMLINK_NOFOLLOW) },
  fchownat: { names: one, follows: unless(4, AT_SYMLINK_NOFOLLOW) },
  utimensat: { names: one, follows: unless(3, AT_SYMLINK_NOFOLLOW) },
  unlinkat: { names: one },
  mkdirat: { names: one },
  mkfifoat: { names: one },
  symlinkat: { names: [[1, 2]] },
  readlinkat: { names: one, follows: () => false },
  linkat: {
    names: [[0, 1], [2, 3]],
    // In the sandbox Landlock refuses to link what is in no directory of the plan.
    follows: (args) => ((args[4] as number) & AT_SYMLINK_FOLLOW) !== 0 && !isConfined,
  },
  renameat: { names: [[0, 1], [2, 3]] },
  // renameat2
  [isArm ? 276 : 316]: { names: [[1, 2], [3, 4]] },
};

/**
 * The other functions that the library calls. None of them takes a name in a directory: fgetxattr(2) takes the name of an
 * attribute. The addresses of the last three are checked, because an address can be the path of a socket.
 */
const pathless: readonly string[] = `
  __errno_location memcpy memset madvise close read write pread pwrite lseek ftruncate fsync fdatasync flock fchmod fchown
  futimens fcntl isatty dup preadv2 pwritev2 vmsplice poll recv send recvmsg socket socketpair listen accept4 shutdown getsockopt
  setsockopt getsockname getpeername getdtablesize prctl fgetxattr connect bind sendmsg
`.trim().split(/\s+/);

/** The other numbers of syscall(2): getdents64, fstat, gettid, seccomp, futex, and the three of Landlock. */
const pathlessNumbers: readonly number[] = [
  ...isArm ? [61, 80, 178, 277, 98] : [217, 5, 186, 317, 202],
  444,
  445,
  446,
];
const SYS_seccomp = isArm ? 277 : 317;

/** Paths that are constants of the library, with the calls that get them. */
const constants: Readonly<Record<string, readonly string[]>> = {
  __proto__: null!,
  "/proc/self/fd": ["openat", "faccessat"],
  "/proc/self/task": ["openat"],
  "/proc/self/exe": ["readlinkat"],
  "/proc/self/maps": ["openat"],
};

/** The functions of the library with an argument that is an ambient path. */
const ambient: readonly string[] = [
  "compat/fs/dir.ts: openDirSync",
  "compat/fs/dir.ts: openDir",
  "compat/fs/open.ts: openSync",
  "compat/fs/open.ts: open",
  // listDirSync() and its like.
  "compat/fs/tree/list.ts: openDirectory",
  "compat/fs/entries.ts: ensureDirSync",
  // For the paths of a plan.
  "compat/sandbox/sandbox.ts: warningsOnLinux",
  // With AT_FDCWD.
  "compat/python/_python_fd.ts: openIn",
];
const fromNowhere = ", from no directory", toSocket = "gets the path of a socket";

/**
 * Other paths that are intended: of a socket that the policy of a broker permits, and of the directories above one of a plan.
 * Each has a function on the stack, and the file that calls the function of C.
 */
const meant: readonly (readonly [wrong: RegExp, frame: string, caller: string])[] = [
  ...ambient.map((frame) => [new RegExp(`${fromNowhere}$`), frame, frame.split(" ")[0]!] as const),
  // Of open(), for the FIFO that it waits for.
  [new RegExp(`${fromNowhere}$`), "compat/fs/open.ts: mayBeFifo", "compat/fs/descriptor.ts:"],
  [
    new RegExp(`^${toSocket}$`),
    "compat/broker/child/service.ts: Service.#connectPath",
    "compat/broker/child/connecting.ts:",
  ],
  [
    /^gets the path "\.(\/\.\.)+"$/,
    "compat/sandbox/plan.ts: identitiesAround",
    "compat/fs/descriptor.ts:",
  ],
];

/** Raw functions of the same libc, bound with the first library. */
interface Raw {
  readlinkat(fd: number, path: Bytes, buffer: Bytes, size: bigint): number;
  openat(fd: number, path: Bytes, flags: number, mode: number): number;
  fcntl(fd: number, command: number, argument: bigint): number;
  statx(fd: number, path: Bytes, flags: number, mask: number, buffer: Bytes): number;
  write(fd: number, bytes: Bytes, count: bigint): number;
  close(fd: number): number;
  _exit(code: number): void;
}
let raw: Raw | undefined;

const { dlopen } = Deno, encoder = new TextEncoder();

function bindRaw(path: string | URL): void {
  raw ??= dlopen(path, {
    readlinkat: { parameters: ["i32", "buffer", "buffer", "usize"], result: "i32" },
    openat: { parameters: ["i32", "buffer", "i32", "u32"], result: "i32" },
    fcntl: { parameters: ["i32", "i32", "i64"], result: "i32" },
    statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
    write: { parameters: ["i32", "buffer", "usize"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
    _exit: { parameters: ["i32"], result: "void" },
  }).symbols as Raw;
}

const cString = (text: string): Bytes => encoder.encode(`${text}\0`);
const empty = cString(""),
  folder = cString("/proc/self/fd"),
  report = new URL(import.meta.url).searchParams.get("log");
/** /proc/self/fd and the file for violations, opened before a filter may refuse that. */
let numbers: number | undefined, log: number | undefined;

function prepare(): void {
  if (numbers !== undefined) return;
  // The tests look for descriptors that are left open below 1024.
  const high = (fd: number) => {
    const moved = raw!.fcntl(fd, F_DUPFD_CLOEXEC, 2000n);
    if (moved < 0) return fd;
    raw!.close(fd);
    return moved;
  };
  numbers = high(raw!.openat(AT_FDCWD, folder, O_PATH | O_CLOEXEC, 0));
  if (report) log = high(raw!.openat(AT_FDCWD, cString(report), O_WRONLY | O_APPEND | O_CLOEXEC, 0));
}

const buffer = new Uint8Array(4096 + 16);
const deleted = encoder.encode(" (deleted)"), before = encoder.encode("/proc/self/fd/");

/** The path of a descriptor's entry in /proc, or its name in `numbers`. */
function entryOf(fd: number): Bytes {
  let end = 1;
  for (let rest = fd; rest > 9; rest = (rest - rest % 10) / 10) end++;
  const from = numbers === undefined ? before.length : 0, path = new Uint8Array(from + end + 1);
  for (let i = 0; i < from; i++) path[i] = before[i]!;
  for (let rest = fd; end > 0; rest = (rest - rest % 10) / 10) path[from + --end] = 0x30 + rest % 10;
  return path;
}

/** Where a descriptor leads to, by /proc; undefined if that can't be asked. */
function placeOf(fd: number): Bytes | undefined {
  let length = raw!.readlinkat(numbers ?? AT_FDCWD, entryOf(fd), buffer, 4112n);
  if (length < 0) return undefined;
  for (let i = 0; buffer[length - deleted.length + i] === deleted[i]; i++) {
    if (i === deleted.length - 1) {
      length -= deleted.length;
      break;
    }
  }
  const place = new Uint8Array(length);
  for (let i = 0; i < length; i++) place[i] = buffer[i]!;
  return place;
}

const SLASH = 0x2f, DOT = 0x2e;

function isWithin(place: Bytes, above: Bytes | undefined): boolean {
  if (above === undefined) return false;
  const { length } = above;
  for (let i = 0; i < length; i++) if (place[i] !== above[i]) return false;
  return place.length === length || place[length] === SLASH || length === 1;
}

/** Where the attackers of the tests move directories to. */
const haven = encoder.encode("/elsewhere/");
const isAttacked = /\/(_attack_child|fuzz\/child)\.ts$/.test(Deno.mainModule ?? "");

function isMoved(place: Bytes): boolean {
  for (let from = 0; isAttacked && from < place.length; from++) {
    let i = 0;
    while (i < haven.length && place[from + i] === haven[i]) i++;
    if (i === haven.length) return true;
  }
  return false;
}

const stat = new Uint8Array(256), words = new Uint32Array(stat.buffer);

/** Device and inode number of what a descriptor or a name in it stands for; undefined if that can't be asked. */
function identityOf(fd: number, name: Bytes = empty): string | undefined {
  const STATX_INO = 0x100;
  if (raw!.statx(fd, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_INO, stat) !== 0) return undefined;
  return `${words[34]}:${words[35]}:${words[8]}:${words[9]}`;
}

/** Whether a path of plain names, none of them followed, finds in a directory what a descriptor stands for. */
function isFound(fd: number, directory: number, path: Bytes): boolean {
  let at = directory, from = 0, end = path.length;
  while (path[end - 1] === SLASH) end--;
  for (let to = 0; to <= end; to++) {
    if (to < end && path[to] !== SLASH) continue;
    const name = new Uint8Array(to - from + 1), above = at;
    for (let i = 0; from + i < to; i++) name[i] = path[from + i]!;
    from = to + 1;
    const isName = name[0] !== 0 && (name[0] !== DOT || name[1] !== 0 && (name[1] !== DOT || name[2] !== 0));
    const isLast = to === end, isSame = isName && isLast && identityOf(at, name) === identityOf(fd);
    if (isName && !isLast) at = raw!.openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (above !== directory) raw!.close(above);
    if (!isName || isLast || at < 0) {
      if (at !== above && at >= 0) raw!.close(at);
      return isSame;
    }
  }
  return false;
}

/** A directory from which lookups start. */
interface Root {
  /** Its descriptor; undefined once that is closed. */
  fd: number | undefined;
  /** Where it was when it was opened, or closed. */
  place: Bytes | undefined;
}

interface Opened {
  readonly identity: string | undefined;
  readonly root: Root;
}

/** By descriptor. Other code may have closed one and opened it again: then it has another identity. */
const opened: (Opened | undefined)[] = [];

function placeOfRoot({ fd, place }: Root): Bytes | undefined {
  return fd === undefined ? place : placeOf(fd);
}

function rootOf(fd: number): Root {
  const known = opened[fd], identity = identityOf(fd);
  if (known !== undefined && known.identity === identity) return known.root;
  const root = { fd, place: placeOf(fd) };
  opened[fd] = { identity, root };
  return root;
}

/** How often a place is asked for if other code may be moving it. */
const TRIES = 1000;

/** What is wrong with the place of a descriptor that was opened by a path from a directory. */
function misplaced(
  fd: number,
  path: Bytes,
  [directory, root, first]: readonly [number, Root, Bytes | undefined],
): string | undefined {
  let place = placeOf(fd), now = first;
  for (let tries = 0; tries < TRIES; tries++) {
    if (place === undefined || now === undefined) break;
    if (isWithin(place, first) || isWithin(place, now) || isMoved(place)) return undefined;
    now = placeOfRoot(root);
    place = placeOf(fd);
  }
  if (place !== undefined && now !== undefined) return `leads from ${textOf(now)} to ${textOf(place)}`;
  // No link of /proc has a path longer than PATH_MAX.
  return isFound(fd, directory, path) ? undefined : "leads to an unknown place";
}

function textOf(path: Bytes | undefined): string {
  return new TextDecoder("latin1").decode(path);
}

/** The bytes of a name; undefined without one. */
function nameIn(value: unknown): Bytes | undefined {
  if (value === null || value === undefined) return undefined;
  const bytes = value as Bytes;
  let end = 0;
  while (bytes[end]! > 0) end++;
  const name = new Uint8Array(end);
  for (let i = 0; i < end; i++) name[i] = bytes[i]!;
  return name;
}

function isOneName(name: Bytes, mayEndInSlash = false): boolean {
  let end = name.length;
  while (mayEndInSlash && name[end - 1] === SLASH) end--;
  for (let i = 0; i < end; i++) if (name[i] === SLASH) return false;
  return end > 0 && !(end === 2 && name[0] === DOT && name[1] === DOT);
}

/** Whether a path is the entry in /proc of a descriptor that was opened below a directory. */
function isOfOpened(name: Bytes): boolean {
  let fd = 0;
  for (let i = 0; i < name.length; i++) {
    const from = folder.length - 1;
    if (i < from ? name[i] !== folder[i] : i === from && name[i] !== SLASH) return false;
    if (i > from) {
      const digit = name[i]! - 0x30;
      if (!(digit >= 0 && digit < 10)) return false;
      fd = fd * 10 + digit;
    }
  }
  const known = opened[fd];
  return name.length > folder.length && known !== undefined && known.root.fd !== fd &&
    known.identity === identityOf(fd);
}

/** What is wrong with the names of a call, if it is the library's. */
function wrongWith(
  call: string,
  { names, follows, isBeneath, opens }: Shape,
  args: unknown[],
): string | undefined {
  for (let i = 0; i < names.length; i++) {
    const [fdAt, nameAt] = names[i]!, fd = args[fdAt] as number, name = nameIn(args[nameAt]);
    if (name === undefined) continue;
    if (fd < 0) {
      const isMeant = constants[textOf(name)]?.includes(call) || opens === undefined && isOfOpened(name);
      if (!isMeant) return `gets the path "${textOf(name)}"${fromNowhere}`;
      continue;
    }
    // Without a name, and with ".", it is the directory itself.
    if (name.length === 0 || name.length === 1 && name[0] === DOT || isBeneath?.(args)) continue;
    if (!isOneName(name, follows === undefined)) return `gets the path "${textOf(name)}"`;
    if (i === 0 && follows?.(args)) return `may follow "${textOf(name)}"`;
  }
  return undefined;
}

/** What is wrong with an address: it may be the path of a socket. */
function wrongAddress(call: string, args: unknown[]): string | undefined {
  const bytes = args[1] as Bytes | BigUint64Array | null;
  if (bytes === null) return undefined;
  const first = new DataView(bytes.buffer, bytes.byteOffset);
  // struct msghdr begins with the address.
  if (call === "sendmsg") return first.getBigUint64(0, true) === 0n ? undefined : "gets an address";
  return first.getUint16(0, true) === AF_UNIX ? toSocket : undefined;
}

const here = decodeURIComponent(new URL("../", import.meta.url).pathname), own = `${here}tests/_check.ts`;
const [ffi, library] = [["ffi/"], ["ffi/", "compat/", "rights/", "examples/", "mod.ts"]].map((paths) =>
  paths.map((path) => here + path)
) as [string[], string[]];
const isIn = (line: string, paths: string[]) => paths.some((path) => line.startsWith(path));

const { Error } = globalThis;

/** The callers of this module. Deno's own text of a stack needs source maps, for which it may open files. */
function stackNow(): string[] {
  const { stackTraceLimit, prepareStackTrace } = Error as typeof Error & { prepareStackTrace?: unknown };
  const sites = (
    _: unknown,
    sites: Record<"getFileName" | "getTypeName" | "getFunctionName", () => string | null>[],
  ) =>
    sites.map((site) => {
      const type = site.getTypeName() ?? "";
      // The name of a module can be its whole text.
      return `${site.getFileName()?.slice(0, 200)}: ${/^(|Object|Module)$/.test(type) ? "" : `${type}.`}${
        site.getFunctionName() ?? ""
      }`;
    });
  Object.assign(Error, { stackTraceLimit: 100, prepareStackTrace: sites });
  const stack = new Error().stack as unknown as string[];
  Object.assign(Error, { stackTraceLimit, prepareStackTrace });
  return stack.filter((line) => !line.startsWith(own));
}

let isConfined = false;

/** The function that called a function of C; undefined if nothing outside of ffi/ did. */
function callerIn(stack: string[]): string | undefined {
  return stack.find((line) => /^(?:\/|data:|https?:)/.test(line) && !isIn(line, ffi));
}

/** Whether a call is the library's own, and not the direct call of a C function by a test. */
function isByLibrary(stack: string[]): boolean {
  // In a sandbox libc itself keeps paths beneath their directory.
  if (isConfined && stack[0] !== undefined && isIn(stack[0], ffi)) return true;
  const caller = callerIn(stack);
  return caller === undefined || isIn(caller, library);
}

function judge(call: string, wrong: string): void {
  const stack = stackNow(), text = stack.join("\n");
  if (!isByLibrary(stack)) return;
  for (const [pattern, frame, caller] of meant) {
    const isThere = stack.includes(here + frame) && callerIn(stack)?.startsWith(here + caller);
    if (pattern.test(wrong) && isThere) return;
  }
  const lines = encoder.encode(`CAPSICUM_CHECK: ${call} ${wrong}\n${text}\n`);
  raw!.write(2, lines, BigInt(lines.length));
  if (report) log ??= raw!.openat(AT_FDCWD, cString(report), O_WRONLY | O_APPEND | O_CLOEXEC, 0);
  if (log !== undefined) raw!.write(log, lines, BigInt(lines.length));
  raw!._exit(86);
}

/** Acts on a result, now or when its promise is fulfilled, and returns it. */
function afterwards(result: unknown, act: (result: unknown) => void): unknown {
  if (!(result instanceof Promise)) {
    act(result);
    return result;
  }
  return result.then((value) => {
    act(value);
    return value;
  });
}

function checked(name: string, shape: Shape, call: Call): Call {
  const [[fdAt, nameAt]] = shape.names as [[number, number]];
  return (...args) => {
    const wrong = wrongWith(name, shape, args), fd = args[fdAt] as number;
    // A filter may refuse the call, and then a stack makes Deno panic.
    const isLate = fd < 0 && numbers !== undefined;
    if (wrong !== undefined && !isLate) judge(name, wrong);
    if (fd < 0) {
      return afterwards(call(...args), (result) => {
        if ((result as number) < 0) return;
        if (shape.opens !== undefined) delete opened[result as number];
        if (wrong !== undefined && isLate) judge(name, wrong);
      });
    }
    if (shape.opens === undefined) return call(...args);
    const flags = shape.opens(args), path = nameIn(args[nameAt])!, root = rootOf(fd);
    const start = [fd, root, placeOfRoot(root)] as const;
    return afterwards(call(...args), (value) => {
      const result = value as number;
      if (result < 0) return;
      delete opened[result];
      const lost = misplaced(result, path, start);
      if (lost !== undefined) judge(name, `of "${textOf(path)}" ${lost}`);
      else if (flags & O_PATH) opened[result] = { identity: identityOf(result), root };
    });
  };
}

/** A duplicate has the root of its original. */
function duplicating(call: Call): Call {
  return (...args) => {
    const result = call(...args) as number, [fd, command] = args as number[];
    if (result < 0 || args.length > 1 && command !== F_DUPFD && command !== F_DUPFD_CLOEXEC) return result;
    const known = opened[fd!];
    delete opened[result];
    if (known !== undefined && known.root.fd !== fd) opened[result] = known;
    return result;
  };
}

function closing(call: Call): Call {
  return (...args) => {
    const fd = args[0] as number, root = opened[fd]?.root;
    if (root?.fd === fd) {
      root.place = placeOf(fd);
      root.fd = undefined;
    }
    delete opened[fd];
    return call(...args);
  };
}

/** A call of syscall(2) is judged by its number. */
function numbered(name: string, call: Call): Call {
  const byNumber: Record<number, Call> = {};
  return (...args) => {
    const number = Number(args[0]), shape = shapes[number];
    if (number === SYS_seccomp && args[3] !== null) {
      prepare();
      const confines = isByLibrary(stackNow()), result = call(...args);
      isConfined ||= confines && Number(result) === 0;
      return result;
    }
    if (shape !== undefined) return (byNumber[number] ??= checked(name, shape, call))(...args);
    if (!pathlessNumbers.includes(number)) {
      judge("syscall", `has the number ${number}, which the check does not know`);
    }
    return call(...args);
  };
}

function wrapped(key: string, name: string, call: Call): Call {
  if (name === "syscall") return numbered(key, call);
  if (shapes[name] !== undefined) return checked(name, shapes[name], call);
  if (name === "fcntl" || name === "dup") return duplicating(call);
  if (name === "close") return closing(call);
  if (name === "prctl") {
    return (...args) => {
      if (args[0] === PR_SET_SECCOMP) prepare();
      return call(...args);
    };
  }
  if (name === "connect" || name === "bind" || name === "sendmsg") {
    return (...args) => {
      const wrong = wrongAddress(name, args);
      if (wrong !== undefined) judge(name, wrong);
      return call(...args);
    };
  }
  return call;
}

Object.defineProperty(Deno, "dlopen", {
  value: (path: string | URL, wanted: Deno.ForeignLibraryInterface) => {
    const library = dlopen(path, wanted);
    if (!String(path).includes("libc.so.6")) return library;
    bindRaw(path);
    const symbols = Object.fromEntries(
      Object.entries(library.symbols as Record<string, Call | null>).map(([key, call]) => {
        const { name = key } = wanted[key] as Deno.ForeignFunction;
        if (name !== "syscall" && shapes[name] === undefined && !pathless.includes(name)) {
          judge(name, "is bound, which the check does not know");
        }
        return [key, call && wrapped(key, name, call)];
      }),
    );
    return { symbols, close: () => library.close() };
  },
  configurable: true,
  enumerable: true,
  writable: true,
});
