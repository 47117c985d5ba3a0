import { root, runDeno } from "./deno.ts";
import {
  type Counts,
  type Entry,
  failuresIn,
  type FileResult,
  formatCounts,
  plain,
  readReport,
  sum,
} from "./report.ts";

/** One `deno test` on one kernel. */
export interface Pass {
  /** The name of the kernel. */
  name: string;
  flags: string[];
  env: Record<string, string>;
  files: string[];
  /** Whether Deno checks the types first. */
  check: boolean;
  /** Further arguments of `deno test`. */
  args: string[];
  /** What must pass, for less is a failure. */
  least: "a test that needs a kernel" | "a test" | "nothing";
}

export interface PassResult {
  /** The name of the kernel. */
  name: string;
  counts: Counts;
  files: FileResult[];
  code: number;
  /** The reason why the pass failed, if it is not in the failures of its tests. */
  complaint?: string;
}

/** After how many milliseconds it is said how far the tests are. */
const interval = 60_000;

/** Runs the tests of a pass, then prints a line for each file and all that there is to failures. */
export async function runPass({ name, flags, env, files, check, args, least }: Pass): Promise<PassResult> {
  const directory = Deno.makeTempDirSync({ prefix: "capsicum-run-" });
  const log = `${directory}/log`, junit = `${directory}/junit.xml`;
  const output = { stdout: "", stderr: "" };
  const timer = setInterval(() => console.log(`${name}: ${progress(readLog(log))}`), interval);
  let result: PassResult | undefined;
  await runDeno([
    ...[
      "test",
      "-A",
      "--quiet",
      ...(check ? [] : ["--no-check"]),
      "--reporter=dot",
      `--junit-path=${junit}`,
      ...flags,
      ...args,
      ...files,
    ],
  ], {
    env: { ...env, CAPSICUM_TEST_LOG: log },
    onOutput: (text, stream) => output[stream] += text,
    onEnd(code) {
      clearInterval(timer);
      result = resultOf(name, code, readText(junit), readLog(log), least);
      print(name, result, output);
      Deno.removeSync(directory, { recursive: true });
    },
  });
  return result!;
}

function resultOf(
  name: string,
  code: number,
  xml: string,
  entries: Entry[],
  least: Pass["least"],
): PassResult {
  const files = readReport(xml, entries), counts = sum(files), result = { name, counts, files, code };
  const failed = (complaint: string) => {
    counts.failed++;
    return { ...result, code: code || 1, complaint: `${complaint} It counts as one failure.` };
  };
  if (xml === "") return failed(`deno test ended with code ${code} before its report; ${progress(entries)}.`);
  if (counts.failed > 0) return { ...result, code: code || 1 };
  if (code !== 0) return failed(`deno test ended with code ${code}, though no test failed.`);
  const passed = files.filter(({ passed }) => passed > 0);
  if (least === "a test" && passed.length === 0) return failed("No test ran.");
  if (least === "a test that needs a kernel" && !passed.some(({ file }) => isKernelTest(file))) {
    return failed("No test that needs a kernel ran.");
  }
  return result;
}

function print(
  name: string,
  { files, complaint }: PassResult,
  { stdout, stderr }: Record<string, string>,
): void {
  console.log(`\nkernel: ${name}`);
  for (const result of files) {
    console.log(`${result.file}: ${formatCounts(result)} (${result.seconds.toFixed(1)} s)`);
  }
  const failures = failuresIn(stdout!);
  if (failures !== "") console.log(failures);
  // What the last tests wrote is all that is known of a process that died.
  else if (complaint !== undefined) console.log(stdout!.slice(-10_000));
  const errors = plain(stderr!).replace(/^error: Test failed\n(\nStack backtrace:\n[^]*)?/m, "").trim();
  if (errors !== "") console.error(errors);
  if (complaint !== undefined) console.log(complaint);
}

/** Whether the tests of a file call a kernel: those of rights/ and of the sources' own shape need none. */
function isKernelTest(file: string): boolean {
  return /^tests\/(ffi|compat|examples)\//.test(file);
}

/** Reads what tests/_test.ts wrote so far. */
function readLog(path: string): Entry[] {
  return readText(path).split("\n").slice(0, -1).map((line) => {
    const entry: Entry = JSON.parse(line);
    return entry.file === undefined ? entry : { ...entry, file: entry.file.replace(root.href, "") };
  });
}

/** How many tests have begun, and the last of them. */
function progress(entries: Entry[]): string {
  const begun = entries.filter(({ file }) => file === undefined);
  return `${begun.length} tests begun, the last: ${begun.at(-1)?.name ?? "none"}`;
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/**
 * Runs passes, as many at once as the machine has processors, but at most two: some tests have limits of time.
 *
 * @param next Returns a pass that follows from the result of another one.
 */
export async function runPasses(
  passes: readonly Pass[],
  next: (pass: Pass, result: PassResult) => Promise<Pass | undefined>,
): Promise<PassResult[]> {
  const waiting = [...passes], results: PassResult[] = [];
  async function lane(): Promise<void> {
    for (let pass; (pass = waiting.shift()) !== undefined;) {
      const result = await runPass(pass), following = await next(pass, result);
      results.push(result);
      if (following !== undefined) waiting.push(following);
    }
  }
  await Promise.all(Array.from({ length: Math.min(2, navigator.hardwareConcurrency) }, lane));
  return results;
}
