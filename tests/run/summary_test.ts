import { assertEquals } from "@std/assert";
import { runModule } from "../_child.ts";
import { test } from "../_test.ts";
import { formatCounts, isKernelTest, parseSummary, TestOutput } from "./summary.ts";

test("parseSummary() reads the counts of Deno's last line and of no other", () => {
  assertEquals(parseSummary("ok | 12 passed | 0 failed (3s)"), { passed: 12, failed: 0, skipped: 0 });
  assertEquals(
    parseSummary(
      "FAILED | 2 passed (2 steps) | 3 failed (1 step) | 1 ignored | 0 measured | 4 filtered out (5ms)",
    ),
    { passed: 2, failed: 3, skipped: 1 },
  );
  assertEquals(parseSummary("a test ... ok (3ms)"), undefined);
  assertEquals(parseSummary("  ok | 12 passed | 0 failed (3s)"), undefined);
});

test("TestOutput reads coloured lines in any pieces, the last summary, and counts the tests that stand on a kernel", () => {
  const text = [
    "running 2 tests from ./tests/ffi/a_test.ts",
    "limit() limits ... \u001b[0m\u001b[32mok\u001b[0m (1ms)",
    "  step ... ok (1ms)",
    "limit() refuses ... FAILED (1ms)",
    "running 1 test from ./tests/rights/b_test.ts",
    "Rights.has() has ... ok (1ms)",
    "ok | 7 passed | 0 failed (1ms)",
    "\u001b[31mFAILED\u001b[0m | 2 passed | 1 failed (5ms)",
    "",
  ].join("\n");
  for (const size of [1, 7, text.length]) {
    const output = new TestOutput();
    for (let at = 0; at < text.length; at += size) output.add(text.slice(at, at + size));
    assertEquals(output.counts, { passed: 2, failed: 1, skipped: 0 });
    assertEquals(output.kernelTests, 1);
  }
});

test("TestOutput has no counts where the output ends early", () => {
  const output = new TestOutput();
  output.add("running 2 tests from ./tests/ffi/a_test.ts\nlimit() limits ... ok (1ms)\n");
  assertEquals(output.counts, undefined);
});

test("isKernelTest() knows the directories whose tests call a kernel", () => {
  assertEquals(isKernelTest("./tests/ffi/a_test.ts"), true);
  assertEquals(isKernelTest("./tests/rights/a_test.ts"), false);
});

test("formatCounts() names skipped tests only where there are any", () => {
  assertEquals(formatCounts({ passed: 3, failed: 0, skipped: 0 }), "3 passed, 0 failed");
  assertEquals(formatCounts({ passed: 3, failed: 1, skipped: 2 }), "3 passed, 1 failed, 2 skipped");
});

test("run.ts ends with code 2 and its usage for an unknown command, and with none", async () => {
  for (const args of [["foo"], [], ["constructor"]]) {
    const { code, stderr } = await runModule(new URL("../run.ts", import.meta.url), { args, kernel: false });
    assertEquals([code, stderr.startsWith("usage: deno task demo")], [2, true]);
  }
});
