import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "../_test.ts";
import { mutants } from "./all.ts";
import { mutated } from "./mutant.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFileSync(new URL(path, root));

test("every mutant applies to its file once, in rights/, ffi/ and compat/, and names tests that exist", () => {
  const wrong: string[] = [];
  for (const mutant of mutants) {
    try {
      assert(mutated(read(mutant.file), mutant) !== "");
      for (const { test, filter = "" } of mutant.concerns) {
        // Some names are composed by the test file, and some filters are regular expressions.
        const isLiteral = !/^(?:libc\.|\/)/.test(filter);
        assert(!isLiteral || read(`tests/${test}`).includes(filter), `${test} has no test "${filter}"`);
      }
    } catch (error) {
      wrong.push(`${mutant.what}: ${(error as Error).message}`);
    }
  }
  assertEquals(wrong, []);
  const folders = Object.groupBy(mutants, ({ file }) => file.split("/")[0]!);
  assertEquals(Object.keys(folders).sort(), ["compat", "ffi", "rights"]);
  assert(mutants.length >= 60, `${mutants.length}`);
});

test("every mutant has a unique name and a test that must detect it", () => {
  const names = mutants.map(({ what }) => what);
  assertEquals(names.filter((name, i) => names.indexOf(name) < i), []);
  assertEquals(mutants.filter(({ concerns }) => concerns.length === 0), []);
});

test("mutated() throws if the text is missing or not unique, or the replacement equals it", () => {
  const mutant = { what: "a", file: "a.ts", search: "one", replace: "two", concerns: [] };
  assertEquals(mutated("one three", mutant), "two three");
  assertThrows(() => mutated("three", mutant), Error, "0 times");
  assertThrows(() => mutated("one one", mutant), Error, "2 times");
  assertThrows(() => mutated("one", { ...mutant, replace: "one" }), Error, "changes nothing");
});
