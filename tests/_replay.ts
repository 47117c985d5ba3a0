/**
 * Replays one recorded scenario of libc calls against the current kernel, and reports differences.
 *
 * As a program it reads an array of `Replay` from standard input and writes an array of `Replayed` to standard output. A
 * scenario that enters capability mode has a process of its own: tests/_replayer.ts sees to that.
 *
 * @module
 */
import { bind, libc, type Outcome, type Value } from "./_libc.ts";

/** A recorded argument; see "format" in tests/data/kernel_traces.json. */
export type Argument =
  | number
  | string
  | null
  | { ref: string }
  | { out: number }
  | { hex: string }
  | { rights: string[] };

export interface Step {
  call: string;
  args: Argument[];
  ret: number | "fd" | "ok" | "SSIZE_MAX";
  errno?: number;
  out?: Record<string, string>;
  as?: string;
  note?: string;
}

export interface Scenario {
  name: string;
  steps: Step[];
}

export interface Replay {
  scenario: Scenario;
  /** What `$base` stands for. */
  base: string;
  /** The `CAP_*` values, which `{ rights }` names without their prefix. */
  rights: Record<string, string>;
}

export interface Replayed {
  steps: number;
  mismatches: string[];
}

const ssizeMax = (1n << 63n) - 1n;

/** Replays `scenario` and compares every result, errno and buffer; `call` makes the calls. */
export function replay({ scenario, base, rights }: Replay, call: typeof libc = libc): Replayed {
  const results: Record<string, bigint> = {};
  const mismatches: string[] = [];

  const evaluate = (argument: Argument): Value => {
    if (argument === null || typeof argument === "number") return argument;
    if (typeof argument === "string") return argument.replaceAll("$base", base);
    if ("ref" in argument) return known(results, argument.ref);
    if ("out" in argument) return new Uint8Array(argument.out);
    if ("hex" in argument) return fromHex(argument.hex);
    return capRights(argument.rights.map((name) => BigInt(known(rights, name))));
  };

  // Everything is bound before the first step, since a step may enter capability mode.
  for (const { call, args } of scenario.steps) bind(call, args.map((arg) => hasRef(arg) ? 0 : evaluate(arg)));
  libc("umask", 0o022);
  scenario.steps.forEach((step, index) => {
    const values = step.args.map(evaluate);
    const outcome = call(step.call, ...values);
    if (step.as !== undefined) results[step.as] = outcome.ret;
    const differs = difference(step, outcome, values);
    if (differs) mismatches.push(`step ${index} ${shown(step)}: ${differs}`);
  });
  return { steps: scenario.steps.length, mismatches };
}

function shown({ call, args }: Step): string {
  return `${call}(${args.map((argument) => JSON.stringify(argument)).join(", ")})`;
}

function difference(step: Step, { ret, errno }: Outcome, values: Value[]): string | undefined {
  if (!matches(step.ret, ret) || (ret === -1n && errno !== step.errno)) {
    const expected = step.errno === undefined ? step.ret : `${step.ret} with errno ${step.errno}`;
    return `expected ${expected}, got ${ret === -1n ? `-1 with errno ${errno}` : ret}`;
  }
  for (const [index, hex] of Object.entries(step.out ?? {})) {
    const got = toHex(values[Number(index)] as Uint8Array);
    if (got !== hex) return `expected argument ${index} to become ${hex}, got ${got}`;
  }
  return undefined;
}

function matches(expected: Step["ret"], got: bigint): boolean {
  if (expected === "fd" || expected === "ok") return got >= 0n;
  return got === (expected === "SSIZE_MAX" ? ssizeMax : BigInt(expected));
}

function hasRef(argument: Argument): boolean {
  return typeof argument === "object" && argument !== null && "ref" in argument;
}

function known<T>(values: Record<string, T>, name: string): T {
  const value = values[name];
  if (value === undefined) {
    throw new Error(`the recording names ${JSON.stringify(name)}, which nothing defines`);
  }
  return value;
}

function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A `cap_rights_t`: two words, marked by bit 57 and bit 58. */
function capRights(values: bigint[]): Uint8Array<ArrayBuffer> {
  const words: [bigint, bigint] = [1n << 57n, 1n << 58n];
  for (const value of values) words[(value >> 58n) & 1n ? 1 : 0] |= value;
  return new Uint8Array(new BigUint64Array(words).buffer);
}

if (import.meta.main) {
  const replays: Replay[] = JSON.parse(await new Response(Deno.stdin.readable).text());
  console.log(JSON.stringify(replays.map((one) => replay(one))));
}
