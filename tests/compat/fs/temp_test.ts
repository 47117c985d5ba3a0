import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { openDirSync } from "../../../mod.ts";
import { Fixture } from "../../_fixture.ts";
import { failNext, needsStandin } from "../../_standin.ts";
import { test } from "../../_test.ts";

test("Dir.makeTempFileSync() and makeTempDirSync() create a file and a directory that only the owner may use, and return their paths", async () => {
  using fixture = new Fixture({ sub: {} });
  using dir = openDirSync(fixture.path);
  const file = dir.makeTempFileSync(), directory = dir.makeTempDirSync();
  assertEquals([fixture.stat(file).isFile, fixture.stat(file).mode! & 0o777], [true, 0o600]);
  assertEquals([fixture.stat(directory).isDirectory, fixture.stat(directory).mode! & 0o777], [true, 0o700]);
  for (const path of [file, directory]) assertMatch(path, /^[0-9a-f]{16}$/);
  assertMatch(
    dir.makeTempFileSync({ dir: "sub", prefix: "a-", suffix: ".txt" }),
    /^sub\/a-[0-9a-f]{16}\.txt$/,
  );
  assertMatch(await dir.makeTempDir({ dir: "sub/", prefix: "b-" }), /^sub\/b-[0-9a-f]{16}$/);
  assertMatch(await dir.makeTempFile({ suffix: ".x" }), /^[0-9a-f]{16}\.x$/);
  assertEquals([fixture.list().length, fixture.list("sub").length], [4, 2]);
});

test("Dir.makeTempFileSync() chooses another name if one exists", () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  const EEXIST = 17;
  failNext("openat", EEXIST);
  failNext("mkdirat", EEXIST);
  assert(fixture.exists(dir.makeTempFileSync()) && fixture.exists(dir.makeTempDirSync()));
}, { skip: needsStandin });

test("Dir.makeTempFileSync() and makeTempDirSync() leave what has the name already", () => {
  const taken = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", name = taken.replaceAll("-", "").slice(0, 16);
  for (const make of ["makeTempFileSync", "makeTempDirSync"] as const) {
    using fixture = new Fixture({ [name]: "old" });
    using dir = openDirSync(fixture.path);
    const { randomUUID } = crypto, names = [taken];
    crypto.randomUUID = () => (names.pop() ?? randomUUID.call(crypto)) as ReturnType<typeof randomUUID>;
    try {
      assert(dir[make]() !== name);
    } finally {
      crypto.randomUUID = randomUUID;
    }
    assertEquals([fixture.list().length, fixture.read(name)], [2, "old"]);
  }
});

test("Dir.makeTempFileSync() throws if it can't create a file, and for a prefix or suffix that is not part of a name", async () => {
  using fixture = new Fixture({ file: "" });
  using dir = openDirSync(fixture.path);
  assertThrows(() => dir.makeTempFileSync({ dir: "missing" }), Deno.errors.NotFound);
  assertThrows(() => dir.makeTempDirSync({ dir: "file" }), Deno.errors.NotADirectory);
  assertThrows(() => dir.makeTempFileSync({ prefix: "../" }), TypeError, "prefix");
  assertThrows(() => dir.makeTempDirSync({ suffix: "/x" }), TypeError, "suffix");
  assertThrows(() => dir.makeTempFileSync({ prefix: "a\0b" }), TypeError);
  await assertRejects(() => dir.makeTempFile({ dir: "missing" }), Deno.errors.NotFound);
  assertEquals(fixture.list(), ["file"]);
});
