import { askKernel, findKernels, type Kernel, kernelEnv } from "./kernel.ts";
import { packageFlags } from "./packages.ts";
import { type Pass, runPasses } from "./pass.ts";
import { dependsOnDeno, placesOf, splitArguments, staleRules } from "./places.ts";
import { formatCounts, formatSkips, sum } from "./report.ts";

/**
 * Runs each test file on the kernels that can make a difference to it, prints the sum, and returns an exit code that is not
 * 0 if a test failed.
 *
 * With `CAPSICUM_TEST_ONCE` set, it runs what can differ between versions of Deno, and each test on one kernel: on Linux
 * itself if it can, otherwise on the stand-in for the newest release.
 */
export async function runTests(args: string[]): Promise<number> {
  const stale = staleRules();
  if (stale.length > 0) throw new Error(`tests/run/places.ts lists what does not exist: ${stale.join(", ")}`);
  const packages = await packageFlags();
  const { files, others } = splitArguments(args);
  const least = args.length === 0 ? "a test that needs a kernel" : "a test";

  async function passOn(kernel: Kernel, files: string[], more: Partial<Pass> = {}): Promise<Pass> {
    const flags = ["--no-lock", ...kernel.flags, ...packages];
    const env = { ...kernel.env, ...kernelEnv(kernel, flags) };
    const name = [await askKernel(flags, env), ...(kernel.variant ? [kernel.variant] : [])].join(", ");
    return { name, flags, env, files, check: false, args: others, least, ...more };
  }

  const kernels = await findKernels(), [first] = kernels;
  const native = kernels.find(({ place }) => place === "native");
  const once = Deno.env.has("CAPSICUM_TEST_ONCE") ? native : undefined;
  const runsOn = (file: string, { place }: Kernel) => place === undefined || placesOf(file).includes(place);
  const passes: Pass[] = [];
  let oncePass: Pass | undefined;
  for (const kernel of once === undefined ? kernels : [first, once]) {
    const chosen = files.filter((file) =>
      once === undefined
        ? runsOn(file, kernel)
        : dependsOnDeno(file) && runsOn(file, once) === (kernel === once)
    );
    if (chosen.length === 0) continue;
    const pass = await passOn(kernel, chosen, { check: kernel === first || kernel === once });
    passes.push(pass);
    if (kernel === once) oncePass = pass;
  }
  if (passes.length === 0) throw new Error("No kernel here runs these files.");

  const results = await runPasses(passes, async (pass, { files }) => {
    const skipped = files.filter(({ file, skips }) => skips.length > 0 && runsOn(file, first));
    if (pass !== oncePass || skipped.length === 0) return undefined;
    const names = skipped.flatMap(({ skips }) => skips).map(({ name }) =>
      name.replaceAll(/[\\.+*?()|[\]{}^$]/g, "\\$&")
    );
    return await passOn(first, skipped.map(({ file }) => file), {
      args: [...others, `--filter=/^(?:${names.join("|")})$/`],
      least: "nothing",
    });
  });
  console.log([
    "",
    ...formatSkips(results.flatMap(({ files }) => files).flatMap(({ skips }) => skips)),
    ...results.flatMap(({ name, counts, complaint = [] }) => [
      `kernel: ${name}: ${formatCounts(counts)}`,
      ...[complaint].flat(),
    ]),
    formatCounts(sum(results.map(({ counts }) => counts))),
  ].join("\n"));
  return results.find(({ code }) => code !== 0)?.code ?? 0;
}
