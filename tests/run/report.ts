/** How many tests passed, failed and were skipped. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** The results of a test file. */
export interface FileResult extends Counts {
  file: string;
  seconds: number;
  /** The processor time of its tests and their children, if it is known. */
  cpu: number | undefined;
  /** The skipped tests, each with its reason. */
  skips: { name: string; reason: string }[];
}

/** A line of what tests/_test.ts reports: a test is registered, or begins if no file is named, or has ended. */
export interface Entry {
  name: string;
  file?: string;
  skip?: string;
  ended?: true;
  /** The processor time of the process and its children until then, in seconds, if it is known. */
  cpu?: number;
}

/**
 * Reads the report that `deno test --junit-path` writes. It has no files, because each test is registered by
 * tests/_test.ts: they are taken from its entries, in order.
 */
export function readReport(xml: string, entries: readonly Entry[]): FileResult[] {
  const registered = Map.groupBy(entries.filter(({ file }) => file !== undefined), ({ name }) => name);
  const times = processorTimes(entries);
  const files = new Map<string, FileResult>();
  // Deno escapes these characters wherever a test could write them.
  const cases = /<testcase name="([^"]*)"[^>]* time="([\d.]+)"[^>]*>\s*<([a-z]*)/g;
  for (const [, escaped, seconds, result] of xml.matchAll(cases)) {
    const name = unescaped(escaped!),
      { file = "a test of an unknown file", skip } = registered.get(name)?.shift() ?? { name };
    let counts = files.get(file);
    if (counts === undefined) {
      files.set(
        file,
        counts = { file, seconds: 0, cpu: undefined, passed: 0, failed: 0, skipped: 0, skips: [] },
      );
    }
    counts.seconds += Number(seconds);
    if (result === "skipped") counts.skips.push({ name, reason: skip ?? "no reason given" });
    else {
      const time = times.get(name)?.shift();
      if (time !== undefined) counts.cpu = (counts.cpu ?? 0) + time;
    }
    counts[result === "skipped" ? "skipped" : result === "" ? "passed" : "failed"]++;
  }
  return [...files.values()];
}

/** The processor times of the tests that ran, by their names, in order. */
function processorTimes(entries: readonly Entry[]): Map<string, number[]> {
  const times = new Map<string, number[]>();
  for (const [i, { name, ended, cpu }] of entries.entries()) {
    const begun = entries[i - 1]?.cpu;
    if (!ended || cpu === undefined || begun === undefined) continue;
    times.set(name, [...times.get(name) ?? [], cpu - begun]);
  }
  return times;
}

const entities: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function unescaped(text: string): string {
  return text.replaceAll(/&(\w+);/g, (entity, name) => entities[name] ?? entity);
}

/** The part of Deno's output that describes the failures, without colours; empty if there are none. */
export function failuresIn(output: string): string {
  const text = plain(output);
  const end = /\n(ok|FAILED) \| \d+ passed\b.*\n*$/.exec(text)?.index ?? text.length;
  const start = text.indexOf("\n ERRORS \n");
  return start < 0 ? "" : text.slice(start, end).trimEnd();
}

/** The sum of counts. */
export function sum(all: readonly Counts[]): Counts {
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const counts of all) {
    for (const key of ["passed", "failed", "skipped"] as const) total[key] += counts[key];
  }
  return total;
}

/** The line that ends a run, as `3 passed, 0 failed, 1 skipped`. */
export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** The time of a file: that of processors, which does not depend on the machine's load, if it is known. */
export function formatTime({ cpu, seconds }: FileResult): string {
  return cpu === undefined ? `${seconds.toFixed(1)} s` : `${cpu.toFixed(1)} s of CPU`;
}

/** The files that took the most processor time on all kernels together; none if it is not known. */
export function formatSlowest(files: readonly FileResult[], count: number): string[] {
  const times = Object.entries(Object.groupBy(files, ({ file }) => file))
    .map(([file, all]) => [file, all!.reduce((sum, { cpu = 0 }) => sum + cpu, 0)] as const);
  return times.filter(([, time]) => time >= 1).sort(([, a], [, b]) => b - a).slice(0, count)
    .map(([file, time]) => `${time.toFixed(1)} s of CPU: ${file}`);
}

/** A line for each reason for which tests were skipped, the most frequent first. */
export function formatSkips(skips: readonly { reason: string }[]): string[] {
  const counts = Object.entries(Object.groupBy(skips, ({ reason }) => reason));
  return counts.map(([reason, all]) => [reason, all!.length] as const).sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${count} skipped: ${reason}`);
}

/** A text without its colours. */
export function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replaceAll(/\u001b\[[0-9;]*m/g, "");
}
