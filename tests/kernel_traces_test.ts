/**
 * Every recorded libc call is made again, and must answer as it did on the kernel where it was recorded.
 *
 * On FreeBSD this checks the recording, on Linux the stand-in. Any `tests/data/kernel_traces*.json` is replayed.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { kernel } from "./_kernel.ts";
import type { Scenario } from "./_replay.ts";
import { Replayer } from "./_replayer.ts";
import { test } from "./_test.ts";

interface Recording {
  source: string;
  scenarios: Scenario[];
}

const data = new URL("./data/", import.meta.url);
const rights = capRights();
/** What the stand-in simulates, by major release. */
const simulated: Record<number, string> = { 13: "13.2", 15: "15.1" };
const files = [...Deno.readDirSync(data)].map((entry) => entry.name).filter((name) =>
  /^kernel_traces.*\.json$/.test(name)
);

for (const file of files.sort()) {
  const text = Deno.readTextFileSync(new URL(file, data));
  const { source, scenarios }: Recording = JSON.parse(text);
  const release = releaseOf(source);

  test(`${file}: every step of the file is replayed`, () => {
    const steps = scenarios.reduce((sum, scenario) => sum + scenario.steps.length, 0);
    assertEquals(steps, text.match(/"call" ?:/g)?.length);
  });

  const replayer = new Replayer({
    module: new URL("./_replay.ts", import.meta.url),
    release: simulated[Number.parseInt(release)] ?? release,
    rights,
  });
  for (const scenario of scenarios) {
    replayer.add(scenario);
    test(
      `${file}: ${scenario.name} answers as FreeBSD ${release} did`,
      () => compare(scenario, replayer),
      { skip: reasonToSkip(release) },
    );
  }
}

async function compare(scenario: Scenario, replayer: Replayer): Promise<void> {
  const { steps, mismatches } = await replayer.result(scenario);
  if (mismatches.length > 0) throw new Error(`${mismatches.length} steps differ\n${mismatches.join("\n")}`);
  assertEquals(steps, scenario.steps.length);
}

/** The release that a recording says it comes from, as "15.1". */
function releaseOf(source: string): string {
  const osreldate = Number(/osreldate (\d+)/.exec(source)?.[1]);
  if (osreldate) return `${Math.trunc(osreldate / 100_000)}.${Math.trunc(osreldate / 1000) % 100}`;
  return /FreeBSD (\d+\.\d+)/.exec(source)?.[1] ?? "unknown";
}

function reasonToSkip(release: string): string | undefined {
  const major = Number.parseInt(release);
  if (kernel.simulated) return major in simulated ? undefined : `needs FreeBSD ${release}`;
  if (kernel.major !== major) return `needs FreeBSD ${release}, or the stand-in for it`;
  return Deno.uid() === 0 ? undefined : "needs root, as when the calls were recorded";
}

/** The `CAP_*` values by name, as "0x...". */
function capRights(): Record<string, string> {
  const { rights }: { rights: { name: string; value: string }[] } = JSON.parse(
    Deno.readTextFileSync(new URL("rights.json", data)),
  );
  return Object.fromEntries(rights.map(({ name, value }) => [name, value]));
}
