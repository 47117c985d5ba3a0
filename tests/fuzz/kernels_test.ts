import { assertEquals } from "@std/assert";
import { runModule } from "../_child.ts";
import { scaled } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import { test } from "../_test.ts";
import type { Task } from "./child.ts";

const bounds = (count: number) => ({ seed: 1, count: scaled(count), seconds: 300 });

test("random calls, paths and messages to a broker have the results that plain models predict", async () => {
  const task: Task = { paths: bounds(600) }, hasOpenat2 = !Deno.env.has("CAPSICUM_TEST_OPENAT2");
  // Without openat2(2), libc has no O_RESOLVE_BENEATH.
  if (hasOpenat2) task.calls = bounds(4000);
  // In capability mode of FreeBSD itself, Deno could not make the files.
  if (kernel.simulated) task.capmode = bounds(1000);
  // The broker makes no call that differs between releases.
  if (hasOpenat2 && kernel.major !== 13) task.wire = bounds(10_000);
  const { code, stdout, stderr } = await runModule(new URL("child.ts", import.meta.url), {
    args: [JSON.stringify(task)],
    timeout: 300_000,
  });
  assertEquals([code, stderr], [0, ""], stdout);
});
