import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { at } from "../../../compat/fs/path/resolve.ts";
import { libc, openDirSync, type SyscallError } from "../../../mod.ts";
import { DenoReference } from "../../_deno_reference.ts";
import { Fixture } from "../../_fixture.ts";
import { failNext, needsStandin } from "../../_standin.ts";
import { test } from "../../_test.ts";

test("Dir.lstatSync() describes a symlink itself, statSync() its target", async () => {
  using fixture = new Fixture({ sub: { file: "text" }, link: { link: "sub/file" }, dir: { link: "sub" } });
  using dir = openDirSync(fixture.path);
  assert(dir.lstatSync("link").isSymlink && dir.statSync("link").isFile);
  assert((await dir.lstat("link")).isSymlink && (await dir.stat("link")).isFile);
  assert(dir.lstatSync("dir/").isDirectory);
  assertEquals(dir.lstatSync("sub/file").ino, fixture.stat("sub/file").ino);
  assertThrows(() => dir.lstatSync("missing"), Deno.errors.NotFound);
  await assertRejects(() => dir.stat("missing"), Deno.errors.NotFound);
});

test("Dir.statSync() and lstatSync() return the same as Deno's", () => {
  using fixture = new Fixture({ sub: { file: "text" }, link: { link: "sub/file" } });
  fixture.utime("sub/file", new Date(1000), new Date(2000));
  using dir = openDirSync(fixture.path);
  for (const path of [".", "sub", "sub/file", "link"]) {
    assertEquals(dir.lstatSync(path), {
      ...Deno.lstatSync(fixture.at(path)),
      ...unlike(dir.lstatSync(path)),
    });
    assertEquals(dir.statSync(path), { ...Deno.statSync(fixture.at(path)), ...unlike(dir.statSync(path)) });
  }
});

/** Members that may differ if simulated; also, Deno cuts ctime to seconds. */
function unlike({ birthtime, blksize, ctime, dev, rdev }: Deno.FileInfo): Partial<Deno.FileInfo> {
  return { birthtime, blksize, ctime, dev, rdev };
}

test("Dir.existsSync() returns whether a file of the given kind exists", async () => {
  using fixture = new Fixture({ file: "", sub: {}, link: { link: "file" }, dangling: { link: "nothing" } });
  using dir = openDirSync(fixture.path);
  const yes: [string, Parameters<typeof dir.existsSync>[1]?][] = [
    ["file"],
    ["sub"],
    ["link"],
    ["."],
    ["file", { isFile: true }],
    ["link", { isFile: true }],
    ["sub", { isDirectory: true }],
    ["file", { isReadable: true }],
  ];
  const no: typeof yes = [["missing"], ["missing/x"], ["dangling"], ["file", { isDirectory: true }], ["sub", {
    isFile: true,
  }]];
  for (const [path, options] of yes) assertEquals([path, dir.existsSync(path, options)], [path, true]);
  for (const [path, options] of no) assertEquals([path, dir.existsSync(path, options)], [path, false]);
  assertEquals([await dir.exists("file"), await dir.exists("missing")], [true, false]);
  assertThrows(() => dir.existsSync("file/x"), Deno.errors.NotADirectory);
  assertThrows(() => dir.existsSync("file", { isFile: true, isDirectory: true }), TypeError);
});

test("Dir.existsSync() is true for a file that may not be looked at, but not if it must be readable", () => {
  using fixture = new Fixture({ file: "" });
  using dir = openDirSync(fixture.path);
  const EACCES = 13;
  for (const [call, isReadable, exists] of [["fstatat", false, true], ["faccessat", true, false]] as const) {
    failNext(call, EACCES);
    assertEquals(dir.existsSync("file", { isReadable }), exists);
  }
}, { skip: needsStandin });

test("Dir.chmodSync(), utimeSync(), truncateSync() and chownSync() set what statSync() returns, through symlinks too", async () => {
  using fixture = new Fixture({ sub: { file: "text" }, link: { link: "sub/file" } });
  using dir = openDirSync(fixture.path);
  for (const path of ["sub/file", "link", "sub/../link"]) {
    const mode = path.length === 4 ? 0o640 : 0o600;
    dir.chmodSync(path, mode);
    assertEquals(fixture.stat("sub/file").mode! & 0o777, mode);
    dir.utimeSync(path, 1, new Date(2500));
    const { atime, mtime } = fixture.stat("sub/file");
    assertEquals([atime, mtime], [new Date(1000), new Date(2500)]);
    dir.truncateSync(path, 10);
    assertEquals(fixture.stat("sub/file").size, 10);
    dir.truncateSync(path);
    assertEquals(fixture.stat("sub/file").size, 0);
    const { uid, gid } = fixture.stat("sub/file");
    dir.chownSync(path, uid, gid);
    dir.chownSync(path, null, null);
    assertEquals([fixture.stat("sub/file").uid, fixture.stat("sub/file").gid], [uid, gid]);
  }
  assert(fixture.stat("link").isSymlink);
  await dir.chmod("link", 0o644);
  await dir.utime("link", 3, 3);
  await dir.truncate("link", 3);
  await dir.chown("link", null, null);
  const { mode, size } = fixture.stat("sub/file");
  assertEquals([mode! & 0o777, size], [0o644, 3]);
});

test("Dir.chmodSync() and its kin throw for a missing file and for an invalid mode, owner, time or length", async () => {
  using fixture = new Fixture({ file: "", sub: {} });
  using dir = openDirSync(fixture.path);
  const { NotFound, IsADirectory } = Deno.errors;
  assertThrows(() => dir.chmodSync("missing", 0o600), NotFound);
  assertThrows(() => dir.chownSync("missing", null, null), NotFound);
  assertThrows(() => dir.utimeSync("missing", 1, 1), NotFound);
  assertThrows(() => dir.truncateSync("missing"), NotFound);
  assertThrows(() => dir.truncateSync("sub"), IsADirectory);
  assertThrows(() => dir.chmodSync("file", -1), RangeError);
  assertThrows(() => dir.chownSync("file", -2, null), RangeError);
  assertThrows(() => dir.utimeSync("file", NaN, 1), RangeError);
  assertThrows(() => dir.truncateSync("file", 1.5), RangeError);
  await assertRejects(() => dir.chmod("missing", 0o600), NotFound);
});

test(
  "a mode is never set through a symlink that replaces a file during the call, and the error says so",
  () => {
    using fixture = new Fixture({ file: { text: "", mode: 0o644 }, sub: { name: "" } });
    using dir = openDirSync(fixture.path);
    const { fd } = dir;
    const chmod = () =>
      at(fd, "sub/../sub/name", { syscall: "fchmodat", on: "target" }, (place, name) => {
        dir.removeSync("sub/name");
        dir.symlinkSync("../file", "sub/name");
        libc.fchmodat(place, name, 0o600, libc.AT_SYMLINK_NOFOLLOW);
      });
    const says = `fchmodat "sub/../sub/name" on fd ${fd}: a symlink took its place during the call`;
    const error = assertThrows(chmod, Deno.errors.FilesystemLoop, says) as Error & Partial<SyscallError>;
    assertEquals([error.code, error.path], ["ELOOP", "sub/../sub/name"]);
    assertEquals(fixture.stat("file").mode! & 0o777, 0o644);
  },
  { skip: Deno.build.os === "freebsd" ? "needs Linux, where a symlink has no mode of its own" : false },
);

test("Dir's methods that take a mode treat setuid, setgid, sticky and the umask as Deno's do", async () => {
  using fixture = new Fixture({ deno: { old: "" }, dir: { old: "" } });
  using dir = openDirSync(fixture.at("dir"));
  const deno = new DenoReference(fixture.at("deno"));
  const calls: Record<string, (mode: number, path: string) => [method: string, ...args: unknown[]]> = {
    mkdir: (mode, path) => ["mkdir", path, { mode }],
    "mkdir, recursive": (mode, path) => ["mkdir", `${path}/a`, { mode, recursive: true }],
    open: (mode, path) => ["open", path, { write: true, create: true, mode }],
    "open, new": (mode, path) => ["open", path, { write: true, createNew: true, mode }],
    writeFile: (mode, path) => ["writeFile", path, new Uint8Array(3), { mode }],
    "writeFile, old": (mode) => ["writeFile", "old", new Uint8Array(3), { mode }],
    writeTextFile: (mode, path) => ["writeTextFile", path, "text", { mode }],
    chmod: (mode) => ["chmod", "old", mode],
  };
  for (const mode of [0, 0o666, 0o777, 0o1777, 0o2711, 0o4755, 0o7777, 0o100644]) {
    for (const isSync of [true, false]) {
      for (const [title, call] of Object.entries(calls)) {
        const path = `${title}-${mode}-${isSync}`, [method, ...args] = call(mode, path);
        const name = isSync ? `${method}Sync` : method;
        const made = args[0] as string;
        for (
          const result of [
            deno.call(name, ...args),
            (dir as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!(...args),
          ]
        ) (await result as Disposable | undefined)?.[Symbol.dispose]();
        assertEquals(
          (fixture.stat(`dir/${made}`).mode! & 0o7777).toString(8),
          (fixture.stat(`deno/${made}`).mode! & 0o7777).toString(8),
          path,
        );
      }
    }
  }
});
