/**
 * Compares what the library costs with named peers: alternating rounds, medians, and a target beside each figure.
 *
 * @module
 */
import { runModule } from "../_child.ts";

/** Does one thing `times` times, in a loop of its own, so that the compiler optimizes each loop separately. */
export type Body = (times: number) => unknown;

export interface Target {
  /** The greatest ratio to the peer. */
  ratio?: number;
  /** The greatest figure. */
  most?: number;
  /** The greatest distance to the peer. */
  more?: number;
}

/** One figure beside that of a peer, as `--json` has it. */
export interface Row {
  bench: string;
  what: string;
  unit: string;
  /** The median of the library. */
  ours: number;
  peer: string;
  /** The median of the peer. */
  theirs: number;
  /** `ours / theirs`. */
  ratio: number;
  /** Null if there is no target. */
  target: Target | null;
  /** Whether the target is met; null if there is none. */
  met: boolean | null;
  /** Whether the figure is not the library's, but that of the calls by themselves. */
  isBare?: true;
  /** The size of a case that grows: entries of a directory, bytes of a file, components of a path. */
  growth?: { of: string; at: number };
}

/** With `--quick`, everything is measured once: to try a bench, not to know its figures. */
export const isQuick = Deno.env.has("CAPSICUM_BENCH_QUICK");
const rowsPath = Deno.env.get("CAPSICUM_BENCH_ROWS");

const rounds = isQuick ? 1 : 31;
const leastRound = 3;
/** Milliseconds. */
const warmUp = isQuick ? 1 : 1000;

/** The median cost of each body, in nanoseconds. */
export function measure<Name extends string>(bodies: Record<Name, Body>): Record<Name, number> {
  const names = Object.keys(bodies) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, calibrate(bodies[name])])) as Record<
    Name,
    number
  >;
  // The engine compiles a body further after some 10,000 calls.
  for (const end = performance.now() + warmUp; performance.now() < end;) {
    for (const name of names) time(bodies[name], times[name]);
  }
  const samples = collect(names);
  for (let round = 0; round < rounds; round++) {
    for (const name of names) samples[name].push(time(bodies[name], times[name]) / times[name] * 1e6);
  }
  return medians(samples);
}

export interface ChildrenOptions {
  /** Milliseconds, of which the difference is what a child cost; by default the time of day. */
  clock?: () => number;
  /** False: the children do not reach the kernel of the tests. */
  kernel?: boolean;
}

/** The median cost of a child Deno that runs each module from start to end, in milliseconds. */
export async function measureChildren<Name extends string>(
  modules: Record<Name, URL>,
  { clock = () => performance.now(), kernel = true }: ChildrenOptions = {},
): Promise<Record<Name, number>> {
  const names = Object.keys(modules) as Name[];
  const samples = collect(names);
  for (let round = isQuick ? 0 : -2; round < rounds; round++) {
    for (const name of names) {
      const start = clock();
      const { code, stderr } = await runModule(modules[name], { kernel });
      if (code !== 0) throw new Error(`${modules[name]} ended with code ${code}\n${stderr}`);
      if (round >= 0) samples[name].push(clock() - start);
    }
  }
  return medians(samples);
}

/** A clock of the CPU time that all ended children took, in user mode and in the kernel. */
export function cpuOfChildren(): () => number {
  const path = Deno.build.os === "freebsd" ? "/lib/libc.so.7" : "libc.so.6";
  const { symbols } = Deno.dlopen(path, {
    // int getrusage(int who, struct rusage *rusage)
    getrusage: { parameters: ["i32", "buffer"], result: "i32" },
  });
  // RUSAGE_CHILDREN, and struct rusage of 64-bit FreeBSD and Linux: 18 words, of which two struct timeval come first.
  const children = -1, usage = new BigInt64Array(18);
  return () => {
    if (symbols.getrusage(children, usage) !== 0) throw new Error("getrusage() failed");
    const [seconds = 0n, micro = 0n, kernelSeconds = 0n, kernelMicro = 0n] = usage;
    return Number((seconds + kernelSeconds) * 1_000_000n + micro + kernelMicro) / 1000;
  };
}

/**
 * Prints one figure beside its peer's, the ratio, and whether the target is met if there is one, which is returned. With
 * `--json` it also writes a row.
 */
export function report(
  what: string,
  mine: number,
  peer: string,
  other: number,
  unit: string,
  target: Target = {},
  marks: Pick<Row, "isBare" | "growth"> = {},
): boolean {
  const { ratio = Infinity, more = Infinity, most = Infinity } = target;
  const met = mine <= ratio * other && mine - other <= more && mine <= most;
  const wanted = [
    ...(ratio < Infinity ? [`at most ${ratio}x`] : []),
    ...(more < Infinity ? [`at most ${figure(more)} ${unit} more`] : []),
    ...(most < Infinity ? [`at most ${figure(most)} ${unit}`] : []),
  ].join(", ");
  const difference = more < Infinity ? `, ${signed(mine - other)} ${unit}` : "";
  console.log(
    `${what}: ${figure(mine)} ${unit}, ${(mine / other).toFixed(2)}x ${peer} (${figure(other)} ${unit})` +
      `${difference}${wanted === "" ? "" : `; target ${wanted}: ${met ? "met" : "missed"}`}`,
  );
  if (rowsPath !== undefined) {
    const bench = new URL(Deno.mainModule).pathname.replace(/^.*\/(\w+)_bench\.ts$/, "$1");
    const hasTarget = wanted !== "";
    const row: Row = {
      ...{ bench, what: what.trim(), unit, ours: mine, peer, theirs: other, ratio: mine / other },
      ...{ target: hasTarget ? target : null, met: hasTarget ? met : null, ...marks },
    };
    Deno.writeTextFileSync(rowsPath, `${JSON.stringify(row)}\n`, { append: true });
  }
  return met;
}

function calibrate(body: Body): number {
  let times = 1;
  while (time(body, times) < leastRound) times *= 2;
  return times;
}

function time(body: Body, times: number): number {
  const start = performance.now();
  body(times);
  return performance.now() - start;
}

function collect<Name extends string>(names: Name[]): Record<Name, number[]> {
  return Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
}

function medians<Name extends string>(samples: Record<Name, number[]>): Record<Name, number> {
  const entries = Object.entries<number[]>(samples).map(([name, values]) => [name, median(values)]);
  return Object.fromEntries(entries) as Record<Name, number>;
}

/** The middle one of the values. */
export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

function figure(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

function signed(value: number): string {
  return `${value < 0 ? "-" : "+"}${figure(Math.abs(value))}`;
}
