/**
 * Has system calls of this process refused, by seccomp(2) of Linux on x86_64.
 *
 * @module
 */

export const glibc = "/lib/x86_64-linux-gnu/libc.so.6";

/** A `struct sock_filter`: the operation, the steps to skip if true and if false, a value. */
export type Step = readonly [code: number, yes: number, no: number, value: number];

export const LOAD = 0x20, EQUAL = 0x15, AT_LEAST = 0x35, RETURN = 0x06;
export const ALLOW = 0x7fff0000;
/** Where the number of the call lies, the address that it comes from (its lower half, its upper half), its arguments. */
export const number = 0, origin = [8, 12] as const, argument = (n: number): number => 16 + 8 * n;

/** What a filter returns for a call that fails with an errno. */
export function failWith(errno: number): number {
  return 0x00050000 | errno;
}

/**
 * From here on the steps decide over each call of this process, of all its threads and its children.
 *
 * @param library A library by which glibc's functions can be called.
 * @param whom This thread: and those that it starts.
 */
export function install(
  steps: readonly Step[],
  library: string,
  whom: "all threads" | "this thread" = "all threads",
): void {
  const bytes = new DataView(new ArrayBuffer(8 * steps.length));
  steps.forEach(([code, yes, no, value], i) => {
    bytes.setUint16(8 * i, code, true);
    bytes.setUint8(8 * i + 2, yes);
    bytes.setUint8(8 * i + 3, no);
    bytes.setUint32(8 * i + 4, value, true);
  });
  const program = new Uint8Array(bytes.buffer);
  const { memcpy, prctl, syscall } = Deno.dlopen(library, {
    memcpy: { parameters: ["buffer", "buffer", "usize"], result: "u64" },
    prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
    syscall: { parameters: ["i64", "u32", "u32", "buffer"], result: "i64" },
  }).symbols;
  // It returns the address of its first argument, for which Deno.UnsafePointer would need --allow-ffi for everything.
  const address = memcpy(program, program, 0n);
  const filter = new BigUint64Array([BigInt(steps.length), address]);
  const PR_SET_NO_NEW_PRIVS = 38, seccomp = 317n, SET_MODE_FILTER = 1, TSYNC = 1;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) !== 0) throw new Error("prctl() failed");
  if (syscall(seccomp, SET_MODE_FILTER, whom === "all threads" ? TSYNC : 0, filter) !== 0n) {
    throw new Error("seccomp() failed");
  }
}
