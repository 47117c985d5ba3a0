/**
 * Calls every exported function, and prints a `Report`.
 *
 * Its arguments are an empty directory and, to enter capability mode before the calls, "enter". It needs no
 * permission but `--allow-ffi`.
 *
 * @module
 */
import { dlopenCalls } from "./_count_dlopen.ts";
import { callExport, calls } from "./_calls.ts";
import { LibcPlace } from "./_place.ts";

export interface Report {
  /** How often a library had been opened when everything was imported, before the calls, and after them. */
  dlopenCalls: [imported: number, before: number, after: number];
  /** What was called. */
  called: string[];
  /** What each function threw, if it did. */
  failures: Record<string, string>;
}

/** These come last. */
const entering = ["enter", "libc.cap_enter"];

function main([path = "", first]: string[]): Report {
  const imported = dlopenCalls();
  using place = new LibcPlace(path);
  if (first === "enter") callExport("enter", []);
  const before = dlopenCalls();
  const called = [...Object.keys(calls).filter((name) => !entering.includes(name)), ...entering];
  const failures: Record<string, string> = {};
  for (const name of called) {
    try {
      callExport(name, calls[name]!.map(({ good }) => good(place)));
    } catch (error) {
      failures[name] = String(error);
    }
    place.closeAll();
  }
  return { dlopenCalls: [imported, before, dlopenCalls()], called, failures };
}

console.log(JSON.stringify(main(Deno.args)));
