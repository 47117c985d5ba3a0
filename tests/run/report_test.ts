import { assertEquals, assertThrows } from "@std/assert";
import { runModule } from "../_child.ts";
import { Fixture } from "../_fixture.ts";
import { test } from "../_test.ts";
import { failuresIn, formatCounts, formatSkips, formatSlowest, formatTime, readReport } from "./report.ts";
import { placesOf, splitArguments } from "./places.ts";

/** What Deno itself reports of these tests, by the flags that the runner uses. */
async function reportOf(source: string) {
  using fixture = new Fixture({ "a_test.ts": source });
  const junit = fixture.at("junit.xml");
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "test",
      "--no-check",
      "--no-lock",
      "--quiet",
      "--reporter=dot",
      `--junit-path=${junit}`,
      fixture.at("a_test.ts"),
    ],
  }).output();
  return { code, output: new TextDecoder().decode(stdout), xml: fixture.read("junit.xml") };
}

test("readReport() counts what Deno reports, with the file and the reason of each test", async () => {
  const { code, xml, output } = await reportOf(`
    Deno.test("one", () => console.log(" ERRORS "));
    Deno.test("<failure> & \\"quoted\\"", { ignore: true }, () => {});
    Deno.test("bad", () => { throw new Error("<skipped/> on purpose"); });
    Deno.test("leaks", { sanitizeOps: true, sanitizeResources: true }, () => { Deno.openSync("."); });
    Deno.test("one", { ignore: true }, () => {});
    Deno.test("late", async () => { setTimeout(() => { throw new Error("uncaught"); }); await new Promise(() => {}); });`);
  const skipped = '<failure> & "quoted"';
  const results = readReport(xml, [
    { name: "one", file: "a" },
    { name: skipped, file: "a", skip: "why" },
    { name: "filtered out", file: "a" },
    { name: "bad", file: "b" },
    { name: "leaks", file: "b" },
    { name: "one", file: "b" },
    { name: "late", file: "b" },
    { name: "one", cpu: 1 },
    { name: "one", ended: true, cpu: 3 },
    { name: "bad", cpu: 3.5 },
    { name: "bad", ended: true, cpu: 3.75 },
  ]).map(({ seconds: _, ...result }) => result);
  assertEquals(results, [
    { file: "a", cpu: 2, passed: 1, failed: 0, skipped: 1, skips: [{ name: skipped, reason: "why" }] },
    {
      file: "b",
      cpu: 0.25,
      passed: 0,
      failed: 3,
      skipped: 1,
      skips: [{ name: "one", reason: "no reason given" }],
    },
  ]);
  assertEquals(code, 1);
  for (const part of ["on purpose", "uncaught", "FAILURES"]) {
    assertEquals(failuresIn(output).includes(part), true);
  }
  assertEquals(failuresIn(output).includes("passed"), false);
});

test("failuresIn() is empty if nothing failed", async () => {
  const { code, output, xml } = await reportOf('Deno.test("one", () => {});');
  assertEquals([code, failuresIn(output)], [0, ""]);
  assertEquals(readReport(xml, []).map(({ file, passed }) => [file, passed]), [[
    "a test of an unknown file",
    1,
  ]]);
});

test("the last lines have a line for each reason, the most frequent first, and skipped tests only if there are any", () => {
  const [a, b] = [{ reason: "a" }, { reason: "b" }];
  assertEquals(formatSkips([a, b, b]), ["2 skipped: b", "1 skipped: a"]);
  assertEquals(formatCounts({ passed: 3, failed: 0, skipped: 0 }), "3 passed, 0 failed");
  assertEquals(formatCounts({ passed: 3, failed: 1, skipped: 2 }), "3 passed, 1 failed, 2 skipped");
});

test("the slowest files come first, with their processor time on all kernels, or the time that passed if it is unknown", () => {
  const base = { passed: 1, failed: 0, skipped: 0, skips: [], seconds: 2 };
  const a = { ...base, file: "a", cpu: 1.25 }, b = { ...base, file: "b", cpu: 2 };
  const c = { ...base, file: "c", cpu: undefined };
  assertEquals(formatSlowest([a, b, a, c], 5), ["2.5 s of CPU: a", "2.0 s of CPU: b"]);
  assertEquals(formatSlowest([a, b, a, c], 1), ["2.5 s of CPU: a"]);
  assertEquals([formatTime(b), formatTime(c)], ["2.0 s of CPU", "2.0 s"]);
});

test("a file that can't be loaded is a failed test, and the other files of its run are tested", async () => {
  using fixture = new Fixture({ "bad_test.ts": "throw new Error('on purpose');" });
  fixture.write(
    "good_test.ts",
    `import { test } from ${JSON.stringify(new URL("../_test.ts", import.meta.url).href)};
    test("good", () => {});`,
  );
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", "--no-lock", "--quiet", new URL("files.ts", import.meta.url).href],
    env: {
      CAPSICUM_TEST_FILES: JSON.stringify(["bad", "good"].map((name) => fixture.at(`${name}_test.ts`))),
      CAPSICUM_TEST_LOG: fixture.at("log"),
      NO_COLOR: "1",
    },
  }).output();
  const output = new TextDecoder().decode(stdout);
  assertEquals([code, /^FAILED \| 1 passed \| 1 failed /m.test(output)], [1, true], output);
  const files = fixture.read("log").split("\n").slice(0, -1).map((line) => JSON.parse(line).file);
  assertEquals(files.slice(0, 2), [
    `file://${fixture.at("bad_test.ts")}`,
    `file://${fixture.at("good_test.ts")}`,
  ]);
});

test("splitArguments() lists the test files of folders, all without arguments, and keeps other arguments", () => {
  const { files, others } = splitArguments(["./tests/run/", "--filter=x", "tests/mod_test.ts"]);
  assertEquals([files.includes("tests/run/report_test.ts"), files.at(-1)], [true, "tests/mod_test.ts"]);
  assertEquals(others, ["--filter=x"]);
  const all = splitArguments([]).files;
  assertEquals(files.every((file) => all.includes(file)), true);
});

test("splitArguments() names a test that does not exist, and one outside of tests/", () => {
  for (const path of ["tests/none_test.ts", "tests/none", "open_test.ts"]) {
    assertThrows(() => splitArguments(["tests/mod_test.ts", path]), Error, `There is no test "${path}"`);
  }
});

test("every test file runs on a kernel, the attacks on each", () => {
  for (const file of splitArguments([]).files) assertEquals(placesOf(file).length > 0, true, file);
  assertEquals(placesOf("tests/compat/fs/attack_test.ts").length, 5);
});

test("run.ts ends with code 2 and its usage for an unknown command, and with none", async () => {
  for (const args of [["foo"], [], ["constructor"]]) {
    const { code, stderr } = await runModule(new URL("../run.ts", import.meta.url), { args, kernel: false });
    assertEquals([code, stderr.startsWith("usage: deno task demo")], [2, true]);
  }
});
