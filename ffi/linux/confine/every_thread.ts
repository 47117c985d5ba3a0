/**
 * Restricts every other thread of the process by Landlock, for a kernel that can't do that itself (before Linux 7.0).
 *
 * Each thread has to make the call itself. So each one gets a signal whose handler makes it, as glibc does for setuid(2) on
 * all threads, and libpsx for any call. The handler is a few machine instructions, because it runs on threads that can't run
 * JavaScript. It reports the thread through a pipe. A thread that a restricted thread starts is restricted from its start.
 *
 * @module
 */
import { internal } from "../../internal.ts";
import { syscallError } from "../../failure.ts";
import { numbersIn } from "../../libc/process.ts";
import { errno } from "../../symbols.ts";
import * as linux from "../constants.ts";
import { rawGlibc } from "../glibc.ts";

const { thread, glibc } = rawGlibc();

/** The numbers of all threads of this process; undefined without /proc. */
export function threads(): number[] | undefined {
  return numbersIn("/proc/self/task");
}

/** How long a thread has to answer, in milliseconds. A thread that a device blocks answers only then. */
const PATIENCE = 5_000;

/**
 * Calls landlock_restrict_self(2) on all threads but this one.
 *
 * @throws {Error} If a call failed, on any thread, or a thread did not answer. Other threads may be restricted already.
 */
function restrictOthers(ruleset: number): void {
  const [answers, reports] = pipe();
  const before = handle(executable(handler(ruleset, reports)));
  restrictAll(answers);
  // Only after all threads answered: else a late one would report to the next file with this number.
  glibc("sigaction")(SIGURG, before, null);
  for (const fd of [answers, reports]) glibc("close")(fd);
}

/** Signals threads until each one in the list has answered: then there are none that an unrestricted thread has started. */
function restrictAll(answers: number): void {
  const tgkill = glibc("tgkill"), read = glibc("read"), poll = glibc("poll");
  const done = new Set([glibc("gettid")(linux.SYS_gettid)]), answer = new Int32Array(2);
  const exists = (thread: number, signal: number) =>
    tgkill(linux.SYS_tgkill, Deno.pid, thread, signal) !== -1;
  for (let waiting: number[]; (waiting = threads()!.filter((thread) => !done.has(thread))).length > 0;) {
    waiting = waiting.filter((thread) => exists(thread, SIGURG));
    const end = performance.now() + PATIENCE;
    while (waiting.length > 0) {
      if (poll(new Int32Array([answers, POLLIN]), 1n, 10) === 1 && read(answers, answer, 8n) === 8) {
        const result = answer[0]!;
        if (result < 0) {
          errno[0] = -result;
          throw syscallError("landlock_restrict_self", {});
        }
        done.add(result);
        waiting = waiting.filter((thread) => thread !== result);
      } else if (performance.now() < end) waiting = waiting.filter((thread) => exists(thread, 0));
      else throw new Error(`Landlock can't confine threads that do not take signals: ${waiting.join(", ")}.`);
    }
  }
}

/** For `confine.ts`. */
export const rawThreads = internal({ restrictOthers });

// asm-generic/signal.h, bits/sigaction.h, poll.h and asm-generic/mman.h. By default SIGURG is ignored.
const SIGURG = 23, SA_RESTART = 0x10000000, POLLIN = 1;
const PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4, MAP_PRIVATE = 2, MAP_ANONYMOUS = 0x20;

/** The ends of a new pipe: to read from, and to write to. */
function pipe(): [number, number] {
  const ends = new Int32Array(2);
  const result = glibc("pipe2")(ends, linux.O_CLOEXEC);
  if (result === -1) {
    thread.memcpy(errno, thread.errnoAt, 4n);
    throw syscallError("pipe2", {});
  }
  return [ends[0]!, ends[1]!];
}

/** The address of a copy of this code that can be executed. It stays: a thread can still be at its last instruction. */
function executable(code: Uint8Array<ArrayBuffer>): bigint {
  const size = BigInt(code.length);
  const address = glibc("mmap")(0n, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0n);
  if (BigInt.asIntN(64, address) === -1n) throw new Error("There is no memory for a signal handler.");
  glibc("memcpy_to")(address, code, size);
  // On arm64 the kernel then makes the code visible to the instruction caches.
  const result = glibc("mprotect")(address, size, PROT_READ | PROT_EXEC);
  if (result === -1) {
    thread.memcpy(errno, thread.errnoAt, 4n);
    throw syscallError("mprotect", {});
  }
  return address;
}

/** Sets the handler of the signal. Returns the action before, in a struct sigaction. */
function handle(address: bigint): Uint8Array<ArrayBuffer> {
  // struct sigaction: handler, a mask of 128 bytes, flags and restorer, which glibc fills in.
  const action = new BigUint64Array(19), before = new Uint8Array(action.byteLength);
  action[0] = address;
  action[17] = BigInt(SA_RESTART);
  const result = glibc("sigaction")(SIGURG, action, before);
  if (result === -1) {
    thread.memcpy(errno, thread.errnoAt, 4n);
    throw syscallError("sigaction", {});
  }
  return before;
}

/** The machine code of a signal handler: it restricts its thread, and writes the number of the thread or the negative errno. */
function handler(ruleset: number, reports: number): Uint8Array<ArrayBuffer> {
  return Deno.build.arch === "aarch64" ? arm64Handler(ruleset, reports) : x86Handler(ruleset, reports);
}

function x86Handler(ruleset: number, reports: number): Uint8Array<ArrayBuffer> {
  const bytes = (value: number) => new Uint8Array(new Int32Array([value]).buffer);
  return new Uint8Array([
    ...[0xbf, ...bytes(ruleset)], // mov edi, ruleset
    ...[0x31, 0xf6], // xor esi, esi
    ...[0xb8, ...bytes(446)], // mov eax, SYS_landlock_restrict_self
    ...[0x0f, 0x05], // syscall
    ...[0x85, 0xc0], // test eax, eax
    ...[0x75, 0x07], // jnz report
    ...[0xb8, ...bytes(186)], // mov eax, SYS_gettid
    ...[0x0f, 0x05], // syscall
    ...[0x50], // report: push rax
    ...[0xbf, ...bytes(reports)], // mov edi, reports
    ...[0x48, 0x89, 0xe6], // mov rsi, rsp
    ...[0xba, ...bytes(8)], // mov edx, 8
    ...[0xb8, ...bytes(1)], // mov eax, SYS_write
    ...[0x0f, 0x05], // syscall
    ...[0x58], // pop rax
    ...[0xc3], // ret
  ]);
}

function arm64Handler(ruleset: number, reports: number): Uint8Array<ArrayBuffer> {
  const move = (register: number, value: number) => [
    0x52800000 | (value & 0xffff) << 5 | register, // movz
    0x72a00000 | value >>> 16 << 5 | register, // movk, for the upper half
  ];
  const call = 0xd4000001; // svc #0
  const code = [
    ...move(0, ruleset),
    ...move(1, 0),
    ...move(8, 446), // SYS_landlock_restrict_self
    call,
    0xb5000080, // cbnz x0, report
    ...move(8, 178), // SYS_gettid
    call,
    0xf81f0fe0, // report: str x0, [sp, #-16]!
    ...move(0, reports),
    0x910003e1, // mov x1, sp
    ...move(2, 8),
    ...move(8, 64), // SYS_write
    call,
    0x910043ff, // add sp, sp, #16
    0xd65f03c0, // ret
  ];
  return new Uint8Array(new Uint32Array(code).buffer);
}
