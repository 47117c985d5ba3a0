import { assertEquals } from "@std/assert";
import { runModule } from "../_child.ts";
import { scaled } from "../_fixture.ts";
import { test } from "../_test.ts";
import type { Task } from "./child.ts";

/** Runs programs from fixed seeds, in a process without privileges. */
const run = (task: Task) =>
  runModule(new URL("child.ts", import.meta.url), { args: [JSON.stringify(task)], timeout: 300_000 });
const bounds = (count: number) => ({ seed: 1, count: scaled(count), seconds: 300 });

test(
  "random programs of libc, FdFile and limit() calls have the results that a model of the kernel predicts",
  async () => {
    const { code, stdout, stderr } = await run({ calls: bounds(5000) });
    assertEquals([code, stderr], [0, ""], stdout);
  },
  {
    skip: Deno.env.has("CAPSICUM_TEST_OPENAT2") &&
      "needs openat2(2): libc has no O_RESOLVE_BENEATH without it",
  },
);

test("Dir resolves random paths as the tree predicts, and stays inside the tree while names are swapped", async () => {
  const { code, stdout, stderr } = await run({ paths: bounds(800) });
  assertEquals([code, stderr], [0, ""], stdout);
});
