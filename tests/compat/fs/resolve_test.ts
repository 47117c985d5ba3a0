import { assert, assertEquals, assertThrows } from "@std/assert";
import type * as capsicum from "../../../mod.ts";
import { type Dir, isNotCapable, libc, limit, openDirSync, Rights, type SyscallError } from "../../../mod.ts";
import { at, type Operation, resolve } from "../../../compat/fs/path/resolve.ts";
import { inChild, type Tools } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { needsMounts } from "../../_mounts.ts";
import { callsOf } from "../../_standin.ts";
import { test } from "../../_test.ts";
import { failureOf } from "./_failure.ts";
import {
  followed,
  following,
  hostileTree,
  leadingOut,
  leadingToRoot,
  naming,
  reading,
  snapshot,
  treeToRoot,
} from "./_hostile.ts";

/** The reason to skip a test that needs directories which the kernel does not confine. */
const needsGap = needsMounts() ||
  kernel.major < 15 &&
    "needs FreeBSD 15, or the stand-in for it: before, the kernel confines the root of a mount";
const needsStandin = kernel.simulated ? false : "needs the stand-in, which counts calls";

/** Opens "inside" as a directory that the kernel confines, that is limited, or that the kernel does not confine. */
const ways: { way: string; skip: string | false; open: (fixture: Fixture) => Dir }[] = [
  { way: "a directory", skip: false, open: (fixture) => openDirSync(fixture.at("inside")) },
  {
    way: "a limited directory",
    skip: kernel.hasCapsicum ? false : "needs Capsicum: FreeBSD, or the stand-in",
    open: (fixture) => openDirSync(fixture.at("inside"), { limit: Rights.all(13).difference(["PDKILL"]) }),
  },
  { way: "the root of a mount", skip: needsGap, open: (fixture) => openMountRoot(fixture, "inside") },
];

function openMountRoot(fixture: Fixture, name = ""): Dir {
  fixture.mount(name);
  const dir = openDirSync(fixture.at(name));
  assertEquals(dir.confined, false);
  return dir;
}

for (const { way, skip, open } of ways) {
  test(`Dir's methods refuse every path that leaves ${way}, and touch nothing there`, () => {
    using fixture = hostileTree();
    using dir = open(fixture);
    const before = snapshot(fixture, "outside"), inside = fixture.list("inside");
    for (const [name, use] of Object.entries({ ...following, ...naming })) {
      for (const path of leadingOut(fixture)) {
        const error = assertThrows(() => use(dir, path), Error, undefined, `${name} ${path}`);
        // A kernel that confines the lookup refuses the name ".." before it resolves the name.
        const isEinval = /(^|\/)\.\.?\/?$/.test(path) && (error as { code?: string }).code === "EINVAL";
        assert(isNotCapable(error) || isEinval, `${name} ${path}: ${error}`);
      }
    }
    assertEquals(snapshot(fixture, "outside"), before);
    assertEquals(fixture.list("inside"), inside);
    assertEquals(fixture.list(), ["inside", "outside"]);
  }, { skip });

  test(`Dir's methods that read refuse every path that leaves ${way} for the system's root`, () => {
    using fixture = hostileTree();
    fixture.add(treeToRoot, "inside");
    using dir = open(fixture);
    const uses = Object.entries({ ...following, ...naming }).filter(([name]) => reading.has(name));
    assertEquals(uses.length, reading.size);
    for (const [name, use] of uses) {
      for (const path of [...leadingToRoot, ...Object.hasOwn(following, name) ? ["root", "root/"] : []]) {
        const error = assertThrows(() => use(dir, path), Error, undefined, `${name} ${path}`);
        assert(isNotCapable(error), `${name} ${path}: ${error}`);
      }
    }
  }, { skip });

  test(`Dir's methods refuse to follow a symlink that leaves ${way}, and touch nothing there`, () => {
    using fixture = hostileTree();
    using dir = open(fixture);
    const before = snapshot(fixture, "outside");
    for (const [name, use] of Object.entries(following)) {
      for (const path of [...followed, "../", "parent/", "out-dir/"]) {
        const error = assertThrows(() => use(dir, path), Error, undefined, `${name} ${path}`);
        // Linux refuses to create a file whose name ends with a slash, before it checks anything else.
        const isSlash = path.endsWith("/") && error instanceof Deno.errors.IsADirectory;
        assert(isNotCapable(error) || isSlash, `${name} ${path}: ${error}`);
      }
    }
    assertEquals(snapshot(fixture, "outside"), before);
  }, { skip });

  test(`Dir's methods that act on names touch nothing behind a symlink that leaves ${way}`, () => {
    for (const [name, use] of Object.entries(naming)) {
      for (const path of [...followed, ...followed.map((path) => `${path}/`)]) {
        using fixture = hostileTree();
        using dir = open(fixture);
        const before = snapshot(fixture, "outside");
        try {
          use(dir, path);
        } catch {
          // The call was refused, or acted on the symlink itself.
        }
        assertEquals(snapshot(fixture, "outside"), before, `${name} ${path}`);
        assertEquals(fixture.list(), ["inside", "outside"], `${name} ${path}`);
      }
    }
  }, { skip });

  test(`Dir's methods follow paths that stay within ${way}`, () => {
    using fixture = hostileTree();
    using dir = open(fixture);
    for (const path of ["sub/../file", "./file", "sub/up/file", "sub-link/../file", "sub/./../file"]) {
      assertEquals(dir.readTextFileSync(path), "file", path);
      assertEquals(dir.lstatSync(path).size, 4, path);
      assertEquals(dir.realPathSync(path), "file", path);
    }
    for (const path of ["within", "sub-link/file", "sub/up/within", "sub//file"]) {
      assertEquals(dir.readTextFileSync(path), "sub/file", path);
      assertEquals(dir.statSync(path).size, 8, path);
      assertEquals(dir.realPathSync(path), "sub/file", path);
    }
    for (const path of [".", "./", "sub/..", "sub/up", "sub/up/."]) {
      assertEquals(dir.realPathSync(path), ".", path);
    }
    dir.mkdirSync("sub-link/../new/");
    dir.renameSync("sub/up/new/", "sub/new");
    dir.writeTextFileSync("sub-link/new/a", "a");
    dir.linkSync("sub/new/../new/a", "sub/up/b");
    dir.symlinkSync("a", "sub/new/c");
    assertEquals(dir.readLinkSync("sub-link/new/c"), "a");
    assertEquals(dir.readTextFileSync("sub/new/c"), "a");
    dir.removeSync("sub/up/b");
    dir.removeSync("sub-link/new", { recursive: true });
    assertEquals(fixture.list("inside/sub"), ["file", "out", "up"]);
    for (const path of ["loop", "loop/file"]) {
      assertThrows(() => dir.readTextFileSync(path), Deno.errors.FilesystemLoop);
    }
    assertEquals(dir.readLinkSync("loop"), "loop");
  }, { skip });

  test(`errors of Dir's methods in ${way} have the path and descriptor that the caller gave`, () => {
    using fixture = hostileTree();
    using dir = open(fixture);
    const { fd } = dir;
    const reported = (use: () => unknown) => {
      const { class: name, syscall, path, fd } = failureOf(use);
      return [name, syscall, path, fd];
    };
    assertEquals(reported(() => dir.removeSync("sub/missing")), ["NotFound", "unlinkat", "sub/missing", fd]);
    assertEquals(reported(() => dir.mkdirSync("missing/new")), ["NotFound", "mkdirat", "missing/new", fd]);
    assertEquals(reported(() => dir.mkdirSync("sub/file")), ["AlreadyExists", "mkdirat", "sub/file", fd]);
    assertEquals(reported(() => dir.readTextFileSync("sub/missing")), [
      "NotFound",
      "openat",
      "sub/missing",
      fd,
    ]);
    assertEquals(reported(() => dir.statSync("missing/x")), ["NotFound", "fstatat", "missing/x", fd]);
    assertEquals(reported(() => dir.statSync("file/x")), ["NotADirectory", "fstatat", "file/x", fd]);
    assertEquals(reported(() => dir.removeSync("../x")).slice(2), ["../x", fd]);
    const places = `renameat "sub/missing" on fd ${fd} to "sub/new" on fd ${fd}: `;
    assertThrows(() => dir.renameSync("sub/missing", "sub/new"), Deno.errors.NotFound, places);
  }, { skip });
}

test("Dir.confined is true if the kernel confines the directory", () => {
  using fixture = new Fixture({ sub: { file: "" } });
  using dir = openDirSync(fixture.path);
  const confined = !Deno.env.has("CAPSICUM_TEST_OPENAT2");
  assertEquals(dir.confined, confined);
  using sub = dir.openDirSync("sub");
  assertEquals(sub.confined, confined);
});

test("Dir.confined is false for the root of a mount, and true for a directory below it", () => {
  using fixture = new Fixture({ sub: { file: "" } });
  using dir = openMountRoot(fixture);
  using sub = dir.openDirSync("sub");
  assertEquals(sub.confined, true);
  using self = dir.openDirSync("sub/..");
  assertEquals(self.confined, false);
}, { skip: needsGap });

test("Dir.confined is determined before the directory is limited", () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path, { limit: ["LOOKUP"] });
  assertEquals(dir.confined, true);
  fixture.mount("");
  using root = openDirSync(fixture.path, { limit: ["LOOKUP"] });
  assertEquals(root.confined, false);
}, { skip: needsGap });

/** In a child: returns `confined` of directories that are opened in capability mode. */
function confinedInside({ Dir, enter, openDirSync }: typeof capsicum & Tools, path: string) {
  const dir = openDirSync(path), plain = openDirSync(path, { limit: ["LOOKUP", "READ"] });
  const unconfined = new Dir(openDirSync(path).take(), false);
  enter();
  const inside = [dir.openDirSync("sub"), plain.openDirSync("sub"), Dir.fromFd(dir.openDirSync("sub").take())]
    .map(
      (dir) => {
        return [dir.confined, dir.readTextFileSync("a/../a/file")];
      },
    );
  // Below the root of a mount everything is confined, and the root itself is not.
  return [...inside, ["sub", "sub/.."].map((path) => unconfined.openDirSync(path).confined)];
}

test.capsicum("Dir.confined is true in capability mode if it can be determined without a refused call", async () => {
  using fixture = new Fixture({ sub: { a: { file: "text" } } });
  const expected = [[true, "text"], [false, "text"], [false, "text"], [true, false]];
  assertEquals(await inChild(confinedInside, fixture.path) as unknown, expected);
});

test(
  "Dir's methods make one call for a name and three for a path, and pass no path to a call that may leave the directory",
  () => {
    using fixture = new Fixture({ file: "", sub: { file: "" } });
    using dir = openDirSync(fixture.path);
    const calls = (use: () => unknown) => {
      const names = ["openat", "unlinkat", "close"], before = names.map(callsOf);
      use();
      return names.map((name, i) => callsOf(name) - before[i]!);
    };
    assertEquals(calls(() => dir.removeSync("file")), [0, 1, 0]);
    assertEquals(calls(() => dir.removeSync("sub/file")), [1, 1, 1]);
    dir.writeTextFileSync("sub/file", "");
    limit(dir, ["UNLINKAT"]);
    assertEquals(calls(() => dir.removeSync("sub/file")), [0, 1, 0]);
  },
  { skip: needsStandin },
);

test("at() closes its descriptors when the callback throws", () => {
  using fixture = new Fixture({ a: { b: { c: { up: { link: "../../b" } } } } });
  using dir = openDirSync(fixture.path);
  const fail = () => {
    throw new RangeError("of the callback");
  };
  for (const where of [dir, dir.fd]) {
    for (const on of [undefined, "new", "directory", "target"] as const) {
      const operation = { syscall: "openat", ...on && { on } };
      for (const path of ["a/b/c", "a/b/c/../c", "a/b/c/up/c"]) {
        assertThrows(() => at(where, path, operation, fail), RangeError, "of the callback");
      }
    }
  }
});

test("resolve() of a place that is kept has one name, and a descriptor of its own", () => {
  using fixture = new Fixture({ a: { b: { link: { link: "../c" } } } });
  const dir = openDirSync(fixture.path);
  const kept = { syscall: "openat", isKept: true } as const;
  const all: [path: string, on: Operation["on"], name: string][] = [
    ["a", undefined, "a"],
    ["a/", undefined, "a"],
    ["a/b/link", undefined, "link"],
    ["a/b/link", "target", "c"],
    ["a/b/new/", "new", "new"],
    ["a/b/..", undefined, "."],
    ["a/b/.", "target", "."],
  ];
  const places = [dir, dir.fd].flatMap((where) =>
    all.map(([path, on]) => resolve(where, path, { ...kept, ...on && { on } }))
  );
  dir.close();
  assertEquals(places.map(({ name }) => name), [...all, ...all].map(([, , name]) => name));
  for (const place of places) {
    libc.fcntl(place.fd, libc.F_GETFD);
    place[Symbol.dispose]();
  }
});

test("resolve() refuses a symlink and a file with a slash after them where a directory is needed", () => {
  using fixture = new Fixture({ a: { file: "", link: { link: "." } } });
  using dir = openDirSync(fixture.path);
  for (const where of [dir, dir.fd]) {
    for (const isKept of [true, false]) {
      for (
        const [path, on] of [["a/file/", undefined], ["a/link/", undefined], ["a/link", "directory"]] as const
      ) {
        const operation = { syscall: "unlinkat", isKept, ...on && { on } };
        const error = assertThrows(
          () => resolve(where, path, operation),
          Error,
          `unlinkat "${path}" on fd ${dir.fd}`,
        );
        assert(["ENOTDIR", "EMLINK", "ELOOP"].includes((error as SyscallError).code));
      }
      resolve(where, "a", { syscall: "unlinkat", on: "directory", isKept })[Symbol.dispose]();
    }
  }
});

test("Dir.openSync() with noFollow follows a symlink that has a slash after it, but not out of the directory", () => {
  using fixture = new Fixture({
    inside: {
      sub: { file: "" },
      "to-sub": { link: "sub" },
      "to-file": { link: "sub/file" },
      out: { link: "../other" },
    },
    other: {},
  });
  using dir = openDirSync(fixture.at("inside"));
  const open = (path: string) => {
    using file = dir.openSync(path, { noFollow: true });
    return file.statSync().isDirectory;
  };
  assertEquals(open("to-sub/"), true);
  assertThrows(() => open("to-sub"), Deno.errors.FilesystemLoop);
  assertThrows(() => open("to-file/"), Deno.errors.NotADirectory);
  assert(isNotCapable(assertThrows(() => open("out/"))));
});
