/**
 * Resources that are opened too late: {@link warmUp} opens before entering what Deno would open later, and
 * {@link trapViolations} finds what the program forgot to open. On Linux, {@link avertPanics} does in time what Deno can do
 * only while /proc can be read.
 *
 * ES modules load and link their whole graph before any of it runs. So, to load a module without running it, a generated
 * module imports first a module that throws, and then the wanted module. A later `import()` runs that, and opens no file.
 *
 * @module
 */
import { getRights } from "../../ffi/capsicum/capability.ts";
import { failure, readStack } from "../../ffi/failure.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { mayCall } from "../../ffi/system.ts";
import { MOST, quoted, shortened, shown } from "../../ffi/errors.ts";
import { Fcntls } from "../../rights/fcntls.ts";
import { ioctl, Ioctls } from "../../rights/ioctls.ts";
import { Rights } from "../../rights/rights.ts";
import { Dir, openDirSync } from "../fs/dir.ts";
import { FdFile } from "../fs/file.ts";
import { openSync } from "../fs/open.ts";
import { arrayOf, type Check, checkOptions } from "../../ffi/values.ts";
import { listDirSync } from "../fs/tree/list.ts";
import { limitOthers, limitStream, rightsFor } from "./limit_by_need.ts";
import { fdOf } from "./open_descriptors.ts";
import { stepsOf, type WarmUpOptions, warmUpOptions } from "./plan.ts";

/** The options of `warmUp()` that also load modules; it then returns a promise. */
export interface ModuleWarmUpOptions extends WarmUpOptions {
  /**
   * Modules that `import()` imports later: their addresses, or their paths relative to the main module. The modules and
   * all that they import are loaded and linked, but do not run. This needs the permissions of an import. CommonJS modules
   * that they import are not loaded: Deno reads these when they run.
   */
  modules: readonly (string | URL)[];
}

/**
 * Makes parts of Deno that would open files later open them now, before `enter()`. Returns the names of these parts.
 *
 * The parts were found on Linux, by tracing the system calls of Deno 2.9.6. Console, timers, random numbers, hashes,
 * `Intl` except for the time zone, `TextDecoder`, signals and `performance` open nothing. A connection of `node:tls` or
 * `node:https` over a descriptor opens only what the option `tls` opens; it neither resolves names nor starts threads.
 * Warming up does not help APIs that open files each time, such as Web Storage, `caches`, `Deno.openKv()` and a new `Worker`
 * from a file.
 *
 * Needs no permission. With `--allow-ffi`, it also calls libc functions on a descriptor that is not open, which fail.
 *
 * @param options The parts to prepare.
 * @throws {TypeError} If the options are not an object.
 *
 * @example
 * ```ts
 * import { warmUp } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(warmUp({ stackTraces: false }), ["timezone"]);
 * ```
 */
export function warmUp(options?: WarmUpOptions): string[];
/**
 * Does the same, and also loads modules without running them: a later `import()` of one opens no file.
 *
 * Do not await it in the first import of a program, because the other imports run meanwhile: see `./ambient`.
 *
 * @throws {Error} If a module cannot be loaded; `cause` is Deno's error.
 *
 * @example
 * ```ts
 * import { warmUp } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * const late = "data:text/javascript,globalThis.ran = true";
 * assertEquals(await warmUp({ timezone: false, stackTraces: false, modules: [late] }), ["modules"]);
 * assertEquals("ran" in globalThis, false);
 * ```
 */
export function warmUp(options: ModuleWarmUpOptions): Promise<string[]>;
export function warmUp(options: WarmUpOptions | ModuleWarmUpOptions = {}): string[] | Promise<string[]> {
  checkOptions("warmUp()", options, { ...warmUpOptions, modules: arrayOf(aModule, "addresses of modules") });
  const chosen = { timezone: true, stackTraces: true, certificates: false, tls: false, ...options };
  const parts = (Object.keys(warming) as (keyof typeof warming)[]).filter((part) => chosen[part]);
  for (const part of parts) warming[part]();
  const { modules } = options as Partial<ModuleWarmUpOptions>;
  return modules ? Promise.all(modules.map(loadWithoutRunning)).then(() => [...parts, "modules"]) : parts;
}

const aModule: Check = (value) =>
  typeof value === "string" || value instanceof URL
    ? undefined
    : { expected: "an address", error: TypeError };

/**
 * Makes Deno look up the local time zone now, and returns its name, such as `"Europe/Berlin"`. This is the equivalent
 * of caph_cache_tzdata() of capsicum_helpers.h for `Date`, `Intl` and `Temporal`.
 *
 * Without it, local time is UTC after `enter()`. If the variable `TZ` changes later, Deno looks it up again. There is
 * no equivalent of caph_cache_catpages(): Deno never sets the locale of libc, so libc opens no message catalogs.
 *
 * Calls no libc function and needs no permission.
 *
 * @throws {RangeError} If `Intl` refuses the time zone in the variable `TZ`.
 *
 * @example
 * ```ts
 * import { cacheTimezone } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(cacheTimezone(), new Intl.DateTimeFormat().resolvedOptions().timeZone);
 * ```
 */
export function cacheTimezone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/**
 * Makes every violation in capability mode raise SIGTRAP in the thread that committed it.
 *
 * It finds forgotten resources: the process ends at the system call that fails with ENOTCAPABLE or ECAPMODE, and leaves a
 * core dump in which a debugger shows the caller. Call it before `enter()`, and only to find mistakes, not in production.
 * Children inherit it. `ktrace -t p` finds violations without it.
 *
 * Deno itself commits some: at the end of a program that does not call `Deno.exit()`, it looks for its caches by their
 * paths; after `limitOthers()`, it reads them. So leave `limitOthers()` out while looking for mistakes.
 *
 * Stands for procctl(2), PROC_TRAPCAP_CTL. Requires `--allow-ffi` permission.
 *
 * @param on False to stop it. Default: true.
 * @throws {TypeError} If the argument is not a boolean.
 * @throws {CapsicumError} ECAPMODE in capability mode.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, trapViolations, violationsAreTrapped } from "jsr:@capsicum/capsicum";
 * import { assert } from "jsr:@std/assert";
 *
 * if (isSupported()) {
 *   trapViolations();
 *   assert(violationsAreTrapped());
 *   trapViolations(false);
 * }
 * ```
 */
export function trapViolations(on = true): void {
  if (typeof on !== "boolean") {
    throw new TypeError(`trapViolations(): the argument must be a boolean, not ${shown(on)}.`);
  }
  const state = new Int32Array([on ? PROC_TRAPCAP_CTL_ENABLE : PROC_TRAPCAP_CTL_DISABLE]);
  libc.procctl(P_PID, Deno.pid, PROC_TRAPCAP_CTL, new Uint8Array(state.buffer));
}

/**
 * Returns whether violations raise SIGTRAP in this process. The sysctl kern.trap_enotcap, which does so for all processes, is
 * not considered.
 *
 * Stands for procctl(2), PROC_TRAPCAP_STATUS. Requires `--allow-ffi` permission.
 *
 * @throws {CapsicumError} ECAPMODE in capability mode.
 * @throws {Deno.errors.NotSupported} If the system is not FreeBSD.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
 *
 * @example
 * ```ts
 * import { isSupported, violationsAreTrapped } from "jsr:@capsicum/capsicum";
 * import { assertEquals } from "jsr:@std/assert";
 *
 * if (isSupported()) assertEquals(violationsAreTrapped(), false);
 * ```
 */
export function violationsAreTrapped(): boolean {
  const state = new Int32Array(1);
  libc.procctl(P_PID, Deno.pid, PROC_TRAPCAP_STATUS, new Uint8Array(state.buffer));
  return state[0] === PROC_TRAPCAP_CTL_ENABLE;
}

// sys/wait.h and sys/procctl.h, FreeBSD 13 to 15.
const P_PID = 0;
const PROC_TRAPCAP_CTL = 9, PROC_TRAPCAP_STATUS = 10;
const PROC_TRAPCAP_CTL_ENABLE = 1, PROC_TRAPCAP_CTL_DISABLE = 2;

const warming = {
  timezone: cacheTimezone,
  stackTraces: readStackTraces,
  certificates: () => Deno.createHttpClient({}).close(),
  tls: startTls,
};

/** A connection of `node:tls`. */
interface Connection {
  on(event: "error", listener: () => void): void;
  destroy(): void;
}

/** Starts a TLS connection to no server: this reads the root certificates and makes the first keys. */
function startTls(): void {
  const { Duplex } = builtin<{ Duplex: new (methods: object) => unknown }>("node:stream");
  const { connect } = builtin<{ connect(options: object): Connection }>("node:tls");
  const write = (_chunk: unknown, _encoding: unknown, done: () => void) => done();
  const connection = connect({ socket: new Duplex({ read() {}, write }), servername: "localhost" });
  connection.on("error", () => {});
  connection.destroy();
}

/**
 * Makes Deno look up the source maps of all modules of this library that can be in a stack trace, except `./ambient`. Each call
 * here fails: by its arguments, or on a descriptor that is not open.
 */
function readStackTraces(): void {
  for (const call of mayCall() ? [...wrongArguments, ...onNoDescriptor] : wrongArguments) readStack(call);
}

/** Calls that fail before they call libc. */
const wrongArguments: readonly (() => unknown)[] = [
  () => {
    throw failure({ syscall: "open", path: "" }, "ENOENT", "");
  },
  () => new Rights(["" as "READ"]),
  () => new Fcntls(["" as "GETFL"]),
  () => new Ioctls([-1]),
  () => rightsFor("" as "read"),
  () => stepsOf({ dirs: { "": { path: "" } }, "": 0 } as never),
  () => ioctl("" as "r", "", 0, 0),
  () => Rights.fromJSON([0 as never]),
  () => openSync(""),
  () => openSync("x", { read: false }),
  () => file().utimeSync(NaN, 0),
  () => openSync(new URL("data:,")),
  () => openDirSync("", { "": 0 } as never),
  () => limitOthers({ keep: 0 as never }),
  () => fdOf(0 as never),
  () => trapViolations(0 as never),
  () => dir().expandGlobSync(0 as never).next(),
  () => libc.lseek(0, NaN, 0),
  () => libc.procctl(NaN, 0, 0, new Uint8Array(4)),
  () => libc.openat("" as never, "", 0),
];

/** Calls that fail with EBADF. */
const onNoDescriptor: readonly (() => unknown)[] = [
  () => dir().openSync("x"),
  () => dir().readFileSync("x"),
  () => dir().readDirSync("x"),
  () => dir().walkSync("x").next(),
  () => dir().statSync("x"),
  () => dir().realPathSync("x"),
  () => dir().mkdirSync("x"),
  () => dir().removeSync("x"),
  () => dir().emptyDirSync("x"),
  () => dir().copyFileSync("x", "y"),
  () => dir().copySync("x", "y"),
  () => dir().writeFileAtomicSync("x", new Uint8Array()),
  () => dir().makeTempFileSync(),
  () => file().readSync(new Uint8Array(1)),
  () => listDirSync(NOWHERE),
  () => getRights(NOWHERE),
  () => limitStream(NOWHERE, "read"),
];

const dir = (): Dir => new Dir(NOWHERE, true);
const file = (): FdFile => new FdFile(NOWHERE);

/** A number that no descriptor can have: the limit is lower on every system. */
const NOWHERE = 0x7fffffff;

/** What the first import throws, as the sign that everything was loaded. */
const loaded = Symbol.for("@capsicum/capsicum: loaded, and not run");

/** Loads and links a module and what it imports, by its address or a path relative to the main module. */
async function loadWithoutRunning(module: string | URL): Promise<void> {
  const address = /^\.{0,2}\//.test(String(module)) ? new URL(module, Deno.mainModule).href : String(module);
  const wrong = (why: string, options?: ErrorOptions) => {
    const call = `warmUp(): the module ${quoted(address, 120)}`;
    return new Error(`${call} ${shortened(why, MOST - call.length - 1)}`, options);
  };
  const thrower = dataUrl(`throw Symbol.for(${JSON.stringify(loaded.description)});`);
  try {
    await import(dataUrl(`import ${JSON.stringify(thrower)};\nimport ${JSON.stringify(address)};`));
  } catch (cause) {
    if (cause === loaded) return;
    throw wrong(`can't be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  throw wrong("was run, and not only loaded: this version of Deno does not stop at an import that throws.");
}

function dataUrl(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

/**
 * Makes Deno do now what would end the program in a sandbox of Linux:
 *
 * - `globalThis.process` asks for the path of Deno, by /proc/self/exe, when it is first used. `Deno.execPath()` asks at each call,
 *   so it is replaced by a function that returns the same path.
 * - A stack trace through a module whose source map was not read makes Deno compile the module again. The parser measures the
 *   stack of the main thread, by /proc/self/maps, at its first `if`. It then remembers the size.
 */
export function avertPanics(): void {
  // Under another filter, or without /proc, it would panic now.
  if (!canReadProc()) return;
  void nodeProcess().execPath;
  const path = Deno.execPath();
  Reflect.set(Deno, "execPath", function execPath() {
    return path;
  });
  const { stripTypeScriptTypes } = builtin<{ stripTypeScriptTypes?(source: string): string }>("node:module");
  if (stripTypeScriptTypes) return void stripTypeScriptTypes("if (0);");
  // Deno 2.7 has no way to run the parser, so all source maps are read, also those of the callers.
  readStackTraces();
  readStack(() => {
    throw new Error();
  });
}

function canReadProc(): boolean {
  try {
    libc.readlinkat(libc.AT_FDCWD, "/proc/self/exe", new Uint8Array(1));
    libc.close(libc.openat(libc.AT_FDCWD, "/proc/self/maps", libc.O_RDONLY | libc.O_CLOEXEC));
    return true;
  } catch {
    return false;
  }
}

/** Loads a built-in module of Node. It opens no file. */
export function builtin<Module>(name: `node:${string}`): Module {
  return nodeProcess().getBuiltinModule(name) as Module;
}

interface NodeProcess {
  readonly execPath: string;
  getBuiltinModule(name: string): unknown;
}

/** Its name is banned in the library, except where it stands for Node. */
export function nodeProcess(): NodeProcess {
  return Reflect.get(globalThis, "process");
}
