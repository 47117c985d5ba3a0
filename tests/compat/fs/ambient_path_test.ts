import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { pathOf } from "../../../compat/fs/path/components.ts";
import {
  listDir,
  listDirSync,
  open,
  openDir,
  openDirSync,
  openSync,
  readDir,
  readDirSync,
} from "../../../mod.ts";
import { Fixture } from "../../_fixture.ts";
import { test } from "../../_test.ts";

test("file: URLs name the same files as in Deno, and are refused if Deno refuses them", () => {
  using fixture = new Fixture({
    a: "a",
    "a b": "space",
    "50%": "percent",
    "a%zz": "no escape",
    "ü": "umlaut",
    sub: { a: "in sub" },
  });
  const base = `file://${fixture.path}`;
  const urls = [
    `${base}/a`,
    `${base}/a b`,
    `${base}/a%20b`,
    `${base}/50%`,
    `${base}/50%25`,
    `${base}/a%zz`,
    `${base}/a%25zz`,
    `${base}/ü`,
    `${base}/%C3%BC`,
    `${base}/sub%2Fa`,
    `${base}/sub%2fa`,
    `${base}/./sub/../a`,
    `${base}/%2e/a`,
    `${base}/a?query`,
    `${base}/a#fragment`,
    `${base}//a`,
    `file://localhost${fixture.path}/a`,
    `file:${fixture.path}/a`,
    `file://elsewhere${fixture.path}/a`,
    `${base}/%FF`,
    `${base}/a%00`,
    `${base}/none`,
    `https://localhost${fixture.path}/a`,
  ];
  const outcome = (read: () => string) => {
    try {
      return read();
    } catch (error) {
      return error instanceof Deno.errors.NotFound ? "not found" : "refused";
    }
  };
  for (const url of urls.map((url) => new URL(url))) {
    const ours = outcome(() => {
      using file = openSync(url);
      return new TextDecoder().decode(file.readAllSync());
    });
    assertEquals(ours, outcome(() => Deno.readTextFileSync(url)), url.href);
  }
});

test("a function that opens or lists by path throws TypeError that names it, and says that URLs are permitted", async () => {
  const calls = { listDir, listDirSync, open, openDir, openDirSync, openSync, readDir, readDirSync };
  for (const [name, call] of Object.entries(calls)) {
    const failing = async (path: unknown) => {
      const error = await assertRejects(async () => {
        const result: unknown = await call(path as string);
        for await (const _ of result as AsyncIterable<unknown>);
      }, TypeError);
      assert(error.message.startsWith(`${name}(): `), error.message);
      return error.message.slice(name.length + 4);
    };
    assertEquals(await failing(""), 'the path "" is empty: write "." for the directory itself.');
    assertStringIncludes(
      await failing(new URL("https://a/b")),
      "a path must be a string or a file: URL of this machine",
    );
    assertMatch(await failing(undefined), /must be a (string or a|path, a) file: URL.*, not undefined\.$/);
  }
});

test("a URL that is not a local path throws TypeError with the library's own message", () => {
  for (const url of ["https://a/b", "file://host/b", "file:///%FF"]) {
    assertThrows(() => pathOf(new URL(url)), TypeError, "A path must be a string or a file: URL");
  }
});
