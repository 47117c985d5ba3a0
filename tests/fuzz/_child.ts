/**
 * The process that runs the programs, without root's privileges: `[--seed N] [--count N] [--seconds S] [targets]`.
 *
 * @module
 */
import { kernel } from "../_kernel.ts";
import { dropRoot } from "../_unprivileged.ts";
import { type Bounds, fuzz, type Outcome, type Target } from "./_fuzz.ts";
import { CallsTarget } from "./_calls.ts";
import { GlobsTarget } from "./_globs.ts";
import { PathsTarget } from "./_paths.ts";
import { TarTarget } from "./_tars.ts";

const targets: Readonly<Record<string, () => Target<never>>> = {
  calls: () => new CallsTarget(),
  paths: () => new PathsTarget(),
  globs: () => new GlobsTarget(),
  tar: () => new TarTarget(),
} as Record<string, () => unknown> as Record<string, () => Target<never>>;

/** What the process is to do: for each target its bounds. */
export type Task = Record<string, Bounds>;
/** What came of it. */
export type Result = Record<string, Outcome & { unit: string; seconds: number }>;

if (import.meta.main) {
  dropRoot();
  const task: Task = JSON.parse(Deno.args[0]!), result: Result = {};
  for (const [name, bounds] of Object.entries(task)) {
    const start = performance.now();
    using target = targets[name]!();
    const outcome = await fuzz(target, bounds);
    result[name] = { ...outcome, unit: target.unit, seconds: (performance.now() - start) / 1000 };
    if (outcome.failure) console.error(outcome.failure.report);
  }
  console.log(JSON.stringify({ kernel: kernel.name, result }));
  Deno.exit();
}
