import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { libcPath } from "./_child.ts";
import { blocksOf, complaintsOf, runSnippet } from "./_snippets.ts";
import { test } from "./_test.ts";

const readme = Deno.readTextFileSync(new URL("../README.md", import.meta.url));
const prose = readme.replace(/^```[^]*?^```$/gm, "").replace(/^\|.*$/gm, "");

/** What each TypeScript block prints; the second is sandboxed on both systems. */
const blocks: readonly RegExp[] = [
  /^hosts \d+$/m,
  /^\d+ true\n$/,
  /^hosts true\ntrue\n$/,
  /^ENOTCAPABLE \.\.\/dev\/null\n$/,
];

/** The permissions that README.md gives programs. */
const [freebsd, linux] = [...readme.matchAll(/^deno run (--allow-ffi=\S+) program\.ts$/gm)].map((match) =>
  match[1]!
) as [string, string];

test("README.md has at most 1,000 words outside of code and tables, and one table", () => {
  const words = prose.split(/\s+/).filter((word) => /\w/.test(word));
  assert(words.length > 500 && words.length <= 1000, `${words.length} words`);
  assertEquals(readme.match(/^\| -[-| ]*$/gm)?.length, 1);
});

test("README.md's TypeScript blocks pass the type checker", async () => {
  assertEquals(await complaintsOf(blocksOf(readme)), "");
  assertStringIncludes(await complaintsOf(['const wrong: number = "";\nconsole.log(wrong);\n']), "TS2322");
});

test("README.md's TypeScript blocks run as printed with the permission that it gives for FreeBSD", async () => {
  const found = blocksOf(readme);
  assertEquals(found.length, blocks.length);
  for (const [i, prints] of blocks.entries()) {
    const { code, stdout, stderr } = await runSnippet(found[i]!, {
      // The stand-in is elsewhere.
      permissions: [freebsd.replace("/lib/libc.so.7", libcPath)],
    });
    assertEquals({ code, stderr }, { code: 0, stderr: "" }, found[i]);
    assertMatch(stdout, prints);
  }
});

test("README.md's TypeScript blocks run as printed with the permission that it gives for Linux", async () => {
  const permissions = [linux];
  for (const [i, prints] of blocks.entries()) {
    const { code, stdout, stderr } = await runSnippet(blocksOf(readme)[i]!, { kernel: false, permissions });
    assertEquals({ code, stderr }, { code: 0, stderr: "" }, blocksOf(readme)[i]);
    assertMatch(stdout, prints);
  }
}, {
  skip: !exists(linux.replace("--allow-ffi=", "")) &&
    "needs Linux on x86_64 with glibc where Debian has it",
});

test("README.md's sandbox of five lines has five lines, and enters where there is Capsicum", async () => {
  const first = blocksOf(readme)[0]!;
  assertEquals(first.trimEnd().split("\n").length, 5);
  const { code, stdout } = await runSnippet(`${first}import { getMode } from "jsr:@capsicum/capsicum";
console.log(getMode());\n`);
  assertEquals(code, 0);
  assertMatch(stdout, /^true\n$/m);
});

test("README.md has the commands of the demo and of the tests", () => {
  for (const task of ["demo", "test"]) {
    assertMatch(readme, new RegExp(`^npx --yes deno@2\\.9\\.6 task ${task}$`, "m"));
    assertMatch(readme, new RegExp(`^deno task ${task}$`, "m"));
  }
});

test("README.md's links to files lead to files, those of every entry point among them", () => {
  const links = [...readme.matchAll(/\]\(([^):]+)\)/g)].map((match) => match[1]!);
  const { exports } = JSON.parse(Deno.readTextFileSync(new URL("../deno.json", import.meta.url)));
  assertEquals(links.filter((link) => !exists(new URL(`../${link}`, import.meta.url))), []);
  const wanted = Object.entries<string>(exports).map(([name, path]) => `[\`${name}\`](${path.slice(2)})`);
  assertEquals(wanted.filter((link) => !readme.includes(link)), []);
});

function exists(path: string | URL): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
