import { assert, assertEquals } from "@std/assert";
import { openDirSync } from "../../../mod.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";
import { methods } from "./_parity.ts";
import { differences } from "./_parity_differences.ts";
import { perRound, runRound, Tally, type Twin } from "./_parity_round.ts";
import { reasons } from "./_parity_skips.ts";

const rounds = 12, tally = new Tally();

function dirTwin(root: string): Twin {
  const dir = openDirSync(root);
  return {
    call: (method, ...args) =>
      (dir as unknown as Record<string, (...args: readonly unknown[]) => unknown>)[method]!(...args),
    [Symbol.dispose]: () => dir.close(),
  };
}

for (let seed = 1; seed <= rounds; seed++) {
  test(`Dir does the same as Deno and @std/fs in ${perRound} random operations, seed ${seed}`, () =>
    runRound(seed, dirTwin, tally));
}

test("Dir's random operations call each method, succeed and fail, and need every allowed difference", () => {
  const { done, used, skipped } = tally;
  const total = [...done.values()].reduce((sum, { worked, failed }) => sum + worked + failed, 0);
  assert(total >= 2000, `${total} operations`);
  assertEquals([...done.keys()].sort(), [...methods].sort());
  for (const [method, { worked, failed }] of done) {
    assert(worked >= 5 && failed >= 5, `${method}: ${worked} worked, ${failed} failed`);
  }
  const expected = differences.filter(({ simulated }) => (kernel.simulated || !simulated));
  assertEquals(expected.map(({ why }) => why).filter((why) => !used.has(why)), []);
  assertEquals(reasons.filter((why) => !skipped.has(why)), []);
});
