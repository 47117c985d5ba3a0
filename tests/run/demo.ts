import { root, runDeno } from "./deno.ts";
import { askKernel, findKernel, kernelEnv } from "./kernel.ts";

/** Runs the demo with the least permission that it needs. */
export async function runDemo(args: string[]): Promise<number> {
  const kernel = await findKernel();
  const flags = ["--no-lock", ...kernel.flags];
  const env = kernelEnv(kernel, flags);
  if (kernel.simulated) console.log(await askKernel(flags, env));
  const demo = new URL("examples/demo.ts", root).href;
  return await runDeno([
    "run",
    "--quiet",
    "--no-prompt",
    ...flags,
    `--allow-ffi=${kernel.libc}`,
    demo,
    ...args,
  ], { env });
}
