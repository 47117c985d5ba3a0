import { runDeno } from "./deno.ts";
import { askKernel, findKernel, kernelEnv, nativeKernel, withoutOpenat2 } from "./kernel.ts";
import { Lines } from "./lines.ts";
import { nativeArgs } from "./native.ts";
import { packageFlags } from "./packages.ts";
import { type Counts, formatCounts, formatSkips, plain, TestOutput } from "./summary.ts";

/** Runs `deno test` once for each release and each kernel, prints the sum, and returns the first exit code that is not 0. */
export async function runTests(args: string[]): Promise<number> {
  const packages = await packageFlags();
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  const report: string[] = [], skips = new Map<string, number>();
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
      const pass = await runOnce([...flags, ...chosen], env, args.length === 0);
      const { counts, code, complaint } = pass;
      for (const [reason, count] of pass.skips) skips.set(reason, (skips.get(reason) ?? 0) + count);
      for (const key of ["passed", "failed", "skipped"] as const) total[key] += counts[key];
      report.push(`kernel: ${name}: ${formatCounts(counts)}`);
      if (complaint) report.push(complaint);
      exit ||= code;
    }
  }
  console.log(["", ...formatSkips(skips), ...report, formatCounts(total)].join("\n"));
  return exit;
}

interface Pass {
  counts: Counts;
  skips: ReadonlyMap<string, number>;
  code: number;
  /** The reason why the pass failed, if Deno itself did not report one. */
  complaint?: string;
}

/** After how many milliseconds without the end of a file it is said which one runs. */
const patience = 60_000;

async function runOnce(args: string[], env: Record<string, string>, whole: boolean): Promise<Pass> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const print = (line: string) => {
    console.log(line);
    clearTimeout(timer);
    timer = setTimeout(() => output.unfinished(), patience);
  };
  const output = new TestOutput(print), errors = new Lines();
  const code = await runDeno(["test", "-A", ...args], {
    env,
    onOutput(text, stream) {
      if (stream === "stdout") output.add(text);
      else for (const line of errors.add(text)) if (!isProgress(line)) console.error(line);
    },
    onEnd() {
      output.unfinished();
      if (errors.rest !== "") console.error(errors.rest);
      clearTimeout(timer);
    },
  });
  const { counts, kernelTests, skips } = output;
  if (counts === undefined) {
    const complaint = `deno test ended with code ${code} before its summary, which counts as one failure.`;
    return { counts: { passed: 0, failed: 1, skipped: 0 }, skips, code: code || 1, complaint };
  }
  const pass: Pass = { counts, skips, code };
  if (counts.failed > 0) pass.code ||= 1;
  else if (code !== 0) pass.complaint = `deno test ended with code ${code}.`;
  else if (counts.passed === 0) Object.assign(pass, { code: 1, complaint: "No test ran." });
  else if (whole && kernelTests === 0) {
    Object.assign(pass, { code: 1, complaint: "No test that needs a kernel ran." });
  }
  return pass;
}

/** Whether Deno says only which file it checks or loads. */
function isProgress(line: string): boolean {
  return /^(Check|Download) /.test(plain(line));
}
