import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { isNotCapable, libc, openDirSync } from "../../../mod.ts";
import { Fixture } from "../../_fixture.ts";
import { openDescriptors } from "../../_kernel.ts";
import { failNext, needsStandin } from "../../_standin.ts";
import { test } from "../../_test.ts";
import { observed } from "./_observed.ts";
import { treeOf } from "./_tree.ts";

const content = "content ".repeat(20_000);

test("Dir.writeFileAtomicSync() and writeFileAtomic() keep the mode of the file, and only its owner can read the file meanwhile", async () => {
  for (const isSync of [true, false]) {
    for (const mode of [0o600, 0o644, 0o755, 0o400, 0o660]) {
      using fixture = new Fixture({ file: { text: "old", mode } });
      using dir = openDirSync(fixture.path);
      let seen = 0;
      await observed((call) => {
        for (const [path, { text, mode: now }] of treeOf(fixture.path)) {
          if (!text?.startsWith("content")) continue;
          seen++;
          assertEquals([call, path, now & 0o077 & ~mode], [call, path, 0]);
        }
        assertEquals(fixture.list().includes("file"), true);
      }, () => isSync ? dir.writeFileAtomicSync("file", content) : dir.writeFileAtomic("file", content));
      assert(seen > 2);
      assertEquals([fixture.read("file"), fixture.stat("file").mode! & 0o7777], [content, mode]);
      assertEquals(fixture.list(), ["file"]);
    }
  }
});

test("Dir.writeFileAtomicSync() creates a file with mode 0666 less the umask, or with the given mode, also over an existing file", async () => {
  using fixture = new Fixture({ file: { text: "old", mode: 0o600 }, link: { link: "file" } });
  using dir = openDirSync(fixture.path);
  const umask = Deno.umask(0o027);
  try {
    dir.writeFileAtomicSync("new", "text");
    await dir.writeFileAtomic("link", "text");
    assertEquals(Deno.umask(), 0o027);
    dir.writeFileAtomicSync("file", "text", { mode: 0o666 });
    await dir.writeFileAtomic("other", "text", { mode: 0o100606 });
  } finally {
    Deno.umask(umask);
  }
  const modes = ["new", "link", "file", "other"].map((name) => fixture.stat(name).mode! & 0o7777);
  assertEquals(modes, [0o640, 0o640, 0o666, 0o606]);
  assertEquals(fixture.list(), ["file", "link", "new", "other"]);
});

test(
  "Dir.writeFileAtomicSync() keeps owner and group if permitted, and drops the setuid bit of users other than root",
  () => {
    using fixture = new Fixture({ file: { text: "old", mode: 0o4640 } });
    fixture.chown("file", 12345, 54321);
    fixture.chmod("file", 0o4640);
    using dir = openDirSync(fixture.path);
    dir.writeFileAtomicSync("file", "new");
    const { uid, gid, mode } = fixture.stat("file");
    assertEquals([uid, gid, mode! & 0o7777], [12345, 54321, 0o640]);
  },
  { skip: Deno.uid() === 0 ? false : "needs root, who can give files away" },
);

test.capsicum("Dir.writeFileAtomicSync() narrows the mode if the owner can't be kept without FCHOWN", () => {
  using fixture = new Fixture({ file: { text: "old", mode: 0o640 } });
  if (Deno.uid() === 0) fixture.chown("file", 12345, 54321);
  using dir = openDirSync(fixture.path);
  dir.limit([
    ...["LOOKUP", "CREATE", "WRITE", "FSYNC", "FSTAT", "FCHMOD"] as const,
    ...["RENAMEAT_SOURCE", "RENAMEAT_TARGET", "UNLINKAT"] as const,
  ]);
  dir.writeFileAtomicSync("file", "new");
  const { uid, mode } = fixture.stat("file");
  assertEquals([uid, mode! & 0o777], [Deno.uid(), Deno.uid() === 0 ? 0o600 : 0o640]);
});

test.capsicum("Dir.writeFileAtomicSync() creates nothing in a Dir that lacks a right for one of its steps", () => {
  const needs = [
    "CREATE",
    "WRITE",
    "FSYNC",
    "FSTAT",
    "FCHMOD",
    "RENAMEAT_SOURCE",
    "RENAMEAT_TARGET",
    "UNLINKAT",
  ] as const;
  for (const right of needs) {
    using fixture = new Fixture({ file: "old" });
    using dir = openDirSync(fixture.path);
    dir.limit(["LOOKUP", ...needs.filter((name) => name !== right)]);
    const error = assertThrows(() => dir.writeFileAtomicSync("file", "new"), Error, right);
    assert(isNotCapable(error));
    assertEquals([fixture.list(), fixture.read("file")], [["file"], "old"]);
  }
});

test(
  "Dir.writeFileAtomicSync() and writeFileAtomic() leave only the old file when any of their calls fails",
  async () => {
    const EIO = 5;
    const calls = [["write", 1], ["fsync", 1], ["fchmod", 1], ["close", 1], ["renameat", 1], [
      "fstatat",
      1,
    ]] as const;
    for (const [call, nth] of calls) {
      for (const isSync of [true, false]) {
        // A call that fails on a pool thread is repeated on this thread to read errno, and then succeeds.
        if (!isSync && ["write", "fsync"].includes(call)) continue;
        using fixture = new Fixture({ file: { text: "old", mode: 0o600 } });
        using dir = openDirSync(fixture.path);
        const before = openDescriptors();
        failNext(call, EIO, nth);
        if (isSync) assertThrows(() => dir.writeFileAtomicSync("file", "new"), Error, "EIO");
        else await assertRejects(() => dir.writeFileAtomic("file", "new"), Error, "EIO");
        // The stand-in fails without closing the descriptor; a kernel closes it even if it fails.
        for (const fd of openDescriptors()) if (!before.includes(fd)) libc.close(fd);
        assertEquals([call, fixture.list(), fixture.read("file")], [call, ["file"], "old"]);
        assertEquals(fixture.stat("file").mode! & 0o777, 0o600);
      }
    }
  },
  { skip: needsStandin },
);

test("Dir.writeFileAtomicSync() and writeFileAtomic() refuse unknown options before they create anything", async () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  const wrong: [options: unknown, Class: typeof TypeError | typeof RangeError, says: string][] = [
    [{ mdoe: 0o600 }, TypeError, "mdoe"],
    [{ mode: "600" }, TypeError, "mode"],
    [{ mode: NaN }, RangeError, "mode"],
    [{ mode: -1 }, RangeError, "mode"],
    [null, TypeError, "options"],
  ];
  for (const [options, Class, says] of wrong) {
    assertThrows(() => dir.writeFileAtomicSync("file", "", options as never), Class, says);
    await assertRejects(() => dir.writeFileAtomic("file", "", options as never), Class, says);
  }
  assertEquals(fixture.list(), []);
  dir.writeFileAtomicSync("file", "", { mode: undefined } as never);
  assert(fixture.exists("file"));
});
