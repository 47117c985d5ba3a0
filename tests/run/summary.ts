import { Lines } from "./lines.ts";

/** How many tests passed, failed and were skipped. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

interface TestFile {
  readonly name: string;
  readonly started: number;
  readonly counts: Counts;
}

/**
 * The output of one `deno test`, read while it runs. It passes on a line for each file as it ends, and all that there is
 * to failures; what passed tests wrote is dropped.
 */
export class TestOutput {
  /** The counts of the last line; undefined if the output ended before it. */
  counts: Counts | undefined;
  /** The passed tests of the files that stand on a kernel. */
  kernelTests = 0;
  /** How many tests were skipped, by reason. */
  readonly skips = new Map<string, number>();
  readonly #print: (line: string) => void;
  readonly #now: () => number;
  readonly #lines = new Lines();
  readonly #reasons = new Map<string, string>();
  #file: TestFile | undefined;
  /** Lines that a failure needs: since the last test ended. */
  #held: string[] = [];
  #isWritten = false;
  #isEnding = false;

  constructor(print: (line: string) => void, now: () => number = Date.now) {
    this.#print = print;
    this.#now = now;
  }

  add(text: string): void {
    for (const line of this.#lines.add(text)) this.#read(line, plain(line));
  }

  /** Passes on what is held of a test that has not ended, and names its file. */
  unfinished(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#print(`${shown(file)}: not at its end after ${this.#seconds(file)} s`);
    this.#release();
    if (this.#lines.rest !== "") this.#print(this.#lines.rest);
  }

  #release(): void {
    for (const line of this.#held.splice(0)) this.#print(line);
  }

  #seconds({ started }: TestFile): string {
    return ((this.#now() - started) / 1000).toFixed(1);
  }

  #read(line: string, text: string): void {
    // The mark that ends it stands behind the last line, if that has no end.
    if (this.#isWritten || /^-+ (\S+ )?output -+$/.test(text)) {
      this.#isWritten = !/-+ (\S+ )?output end -+$/.test(text);
      const [, name, reason] = /^skipped: ("(?:[^"\\]|\\.)*"): (.*)$/.exec(text) ?? [];
      if (name === undefined) this.#held.push(line);
      else this.#reasons.set(JSON.parse(name), reason!);
      return;
    }
    const file = /^running \d+ tests? from (.*)$/.exec(text)?.[1], counts = parseSummary(text);
    if (file !== undefined) this.#begin(file);
    else if (counts !== undefined) {
      this.#end();
      this.counts = counts;
    } else if (text === " ERRORS ") {
      this.#end();
      this.#isEnding = true;
    } else if (this.#isEnding) this.#print(line);
    else {
      this.#held.push(line);
      if (/^Uncaught error from .* FAILED$/.test(text)) this.#release();
      const [, test, result] = /^(\S.*) \.\.\. (ok|FAILED|cancelled|ignored) \([^()]*\)$/.exec(text) ?? [];
      if (test !== undefined) this.#count(test, result!);
    }
  }

  #begin(name: string): void {
    this.#end();
    this.#file = { name, started: this.#now(), counts: { passed: 0, failed: 0, skipped: 0 } };
  }

  #count(test: string, result: string): void {
    const counts = this.#file?.counts ?? { passed: 0, failed: 0, skipped: 0 };
    if (result === "ok") {
      counts.passed++;
      this.kernelTests += Number(isKernelTest(this.#file?.name ?? ""));
    } else if (result === "ignored") {
      counts.skipped++;
      const reason = this.#reasons.get(test) ?? "no reason given";
      this.skips.set(reason, (this.skips.get(reason) ?? 0) + 1);
    } else {
      counts.failed++;
      this.#release();
    }
    this.#held = [];
  }

  #end(): void {
    this.#isEnding = false;
    this.#held = [];
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    const { passed, failed, skipped } = file.counts;
    if (passed + failed + skipped === 0) return;
    this.#print(`${shown(file)}: ${formatCounts(file.counts)} (${this.#seconds(file)} s)`);
  }
}

function shown({ name }: TestFile): string {
  return name.replace(/^\.\//, "");
}

/** Whether the tests of a file call a kernel: those of rights/ and of the sources' own shape need none. */
export function isKernelTest(file: string): boolean {
  return /^\.\/tests\/(ffi|compat|examples)\//.test(file);
}

/** A line without its colours. */
export function plain(line: string): string {
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

/** A line for each reason for which tests were skipped, the most frequent first. */
export function formatSkips(skips: ReadonlyMap<string, number>): string[] {
  return [...skips].sort(([, a], [, b]) => b - a).map(([reason, count]) => `${count} skipped: ${reason}`);
}
