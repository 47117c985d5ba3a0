import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { toFileUrl } from "@std/path";
import {
  CapsicumError,
  Dir,
  FdFile,
  type FdLike,
  getRights,
  isSupported,
  libc,
  openAtSync,
  openDirSync,
  type OpenOptions,
  openSync,
} from "../../../mod.ts";
import { inChild } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { allCalls, needsStandin } from "../../_standin.ts";
import { test } from "../../_test.ts";
import { failureOf } from "./_failure.ts";

const text = new TextDecoder();

test("openSync() opens a path and a file: URL", () => {
  using fixture = new Fixture({ "a file %20": "text" });
  const path = fixture.at("a file %20");
  for (const name of [path, toFileUrl(path)]) {
    using file = openSync(name);
    assert(file instanceof FdFile);
    assertEquals(text.decode(file.readAllSync()), "text");
  }
});

test("openDirSync() opens a path and a file: URL", () => {
  using fixture = new Fixture({ "a dir": { file: "" } });
  for (const name of [fixture.at("a dir"), toFileUrl(fixture.at("a dir"))]) {
    using dir = openDirSync(name);
    assert(dir instanceof Dir);
    assertEquals(dir.listSync(), ["file"]);
  }
});

const badPaths: [path: unknown, shown: string][] = [
  ["", '""'],
  ["a\0b", '"a\\u0000b"'],
  ["\ud800", "U+D800"],
  ["\udc7f", "U+DC7F"],
  [5, "5"],
  [undefined, "undefined"],
  [null, "null"],
  [new TextEncoder().encode("a"), "Uint8Array"],
];
const badUrls = ["https://example.com/a", "file://host/a", "data:,a"];

test("openSync(), openDirSync() and openAtSync() throw TypeError for a value that is not a path, and make no system call", () => {
  using fixture = new Fixture({ file: "" });
  using dir = openDirSync(fixture.path);
  openAtSync(dir, "file").close();
  openSync(fixture.at("file")).close();
  const calls = () => needsStandin ? 0 : allCalls();
  const before = calls();
  for (const [path, shown] of badPaths) {
    assertThrows(() => openSync(path as string), TypeError, shown);
    assertThrows(() => openDirSync(path as string), TypeError, shown);
    assertThrows(() => openAtSync(dir, path as string), TypeError, shown);
  }
  for (const url of badUrls) {
    assertThrows(() => openSync(new URL(url)), TypeError, url);
    assertThrows(() => openDirSync(new URL(url)), TypeError, url);
  }
  assertEquals(calls(), before);
});

test("openAtSync() accepts a Dir, a number and any object with fd, and does not close it", () => {
  using fixture = new Fixture({ file: "text" });
  using dir = openDirSync(fixture.path);
  for (const place of [dir, dir.fd, { fd: dir.fd }]) {
    using file = openAtSync(place, "file");
    assertEquals(text.decode(file.readAllSync()), "text");
  }
});

test("openAtSync() throws for a value that is not an open descriptor, without a system call if possible", () => {
  using fixture = new Fixture({ file: "text" });
  const dir = openDirSync(fixture.path);
  openAtSync(dir, "file").close();
  const { fd } = dir;
  dir.close();
  assertEquals(failureOf(() => openAtSync(fd, "file")), {
    class: "BadResource",
    code: "EBADF",
    errno: 9,
    syscall: "openat",
    path: "file",
    fd,
  });
  const calls = () => needsStandin ? 0 : allCalls();
  const before = calls();
  for (const bad of [-1, -100, 2 ** 31, 1.5, NaN, { fd: -1 }]) {
    const shown = String(typeof bad === "object" ? bad.fd : bad);
    assertThrows(() => openAtSync(bad, "file"), RangeError, shown);
  }
  for (const bad of ["3", null, undefined, 3n, {}]) {
    assertThrows(() => openAtSync(bad as FdLike, "file"), TypeError, Deno.inspect(bad));
  }
  assertThrows(() => openAtSync(dir, "file"), Deno.errors.BadResource, "This Dir is closed");
  assertEquals(calls(), before);
});

test("openSync() throws Deno's class for the errno, with code, errno, syscall and path", () => {
  using fixture = new Fixture({ file: "", loop: { link: "loop" }, sub: {} });
  const expected = [
    ["missing", {}, { class: "NotFound", code: "ENOENT", errno: 2 }],
    ["file/below", {}, { class: "NotADirectory", code: "ENOTDIR", errno: 20 }],
    ["sub", { write: true }, { class: "IsADirectory", code: "EISDIR", errno: 21 }],
    ["loop", {}, { class: "FilesystemLoop", code: "ELOOP", errno: 62 }],
    ["file", { write: true, createNew: true }, { class: "AlreadyExists", code: "EEXIST", errno: 17 }],
    ["x".repeat(256), {}, { class: "CapsicumError", code: "ENAMETOOLONG", errno: 63 }],
  ] as const;
  using dir = openDirSync(fixture.path);
  for (const [name, options, failure] of expected) {
    const path = fixture.at(name);
    assertEquals(failureOf(() => openSync(path, options)), { ...failure, syscall: "open", path });
    const { fd } = dir;
    assertEquals(failureOf(() => openAtSync(dir, name, options)), {
      ...failure,
      syscall: "openat",
      path: name,
      fd,
    });
  }
  openSync(fixture.at("file"), { write: true }).close();
  openAtSync(dir, "file", { write: true }).close();
});

test("openSync() throws PermissionDenied if the file's mode does not permit it", () => {
  using fixture = new Fixture({ file: { text: "", mode: 0o400 } });
  const path = fixture.at("file");
  const failure = failureOf(() => openSync(path, { write: true }));
  assertEquals(failure, { class: "PermissionDenied", code: "EACCES", errno: 13, syscall: "open", path });
  openSync(path).close();
}, { skip: Deno.uid() === 0 && "needs another user than root, who may open everything" });

test.capsicum("openAtSync() gives the file the rights of the directory, openSync() gives it all rights", () => {
  using fixture = new Fixture({ file: "" });
  using dir = openDirSync(fixture.path);
  using fresh = openSync(fixture.at("file"));
  using full = openAtSync(dir, "file");
  assert(getRights(full).equals(getRights(fresh)));
  dir.limit(["LOOKUP", "READ", "WRITE", "SEEK"]);
  using limited = openAtSync(dir, "file", { read: true, write: true });
  assert(getRights(limited).equals(["LOOKUP", "READ", "WRITE", "SEEK"]));
  using again = openSync(fixture.at("file"));
  assert(getRights(again).equals(getRights(fresh)));
});

const opens = (fixture: Fixture, dir: Dir): ((options: OpenOptions) => FdFile | Promise<FdFile>)[] => [
  (options) => openSync(fixture.at("file"), options),
  (options) => openAtSync(dir, "file", options),
  (options) => dir.openSync("file", options),
  (options) => dir.open("file", options),
];

test.capsicum("openSync(), openAtSync(), Dir.openSync() and Dir.open() limit the file before they return it", async () => {
  using fixture = new Fixture({ file: "text" });
  using dir = openDirSync(fixture.path);
  for (const open of opens(fixture, dir)) {
    for (const limit of [[], ["READ"], ["READ", "FSTAT"]] as const) {
      using file = await open({ limit });
      assert(getRights(file).equals(limit));
    }
    using file = await open({ read: true, write: true, limit: ["READ"] });
    assertEquals(failureOf(() => file.writeSync(new Uint8Array(1))).code, "ENOTCAPABLE");
    assertEquals(file.readAllSync().length, 4);
    using whole = await open({ limit: undefined } as unknown as OpenOptions);
    assert(getRights(whole).has("FSYNC"));
  }
});

test.capsicum("openAtSync() and Dir throw ENOTCAPABLE for a limit beyond the directory's rights, and leave nothing open", async () => {
  using fixture = new Fixture({ file: "text" });
  using dir = openDirSync(fixture.path, { limit: ["LOOKUP", "READ"] });
  for (const open of opens(fixture, dir).slice(1)) {
    const error = await assertRejects(async () => await open({ limit: ["READ", "WRITE"] }), CapsicumError);
    assertEquals([error.code, error.syscall], ["ENOTCAPABLE", "cap_rights_limit"]);
    using file = await open({ limit: ["READ"] });
    assert(getRights(file).equals(["READ"]));
  }
});

test(
  "openSync() with a limit throws NotSupported on systems without Capsicum, and leaves nothing open",
  async () => {
    using fixture = new Fixture({ file: "text" });
    using dir = openDirSync(fixture.path);
    for (const open of opens(fixture, dir)) {
      await assertRejects(async () => await open({ limit: ["READ"] }), Deno.errors.NotSupported);
      (await open({})).close();
    }
  },
  { skip: isSupported() && "needs Linux itself, natively, or another system without Capsicum" },
);

test("openSync(), openAtSync(), openDirSync() and Dir refuse invalid options before any system call", async () => {
  using fixture = new Fixture({ file: "text" });
  using dir = openDirSync(fixture.path);
  for (const open of opens(fixture, dir)) (await open({})).close();
  const calls = () => needsStandin ? 0 : allCalls();
  const before = calls();
  const wrong: [options: unknown, Class: typeof TypeError | typeof RangeError, shown: string][] = [
    [{ limits: ["READ"] }, TypeError, "limits"],
    [{ limit: "READ" }, TypeError, "READ"],
    [{ limit: ["RAED"] }, RangeError, "RAED"],
    [{ limit: null }, TypeError, "null"],
    [{ read: 1 }, TypeError, "read"],
    [{ write: true, mode: NaN }, RangeError, "mode"],
    [{ customFlags: -1 }, RangeError, "customFlags"],
    [null, TypeError, "null"],
    [["READ"], TypeError, "options"],
  ];
  for (const open of opens(fixture, dir)) {
    for (const [options, Class, shown] of wrong) {
      await assertRejects(async () => await open(options as OpenOptions), Class, shown);
    }
  }
  for (const options of [{ limits: [] }, { limit: null }, { read: true }, null, []]) {
    assertThrows(() => openDirSync(fixture.path, options as never), TypeError);
    assertThrows(() => dir.openDirSync(".", options as never), TypeError);
    await assertRejects(() => dir.openDir(".", options as never), TypeError);
  }
  assertEquals(calls(), before);
});

test("no child inherits a descriptor of openSync(), openAtSync(), openDirSync() or Dir, but one without close-on-exec", async () => {
  using fixture = new Fixture({ file: "", sub: {} });
  using dir = openDirSync(fixture.path);
  using sub = dir.openDirSync("sub");
  using file = openSync(fixture.at("file"));
  using at = openAtSync(dir, "file");
  using created = dir.openSync("new", { write: true, createNew: true });
  const opened = [dir, sub, file, at, created];
  for (const { fd } of opened) assertEquals(libc.fcntl(fd, libc.F_GETFD) & libc.FD_CLOEXEC, libc.FD_CLOEXEC);
  const files = opened.map((owner) => owner.statSync()).map(({ dev, ino }) => ({ dev, ino }));

  const inherited = () =>
    inChild(({ FdFile }, files) => {
      const found = [];
      for (let fd = 0; fd < 1024; fd++) {
        let info: Deno.FileInfo;
        try {
          info = FdFile.fromFd(fd).statSync();
        } catch {
          continue;
        }
        const index = files.findIndex(({ dev, ino }) => dev === info.dev && ino === info.ino);
        if (index >= 0) found.push(index);
      }
      return found;
    }, files);
  assertEquals(await inherited(), []);
  const copy = libc.dup(created);
  try {
    assertEquals(await inherited(), [4]);
  } finally {
    libc.close(copy);
  }
});

for (const inside of [false, true]) {
  const it = inside ? test.capsicum : test;
  it(`openSync() and openDirSync() open paths until enter(), openAtSync() always: ${inside ? "after" : "before"} it`, async () => {
    using fixture = new Fixture({ file: "text" });
    const outcome = await inChild(
      ({ caught, enter, openAtSync, openDirSync, openSync }, { path, inside }) => {
        const dir = openDirSync(path);
        if (inside) enter();
        return {
          file: caught(() => openSync(`${path}/file`)),
          dir: caught(() => openDirSync(path)),
          at: new TextDecoder().decode(openAtSync(dir, "file").readAllSync()),
          below: new TextDecoder().decode(openAtSync(dir.openDirSync("."), "file").readAllSync()),
        };
      },
      { path: fixture.path, inside },
    );
    assertEquals([outcome.at, outcome.below], ["text", "text"]);
    for (
      const [failure, path] of [[outcome.file, fixture.at("file")], [outcome.dir, fixture.path]] as const
    ) {
      if (!inside) assertEquals(failure, undefined);
      else {
        const { message, ...fields } = failure!;
        const name = "CapsicumError";
        assertEquals(fields, { name, class: name, code: "ECAPMODE", errno: 94, syscall: "open", path });
        assert(message.includes("Dir") || message.includes("openat"), message);
      }
    }
  });
}
