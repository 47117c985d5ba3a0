/**
 * Replays the recorded calls through the library's own layer, if it has the call and accepts the arguments.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { kernel } from "../_kernel.ts";
import type { Scenario } from "../_replay.ts";
import { Replayer } from "../_replayer.ts";
import { test } from "../_test.ts";
import type { ThroughLibrary } from "./_replay_through.ts";
import { Right } from "../../mod.ts";

const recording: { scenarios: Scenario[] } = JSON.parse(
  Deno.readTextFileSync(new URL("../data/kernel_traces.json", import.meta.url)),
);
const rights = Object.fromEntries(
  Object.entries(Right).map(([name, value]) => [name, `0x${value.toString(16)}`]),
);
const release = "15.1";
const skip = kernel.simulated
  ? false
  : kernel.major !== 15
  ? `needs FreeBSD ${release}, or the stand-in for it`
  : Deno.uid() === 0
  ? false
  : "needs root, as when the calls were recorded";

const replayer = new Replayer<ThroughLibrary>({
  module: new URL("_replay_through.ts", import.meta.url),
  release,
  rights,
});
for (const scenario of recording.scenarios) replayer.add(scenario);

let through = 0, steps = 0;

for (const scenario of recording.scenarios) {
  test(`libc returns the recorded results of FreeBSD ${release}: ${scenario.name}`, async () => {
    const result = await replayer.result(scenario);
    assertEquals(result.mismatches, []);
    assertEquals(result.steps, scenario.steps.length);
    through += result.through;
    steps += result.steps;
  }, { skip });
}

test("nearly all recorded steps went through libc", () => {
  assert(through >= 0.8 * steps, `only ${through} of ${steps}`);
}, { skip });
