import { assert, assertEquals } from "@std/assert";
import { ambient } from "../../../compat/ambient/mod.ts";
import { openDirSync } from "../../../mod.ts";
import { DenoReference, inForce } from "../../_deno_reference.ts";
import { test } from "../../_test.ts";
import { methods } from "../fs/_parity.ts";
import { perRound, runRound, Tally, type Twin } from "../fs/_parity_round.ts";
import { isPlaceOfPath } from "../fs/_parity_skips.ts";

const rounds = 5, tally = new Tally();

function ambientTwin(root: string): Twin {
  const dir = openDirSync(root);
  // In force during calls only: the fixtures and the trees are for Deno's own functions.
  const twin = new DenoReference(root, inForce);
  return {
    async call(method, ...args) {
      using _originals = ambient({ [root]: dir });
      const result = twin.call(method, ...args);
      if (!/^(readDir|walk)$/.test(method)) return await result;
      return await Array.fromAsync(result as AsyncIterable<unknown>);
    },
    reasonToSkip: (operation, tree) =>
      isPlaceOfPath(operation, tree)
        ? undefined
        : "ambient() resolves '..' by name, before symlinks are looked up",
    [Symbol.dispose]: () => dir.close(),
  };
}

for (let seed = 1; seed <= rounds; seed++) {
  test(`ambient() does the same as Deno in ${perRound} random operations, seed ${seed}`, () =>
    runRound(seed, ambientTwin, tally));
}

test("ambient()'s random operations call each method, and succeed and fail", () => {
  const total = [...tally.done.values()].reduce((sum, { worked, failed }) => sum + worked + failed, 0);
  assert(total >= 2000, `${total} operations`);
  assertEquals([...tally.done.keys()].sort(), [...methods].sort());
  for (const [method, { worked, failed }] of tally.done) {
    assert(worked >= 3 && failed >= 3, `${method}: ${worked} worked, ${failed} failed`);
  }
});
