import { root, runDeno } from "./deno.ts";
import { askKernel, findKernels, type Kernel, kernelEnv } from "./kernel.ts";
import { packageFlags } from "./packages.ts";
import type { Place } from "./places.ts";

/** The kernels that can differ on each target; undefined stands for the system's own FreeBSD. */
const targets: Readonly<Record<string, readonly (Place | undefined)[]>> = {
  calls: [undefined, "15.1", "13.2", "native"],
  paths: [undefined, "15.1", "13.2", "native", "native without openat2"],
  globs: [undefined, "native"],
  tar: [undefined, "native"],
};

const usage = `usage: deno task fuzz [--seed N] [--count N] [--seconds S] [${
  Object.keys(targets).join(" | ")
}]...`;

/** Runs random programs of the targets that are named, or of all, each for some seconds on each kernel. */
export async function runFuzz(args: string[]): Promise<number> {
  const { numbers: { seed, count, seconds }, names } = parsed(args);
  console.log(`seed: ${seed}`);
  const packages = await packageFlags();
  let exit = 0;
  for (const kernel of await findKernels()) {
    const chosen = names.filter((name) => targets[name]!.includes(kernel.place));
    if (chosen.length > 0) exit = await runOn(kernel, packages, chosen, { seed, count, seconds }) || exit;
  }
  return exit;
}

async function runOn(kernel: Kernel, packages: string[], names: string[], bounds: object): Promise<number> {
  const flags = ["--no-lock", ...kernel.flags, ...packages];
  const env = { ...kernel.env, ...kernelEnv(kernel, flags) };
  console.log(["kernel:", await askKernel(flags, env), kernel.variant ?? ""].join(" ").trim());
  const task = Object.fromEntries(names.map((name) => [name, bounds]));
  const child = new URL("tests/fuzz/child.ts", root).href;
  return await runDeno(["run", "-A", "--quiet", ...flags, child, JSON.stringify(task)], { env });
}

function parsed(args: string[]): { numbers: Record<"seed" | "count" | "seconds", number>; names: string[] } {
  const numbers: Record<string, number> = {
    seed: crypto.getRandomValues(new Uint32Array(1))[0]! >>> 4,
    count: 1e9,
    seconds: 20,
  };
  const names: string[] = [];
  const rest = args.flatMap((arg) => arg.split("="));
  for (let arg; (arg = rest.shift()) !== undefined;) {
    const option = arg.replace(/^--/, "");
    if (arg !== option && Object.hasOwn(numbers, option)) numbers[option] = Number(rest.shift());
    else names.push(arg);
  }
  if (
    !Object.values(numbers).every((number) => number >= 0) ||
    !names.every((name) => Object.hasOwn(targets, name))
  ) {
    throw new Error(usage);
  }
  return {
    numbers: numbers as ReturnType<typeof parsed>["numbers"],
    names: names.length > 0 ? names : Object.keys(targets),
  };
}
