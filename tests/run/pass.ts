import { root, runDeno } from "./deno.ts";
import {
  type Counts,
  type Entry,
  failuresIn,
  type FileResult,
  formatCounts,
  formatTime,
  plain,
  readReport,
  sum,
} from "./report.ts";

/** The tests of one kernel. */
export interface Pass {
  /** The name of the kernel. */
  name: string;
  flags: string[];
  env: Record<string, string>;
  files: string[];
  /** Further arguments of `deno test`. */
  args: string[];
  /** The file with the violations that its processes found: any is a failure. */
  violations?: string;
}

export interface PassResult {
  /** The name of the kernel. */
  name: string;
  counts: Counts;
  files: FileResult[];
  code: number;
  /** The reasons why the pass failed, if they are not in the failures of its tests. */
  complaints: string[];
}

/** After how many milliseconds it is said how far the tests are. */
const interval = 60_000;

/** How many files one `deno test` runs: so few that all processors have work until the end. */
const filesAtOnce = 10;

/** Runs some tests of a pass, then prints a line for each file and all that there is to failures. */
async function runPart({ name, flags, env, files, args }: Pass): Promise<PassResult> {
  const directory = Deno.makeTempDirSync({ prefix: "capsicum-run-" });
  const log = `${directory}/log`, junit = `${directory}/junit.xml`;
  const output = { stdout: "", stderr: "" };
  const timer = setInterval(() => console.log(`${name}: ${progress(readLog(log))}`), interval);
  let result: PassResult | undefined;
  await runDeno([
    ...["test", "-A", "--quiet", "--no-check", "--reporter=dot", `--junit-path=${junit}`],
    ...flags,
    ...args,
    "tests/run/files.ts",
  ], {
    env: { ...env, CAPSICUM_TEST_LOG: log, CAPSICUM_TEST_FILES: JSON.stringify(files) },
    onOutput: (text, stream) => output[stream] += text,
    onEnd(code) {
      clearInterval(timer);
      result = resultOf(name, code, readText(junit), readLog(log));
      print(name, result, output);
      Deno.removeSync(directory, { recursive: true });
    },
  });
  return result!;
}

function resultOf(name: string, code: number, xml: string, entries: Entry[]): PassResult {
  const files = readReport(xml, entries), counts = sum(files);
  const result: PassResult = { name, counts, files, code, complaints: [] };
  if (xml === "") {
    return withComplaint(
      result,
      `deno test ended with code ${code} before its report; ${progress(entries)}.`,
    );
  }
  if (counts.failed > 0) return { ...result, code: code || 1 };
  if (code !== 0) return withComplaint(result, `deno test ended with code ${code}, though no test failed.`);
  return result;
}

/** A result that is also a failure for another reason than its tests. */
export function withComplaint(result: PassResult, complaint: string): PassResult {
  return {
    ...result,
    code: result.code || 1,
    counts: { ...result.counts, failed: result.counts.failed + 1 },
    complaints: [...result.complaints, `${complaint} It counts as one failure.`],
  };
}

function print(
  name: string,
  { files, complaints }: PassResult,
  { stdout, stderr }: Record<string, string>,
): void {
  console.log(`\nkernel: ${name}`);
  for (const result of files) {
    console.log(`${result.file}: ${formatCounts(result)} (${formatTime(result)})`);
  }
  const failures = failuresIn(stdout!);
  if (failures !== "") console.log(failures);
  // What the last tests wrote is all that is known of a process that died.
  else if (complaints.length > 0) console.log(stdout!.slice(-10_000));
  const errors = plain(stderr!).replace(/^error: Test failed\n(\nStack backtrace:\n[^]*)?/m, "").trim();
  if (errors !== "") console.error(errors);
  for (const complaint of complaints) console.log(complaint);
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
  const begun = entries.filter(({ file, ended }) => file === undefined && !ended);
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
 * Runs passes in parts, as many at once as the machine has processors, but at most two: some tests have limits of time.
 *
 * @param next Returns a pass that follows from the result of a part, or undefined.
 */
export async function runPasses(
  passes: readonly Pass[],
  next: (part: Pass, result: PassResult) => Pass | undefined,
): Promise<PassResult[]> {
  const waiting = passes.flatMap(partsOf), results: PassResult[] = [];
  async function lane(): Promise<void> {
    for (let part; (part = waiting.shift()) !== undefined;) {
      const result = await runPart(part), following = next(part, result);
      results.push(result);
      if (following !== undefined) waiting.push(following);
    }
  }
  await Promise.all(Array.from({ length: Math.min(2, navigator.hardwareConcurrency) }, lane));
  return [...Map.groupBy(results, ({ name }) => name).values()].map(merged);
}

function partsOf(pass: Pass): Pass[] {
  const count = Math.ceil(pass.files.length / filesAtOnce), size = Math.ceil(pass.files.length / count);
  return Array.from(
    { length: count },
    (_, i) => ({ ...pass, files: pass.files.slice(i * size, (i + 1) * size) }),
  );
}

function merged(parts: PassResult[]): PassResult {
  return {
    name: parts[0]!.name,
    counts: sum(parts.map(({ counts }) => counts)),
    files: parts.flatMap(({ files }) => files),
    code: parts.find(({ code }) => code !== 0)?.code ?? 0,
    complaints: parts.flatMap(({ complaints }) => complaints),
  };
}
