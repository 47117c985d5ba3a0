import { runDeno } from "./deno.ts";
import { askKernel, findKernel, kernelEnv, nativeKernel, withoutOpenat2 } from "./kernel.ts";
import { nativeArgs } from "./native.ts";
import { packageFlags } from "./packages.ts";
import { type Counts, formatCounts, TestOutput } from "./summary.ts";

/** Runs `deno test` once for each release and each kernel, prints the sum, and gives the first exit code that is not 0. */
export async function runTests(args: string[]): Promise<number> {
  const packages = await packageFlags();
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  const report: string[] = [];
  let exit = 0;
  const first = await findKernel(), native = nativeKernel();
  for (const kernel of [first, native, withoutOpenat2(native)]) {
    if (kernel === undefined) continue;
    const flags = ["--no-lock", ...kernel.flags, ...packages];
    for (const release of kernel.releases) {
      const env = { ...release, ...kernelEnv(kernel, flags) };
      const name = [await askKernel(flags, env), ...(kernel.variant ? [kernel.variant] : [])].join(", ");
      console.log(`\nkernel: ${name}`);
      const chosen = kernel === first ? args : nativeArgs(args, kernel.files);
      if (chosen === undefined) {
        console.log("None of these files runs on it.");
        continue;
      }
      const { counts, code, complaint } = await runOnce([...flags, ...chosen], env, args.length === 0);
      for (const key of ["passed", "failed", "skipped"] as const) total[key] += counts[key];
      report.push(`kernel: ${name}: ${formatCounts(counts)}`);
      if (complaint) report.push(complaint);
      exit ||= code;
    }
  }
  console.log(["", ...report, formatCounts(total)].join("\n"));
  return exit;
}

interface Pass {
  counts: Counts;
  code: number;
  /** Why the pass is not green, where Deno itself did not say so. */
  complaint?: string;
}

async function runOnce(args: string[], env: Record<string, string>, whole: boolean): Promise<Pass> {
  const output = new TestOutput();
  const code = await runDeno(["test", "-A", ...args], { env, onOutput: (text) => output.add(text) });
  const { counts, kernelTests } = output;
  if (counts === undefined) {
    const complaint = `deno test ended with code ${code} before its summary, which counts as one failure.`;
    return { counts: { passed: 0, failed: 1, skipped: 0 }, code: code || 1, complaint };
  }
  if (counts.failed > 0) return { counts, code: code || 1 };
  if (code !== 0) return { counts, code, complaint: `deno test ended with code ${code}.` };
  if (counts.passed === 0) return { counts, code: 1, complaint: "No test ran." };
  if (whole && kernelTests === 0) return { counts, code: 1, complaint: "No test that needs a kernel ran." };
  return { counts, code };
}
