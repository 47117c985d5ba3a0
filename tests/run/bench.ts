import { root, runDeno } from "./deno.ts";
import { askKernel, findKernel, type Kernel, kernelEnv, nativeKernel } from "./kernel.ts";
import { packageFlags } from "./packages.ts";

/** The benches that say nothing of the library when a stand-in answers. */
const natively = ["ambient", "files", "grep", "http", "throughput"];

/** Runs the benches whose names are given, or all. */
export async function runBench(names: string[]): Promise<number> {
  const directory = new URL("tests/bench/", root);
  const all = [...Deno.readDirSync(directory)].map(({ name }) => name)
    .filter((name) => /^[^_].*_bench\.ts$/.test(name)).map((name) => name.slice(0, -"_bench.ts".length))
    .sort();
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) throw new Error(`There is no bench "${unknown}", only ${all.join(", ")}.`);
  const standin = await findKernel(), native = nativeKernel() ?? standin, packages = await packageFlags();
  let exit = 0, last: Kernel | undefined;
  for (const name of names.length > 0 ? names : all) {
    const kernel = natively.includes(name) ? native : standin;
    const flags = ["--no-lock", ...kernel.flags, ...packages];
    const env = { ...kernel.env, ...kernelEnv(kernel, flags) };
    if (kernel !== last) console.log(`kernel: ${await askKernel(flags, env)}`);
    last = kernel;
    const code = await runDeno([
      "run",
      "-A",
      "--quiet",
      ...flags,
      new URL(`${name}_bench.ts`, directory).href,
    ], {
      env,
    });
    if (code !== 0) console.error(`The bench "${name}" ended with code ${code}.`);
    exit ||= code;
  }
  return exit;
}
