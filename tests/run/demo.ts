import { root, runDeno } from "./deno.ts";
import { askKernel, findKernel, kernelEnv } from "./kernel.ts";

const examples = ["demo", "port_pycapsicumcffi", "port_pycapsicum"];

/** Runs the demo, or another of the examples by its name, with the least permission that it needs. */
export async function runDemo([name = "demo"]: string[]): Promise<number> {
  if (!examples.includes(name)) {
    throw new Error(`There is no demo "${name}", only ${examples.join(", ")}.`);
  }
  const kernel = await findKernel();
  const flags = ["--no-lock", ...kernel.flags];
  const env = { ...kernel.env, ...kernelEnv(kernel, flags) };
  if (kernel.simulated) console.log(await askKernel(flags, env));
  const demo = new URL(`examples/${name}.ts`, root).href;
  return await runDeno([
    "run",
    "--quiet",
    "--no-prompt",
    ...flags,
    `--allow-ffi=${kernel.libc}`,
    demo,
  ], { env });
}
