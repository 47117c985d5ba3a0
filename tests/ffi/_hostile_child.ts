/**
 * Code that a program runs in its sandbox, and that is hostile: it imports the library's own modules and calls each function
 * with buffers that lie about their length, before and after it has patched JavaScript's built-ins. Prints what it got as JSON.
 * Its arguments are a directory and the addresses of the modules.
 *
 * A lying buffer has 8 bytes between bytes that are marked. A mark that changes or that arrives in a file is memory that the
 * library had no right to touch.
 *
 * @module
 */
import { libc, openDirSync, presets, sandbox } from "../../mod.ts";
import { dropRoot } from "../_unprivileged.ts";

const [base = "", ...addresses] = Deno.args;
type Exports = Record<string, unknown>;
const load = () => Promise.all(addresses.map((address) => import(address) as Promise<Exports>));
await load();
const file = openDirSync(base).openSync("file", { read: true, write: true });
const pair = (await load()).find(({ socketPair }) => socketPair)!.socketPair as () => [number, number];
const [socket, peer] = pair();
libc.fcntl(socket, libc.F_SETFL, libc.O_NONBLOCK);
libc.write(peer, new Uint8Array(4096).fill(0x42));
const honest = await Deno.open(`${base}/file`);
// So that it is the path that is refused.
const namesToo = [
  "SYMLINKAT",
  "MKFIFOAT",
  "FCHMOD",
  "FCHOWN",
  "FUTIMES",
  "LINKAT_SOURCE",
  "LINKAT_TARGET",
] as const;
dropRoot();
const { dirs: { d: dir } } = sandbox({
  dirs: { d: { path: `${base}/dir`, rights: [...presets.dir.readWrite, ...namesToo] } },
  permissions: { revoke: "all" },
});

// What the checks need, from before the patches.
const { apply, ownKeys, getOwnPropertyDescriptor: member } = Reflect, source = Function.prototype.toString;
const Bytes = Uint8Array, Memory = ArrayBuffer, define = Object.defineProperty;
const MARK = 0xaa, OWN = 0x41, HALF = 2048, LIE = 1024, LENGTH = 8;
const modules = await load(),
  results = {
    calls: 0,
    returned: 0,
    handedOut: [] as string[],
    touched: [] as string[],
    outside: 0,
    escaped: [] as string[],
    inside: [] as string[],
  };

// These end the child, wait, or take long.
const excluded =
  /^(close|closeQuietly|eventsWithin|pollAsync|isOneName|openFiles|restrictOthers|confine|enter|cap_enter|seal)$/;
const isExcluded = (name: string) => excluded.test(name);

/** A function that is not written in JavaScript. */
function isRaw(value: unknown): boolean {
  return typeof value === "function" && /\[native code\]/.test(apply(source, value, []));
}

function findRaw(value: unknown, path: string, depth: number): void {
  if (isRaw(value)) results.handedOut.push(path);
  if (depth === 0 || (typeof value !== "object" && typeof value !== "function") || value === null) return;
  for (const key of ownKeys(value)) {
    if (key === "prototype" || key === "constructor") continue;
    findRaw(member(value, key)?.value, `${path}.${String(key)}`, depth - 1);
  }
}

// The others call nothing, and the built-ins of JavaScript themselves are native.
const isOfC = (address: string) => !/\/(errno|errors|needs|seccomp|values)\.ts$/.test(address);
for (const [i, exports] of modules.entries()) {
  for (const [name, value] of Object.entries(exports)) {
    if (isOfC(addresses[i]!)) findRaw(value, `${addresses[i]} ${name}`, 3);
    if (typeof value !== "function" || !isOfC(addresses[i]!) || isExcluded(name) || /^[A-Z]/.test(name)) {
      continue;
    }
    // What the function returns for the name of a function of C, or for nothing. `internal()` returns only what it gets.
    const lists = name === "internal" || !addresses[i]!.includes("/ffi/") ? [] : [["read"], ["openat"], []];
    for (const values of lists) {
      let outcome: unknown;
      try {
        outcome = apply(value, undefined, values);
        if (outcome instanceof Promise) outcome.catch(() => {});
      } catch {
        // Refused.
      }
      if (typeof outcome === "function") results.handedOut.push(`${name}(${values})`);
      findRaw(outcome, `${name}(${values})`, 3);
    }
  }
}

const guards: Uint8Array[] = [];
function marked() {
  const guard = new Bytes(new Memory(2 * HALF));
  for (let i = 0; i < 2 * HALF; i++) guard[i] = MARK;
  guards[guards.length] = guard;
  const bytes = new Bytes(guard.buffer, HALF, LENGTH);
  for (let i = 0; i < LENGTH; i++) bytes[i] = OWN;
  return bytes;
}
class Liar extends Bytes {
  override get length() {
    return LIE;
  }
  override get byteLength() {
    return LIE;
  }
}
function liar(): Uint8Array {
  const { buffer } = marked();
  return new Liar(buffer, HALF, LENGTH);
}
function lying(): Uint8Array {
  const bytes = marked();
  for (const name of ["length", "byteLength"]) define(bytes, name, { value: LIE });
  return bytes;
}
function shrunk(): Uint8Array {
  const buffer = new Memory(LIE, { maxByteLength: LIE }), bytes = new Bytes(buffer);
  buffer.resize(LENGTH);
  return bytes;
}
function gone(): Uint8Array {
  const bytes = new Bytes(LIE);
  for (const name of ["length", "byteLength"]) define(bytes, name, { value: LIE });
  bytes.buffer.transfer();
  return bytes;
}
const fake = (): unknown => ({
  __proto__: Bytes.prototype,
  length: LIE,
  byteLength: LIE,
  buffer: marked().buffer,
});
const proxy = (): unknown => new Proxy(marked(), { get: (_, name) => name === "length" ? LIE : undefined });
/** A number that differs each time it is asked for. */
const growing = () => ({ now: 1, valueOf: () => LIE }) as unknown as number;
const buffers: (() => unknown)[] = [lying, liar, shrunk, gone, fake, proxy, marked];

const arguments_: ((fd: unknown, lie: unknown) => unknown[])[] = [
  (fd, lie) => [fd, lie],
  (fd, lie) => [fd, lie, LIE],
  (fd, lie) => [fd, lie, growing()],
  (fd, lie) => [fd, lie, LIE, 0],
  (fd, lie) => [fd, lie, LIE, lie],
  (fd, lie) => [fd, "file", lie],
  (fd, lie) => [fd, "file", lie, LIE],
  (fd, lie) => [fd, "file", lie, 0],
  (fd, lie) => [fd, lie, 16],
  (fd, lie) => [fd, 0x4f006662, lie],
  (fd, lie) => [fd, { length: 99, map: () => ({ length: LIE }) }, lie],
  (fd, lie) => [fd, lie, { length: 99, map: () => ({ length: LIE, forEach() {} }) }],
  (_, lie) => [lie, LIE],
  (_, lie) => [0, -1, 10, lie],
];
const fds = [file.fd, socket, dir.fd];

/** Calls everything that the modules of ffi/ export, and the methods that take buffers. */
async function callAll(when: string): Promise<void> {
  const pending: Promise<unknown>[] = [];
  const attempt = (name: string, fn: (...values: never[]) => unknown, self: unknown, values: unknown[]) => {
    results.calls++;
    try {
      const value = apply(fn, self, values);
      if (isRaw(value)) results.handedOut[results.handedOut.length] = name;
      if (value instanceof Promise) pending[pending.length] = value.catch(() => {});
      results.returned++;
    } catch {
      // Refused.
    }
  };
  const check = (name: string) => {
    for (let g = 0; g < guards.length; g++) {
      const guard = guards[g]!;
      for (let i = 0; i < 2 * HALF; i++) {
        if ((i < HALF || i >= HALF + LENGTH) && guard[i] !== MARK) {
          results.touched[results.touched.length] = `${when}: ${name} wrote`;
          break;
        }
      }
    }
    guards.length = 0;
    honest.seekSync(0, Deno.SeekMode.Start);
    const content = new Bytes(2 * HALF), count = honest.readSync(content) ?? 0;
    for (let i = 0; i < count; i++) {
      if (content[i] === MARK) {
        results.touched[results.touched.length] = `${when}: ${name} read`;
        break;
      }
    }
  };
  for (let m = 0; m < modules.length; m++) {
    const address = addresses[m]!;
    if (!address.includes("/ffi/") || !isOfC(address)) continue;
    const names = ownKeys(modules[m]!) as string[];
    for (let n = 0; n < names.length; n++) {
      const name = names[n]!, fn = modules[m]![name] as (...values: never[]) => unknown;
      if (typeof fn !== "function" || isExcluded(name) || /^[A-Z]/.test(name)) continue;
      for (let b = 0; b < buffers.length; b++) {
        const lie = buffers[b]!();
        for (let a = 0; a < arguments_.length; a++) {
          for (let f = 0; f < fds.length; f++) attempt(name, fn, undefined, arguments_[a]!(fds[f], lie));
        }
      }
      check(name);
    }
  }
  for (
    const name of ["read", "readSync", "write", "writeSync", "preadSync", "pwriteSync", "pread", "pwrite"]
  ) {
    const fn = (file as unknown as Record<string, (...values: never[]) => unknown>)[name]!;
    for (let b = 0; b < buffers.length; b++) attempt(`FdFile.${name}`, fn, file, [buffers[b]!(), 0, LIE]);
    check(`FdFile.${name}`);
  }
  // Deno itself would stumble over them.
  for (let i = 0; i < 20; i++) delete (Object.prototype as Exports)[i];
  await Promise.race([Promise.allSettled(pending), new Promise((resolve) => setTimeout(resolve, 500))]);
  check("a call on another thread");
}

const long = "./".repeat(30), buffer = new Bytes(256), { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, O_PATH } = libc;
/** Each function with a path below a directory; some paths exist, some do not, and the answer may not tell which. */
const lookups: Record<string, (path: string) => unknown> = {
  "openat": (path) => libc.openat(dir, path, libc.O_RDONLY | libc.O_NONBLOCK),
  "openat to create": (path) => libc.openat(dir, path, libc.O_WRONLY | libc.O_CREAT | libc.O_NONBLOCK, 0o600),
  "openat O_PATH": (path) => libc.openat(dir, path, O_PATH),
  "openat O_SHLOCK": (path) => libc.openat(dir, path, libc.O_SHLOCK | libc.O_NONBLOCK),
  "openat O_PATH and O_SHLOCK": (path) => libc.openat(dir, path, O_PATH | libc.O_SHLOCK),
  "readlinkat": (path) => libc.readlinkat(dir, path, buffer),
  "fchmodat": (path) => libc.fchmodat(dir, path, 0o600, 0),
  "fchownat": (path) => libc.fchownat(dir, path, -1, -1, AT_EMPTY_PATH),
  "utimensat": (path) => libc.utimensat(dir, path, null, 0),
  "unlinkat": (path) => libc.unlinkat(dir, path, 0),
  "unlinkat of a directory": (path) => libc.unlinkat(dir, path, libc.AT_REMOVEDIR),
  "mkdirat": (path) => libc.mkdirat(dir, path, 0o700),
  "mkfifoat": (path) => libc.mkfifoat(dir, path, 0o600),
  "symlinkat": (path) => libc.symlinkat("file", dir, path),
  "linkat from": (path) => libc.linkat(dir, path, dir, "new", AT_EMPTY_PATH),
  "linkat following": (path) => libc.linkat(dir, path, dir, "new", libc.AT_SYMLINK_FOLLOW),
  "linkat to": (path) => libc.linkat(dir, "file", dir, path, 0),
  "renameat from": (path) => libc.renameat(dir, path, dir, "new"),
  "renameat to": (path) => libc.renameat(dir, "file", dir, path),
};
const flagsOf = {
  "": 0,
  " AT_EMPTY_PATH": AT_EMPTY_PATH,
  " nofollow": AT_SYMLINK_NOFOLLOW,
  " AT_EMPTY_PATH nofollow": AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW,
};
/** FreeBSD 13 does not know AT_SYMLINK_NOFOLLOW for faccessat(2), and refuses it with any path (EINVAL). */
const isKnown = (flags: number) => {
  try {
    libc.faccessat(dir, "file", libc.R_OK, flags);
    return true;
  } catch {
    return false;
  }
};
for (const [name, flags] of Object.entries(flagsOf)) {
  lookups[`fstatat${name}`] = (path) => libc.fstatat(dir, path, buffer, flags);
  if (flags & AT_SYMLINK_NOFOLLOW && !isKnown(flags)) continue;
  lookups[`faccessat${name}`] = (path) => libc.faccessat(dir, path, libc.R_OK, flags);
}
const lookupNames = ownKeys(lookups) as string[];
const outside = [`${base}/file`, `${base}/none`, "../file", "../none", `${long}../file`, "/proc/self/exe"];
const throughLinks = ["out", "dangling", "root/"],
  follows = /^(openat|openat O_.*|linkat following|(fstatat|faccessat)( AT_EMPTY_PATH)?)$/;

/** Tries what leaves the directory, and then what does not. */
function lookUp(when: string): void {
  for (let l = 0; l < lookupNames.length; l++) {
    const name = lookupNames[l]!, paths = follows.test(name) ? [...outside, ...throughLinks] : outside;
    for (let p = 0; p < paths.length; p++) {
      results.outside++;
      let code: unknown = "none";
      try {
        lookups[name]!(paths[p]!);
      } catch (error) {
        code = (error as { code?: string }).code ?? error;
      }
      if (code !== "ENOTCAPABLE") results.escaped.push(`${when}: ${name} ${paths[p]}: ${code}`);
    }
  }
  const twins: Record<string, () => unknown> = {
    "openat": () => libc.openat(dir, `${long}file`, libc.O_RDONLY),
    "openat O_PATH": () => libc.openat(dir, "in", O_PATH),
    "fstatat": () => libc.fstatat(dir, "in", buffer, AT_EMPTY_PATH),
    "faccessat": () => libc.faccessat(dir, "sub/../file", libc.R_OK, AT_EMPTY_PATH),
    "readlinkat": () =>
      libc.readlinkat(dir, "in", buffer) === 4 && libc.readlinkat(dir, "sub/../in", buffer) === 4,
    "mkdirat": () => libc.mkdirat(dir, "sub/made", 0o700),
    "renameat": () => libc.renameat(dir, "sub/made", dir, "./moved"),
    "unlinkat": () => libc.unlinkat(dir, `${long}moved/`, libc.AT_REMOVEDIR),
    "symlinkat": () => libc.symlinkat("file", dir, "sub/made"),
    "unlinkat of a symlink": () => libc.unlinkat(dir, "sub/made", 0),
    "linkat": () => libc.linkat(dir, "sub/../in", dir, "made", libc.AT_SYMLINK_FOLLOW),
    "unlinkat of a link": () => libc.unlinkat(dir, "made", 0),
    "mkfifoat": () => libc.mkfifoat(dir, "sub/made", 0o600),
    "unlinkat of a FIFO": () => libc.unlinkat(dir, "sub/made", 0),
  };
  for (const [name, twin] of Object.entries(twins)) {
    try {
      if (twin() === false) throw "wrong";
    } catch (error) {
      results.inside.push(`${when}: ${name}: ${error}`);
    }
  }
}
lookUp("at first");

const before = new Bytes(LIE);
const twins = [libc.pread(file, before, LIE, 0), libc.read(socket, before)];
await callAll("with lying buffers");

// Built-ins that look for a table of functions of C, or for Deno's own function that calls them, in all that they get. What the
// hostile `Deno.dlopen()` returns must not get into a table, because its functions would get the table as `this`.
const tampered: [object, PropertyKey, PropertyDescriptor][] = [];
let isLooking = false;
function lookAt(value: unknown, where: string): void {
  if (value === null || typeof value !== "object" && typeof value !== "function") return;
  const isCaller = typeof value === "function" && member(value, "name")?.value === "op_ffi_call_nonblocking";
  if (isCaller || typeof member(value, "memcpy")?.value === "function") {
    results.handedOut.push(`${isCaller ? "Deno's call" : "a table"}, to ${where}`);
  }
}
function lookingAt(where: string, original: (...values: never[]) => unknown) {
  return function (this: unknown, ...values: unknown[]) {
    if (!isLooking) {
      isLooking = true;
      lookAt(this, where);
      for (let i = 0; i < values.length; i++) lookAt(values[i], where);
      isLooking = false;
    }
    return apply(original, this, values);
  };
}
const owners = { Object, Reflect, Array: Array.prototype, Function: Function.prototype, Map: Map.prototype };
for (const [title, owner] of Object.entries(owners)) {
  for (const name of ownKeys(owner)) {
    const original = member(owner, name)!, { value, configurable } = original;
    if (typeof value !== "function" || !configurable || name === "constructor") continue;
    tampered.push([owner, name, original]);
  }
  for (const [of, name, original] of tampered) {
    if (of !== owner) continue;
    define(of, name, { ...original, value: lookingAt(`${title} ${String(name)}()`, original.value) });
  }
}
// The program can still give a function a member that is named as one of `Function.prototype`.
const other: { call?: unknown } = () => {};
other.call = LIE;
if (other.call !== LIE) results.inside.push("a member named call");
// What get-intrinsic of npm looks for.
const getCall = member(Function.prototype, "call")!.get as { originalValue?: unknown } | undefined;
if (getCall?.originalValue !== Function.prototype.call) results.inside.push("the method behind an accessor");
const { dlopen } = Deno, fakes = { symbols: { x: lookingAt("a function of dlopen()", () => 0) }, close() {} };
Deno.dlopen = (() => fakes) as unknown as typeof Deno.dlopen;
for (let m = 0; m < modules.length; m++) {
  if (!/\/ffi\/|\/sandbox\.ts$/.test(addresses[m]!)) continue;
  const exports = modules[m]!, names = ownKeys(exports) as string[];
  for (let n = 0; n < names.length; n++) {
    const name = names[n]!, call = exports[name] as (...values: unknown[]) => unknown;
    if (typeof call !== "function" || isExcluded(name) || /^[A-Z]/.test(name)) continue;
    for (const values of [[], [{ dryRun: true }], [file.fd, new Bytes(LENGTH), 0]]) {
      try {
        const value = apply(call, undefined, values);
        if (value instanceof Promise) value.catch(() => {});
      } catch {
        // Refused.
      }
    }
  }
}
await file.pread(new Bytes(LENGTH), 0);
Deno.dlopen = dlopen;
for (const [of, name, original] of tampered) define(of, name, original);

// Built-ins that lie about where a path has its slashes and its end, and that note the paths that they get.
const SLASH = 0x2f, DOT = 0x2e;
const arrays = Object.getPrototypeOf(Bytes.prototype), originals: [object, string, PropertyDescriptor][] = [];
const spied: [object, string, unknown?][] = [
  ...["indexOf", "lastIndexOf", "findIndex", "findLastIndex"].map((name) =>
    [arrays, name, -1] as [object, string, unknown]
  ),
  ...["includes", "some", "every"].map((name) => [arrays, name, false] as [object, string, unknown]),
  ...["subarray", "slice", "set", "fill", "join", "at", "keys", "values"].map((name) =>
    [arrays, name] as [object, string]
  ),
  [TextEncoder.prototype, "encodeInto"],
];
for (const [of, name, answer] of spied) {
  const original = member(of, name)!;
  originals.push([of, name, original]);
  define(of, name, {
    configurable: true,
    writable: true,
    value(this: unknown, ...values: unknown[]) {
      for (const bytes of [this, values[1]]) {
        const [first] = bytes instanceof Bytes ? bytes : [];
        if (first === SLASH || first === DOT) results.handedOut.push(`a path, to ${name}()`);
      }
      return answer ?? apply(original.value, this, values);
    },
  });
}
lookUp("with built-ins that lie about paths");
for (const [of, name, original] of originals) define(of, name, original);

// Of each built-in that the library might ask how long something is, a version that lies.
const typed = Object.getPrototypeOf(Bytes.prototype), lie = { configurable: true, get: () => LIE };
const wrong = { configurable: true, writable: true, value: () => lying() };
for (const name of ["length", "byteLength"]) define(typed, name, lie);
for (const name of ["subarray", "slice", "set", "fill", "indexOf", "lastIndexOf", "map"]) {
  define(typed, name, wrong);
}
define(Bytes, Symbol.hasInstance, { value: () => true });
for (const name of ["min", "max", "floor"]) define(Math, name, { value: () => LIE });
for (const name of ["asUintN", "asIntN"]) define(BigInt, name, { value: () => BigInt64Array });
for (const name of ["includes", "some", "every", "find"]) {
  define(Array.prototype, name, { value: () => true });
}
for (const name of ["isInteger", "isSafeInteger"]) define(Number, name, { value: () => true });
for (const name of ["setBigUint64", "setUint32", "setInt32", "fill"]) {
  define(DataView.prototype, name, { value: () => {} });
}
define(TextEncoder.prototype, "encode", wrong);
define(TextEncoder.prototype, "encodeInto", {
  value: (_: string, bytes: Uint8Array) => {
    for (let i = 0; i < LIE; i++) bytes[i] = OWN;
    return { read: 1, written: 1e9 };
  },
});
define(String.prototype, "charCodeAt", { value: () => OWN });
const then = Promise.prototype.then;
define(Promise.prototype, "then", {
  value(this: Promise<unknown>, ...args: unknown[]) {
    return apply(then, this, args);
  },
});
const global = globalThis as unknown as Exports;
for (const name of ["Uint8Array", "Int32Array", "Uint32Array", "BigUint64Array", "BigInt64Array"]) {
  global[name] = function () {
    return lying();
  };
}
global.BigInt = () => 4096n;
global.Number = () => 0;
for (let i = 0; i < 20; i++) define(Object.prototype, i, { configurable: true, writable: true, value: i });
await callAll("with patched built-ins");
console.log(JSON.stringify({ ...results, twins, modules: modules.length }));
Deno.exit();
