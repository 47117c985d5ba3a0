import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ambient } from "../../../compat/ambient/mod.ts";
import { CapsicumError, type Dir, type FdFile, isNotCapable, openDirSync } from "../../../mod.ts";
import { type Caught, inChild } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { moduleDoc, rowsOf } from "../../_snippets.ts";
import { test } from "../../_test.ts";

const entry = new URL("../../../compat/ambient/mod.ts", import.meta.url).href;

/** Two directories of a fixture and what replaces Deno's functions over them, all of them for one scope. */
function scene(options: Parameters<typeof ambient>[1] = {}) {
  const scope = new DisposableStack();
  const fixture = scope.use(
    new Fixture({ data: { f: "text", sub: { g: "more" } }, other: { f: "other" }, f: "outside" }),
  );
  const data = scope.use(openDirSync(fixture.at("data"))),
    other = scope.use(openDirSync(fixture.at("other")));
  scope.use(ambient({ "/srv/data": data, "/srv/data/sub/mounted": other }, { cwd: "/srv/data", ...options }));
  return { fixture, data, other, [Symbol.dispose]: () => scope.dispose() };
}

test("ambient() finds the longest mount for a path, after '.', '..' and slashes are resolved by name", () => {
  using _ = scene();
  const paths = [
    "f",
    "./f",
    "sub/../f",
    "missing/../f",
    "//srv///data/./f",
    "../data/f",
    new URL("file:///srv/data/f"),
  ];
  for (const path of paths) assertEquals(Deno.readTextFileSync(path), "text", String(path));
  for (
    const path of ["sub/mounted/f", "/srv/data/sub/mounted//f", new URL("file:///srv/data/sub/mounted/%66")]
  ) {
    assertEquals(Deno.readTextFileSync(path), "other", String(path));
  }
  assert(Deno.statSync("sub/mounted").isDirectory);
  assert(Deno.statSync("/srv/data/").isDirectory);
  // Not in a mount whose path it only begins with: Deno itself finds nothing there.
  for (const path of ["/srv/dataf", "/srv/data.f", "/srv/dat/f", "sub/mountedf"]) {
    assertThrows(() => Deno.readTextFileSync(path), Deno.errors.NotFound, path);
  }
  assertThrows(() => Deno.readTextFileSync("f/"), Deno.errors.NotADirectory, '"f/"');
  assertThrows(() => Deno.readTextFileSync(""), Deno.errors.NotFound, "ENOENT");
});

test("ambient() has a working directory that is a path", () => {
  using _ = scene({ cwd: new URL("file:///srv/data/sub/") });
  const before = globalThis.process;
  assertEquals([Deno.cwd(), before.cwd(), Deno.readTextFileSync("g")], [
    "/srv/data/sub",
    "/srv/data/sub",
    "more",
  ]);
  Deno.chdir("..");
  assertEquals([Deno.cwd(), Deno.readTextFileSync("f")], ["/srv/data", "text"]);
  Deno.symlinkSync("sub", "link");
  Deno.chdir("link");
  assertEquals(Deno.cwd(), "/srv/data/sub");
  assertThrows(() => Deno.chdir("g"), Deno.errors.NotADirectory);
  assertThrows(() => Deno.chdir("missing"), Deno.errors.NotFound);
  Deno.chdir("/");
  assertEquals([Deno.cwd(), Deno.readTextFileSync("srv/data/f")], ["/", "text"]);
});

test("ambient() leaves paths of no mount to Deno while the process is not sandboxed, and puts all back", () => {
  const originals = Deno.readTextFileSync, cwd = Deno.cwd(), { process } = globalThis;
  {
    using at = scene();
    assertEquals(Deno.readTextFileSync(at.fixture.at("f")), "outside");
    Deno.copyFileSync(at.fixture.at("f"), at.fixture.at("g"));
    // From a mount to a path of none: Deno can't reach the first under its mounted name.
    assertThrows(() => Deno.copyFileSync("/srv/data/f", at.fixture.at("h")), Deno.errors.NotFound);
    Deno.chdir(at.fixture.path);
    assertEquals([Deno.cwd(), Deno.readTextFileSync("g")], [at.fixture.path, "outside"]);
    assert(Deno.readTextFileSync !== originals);
    assertThrows(() => ambient({}), Deno.errors.Busy);
    Deno.chdir(cwd);
  }
  assert(Deno.readTextFileSync === originals);
  assertEquals([Deno.cwd(), process.cwd()], [cwd, cwd]);
  assert(!Object.hasOwn(Deno.FsFile, Symbol.hasInstance));
});

test("ambient() calls work from one mount to another, and name both paths in errors", async () => {
  using at = scene();
  Deno.renameSync("f", "sub/mounted/moved");
  await Deno.copyFile("sub/mounted/moved", "copied");
  Deno.linkSync("copied", "/srv/data/sub/mounted/linked");
  assertEquals([at.fixture.list("data"), at.fixture.list("other")], [["copied", "sub"], [
    "f",
    "linked",
    "moved",
  ]]);
  const error = assertThrows(() => Deno.renameSync("no", "sub/mounted/x"), Deno.errors.NotFound);
  assertEquals(error.message, 'renameat "no" to "sub/mounted/x": No such file or directory (ENOENT).');
  await assertRejects(
    () => Deno.copyFile("copied", "sub/mounted/no/x"),
    Deno.errors.NotFound,
    '"sub/mounted/no/x"',
  );
  assertThrows(() => Deno.mkdirSync("copied/x"), Deno.errors.NotADirectory, '"copied/x"');
});

test("ambient() refuses what a Dir refuses, also symlinks that are absolute", () => {
  using at = scene();
  at.data.symlinkSync("/srv/data/f", "absolute");
  at.data.symlinkSync("../other/f", "out");
  for (const path of ["absolute", "out"]) {
    const error = assertThrows(() => Deno.readTextFileSync(path), CapsicumError, `"${path}"`);
    assert(isNotCapable(error));
  }
});

test("ambient() ignores options that Deno does not know", async () => {
  using _ = scene();
  const odd = { unheardOf: 1 } as object;
  assertEquals(await Deno.readTextFile("f", odd), "text");
  Deno.writeTextFileSync("new", "x", { ...odd, createNew: true });
  assertThrows(() => Deno.writeTextFileSync("new", "x", { createNew: true }), Deno.errors.AlreadyExists);
  Deno.mkdirSync("made/below", { ...odd, recursive: true });
  Deno.removeSync("made", { ...odd, recursive: true });
  using file = Deno.openSync("new", { ...odd, read: true });
  assertEquals(file.readSync(new Uint8Array(9)), 1);
});

test("ambient() takes null for undefined in options, as Deno does, and refuses options that are not an object", async () => {
  using _ = scene();
  assertEquals(await Deno.readTextFile("f", { signal: null as never }), "text");
  Deno.writeTextFileSync("new", "x", { mode: null as never, append: null as never });
  assert(Deno.makeTempDirSync({ dir: ".", prefix: null as never }).length > 0);
  for (const options of ["w", 1, true]) {
    assertThrows(
      () => Deno.openSync("f", options as never),
      TypeError,
      "Deno.openSync(): the options must be an object",
    );
    await assertRejects(() => Deno.writeTextFile("f", "", options as never), TypeError, "must be an object");
  }
  assertEquals(Deno.readTextFileSync("f"), "text");
});

test("ambient() makes temporary files in the mount of their directory, and returns paths as Deno does", async () => {
  using at = scene({ tempDir: "/srv/data/sub" });
  const made = [
    Deno.makeTempDirSync({ prefix: "p" }),
    await Deno.makeTempFile({ dir: "sub/mounted", suffix: ".s" }),
  ];
  assert(/^\/srv\/data\/sub\/p[0-9a-f]{16}$/.test(made[0]!), made[0]);
  assert(/^sub\/mounted\/[0-9a-f]{16}\.s$/.test(made[1]!), made[1]);
  assert(Deno.statSync(made[0]!).isDirectory && Deno.statSync(made[1]!).isFile);
  assertEquals(at.fixture.list("other").length, 2);
});

test("ambient()'s files are Deno.FsFile to instanceof, and to the type checker", () => {
  using _ = scene();
  using file = Deno.openSync("f");
  assert(file instanceof Deno.FsFile && !({} instanceof Deno.FsFile));
  const typed = (own: FdFile, dir: Dir): [Deno.FsFile, Deno.FileInfo, Iterable<Deno.DirEntry>] => [
    own,
    own.statSync(),
    dir.readDirSync(),
  ];
  assertEquals(typeof typed, "function");
});

test("ambient() reads directories, real paths and symlinks", async () => {
  using _ = scene();
  assertEquals((await Array.fromAsync(Deno.readDir("."))).map(({ name }) => name).sort(), ["f", "sub"]);
  assertEquals([...Deno.readDirSync("sub/mounted")].map(({ name, isFile }) => [name, isFile]), [["f", true]]);
  await assertRejects(() => Array.fromAsync(Deno.readDir("missing")), Deno.errors.NotFound, '"missing"');
  await Deno.symlink("sub", "link");
  assertEquals([await Deno.realPath("link/g"), Deno.realPathSync(".")], ["/srv/data/sub/g", "/srv/data"]);
  assertEquals(Deno.readLinkSync("link"), "sub");
});

test("ambient() replaces each function of Deno that has a twin in Dir, in both forms", () => {
  const before: Record<string, unknown> = { ...Deno };
  using _ = scene();
  const twins = rowsOf(moduleDoc("compat/fs/mod.ts")).filter(([deno, here]) =>
    deno!.startsWith("`Deno.") && here!.includes("dir.")
  ).flatMap(([deno]) => [...deno!.matchAll(/Deno\.(\w+)/g)].map(([, name]) => name!));
  assert(twins.length > 40, `${twins.length} twins`);
  const now: Record<string, unknown> = { ...Deno };
  assertEquals(twins.filter((name) => now[name] === before[name]), []);
});

test("ambient() refuses mounts and options that are wrong", () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  const wrong: [unknown, unknown][] = [
    [{ "/a": fixture.path }, {}],
    [{ "/a": dir, "/b/../a/": dir }, {}],
    [[dir], {}],
    [null, {}],
    [{ "/a": dir }, { cwd: 1 }],
    [{ "/a": dir }, { root: "/" }],
    [{ "": dir }, {}],
  ];
  for (const [mounts, options] of wrong) {
    assertThrows(() => ambient(mounts as never, options as never), TypeError);
  }
  ambient({ "/a": dir, b: dir }, { cwd: "/" })[Symbol.dispose]();
});

test("ambient() in a sandbox names the path, the mounts and the way out for a path of no mount", async () => {
  using fixture = new Fixture({ f: "text" });
  const found = await inChild(
    async ({ sandbox, caught, isCapModeViolation }, { entry, path }) => {
      const { ambient } = await import(entry);
      let originals!: Disposable;
      sandbox({
        dirs: { data: { path, rights: "readWrite" } },
        ambient: ({ [path]: dir }) => originals = ambient({ "/srv/data": dir }, { cwd: "/srv/data" }),
      });
      const text = Deno.readTextFileSync("f");
      originals[Symbol.dispose]();
      const errors = [
        caught(() => Deno.readTextFileSync("/etc/passwd")),
        caught(() => Deno.renameSync("f", "../x")),
        caught(() => Deno.makeTempDirSync()),
      ].map((error) => error!);
      const refused = await Deno.stat("/etc").then(() => undefined, (error) => isCapModeViolation(error));
      return { text, errors, refused };
    },
    { entry, path: fixture.path },
    { exits: true },
  );
  assertEquals(found.text, "text");
  const [read, rename, temp] = found.errors as [Caught, Caught, Caught];
  assertEquals([read.class, read.code, read.path], ["NotCapable", "ECAPMODE", "/etc/passwd"]);
  assertEquals(
    read.message,
    'Deno.readTextFileSync() "/etc/passwd": the path is in no directory of the sandbox (ECAPMODE). ' +
      "Its directories are /srv/data: add one to dirs of the plan.",
  );
  assertEquals([rename.path, temp.path, found.refused], ["../x", "/tmp", true]);
});
