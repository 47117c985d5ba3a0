/**
 * Calls any function of libc by its name, past the library under test.
 *
 * @module
 */

/** An integer of any width, a C string, a buffer, or NULL. */
export type Value = number | bigint | string | Uint8Array<ArrayBuffer> | null;

export interface Outcome {
  ret: bigint;
  /** FreeBSD's errno if `ret` is -1, otherwise 0. */
  errno: number;
}

/** Functions whose result has 64 bits; the upper half of any other result is undefined. */
const wideResults = new Set(
  ("read readv write writev pread preadv pwrite pwritev send sendto sendmsg recv recvfrom recvmsg lseek readlink " +
    "readlinkat getdirentries getdents copy_file_range cap_ioctls_get getrandom pathconf fpathconf sysconf mmap " +
    "getcwd realpath").split(" "),
);

/** Functions that fail with a null pointer. */
const pointerResults = new Set(["getcwd", "realpath"]);

const library = "/lib/libc.so.7";
const { symbols: { __error, memcpy } } = Deno.dlopen(library, {
  __error: { parameters: [], result: "pointer" },
  memcpy: { parameters: ["buffer", "pointer", "usize"], result: "pointer" },
});
const cell = new Int32Array(1);
const errno = __error();
const bound = new Map<string, (...values: unknown[]) => number | bigint | boolean>();

/** Looks a function up, so that it can be called later in capability mode too. */
export function bind(name: string, values: Value[]): (...values: unknown[]) => number | bigint | boolean {
  // Integers are passed as 64 bits: what a function reads of its register is the same for any width.
  const parameters = values.map((value) => isInteger(value) ? "i64" : "buffer");
  const key = `${name}(${parameters})`;
  const known = bound.get(key);
  if (known) return known;
  const result = name === "cap_sandboxed" ? "bool" : wideResults.has(name) ? "i64" : "i32";
  const { symbols } = Deno.dlopen(library, { [name]: { parameters, result } as Deno.ForeignFunction });
  const call = symbols[name] as unknown as (...values: unknown[]) => number | bigint | boolean;
  bound.set(key, call);
  return call;
}

/** `name(...values)` */
export function libc(name: string, ...values: Value[]): Outcome {
  const call = bind(name, values);
  const converted = values.map((value) =>
    isInteger(value) ? BigInt(value) : typeof value === "string" ? cString(value) : value
  );
  const result = call(...converted);
  memcpy(cell, errno, 4n);
  const ret = pointerResults.has(name) && result === 0n ? -1n : BigInt(result);
  return { ret, errno: ret === -1n ? cell[0] ?? 0 : 0 };
}

/** The result of a call that must succeed. */
export function must(name: string, ...values: Value[]): number {
  const { ret, errno } = libc(name, ...values);
  if (ret === -1n) throw new Error(`${name}(${values.join(", ")}) failed with errno ${errno}`);
  return Number(ret);
}

function isInteger(value: Value): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
