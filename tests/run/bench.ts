import { root, runDeno } from "./deno.ts";
import { askKernel, findKernel, kernelEnv } from "./kernel.ts";

/** Runs the benches whose names are given, or all. */
export async function runBench(names: string[]): Promise<number> {
  const directory = new URL("tests/bench/", root);
  const all = [...Deno.readDirSync(directory)].map(({ name }) => name)
    .filter((name) => /^[^_].*_bench\.ts$/.test(name)).map((name) => name.slice(0, -"_bench.ts".length))
    .sort();
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) throw new Error(`There is no bench "${unknown}", only ${all.join(", ")}.`);
  const kernel = await findKernel();
  const flags = ["--no-lock", ...kernel.flags];
  const env = kernelEnv(kernel, flags);
  console.log(`kernel: ${await askKernel(flags, env)}`);
  let exit = 0;
  for (const name of names.length > 0 ? names : all) {
    exit ||= await runDeno(["run", "-A", "--quiet", ...flags, new URL(`${name}_bench.ts`, directory).href], {
      env,
    });
  }
  return exit;
}
