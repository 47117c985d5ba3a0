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
  wire: [undefined, "15.1", "native"],
};

const usage = `usage: deno task fuzz [--seed N] [--count N] [--seconds S] [${
  Object.keys(targets).join(" | ")
}]...`;

type Bounds = Record<"seed" | "count" | "seconds", number>;

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

async function runOn(kernel: Kernel, packages: string[], names: string[], bounds: Bounds): Promise<number> {
  const flags = ["--no-lock", ...kernel.flags, ...packages];
  const env = { ...kernel.env, ...kernelEnv(kernel, flags) };
  console.log(["kernel:", await askKernel(flags, env), kernel.variant ?? ""].join(" ").trim());
  const run = ["-A", "--quiet", ...flags];
  const others = names.filter((name) => name !== "wire").map((name) => [name, bounds]);
  const child = new URL("tests/fuzz/child.ts", root).href, task = JSON.stringify(Object.fromEntries(others));
  const code = others.length === 0 ? 0 : await runDeno(["run", ...run, child, task], { env });
  return names.includes("wire") ? await runWire(run, env, bounds) || code : code;
}

/** How many messages the broker's process answers in a second, about. */
const MESSAGES = 1500;

/** Hostile messages for the broker's process are a test of their own, which takes their number from the environment. */
async function runWire(flags: string[], env: Record<string, string>, bounds: Bounds): Promise<number> {
  const { seed, count, seconds } = bounds, messages = Math.min(count, seconds * MESSAGES);
  const more = { CAPSICUM_TEST_MESSAGES: String(messages), CAPSICUM_TEST_SEED: String(seed) };
  const file = "tests/compat/broker/hostile_test.ts";
  return await runDeno(["test", ...flags, "--no-check", "--filter=hostile code", file], {
    env: { ...env, ...more },
  });
}

function parsed(args: string[]): { numbers: Bounds; names: string[] } {
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
    numbers: numbers as Bounds,
    names: names.length > 0 ? names : Object.keys(targets),
  };
}
