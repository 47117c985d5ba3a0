import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Fixture } from "./_fixture.ts";
import { blocksOf, complaintsOf, runSnippet } from "./_snippets.ts";
import { test } from "./_test.ts";

const readme = Deno.readTextFileSync(new URL("../README.md", import.meta.url));

/** What each TypeScript block prints, in order, and the path in it that the test has a fixture for. */
const blocks: { path?: string; prints(fixture: Fixture): RegExp }[] = [
  { path: "/var/log", prints: () => /^one 3\ntwo 4\n$|^two 4\none 3\n$/ },
  { prints: () => /^$/ },
  { path: "/srv/data", prints: () => /^(one 3\ntwo 4\n|two 4\none 3\n)$/ },
  { path: "/etc/services", prints: () => /READ.*SEEK.*FSTAT.* true\n$|PREAD.*FSTAT.* true\n$/ },
  { path: "/tmp/names", prints: () => /^true the é of Latin-1\n$/ },
  { path: "/tmp/notes", prints: () => /^ENOTCAPABLE \[ "WRITE" \]\n$/ },
  { path: "/srv/data", prints: () => /^(one 3\ntwo 4\n|two 4\none 3\n)$/ },
];

test("README.md's TypeScript blocks pass the type checker", async () => {
  assertEquals(await complaintsOf(blocksOf(readme)), "");
  assertStringIncludes(await complaintsOf(['const wrong: number = "";\nconsole.log(wrong);\n']), "TS2322");
});

test("README.md's TypeScript blocks run, each in a process of its own, and print what they promise", async () => {
  const found = blocksOf(readme);
  assertEquals(found.length, blocks.length);
  for (const [i, { path, prints }] of blocks.entries()) {
    using fixture = new Fixture({
      log: { one: "one", two: "two\n" },
      services: "ssh",
      notes: "note",
      names: {},
    });
    const places: Record<string, string> = {
      "/var/log": "log",
      "/etc/services": "services",
      "/tmp/names": "names",
      "/tmp/notes": "notes",
      "/srv/data": "log",
    };
    let block = found[i]!;
    if (path !== undefined) {
      assertStringIncludes(block, `"${path}"`);
    }
    for (const [place, name] of Object.entries(places)) {
      block = block.replaceAll(`"${place}"`, JSON.stringify(fixture.at(name)));
    }
    const { code, stdout, stderr } = await runSnippet(block);
    assertEquals({ code, stderr }, { code: 0, stderr: "" }, block);
    assertMatch(stdout, prints(fixture));
  }
});

test("README.md's sandbox of five lines has five lines, and the second block enters too", async () => {
  const [first, second] = blocksOf(readme);
  assertEquals(first!.trimEnd().split("\n").length, 5);
  assertStringIncludes(first!, "enter();");
  const { code, stdout } = await runSnippet(`${second}import { getMode } from "jsr:@capsicum/capsicum";
console.log(getMode());\n`);
  assertEquals([code, stdout], [0, "true\n"]);
});

test("README.md's program for both systems also runs where there is no Capsicum", async () => {
  using fixture = new Fixture({ one: "one" });
  const block = blocksOf(readme).find((block) => block.includes("if (isSupported()) {"))!;
  const { code, stdout } = await runSnippet(
    block.replace('"/srv/data"', JSON.stringify(fixture.path)),
    { kernel: false, permissions: ["--allow-ffi"] },
  );
  assertEquals([code, stdout], [0, "one 3\n"]);
});

test("README.md has the commands of the demo and of the tests", () => {
  for (const task of ["demo", "test"]) {
    assertMatch(readme, new RegExp(`^npx --yes deno@2\\.9\\.6 task ${task}$`, "m"));
    assertMatch(readme, new RegExp(`^deno task ${task}$`, "m"));
  }
});
