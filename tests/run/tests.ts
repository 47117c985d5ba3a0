import { askKernel, findKernels, type Kernel, kernelEnv, loggingTo } from "./kernel.ts";
import { packageFlags } from "./packages.ts";
import { runDeno } from "./deno.ts";
import { type Pass, runPasses, withComplaint } from "./pass.ts";
import { dependsOnDeno, placesOf, splitArguments, staleRules } from "./places.ts";
import { formatCounts, formatSkips, formatSlowest, sum } from "./report.ts";

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

  async function passOn(kernel: Kernel, files: string[]): Promise<Pass> {
    const violations = kernel.isChecked && Deno.makeTempFileSync({ prefix: "capsicum-check-" });
    // Some tests run as another user.
    if (violations) Deno.chmodSync(violations, 0o666);
    const reaching = violations ? loggingTo(violations, kernel.flags) : kernel.flags;
    const flags = ["--no-lock", ...reaching, ...packages];
    const env = { ...kernel.env, ...kernelEnv(kernel, flags) };
    const name = [await askKernel(flags, env), ...(kernel.variant ? [kernel.variant] : [])].join(", ");
    return { name, flags, env, files, args: others, ...violations ? { violations } : {} };
  }

  const kernels = await findKernels(), [first] = kernels;
  const native = kernels.find(({ place }) => place === "native");
  const once = Deno.env.has("CAPSICUM_TEST_ONCE") ? native : undefined;
  const runsOn = (file: string, { place }: Kernel) => place === undefined || placesOf(file).includes(place);
  const passes = await Promise.all((once === undefined ? kernels : [first, once]).map((kernel) =>
    passOn(
      kernel,
      files.filter((file) =>
        once === undefined
          ? runsOn(file, kernel)
          : dependsOnDeno(file) && runsOn(file, once) === (kernel === once)
      ),
    )
  ));
  const [firstPass, oncePass] = once === undefined ? [] : passes;
  const chosen = passes.filter(({ files }) => files.length > 0);
  if (chosen.length === 0) throw new Error("No kernel here runs these files.");

  // The modules that `deno task ok check` checks, so that Deno does it once.
  const checked = runDeno([
    "check",
    "--quiet",
    "--no-lock",
    ...packages,
    ...(args.length === 0 ? ["."] : files),
  ]);
  const results = await runPasses(chosen, (part, { files }) => {
    const skipped = files.filter(({ file, skips }) => skips.length > 0 && runsOn(file, first));
    if (firstPass === undefined || part.name !== oncePass!.name || skipped.length === 0) return undefined;
    const names = skipped.flatMap(({ skips }) => skips).map(({ name }) =>
      name.replaceAll(/[\\.+*?()|[\]{}^$]/g, "\\$&")
    );
    return {
      ...firstPass,
      files: skipped.map(({ file }) => file),
      args: [...others, `--filter=/^(?:${names.join("|")})$/`],
    };
  });
  const all = args.length === 0;
  for (const [i, result] of results.entries()) {
    if (!chosen.some(({ name }) => name === result.name)) continue;
    const passed = result.files.filter(({ passed }) => passed > 0).map(({ file }) => file);
    // Files that were named may all be for other kernels.
    const isEmpty = (all ? [result] : results).every(({ files }) =>
      files.every(({ passed }) => passed === 0)
    );
    if (isEmpty) results[i] = withComplaint(result, "No test ran.");
    else if (all && !passed.some(isKernelTest)) {
      results[i] = withComplaint(result, "No test that needs a kernel ran.");
    }
  }
  for (const { name, violations } of passes) {
    if (violations === undefined) continue;
    const text = Deno.readTextFileSync(violations).trim();
    Deno.removeSync(violations);
    const i = results.findIndex((result) => result.name === name);
    if (text !== "") results[i] = withComplaint(results[i]!, `${text}\n`);
  }
  const ran = results.flatMap(({ files }) => files), check = await checked;
  console.log([
    "",
    ...formatSlowest(ran, 10),
    ...formatSkips(ran.flatMap(({ skips }) => skips)),
    ...results.flatMap(({ name, counts, complaints }) => [
      `kernel: ${name}: ${formatCounts(counts)}`,
      ...complaints,
    ]),
    ...(check === 0 ? [] : ["The types are wrong."]),
    formatCounts(sum(results.map(({ counts }) => counts))),
  ].join("\n"));
  return results.find(({ code }) => code !== 0)?.code ?? check;
}

/** Whether the tests of a file call a kernel: those of rights/ and of the sources' own shape need none. */
function isKernelTest(file: string): boolean {
  return /^tests\/(ffi|compat|examples)\//.test(file);
}
