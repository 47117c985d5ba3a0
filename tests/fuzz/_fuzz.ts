/**
 * Runs random programs of a target, and reduces one that fails to its shortest form.
 *
 * @module
 */
import { openDescriptors } from "../_kernel.ts";
import { Random } from "../_random.ts";

/** A target of random programs. A program is a list of steps. */
export interface Target<Step> extends Disposable {
  readonly name: string;
  /** The unit that is counted, in plural. */
  readonly unit: string;
  generate(random: Random): Step[];
  /** Runs a program from the initial state. Returns an error text; undefined if the program succeeds. */
  run(program: readonly Step[]): Promise<string | undefined>;
  /** The number of units in a program. */
  count(program: readonly Step[]): number;
  show(step: Step): string;
  /** Checks what is too slow to check after each program. Returns an error text; undefined if there is no error. */
  check?(programs: readonly (readonly Step[])[]): Promise<string | undefined>;
  /** Runs once after all programs. Returns an error text; undefined if there is no error. */
  finish?(): Promise<string | undefined>;
  /** Simpler steps that may fail in the same way. */
  simpler?(step: Step): readonly Step[];
}

export interface Bounds {
  seed: number;
  /** Stops after this number of units, or after `seconds`. */
  count: number;
  seconds: number;
}

export interface Outcome {
  /** How many units ran. */
  count: number;
  /** The first seed and the number of units that repeat the failure, and an error text. */
  failure?: { seed: number; count: number; report: string };
}

/** The number of programs between checks for open descriptors, which are slow, and between other checks, which are slower. */
const BATCH = 25, CHECKED = 600;
/** How many descriptors Deno may keep, each from its first use. */
const KEPT = 8;

/** Runs programs of consecutive seeds until one fails. */
export async function fuzz<Step>(target: Target<Step>, { seed, count, seconds }: Bounds): Promise<Outcome> {
  const end = performance.now() + seconds * 1000;
  let done = 0, open = openDescriptors().length;
  const start = open, batch: Run<Step>[] = [], checked: Run<Step>[] = [];
  for (let next = seed;; next++) {
    const isLast = done >= count || performance.now() >= end;
    if (batch.length === BATCH || isLast) {
      // Deno keeps some descriptors from their first use.
      const leaks = openDescriptors().length > open ? batch : [];
      for (const { seed, program } of leaks) {
        const leaking = { ...hooks(target), run: (program: readonly Step[]) => leakOf(target, program) };
        const wrong = await leaking.run(program);
        if (wrong !== undefined) {
          return { count: done, failure: { seed, count: 1, report: await report(leaking, program, wrong) } };
        }
      }
      batch.length = 0;
      open = openDescriptors().length;
    }
    if (checked.length === CHECKED || isLast) {
      const failure = await failureOf(target, checked);
      if (failure !== undefined) return { count: done, failure };
      checked.length = 0;
    }
    if (isLast) {
      const more = openDescriptors().length - start;
      const wrong = await target.finish?.() ??
        (more > KEPT ? `${more} more descriptors are open than at the start` : undefined);
      return wrong === undefined
        ? { count: done }
        : { count: done, failure: { seed, count: done, report: wrong } };
    }
    const program = target.generate(new Random(next));
    const wrong = await target.run(program);
    done += target.count(program);
    if (wrong !== undefined) {
      const text = await report(hooks(target), program, wrong);
      return { count: done, failure: { seed: next, count: 1, report: text } };
    }
    batch.push({ seed: next, program });
    if (target.check) checked.push({ seed: next, program });
  }
}

/** A program that succeeded, and its seed. */
interface Run<Step> {
  seed: number;
  program: readonly Step[];
}

/** Finds the program, or the shortest list of programs, that fails a target's check. */
async function failureOf<Step>(
  target: Target<Step>,
  runs: readonly Run<Step>[],
): Promise<Outcome["failure"]> {
  const check = async (runs: readonly Run<Step>[]) =>
    await target.check?.(runs.map(({ program }) => program));
  const wrong = await check(runs);
  if (wrong === undefined) return undefined;
  const failing = await shrunk(runs, async (runs) => await check(runs) !== undefined);
  const program = failing.flatMap(({ program }) => program), { seed } = failing[0] ?? runs[0]!;
  const checking = {
    ...hooks(target),
    run: async (program: readonly Step[]) => await target.check?.([program]),
  };
  const count = failing.length < 2 ? 1 : runs.reduce((sum, { program }) => sum + target.count(program), 0);
  return { seed, count, report: await report(checking, program, wrong) };
}

/** The functions that repeat a program and show it. */
type Hooks<Step> = Pick<Target<Step>, "run" | "show"> & { simpler(step: Step): readonly Step[] };

function hooks<Step>(target: Target<Step>): Hooks<Step> {
  return {
    run: (program) => target.run(program),
    show: (step) => target.show(step),
    simpler: (step) => target.simpler?.(step) ?? [],
  };
}

/** Returns an error text if a program leaves descriptors open each time. */
async function leakOf<Step>(target: Target<Step>, program: readonly Step[]): Promise<string | undefined> {
  for (let tries = 1;; tries++) {
    const before = openDescriptors().length;
    await target.run(program);
    const left = openDescriptors().length - before;
    if (left <= 0) return undefined;
    if (tries === 3) return `${left} descriptors are left open`;
  }
}

async function report<Step>(hooks: Hooks<Step>, program: readonly Step[], wrong: string): Promise<string> {
  let last = wrong;
  const shortest = await shrunk(program, async (program) => {
    const wrong = await hooks.run(program);
    if (wrong !== undefined) last = wrong;
    return wrong !== undefined;
  }, hooks.simpler);
  return [...shortest.map((step) => `  ${hooks.show(step)}`), last].join("\n");
}

/** The maximum number of runs to shorten a program, and of milliseconds. */
const TRIES = 1500, MILLISECONDS = 60_000;

/** Returns the shortest form of a list that it finds for which `fails` is true. */
export async function shrunk<T>(
  list: readonly T[],
  fails: (list: readonly T[]) => Promise<boolean>,
  simpler: (element: T) => readonly T[] = () => [],
): Promise<readonly T[]> {
  let tries = 0;
  const end = performance.now() + MILLISECONDS;
  const works = async (list: readonly T[]) => tries++ < TRIES && performance.now() < end && await fails(list);
  for (let size = list.length >> 1; size > 0; size = size === 1 || list.length === 0 ? 0 : size >> 1) {
    for (let at = list.length - size; at >= 0; at -= size) {
      const without = list.toSpliced(at, size);
      if (await works(without)) list = without;
    }
  }
  for (let at = list.length - 1; at >= 0; at--) {
    for (const element of simpler(list[at]!)) {
      const other = list.with(at, element);
      if (await works(other)) list = other;
    }
    const without = list.toSpliced(at, 1);
    if (await works(without)) list = without;
  }
  return list;
}
