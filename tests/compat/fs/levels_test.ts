import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Level, Levels } from "../../../compat/fs/tree/list.ts";
import { identityOf } from "../../../compat/fs/descriptor.ts";
import { emptying, removing } from "../../../compat/fs/tree/walk.ts";
import { type Dir, openDirSync, type SyscallError, type WalkOptions } from "../../../mod.ts";
import { Fixture } from "../../_fixture.ts";
import { openDescriptors } from "../../_kernel.ts";
import { test } from "../../_test.ts";

/** The maximum number of directories of one tree that are open at once. */
const MOST = 16;

/** Creates nested directories `d`, each with a file `f`, without long paths: these could exceed the limit. */
function makeDeep(dir: Dir, name: string, depth: number): void {
  dir.mkdirSync(name);
  let at = dir.openDirSync(name);
  for (let i = 1; i < depth; i++) {
    at.writeTextFileSync("f", "");
    at.mkdirSync("d");
    const next = at.openDirSync("d");
    at.close();
    at = next;
  }
  at.close();
}

/** The maximum number of additional descriptors that were open between two steps. */
function mostOpen(steps: Iterable<unknown>, every = 1): number {
  const before = openDescriptors().length;
  let most = 0, count = 0;
  for (const _ of steps) if (count++ % every === 0) most = Math.max(most, openDescriptors().length - before);
  return most;
}

/** Descends into nested directories `d`. */
function enterAll(levels: Levels, depth: number): Level[] {
  const all = [levels.top];
  for (let i = 0; i < depth; i++) all.push(levels.enter(all.at(-1)!, "d"));
  return all;
}

test("Levels keeps 16 directories open, opens the others again, and lists each to its end", () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  makeDeep(dir, "t", 60);
  dir.writeTextFileSync("t/d/d/more", "");
  const before = openDescriptors().length;
  {
    using levels = new Levels(dir.openDirSync("t").take(), "t", dir.fd);
    const all = enterAll(levels, 3);
    // A listing that has started is read to its end before the directory is closed.
    const first = all[2]!.next()!;
    for (let i = 3; i < 59; i++) all.push(levels.enter(all.at(-1)!, "d"));
    assertEquals(openDescriptors().length - before, MOST);
    assert(all[2]!.held === undefined || all[3]!.held === undefined);
    const names = [first.name];
    for (let entry; (entry = all[2]!.next()) !== undefined;) names.push(entry.name);
    assertEquals(names.sort(), ["d", "f", "more"]);
    for (const level of all.toReversed()) {
      assertEquals(identityOf(level.fd), level.identity);
      assertEquals(level.path, ["t", ...Array(level.depth).fill("d")].join("/"));
      assert(openDescriptors().length - before <= MOST);
      levels.leave(level);
    }
  }
  assertEquals(openDescriptors().length, before);
});

test("Levels throws if a level is another directory, a symlink or missing when it is opened again", () => {
  const changes: [code: string[], change: (fixture: Fixture, above: string) => void][] = [
    [["ESTALE"], (fixture, above) => fixture.add({ d: {} }, above)],
    [
      ["ELOOP", "EMLINK", "ENOTDIR"],
      (fixture, above) => fixture.add({ d: { link: fixture.at("moved") } }, above),
    ],
    [["ENOENT"], () => {}],
  ];
  for (const [codes, change] of changes) {
    using fixture = new Fixture();
    using dir = openDirSync(fixture.path);
    makeDeep(dir, "t", 60);
    const before = openDescriptors().length;
    using levels = new Levels(dir.openDirSync("t").take(), "t", dir.fd);
    const all = enterAll(levels, 59), closed = all.find(({ held }) => held === undefined)!;
    const below = all[closed.depth + 1]!;
    below.suspend();
    levels.leave(below);
    dir.renameSync(closed.path, "moved");
    change(fixture, closed.above!.path);
    const { code, path, fd, message } = assertThrows(() => below.fd) as SyscallError;
    assert(codes.includes(code), code);
    assertEquals([path, fd, closed.isLost, below.isLost], [closed.path, dir.fd, true, false]);
    assert(message.startsWith(`openat "${path}" on fd ${fd}: `) && message.includes(`(${code})`), message);
    assert(openDescriptors().length - before <= MOST);
    if (fixture.exists(closed.path)) fixture.remove(closed.path);
    dir.renameSync("moved", closed.path);
    assertEquals(identityOf(below.fd), below.identity);
  }
});

test.capsicum("Levels keeps a directory open if it lacks FSTAT and so could not be identified again", () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  makeDeep(dir, "t", 30);
  using limited = openDirSync(fixture.path, { limit: ["LOOKUP", "READ"] });
  let most = 0;
  const before = openDescriptors().length;
  for (const _ of limited.walkSync("t")) most = Math.max(most, openDescriptors().length - before);
  // All except the last directory, which is yielded before it is opened.
  assertEquals([most, openDescriptors().length], [29, before]);
});

test("Dir.walkSync(), walk(), removeSync() and emptyDirSync() work with 400 levels with 16 open directories", async () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  makeDeep(dir, "t", 400);
  const plain: WalkOptions[] = [{}, { followSymlinks: true }, { followSymlinks: true, canonicalize: false }];
  const before = openDescriptors().length;
  for (const options of plain) {
    const found = new Set<string>();
    let most = 0;
    for (const { path } of dir.walkSync("t", options)) {
      found.add(path);
      if (found.size % 20 === 0) most = Math.max(most, openDescriptors().length - before);
    }
    assertEquals([found.size, found.has(`t${"/d".repeat(399)}`), found.has(`t${"/d".repeat(398)}/f`)], [
      799,
      true,
      true,
    ]);
    assert(most > 8 && most <= MOST + 1, `${most} open`);
    // End the loop early, while most directories are closed.
    for (const { path } of dir.walkSync("t", options)) if (path.endsWith("/d".repeat(300))) break;
    for await (const { path } of dir.walk("t", options)) if (path.endsWith("/d".repeat(300))) break;
    assertEquals(openDescriptors().length, before);
  }
  assert(mostOpen(emptying(dir, "t"), 20) <= MOST + 1);
  assertEquals(dir.listSync("t"), []);
  dir.removeSync("t");
  makeDeep(dir, "t", 400);
  assert(mostOpen(removing(dir, "t"), 20) <= MOST + 1);
  assertEquals(fixture.list(), []);
});

test("Dir.walkSync() follows 400 symlinks, each in the target of the previous one, with 16 open directories", () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  for (let i = 0; i < 400; i++) {
    dir.mkdirSync(`d${i}`);
    dir.writeTextFileSync(`d${i}/f`, "");
    if (i > 0) dir.symlinkSync(`../d${i}`, `d${i - 1}/next`);
  }
  // And one symlink whose target has 400 levels.
  makeDeep(dir, "deep", 400);
  dir.symlinkSync(`../deep${"/d".repeat(399)}`, "d399/deep");
  const before = openDescriptors().length;
  let most = 0, count = 0;
  for (const { path } of dir.walkSync("d0", { followSymlinks: true, canonicalize: false })) {
    assert(path.startsWith("d0"));
    if (count++ % 20 === 0) most = Math.max(most, openDescriptors().length - before);
  }
  assertEquals(count, 801);
  assert(most <= MOST + 1, `${most} open`);
  assertEquals(dir.realPathSync(`deep${"/d".repeat(399)}`).length, "deep".length + 2 * 399);
  dir.removeSync("deep", { recursive: true });
});

test("Dir.removeSync(), emptyDirSync() and walkSync() work with 3,000 levels, deeper than any path or stack", () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  makeDeep(dir, "a", 3000);
  makeDeep(dir, "b", 3000);
  let count = 0;
  for (const _ of dir.walkSync("a")) count++;
  assertEquals(count, 5999);
  dir.removeSync("a", { recursive: true });
  dir.emptyDirSync("b");
  assertEquals([fixture.list(), fixture.list("b")], [["b"], []]);
});

test("Dir.walkSync() calls `onError` and continues if a directory that it had closed was moved away", () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  makeDeep(dir, "t", 60);
  // One file is listed before and one after the deep directory, in any order.
  for (let i = 0; i < 59; i++) {
    const path = `t${"/d".repeat(i)}`;
    for (const name of ["a", "z"]) dir.mkdirSync(`${path}/${name}`);
  }
  const errors: SyscallError[] = [], found: string[] = [];
  for (const { path } of dir.walkSync("t", { onError: (error) => errors.push(error as SyscallError) })) {
    found.push(path);
    if (path !== `t${"/d".repeat(59)}`) continue;
    fixture.add({ moved: {} });
    dir.renameSync("t/d/d", "moved/d");
    fixture.add({ d: { other: "" } }, "t/d");
  }
  for (const { path } of errors) assert(path!.startsWith("t/d/d"), path);
  assert(
    found.includes("t/a") && found.includes("t/z") && found.includes("t/d/a") && found.includes("t/d/z"),
  );
  assert(!found.some((path) => path.includes("other")));
  dir.removeSync("moved", { recursive: true });
});
