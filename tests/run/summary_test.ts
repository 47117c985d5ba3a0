import { assertEquals } from "@std/assert";
import { runModule } from "../_child.ts";
import { test } from "../_test.ts";
import { formatCounts, formatSkips, isKernelTest, parseSummary, TestOutput } from "./summary.ts";

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

/** As Deno writes it: two files, one with a failure, and what its tests wrote. */
const text = [
  "\u001b[0m------- pre-test output -------",
  'skipped: "limit() \\"holds\\": ... ok (1ms)": there is: no kernel',
  "\u001b[0m----- pre-test output end -----",
  "running 3 tests from ./tests/ffi/a_test.ts",
  "limit() limits ...",
  "------- output -------",
  "running 9 tests from ./tests/ffi/written_test.ts",
  "a test ... FAILED (1ms)",
  "no end of line\u001b[0m----- output end -----",
  "limit() limits ... \u001b[0m\u001b[32mok\u001b[0m (1ms)",
  'limit() "holds": ... ok (1ms) ... ignored (0ms)',
  "limit() refuses ...",
  "------- output -------",
  "why it failed",
  "----- output end -----",
  "  step ... ok (1ms)",
  "limit() refuses ... FAILED (1m2s)",
  "running 2 tests from ./tests/rights/b_test.ts",
  "Rights.has() has ... ok (1ms)",
  "Rights.add() adds ... ignored (0ms)",
  "",
  " ERRORS ",
  "",
  "limit() refuses => ./tests/_test.ts:19:8",
  "error: Error: on purpose",
  "",
  "\u001b[31mFAILED\u001b[0m | 2 passed (1 step) | 1 failed | 2 ignored (5ms)",
  "",
].join("\n");

const failure = [
  "limit() refuses ...",
  "------- output -------",
  "why it failed",
  "----- output end -----",
  "  step ... ok (1ms)",
  "limit() refuses ... FAILED (1m2s)",
];

test("TestOutput prints a line for each file and the complete output of failures, for any chunks", () => {
  for (const size of [1, 7, text.length]) {
    let now = 0;
    const printed: string[] = [], output = new TestOutput((line) => printed.push(line), () => now += 100);
    for (let at = 0; at < text.length; at += size) output.add(text.slice(at, at + size));
    output.unfinished();
    assertEquals(printed, [
      ...failure,
      "tests/ffi/a_test.ts: 1 passed, 1 failed, 1 skipped (0.1 s)",
      "tests/rights/b_test.ts: 1 passed, 0 failed, 1 skipped (0.1 s)",
      "",
      "limit() refuses => ./tests/_test.ts:19:8",
      "error: Error: on purpose",
      "",
    ]);
    assertEquals(output.counts, { passed: 2, failed: 1, skipped: 2 });
    assertEquals(output.kernelTests, 1);
    assertEquals([...output.skips], [["there is: no kernel", 1], ["no reason given", 1]]);
  }
});

test("TestOutput prints the output of a test that does not end, and returns no counts", () => {
  const printed: string[] = [], output = new TestOutput((line) => printed.push(line), () => 0);
  const hung = ["limit() hangs ...", "------- output -------", "how far it got"];
  output.add(
    ["running 2 tests from ./tests/ffi/a_test.ts", "limit() limits ... ok (1ms)", ...hung].join("\n"),
  );
  assertEquals(printed, []);
  output.unfinished();
  assertEquals(printed, ["tests/ffi/a_test.ts: not at its end after 0.0 s", ...hung]);
  assertEquals(output.counts, undefined);
});

test("TestOutput prints at once that a module of tests failed", () => {
  const printed: string[] = [], output = new TestOutput((line) => printed.push(line));
  output.add("Uncaught error from ./tests/ffi/a_test.ts \u001b[31mFAILED\u001b[0m\n");
  assertEquals(printed.length, 1);
});

test("formatSkips() has a line for each reason, the most frequent first", () => {
  assertEquals(formatSkips(new Map([["a", 2], ["b", 12]])), ["12 skipped: b", "2 skipped: a"]);
  assertEquals(formatSkips(new Map()), []);
});

test("isKernelTest() is true for directories whose tests call a kernel", () => {
  assertEquals(isKernelTest("./tests/ffi/a_test.ts"), true);
  assertEquals(isKernelTest("./tests/rights/a_test.ts"), false);
});

test("formatCounts() mentions skipped tests only if there are any", () => {
  assertEquals(formatCounts({ passed: 3, failed: 0, skipped: 0 }), "3 passed, 0 failed");
  assertEquals(formatCounts({ passed: 3, failed: 1, skipped: 2 }), "3 passed, 1 failed, 2 skipped");
});

test("run.ts ends with code 2 and its usage for an unknown command, and with none", async () => {
  for (const args of [["foo"], [], ["constructor"]]) {
    const { code, stderr } = await runModule(new URL("../run.ts", import.meta.url), { args, kernel: false });
    assertEquals([code, stderr.startsWith("usage: deno task demo")], [2, true]);
  }
});
