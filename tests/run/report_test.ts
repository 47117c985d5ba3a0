import { assertEquals } from "@std/assert";
import { runModule } from "../_child.ts";
import { Fixture } from "../_fixture.ts";
import { test } from "../_test.ts";
import { failuresIn, formatCounts, formatSkips, readReport } from "./report.ts";
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
    { name: "one" },
    { name: "bad", file: "b" },
    { name: "leaks", file: "b" },
    { name: "one", file: "b" },
    { name: "late", file: "b" },
  ]).map(({ seconds: _, ...result }) => result);
  assertEquals(results, [
    { file: "a", passed: 1, failed: 0, skipped: 1, skips: [{ name: skipped, reason: "why" }] },
    { file: "b", passed: 0, failed: 3, skipped: 1, skips: [{ name: "one", reason: "no reason given" }] },
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

test("splitArguments() lists the test files of folders, all without arguments, and keeps other arguments", () => {
  const { files, others } = splitArguments(["./tests/run/", "--filter=x", "tests/mod_test.ts"]);
  assertEquals(files, ["tests/run/report_test.ts", "tests/mod_test.ts"]);
  assertEquals(others, ["--filter=x"]);
  const all = splitArguments([]).files;
  assertEquals(files.every((file) => all.includes(file)), true);
});

test("every test file runs on a kernel, the attacks on each", () => {
  for (const file of splitArguments([]).files) assertEquals(placesOf(file).length > 0, true, file);
  assertEquals(placesOf("tests/compat/fs/attack_test.ts").length, 4);
});

test("run.ts ends with code 2 and its usage for an unknown command, and with none", async () => {
  for (const args of [["foo"], [], ["constructor"]]) {
    const { code, stderr } = await runModule(new URL("../run.ts", import.meta.url), { args, kernel: false });
    assertEquals([code, stderr.startsWith("usage: deno task demo")], [2, true]);
  }
});
