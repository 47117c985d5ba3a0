/**
 * The controls of the stand-in, which is simulated and no kernel: it counts calls and lets them fail on demand.
 *
 * Where FreeBSD's kernel answers there are none, and a test that needs them is skipped by `{ skip: needsStandin }`.
 *
 * @module
 */
import { symbols as used } from "../ffi/symbols.ts";
import { kernel } from "./_kernel.ts";

const symbols = kernel.simulated ? controls() : undefined;

function controls() {
  return Deno.dlopen("/lib/libc.so.7", {
    // int standin_fail(const char *call, int nth, int errno)
    standin_fail: { parameters: ["buffer", "i32", "i32"], result: "i32", optional: true },
    // int standin_fail_from(const char *call, int nth, int errno)
    standin_fail_from: { parameters: ["buffer", "i32", "i32"], result: "i32", optional: true },
    // int standin_calls(const char *call)
    standin_calls: { parameters: ["buffer"], result: "i32", optional: true },
  }).symbols;
}

/** The reason to skip a test that needs these controls; false if they are available. */
export const needsStandin: string | false = kernel.simulated
  ? false
  : "needs the stand-in, which counts calls and makes them fail";

/** The reason why refusals can't raise SIGTRAP here; false if they can. */
export const needsTraps: string | false = kernel.simulated
  ? false
  : "needs the stand-in: FreeBSD would also trap what Deno itself does";

/** The next call of that C function fails with FreeBSD's errno `errno`; or, of the next ones, the `nth`. */
export function failNext(call: string, errno: number, nth = 1): void {
  if (symbols?.standin_fail?.(cString(call), nth, errno) !== 0) {
    throw new Error(`${call} can't be made to fail`);
  }
}

/** The `nth` of the next calls and all later ones fail, until `failNext()` says otherwise. */
export function failFrom(call: string, errno: number, nth = 1): void {
  if (symbols?.standin_fail_from?.(cString(call), nth, errno) !== 0) {
    throw new Error(`${call} can't be made to fail`);
  }
}

/** How often a C function was called. */
export function callsOf(call: string): number {
  const count = symbols?.standin_calls?.(cString(call)) ?? -1;
  if (count < 0) throw new Error(`no counter has the calls of ${call}`);
  return count;
}

const counted = Object.entries(used).map(([name, symbol]) => "name" in symbol ? symbol.name : name)
  .filter((name) => !["__error", "memcpy"].includes(name));

/** How often any of the C functions was called that the library uses. */
export function allCalls(): number {
  return new Set(counted).values().reduce((sum, name) => sum + callsOf(name), 0);
}

const flags: string[] = JSON.parse(Deno.env.get("CAPSICUM_TEST_FLAGS") ?? "[]");
const preload = flags.find((flag) => flag.startsWith("--preload="))?.slice("--preload=".length);

/** Returns the URL of a Worker's module; `?preload=` names the module that it must import first to use the same kernel. */
export function workerURL(module: URL): URL {
  const url = new URL(module);
  if (preload !== undefined) url.searchParams.set("preload", new URL(preload, import.meta.url).href);
  return url;
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
