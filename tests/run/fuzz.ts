import { root, runDeno } from "./deno.ts";
import { askKernel, findKernels, type Kernel, kernelEnv } from "./kernel.ts";
import { packageFlags } from "./packages.ts";
import type { Place } from "./places.ts";

/** The kernels that can differ on each target; undefined stands for the system's own FreeBSD. */
const targets: Readonly<Record<string, readonly (Place | undefined)[]>> = {
  calls: [undefined, "15.1", "13.2", "native"],
  // In capability mode of FreeBSD itself, Deno could not make the files.
  capmode: ["15.1", "13.2"],
  paths: [undefined, "15.1", "13.2", "native", "native without openat2"],
  globs: [undefined, "native"],
  tar: [undefined, "native"],
  wire: [undefined, "15.1", "native"],
};

const names = Object.keys(targets);

interface Bounds {
  seed: number;
  count: number;
  seconds: number;
}

/** Runs random programs of the targets that are named, or of all, on each kernel. */
export async function runFuzz(args: string[]): Promise<number> {
  const { bounds, chosen } = parsed(args);
  console.log(`seed: ${bounds.seed}`);
  const packages = await packageFlags();
  let exit = 0;
  for (const kernel of await findKernels()) {
    const here = chosen.filter((name) => targets[name]!.includes(kernel.place));
    if (here.length > 0) exit = await runOn(kernel, packages, here, bounds) || exit;
  }
  return exit;
}

async function runOn(kernel: Kernel, packages: string[], names: string[], bounds: Bounds): Promise<number> {
  const flags = ["--no-lock", ...kernel.flags, ...packages];
  const env = { ...kernel.env, ...kernelEnv(kernel, flags) };
  console.log(["kernel:", await askKernel(flags, env), kernel.variant ?? ""].join(" ").trim());
  const child = new URL("tests/fuzz/child.ts", root).href;
  const task = JSON.stringify(Object.fromEntries(names.map((name) => [name, bounds])));
  return await runDeno(["run", "-A", "--quiet", ...flags, child, task], { env });
}

/** The smallest value of each option. */
const least: Readonly<Record<keyof Bounds, number>> = { seed: 0, count: 1, seconds: 1 };

function parsed(args: string[]): { bounds: Bounds; chosen: string[] } {
  const given: Partial<Bounds> = {}, chosen: string[] = [];
  const rest = args.flatMap((arg) => arg.startsWith("--") ? arg.split("=") : [arg]);
  for (let arg; (arg = rest.shift()) !== undefined;) {
    const option = arg.slice(2) as keyof Bounds;
    if (!arg.startsWith("-")) {
      if (!names.includes(arg)) {
        throw new Error(`There is no target "${arg}". The targets are ${names.join(", ")}.`);
      }
      chosen.push(arg);
    } else if (!arg.startsWith("--") || !Object.hasOwn(least, option)) {
      throw new Error(`There is no option ${arg}. The options are --seed N, --count N and --seconds S.`);
    } else {
      const value = rest.shift() ?? "", number = Number(value);
      if (!/^\d+$/.test(value) || number < least[option] || !Number.isSafeInteger(number)) {
        throw new Error(`--${option} takes an integer from ${least[option]}, not "${value}".`);
      }
      given[option] = number;
    }
  }
  const forever = 1e9;
  return {
    bounds: {
      seed: given.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]! >>> 4,
      count: given.count ?? forever,
      seconds: given.seconds ?? (given.count === undefined ? 20 : forever),
    },
    chosen: chosen.length > 0 ? chosen : names,
  };
}
