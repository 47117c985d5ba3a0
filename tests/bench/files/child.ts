/**
 * Prints how long one thing takes, the median over batches, in nanoseconds.
 *
 * Arguments: the peer, the case with its size if it has one, the place of the files, and for how many milliseconds to
 * measure.
 *
 * @module
 */
import type { Case, Cases } from "./cases.ts";

const [peer, name, , budget] = Deno.args as [string, string, string, string];
const { cases }: { cases: Cases } = await import(`./${peer}.ts`);
const [kind, at] = name.split(" ") as [string, string?];
const prepared = cases[kind]!(Number(at));
const { run, undo = () => {} }: Case = typeof prepared === "function" ? { run: prepared } : prepared;

/** Long enough that each batch of what makes garbage has some of it collected. */
const leastBatch = 5;

// The memory of a large file is returned at once: finding new memory would be measured otherwise.
const isLarge = name.endsWith("500M") || Number(at) >= 100 * 1024 ** 2;
const collect = isLarge ? (globalThis as { gc?: () => void }).gc! : () => {};

async function time(times: number): Promise<number> {
  const start = performance.now();
  await run(times);
  const took = performance.now() - start;
  undo();
  collect();
  return took;
}

/** Milliseconds in which the code is compiled to what it will be. */
const warmUp = Math.min(Number(budget), 150);
let times = 1;
for (let spent = 0, took; spent < warmUp; spent += took) {
  took = await time(times);
  if (took < leastBatch) times *= 2;
}
const samples: number[] = [];
for (let spent = 0; spent < Number(budget) || samples.length < 3;) {
  const took = await time(times);
  spent += took;
  samples.push(took / times * 1e6);
}
console.log(samples.sort((a, b) => a - b)[samples.length >> 1]);
