/** How many tests passed, failed and were skipped. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** What the output of one `deno test` says, read while it runs. */
export class TestOutput {
  /** The counts of its last line; undefined where it never got there. */
  counts: Counts | undefined;
  /** The passed tests of the files that stand on a kernel. */
  kernelTests = 0;
  #file = "";
  #rest = "";

  add(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#read(plain(line));
  }

  #read(line: string): void {
    const file = /^running \d+ tests? from (.*)$/.exec(line)?.[1];
    if (file !== undefined) this.#file = file;
    else if (/^\S.* \.\.\. ok \(/.test(line)) this.kernelTests += Number(isKernelTest(this.#file));
    else this.counts = parseSummary(line) ?? this.counts;
  }
}

/** Whether the tests of a file call a kernel: those of rights/ and of the sources' own shape need none. */
export function isKernelTest(file: string): boolean {
  return /^\.\/tests\/(ffi|compat|examples)\//.test(file);
}

function plain(line: string): string {
  // deno-lint-ignore no-control-regex
  return line.replaceAll(/\u001b\[[0-9;]*m/g, "");
}

/** The counts of the line that ends the output of `deno test`; undefined for any other line. */
export function parseSummary(line: string): Counts | undefined {
  if (!/^(ok|FAILED) \| \d+ passed\b/.test(line)) return undefined;
  const count = (what: string) => Number(new RegExp(`\\| (\\d+) ${what}\\b`).exec(line)?.[1] ?? 0);
  return { passed: count("passed"), failed: count("failed"), skipped: count("ignored") };
}

/** The line that ends a run, as `3 passed, 0 failed, 1 skipped`. */
export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
