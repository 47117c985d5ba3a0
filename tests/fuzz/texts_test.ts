import { assert, assertEquals } from "@std/assert";
import { runModule } from "../_child.ts";
import { scaled } from "../_fixture.ts";
import { Random } from "../_random.ts";
import { test } from "../_test.ts";
import { fuzz, shrunk, type Target } from "./_fuzz.ts";

const bounds = (count: number) => ({ seed: 1, count: scaled(count), seconds: 300 });

test("expandGlob() finds what the patterns of @std/path find; untar.ts stays in its directory with random archives", async () => {
  const { code, stdout, stderr } = await runModule(new URL("child.ts", import.meta.url), {
    args: [JSON.stringify({ globs: bounds(3000), tar: bounds(2500) })],
    timeout: 300_000,
  });
  assertEquals([code, stderr], [0, ""], stdout);
});

test("shrunk() removes unneeded items of a list and simplifies the others", async () => {
  const list = Array.from({ length: 40 }, (_, i) => i);
  const needs = (list: readonly number[]) =>
    Promise.resolve(list.includes(7) && list.some((one) => one >= 30));
  assertEquals(await shrunk(list, needs, (one) => one > 30 ? [30] : []), [7, 30]);
  assertEquals(await shrunk([1, 2, 3], () => Promise.resolve(true)), []);
});

test("fuzz() reports the seed and the shortest form of a failing program, and nothing if all succeed", async () => {
  const target: Target<number> = {
    name: "numbers",
    unit: "numbers",
    generate: (random) => Array.from({ length: 10 }, () => random.below(100)),
    run: (program) => Promise.resolve(program.some((one) => one > 97) ? "a number is above 97" : undefined),
    count: (program) => program.length,
    show: String,
    [Symbol.dispose]() {},
  };
  const { failure, count } = await fuzz(target, { seed: 1, count: 10_000, seconds: 60 });
  assert(
    failure !== undefined && count < 10_000 && /^ {2}(98|99)\na number is above 97$/.test(failure.report),
  );
  assert(target.generate(new Random(failure.seed)).some((one) => one > 97));
  const fine = await fuzz({ ...target, run: () => Promise.resolve(undefined) }, {
    seed: 1,
    count: 95,
    seconds: 60,
  });
  assertEquals(fine, { count: 100 });
});
