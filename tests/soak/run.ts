import { root, runDeno } from "../run/deno.ts";
import { askKernel, findKernel, kernelEnv, nativeKernel } from "../run/kernel.ts";
import { packageFlags } from "../run/packages.ts";

/** Runs rounds of work for `--seconds` (60 by default), on this system's own kernel, and returns 1 if something grew. */
export async function runSoak(args: string[]): Promise<number> {
  const [option, seconds = "60", ...others] = args;
  if (option !== undefined && option !== "--seconds" || !(Number(seconds) > 0) || others.length > 0) {
    throw new Error("usage: deno task soak [--seconds S]");
  }
  const kernel = nativeKernel() ?? await findKernel();
  const flags = ["--no-lock", ...kernel.flags, ...await packageFlags()];
  const env = { ...kernel.env, ...kernelEnv(kernel, flags) };
  console.log(await askKernel(flags, env));
  const directory = Deno.makeTempDirSync({ prefix: "capsicum-soak-" });
  const interval = Math.max(1, Math.min(60, Number(seconds) / 20));
  const rest = [directory, seconds, "0", `${interval}`];
  try {
    return await runDeno([
      ...["run", "-A", "--quiet", "--v8-flags=--expose-gc", ...flags],
      new URL("tests/soak/_rounds.ts", root).href,
      ...rest,
    ], { env });
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}
