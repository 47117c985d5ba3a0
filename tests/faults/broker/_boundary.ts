/**
 * Makes calls of the library fail at the boundary of FFI. Replaces `Deno.dlopen`, so it must be loaded before the library makes
 * its first call. The library has no hook for it.
 *
 * A call site is a function of C and the lines of the library that lead to the call. Unlike the stand-in, which counts calls, and
 * a seccomp(2) filter, which sees numbers, this finds every site once, and can also shorten a message or cut its descriptors.
 *
 * @module
 */

type Call = (...args: unknown[]) => unknown;

/** A fault: the site, whose next call fails, and how. */
export interface Fault {
  readonly site: string;
  /** An errno of this system; "short": the call moves one byte; "cut": it also loses the descriptors of the message. */
  readonly kind: number | "short" | "cut";
}

const { dlopen } = Deno;
const root = decodeURIComponent(new URL("../../../", import.meta.url).pathname),
  me = `${root}tests/faults/broker/_boundary.ts`;

/** Functions that cannot fail, or whose failure has no errno. */
const infallible = [
  ...[
    "memcpy",
    "memset",
    "address",
    "__error",
    "__errno_location",
    "getosreldate",
    "getdtablesize",
    "getpid",
  ],
  ...["cap_sandboxed", "gettid", "madvise", "futex", "futex_async"],
];

const long = "i64", int = "i32", size_t = "usize";
const helpers = {
  __error: { parameters: [], result: "pointer", optional: true },
  __errno_location: { parameters: [], result: "pointer", optional: true },
  setErrno: { name: "memcpy", parameters: ["pointer", "buffer", size_t], result: "void" },
  poke: { name: "memcpy", parameters: ["u64", "buffer", size_t], result: "void" },
  peek: { name: "memcpy", parameters: ["buffer", "u64", size_t], result: "void" },
  fcntl: { parameters: [int, int, long], result: int },
} as const;
let tools: Deno.DynamicLibrary<typeof helpers>["symbols"] | undefined;
let errnoAt: Deno.PointerValue = null;

/** The sites of the calls since the last time; undefined if they are not recorded. */
let sites: Set<string> | undefined;
let armed: Fault | undefined;
const ours = new Set<number>();
let received: ((bytes: Uint8Array) => void) | undefined;
/** The bytes of a message whose descriptors FreeBSD dropped. */
let kept: Uint8Array<ArrayBuffer> | undefined;

/** Returns the sites recorded so far, and starts or ends recording. To find a site, each call reads the stack. */
export function recorded(goesOn: boolean): string[] {
  const found = [...sites ?? []];
  sites = goesOn ? new Set() : undefined;
  return found;
}

/** Makes this fault due, in place of any other. */
export function arm(fault: Fault | undefined): void {
  armed = fault;
}

/** Whether the fault has not happened yet. */
export function isArmed(): boolean {
  return armed !== undefined;
}

/** Calls a function with the bytes that recv(2) received, before the library gets them. */
export function onReceived(call: (bytes: Uint8Array) => void): void {
  received = call;
}

/** The descriptors that the library got from the kernel and that are open. Deno opens others at any time. */
export function openNow(): number[] {
  const F_GETFD = 1;
  for (const fd of ours) if (tools!.fcntl(fd, F_GETFD, 0n) === -1) ours.delete(fd);
  return [...ours];
}

const opening = ["open", "openat", "openat2", "socket", "accept4", "dup", "landlock_create_ruleset"];
/** F_DUPFD, and F_DUPFD_CLOEXEC of both systems. */
const duplicating = [0, 17, 1030];

/** Notes the descriptors that a call opens or closes. */
function note(name: string, args: unknown[], result: unknown): void {
  if (name === "close") ours.delete(args[0] as number);
  if ((result as number) < 0) return;
  if (opening.includes(name) || name === "fcntl" && duplicating.includes(args[1] as number)) {
    ours.add(result as number);
  }
  if (name === "socketpair") { for (const fd of args[3] as Int32Array) ours.add(fd); }
  if (name !== "recvmsg") return;
  const [whole, halves] = words(args[1]), control = new Int32Array(32), CMSG_DATA = 16;
  if (halves[MSG_CONTROLLEN]! < CMSG_DATA) return;
  tools!.peek(new Uint8Array(control.buffer), whole[MSG_CONTROL]!, BigInt(halves[MSG_CONTROLLEN]!));
  for (let at = CMSG_DATA; at < control[0]!; at += 4) ours.add(control[at / 4]!);
}

interface Frame {
  getFileName(): string | null;
  getFunctionName(): string | null;
  getLineNumber(): number | null;
  isAsync(): boolean;
}

/** The frames of the present call, without the source maps that Deno would look up for a text. */
function framesNow(): Frame[] {
  const { prepareStackTrace } = Error as { prepareStackTrace?: unknown };
  Object.assign(Error, { prepareStackTrace: (_: Error, frames: Frame[]) => frames });
  const frames = new Error().stack as unknown as Frame[];
  Object.assign(Error, { prepareStackTrace });
  return frames;
}

/**
 * The functions of the library that lead to a call, with their lines in JavaScript, the innermost first; empty if other code makes
 * the call. They end with the one that sends or receives a message, or waits: it is the same for every request.
 */
function placeOf(frames: readonly Frame[]): string {
  const places: string[] = [];
  for (const frame of frames) {
    // Deno gives a path or a URL.
    const path = (frame.getFileName() ?? "").replace(/^file:\/\//, "");
    if (path === me) continue;
    const file = path.startsWith(root) ? path.slice(root.length) : "";
    if (!/^(ffi|compat)\//.test(file) || frame.isAsync()) break;
    places.push(`${frame.getFunctionName() ?? ""}@${file}:${frame.getLineNumber()}`);
    if (file === "compat/broker/channel.ts" || file === "compat/fs/io/waiting.ts") break;
  }
  return places.join(" < ");
}

// struct msghdr: msg_iov, msg_control, and msg_controllen of 4 or 8 bytes. struct iovec: iov_base, iov_len.
const MSG_IOV = 2, MSG_CONTROL = 4, MSG_CONTROLLEN = 10, IOV_LEN = 8n;
/** FreeBSD's msg_flags, and a flag in it. */
const MSG_FLAGS = 11, MSG_CTRUNC = 0x20;

function words(header: unknown): [BigUint64Array, Uint32Array] {
  const { buffer } = header as Uint8Array<ArrayBuffer>;
  return [new BigUint64Array(buffer), new Uint32Array(buffer)];
}

/** Makes a call with one byte at most. */
function shortened(name: string, call: Call, args: unknown[]): unknown {
  if (name !== "sendmsg" && name !== "recvmsg") return call(args[0], args[1], 1n, ...args.slice(3));
  tools!.poke(words(args[1])[0][MSG_IOV]! + IOV_LEN, new BigUint64Array([1n]), 8n);
  return call(...args);
}

/** Leaves no room for descriptors in the arguments, so that the kernel drops them. */
function cut(args: unknown[]): void {
  const CMSG_DATA = 16;
  words(args[1])[1][MSG_CONTROLLEN] = CMSG_DATA;
}

function fail(errno: number, { result, nonblocking }: Deno.ForeignFunction): unknown {
  if (nonblocking) return Promise.resolve(-1);
  tools!.setErrno(errnoAt as Deno.PointerObject, new Int32Array([errno]), 4n);
  return result === "i64" ? -1n : -1;
}

/** EMSGSIZE is FreeBSD's number, EINPROGRESS those of both systems. */
const EINTR = 4, EMSGSIZE = 40, EINPROGRESS = [36, 115];

/** What a call does when its fault is due, and whether it is still due: there was nothing to receive. */
function faulted(
  name: string,
  symbol: Deno.ForeignFunction,
  call: Call,
  args: unknown[],
  { kind }: Fault,
): { result: unknown; isDue?: boolean } {
  const isLost = name === "recvmsg" && kind === EMSGSIZE;
  if (typeof kind === "string" || isLost) {
    if (kind === "cut" || isLost) cut(args);
    const result = isLost ? call(...args) as number : shortened(name, call, args) as number;
    const isDropped = isLost && (words(args[1])[1][MSG_FLAGS]! & MSG_CTRUNC) !== 0;
    if (isDropped && result > 0) {
      // FreeBSD keeps the bytes for the next call.
      kept = new Uint8Array(result);
      const base = new BigUint64Array(1);
      tools!.peek(new Uint8Array(base.buffer), words(args[1])[0][MSG_IOV]!, 8n);
      tools!.peek(kept, base[0]!, BigInt(result));
      return { result: fail(EMSGSIZE, symbol) };
    }
    return { result, isDue: result <= 0 && name.startsWith("recv") };
  }
  // A kernel closes the descriptor even if close(2) fails, and connects although connect(2) was interrupted. ENOTCONN of
  // shutdown(2) says that the connection has ended.
  const isMade = name === "close" || name === "shutdown" ||
    name === "connect" && (kind === EINTR || EINPROGRESS.includes(kind));
  if (isMade) call(...args);
  return { result: fail(kind, symbol) };
}

function wrapped(name: string, symbol: Deno.ForeignFunction, call: Call): Call {
  return (...args) => {
    if (kept !== undefined && name === "recvmsg") {
      const bytes = kept, base = new BigUint64Array(1), [whole, halves] = words(args[1]);
      kept = undefined;
      tools!.peek(new Uint8Array(base.buffer), whole[MSG_IOV]!, 8n);
      tools!.poke(base[0]!, bytes, BigInt(bytes.length));
      halves[MSG_CONTROLLEN] = 0;
      return bytes.length;
    }
    const mayBeDue = armed !== undefined && armed.site.startsWith(`${name} `);
    const place = sites || mayBeDue ? placeOf(framesNow()) : "", site = `${name} ${place}`;
    if (place !== "") sites?.add(site);
    const due = mayBeDue && armed!.site === site ? armed : undefined;
    const { result, isDue = false } = due
      ? faulted(name, symbol, call, args, due)
      : { result: call(...args) };
    if (due && !isDue) armed = undefined;
    note(name, args, result);
    if (name === "recv" && received !== undefined && (result as number) > 0) {
      received((args[1] as Uint8Array).subarray(0, result as number));
    }
    return result;
  };
}

Error.stackTraceLimit = 30;
Object.defineProperty(Deno, "dlopen", {
  value: (path: string | URL, wanted: Deno.ForeignLibraryInterface) => {
    const library = dlopen(path, wanted), found = library.symbols as Record<string, Call | null>;
    if (!String(path).includes("libc.so")) return library;
    tools ??= dlopen(path, helpers).symbols;
    errnoAt ??= (tools.__error ?? tools.__errno_location)!();
    const symbols = Object.fromEntries(
      Object.entries(found).map(([name, call]) => {
        const symbol = wanted[name] as Deno.ForeignFunction, known = symbol.name ?? name;
        // Linux: several functions of the table are syscall(2).
        const label = known === "syscall" ? name : known;
        return [name, call === null || infallible.includes(label) ? call : wrapped(label, symbol, call)];
      }),
    );
    return { symbols, close: () => library.close() };
  },
  configurable: true,
  enumerable: true,
  writable: true,
});
