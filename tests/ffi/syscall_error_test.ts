import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { CapsicumError, libc, limit, openDirSync, openSync, Rights, type SyscallError } from "../../mod.ts";
import { serving } from "../../ffi/failure.ts";
import { inChild } from "../_child.ts";
import { Fixture } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import { failNext, needsStandin } from "../_standin.ts";
import { test } from "../_test.ts";
import table from "../data/errno.json" with { type: "json" };
import { callExport, calls, isLater, type Kind } from "./_calls.ts";
import { LibcPlace } from "./_place.ts";
import { thrown } from "./_thrown.ts";

const { errors } = Deno;

type ErrorClass = new (...args: never[]) => Error;

/** The classes that Deno has for an errno. Every other errno is a CapsicumError. */
const classes: Record<string, ErrorClass> = {
  EPERM: errors.PermissionDenied,
  ENOENT: errors.NotFound,
  EBADF: errors.BadResource,
  EACCES: errors.PermissionDenied,
  EBUSY: errors.Busy,
  EEXIST: errors.AlreadyExists,
  ENOTDIR: errors.NotADirectory,
  EISDIR: errors.IsADirectory,
  EPIPE: errors.BrokenPipe,
  EAGAIN: errors.WouldBlock,
  EOPNOTSUPP: errors.NotSupported,
  ECONNABORTED: errors.ConnectionAborted,
  ECONNRESET: errors.ConnectionReset,
  ENOTCONN: errors.NotConnected,
  ETIMEDOUT: errors.TimedOut,
  ECONNREFUSED: errors.ConnectionRefused,
  ELOOP: errors.FilesystemLoop,
  ENOSYS: errors.NotSupported,
};

const aliases = Object.values(table.aliases).flat();

for (const { number, name, text } of table.errno) {
  if (name === "EINTR" || aliases.includes(name)) continue;
  const Class: ErrorClass = classes[name] ?? CapsicumError;
  test(`errno ${number} is thrown as ${Class.name} with the code ${name}`, () => {
    using fixture = new Fixture({ "a.txt": "" });
    using dir = openDirSync(fixture.path);
    const { fd } = dir;
    const stat = new Uint8Array(224);
    failNext("fstatat", number);
    const error = thrown(() => libc.fstatat(dir, "a.txt", stat, 0));
    assertStrictEquals<unknown>(error.constructor, Class);
    assertEquals(error.name, Class.name);
    const fields = { code: name, errno: number, syscall: "fstatat", path: "a.txt", fd };
    const { code, errno, syscall, path } = error;
    assertEquals({ code, errno, syscall, path, fd: error.fd }, fields);
    if (name === "ENOSYS") {
      assertInstanceOf(error.cause, CapsicumError);
      assertEquals(error.cause.message, `fstatat "a.txt" on fd ${fd}: ${text} (${name}).`);
    } else if (name !== "ENOTCAPABLE" && name !== "ECAPMODE") {
      assertEquals(error.message, `fstatat "a.txt" on fd ${fd}: ${text} (${name}).`);
    }
    assertEquals(libc.fstatat(dir, "a.txt", stat, 0), 0);
  }, { skip: needsStandin });
}

/** Calls that must not succeed here, that are repeated to learn errno, whose failure is an answer, or that never fail. */
const otherwise = [
  "libc.cap_enter",
  "libc.lseek",
  "libc.cap_ioctls_get",
  "libc.isatty",
  "libc.cap_sandboxed",
  "libc.getdtablesize",
];

for (const [i, [name, args]] of Object.entries(calls).entries()) {
  if (!name.startsWith("libc.") || otherwise.includes(name)) continue;
  test(`${name}() reports its errno, name, descriptor and path when it fails`, () => {
    using fixture = new Fixture();
    using place = new LibcPlace(fixture.path);
    const given = args.map(({ good }) => good(place));
    const first = (...kinds: Kind[]) => given[args.findIndex(({ kind }) => kinds.includes(kind))];
    const call = name.slice("libc.".length);
    // cap_rights_get is a macro around it.
    const symbol = call === "cap_rights_get" ? "__cap_rights_get" : call;
    const syscall = call === "__cap_rights_get" ? "cap_rights_get" : call;
    // In turn, so that none passes by the errno of the last.
    const [code, errno] = i % 2 === 0 ? ["EREMOTE", 71] as const : ["EBADRPC", 72] as const;
    failNext(symbol, errno);
    const error = thrown(() => callExport(name, given));
    assertEquals([error.constructor, error.code, error.errno], [CapsicumError, code, errno]);
    assertEquals([error.syscall, error.fd], [syscall, first("descriptor", "directory")]);
    const path = name === "libc.symlinkat" ? given[2] : first("path");
    assertEquals(error.path, path);
    if (!isLater(name, kernel.osreldate)) callExport(name, given);
  }, { skip: needsStandin });
}

test("a call on a descriptor that serves a caller throws an error with what the caller asked for", () => {
  using fixture = new Fixture({ sub: { file: "" } });
  using dir = openDirSync(fixture.path);
  using sub = dir.openDirSync("sub");
  const on = serving(sub.fd, { fd: dir.fd, path: "sub/x", syscall: "unlinkat" });
  const to = serving(sub.fd, { fd: dir.fd, path: "sub/y" });
  const missing = "No such file or directory (ENOENT).";
  const failures: [call: () => unknown, syscall: string, message: string][] = [
    [() => libc.unlinkat(on, "x", 0), "unlinkat", `unlinkat "sub/x" on fd ${dir.fd}: ${missing}`],
    // A directory that is opened on the way is a part of the call.
    [() => libc.openat(on, "x", libc.O_RDONLY), "unlinkat", `unlinkat "sub/x" on fd ${dir.fd}: ${missing}`],
    [() => libc.openat(to, "y", libc.O_RDONLY), "openat", `openat "sub/y" on fd ${dir.fd}: ${missing}`],
    [
      () => libc.renameat(on, "x", to, "y"),
      "renameat",
      `renameat "sub/x" on fd ${dir.fd} to "sub/y" on fd ${dir.fd}: ${missing}`,
    ],
  ];
  for (const [call, syscall, message] of failures) {
    const error = thrown(call);
    assertEquals([error.message, error.syscall, error.fd], [message, syscall, dir.fd]);
    assertEquals(error.path, message.includes("sub/x") ? "sub/x" : "sub/y");
  }
});

test.capsicum("a call that lacks a right keeps its name, and has the descriptor that the caller gave", () => {
  using fixture = new Fixture({ sub: { file: "" } });
  using dir = openDirSync(fixture.path);
  using sub = dir.openDirSync("sub", { limit: ["LOOKUP", "UNLINKAT", "RENAMEAT_SOURCE"] });
  const on = serving(sub.fd, { fd: dir.fd, path: "sub/file", syscall: "unlinkat" });
  const error = thrown(() => libc.openat(on, "file", libc.O_RDONLY));
  assertEquals([error.syscall, error.fd, error.path], ["openat", dir.fd, "sub/file"]);
  assertEquals(error.missing?.names(), ["READ"]);
  const second = thrown(() => libc.renameat(dir, "sub/file", on, "b"));
  assertEquals([second.fd, second.path], [dir.fd, "sub/file"]);
  assertEquals(second.missing?.names(), ["RENAMEAT_TARGET"]);
  assertStringIncludes(second.message, `to "sub/file" on fd ${dir.fd}: missing RENAMEAT_TARGET`);
});

test("an errno without a name on FreeBSD throws CapsicumError with its number", () => {
  failNext("fsync", 250);
  using file = openSync("/dev/null");
  const error = thrown(() => libc.fsync(file));
  assertInstanceOf(error, CapsicumError);
  assertEquals([error.errno, error.code, error.fd], [250, "errno 250", file.fd]);
}, { skip: needsStandin });

test("EMLINK throws FilesystemLoop with O_NOFOLLOW, and CapsicumError otherwise", () => {
  using fixture = new Fixture({ "a.txt": "", link: { link: "a.txt" } });
  using dir = openDirSync(fixture.path);
  const error = thrown(() => libc.openat(dir, "link", libc.O_RDONLY | libc.O_NOFOLLOW));
  assertInstanceOf(error, errors.FilesystemLoop);
  assertEquals([error.code, error.errno, error.path, error.fd], ["EMLINK", 31, "link", dir.fd]);
  const byPath = () => libc.open(fixture.at("link"), libc.O_RDONLY | libc.O_NOFOLLOW);
  assertThrows(byPath, errors.FilesystemLoop, "EMLINK");
  libc.close(libc.openat(dir, "link", libc.O_RDONLY));
  libc.close(libc.openat(dir, "a.txt", libc.O_RDONLY | libc.O_NOFOLLOW));
});

test("the kernel's own failures have their class, code, errno, syscall, path and fd", () => {
  using fixture = new Fixture({ "a.txt": "", dir: { "b.txt": "" }, loop: { link: "loop" } });
  using dir = openDirSync(fixture.path);
  const { fd } = dir;
  const create = libc.O_WRONLY | libc.O_CREAT | libc.O_EXCL;
  const failures: [call: () => unknown, Class: ErrorClass, error: Partial<SyscallError>][] = [
    [() => libc.open(fixture.at("no"), 0), errors.NotFound, {
      code: "ENOENT",
      errno: 2,
      syscall: "open",
      path: fixture.at("no"),
    }],
    [() => libc.openat(dir, "no", 0), errors.NotFound, {
      code: "ENOENT",
      errno: 2,
      syscall: "openat",
      path: "no",
      fd,
    }],
    [() => libc.openat(dir, "a.txt", create), errors.AlreadyExists, {
      code: "EEXIST",
      errno: 17,
      path: "a.txt",
      fd,
    }],
    [() => libc.openat(dir, "dir", libc.O_WRONLY), errors.IsADirectory, {
      code: "EISDIR",
      errno: 21,
      path: "dir",
      fd,
    }],
    [() => libc.openat(dir, "a.txt/b", 0), errors.NotADirectory, {
      code: "ENOTDIR",
      errno: 20,
      path: "a.txt/b",
      fd,
    }],
    [() => libc.openat(dir, "loop", 0), errors.FilesystemLoop, {
      code: "ELOOP",
      errno: 62,
      path: "loop",
      fd,
    }],
    [() => libc.unlinkat(dir, "dir", libc.AT_REMOVEDIR), CapsicumError, {
      code: "ENOTEMPTY",
      errno: 66,
      path: "dir",
      fd,
    }],
    [() => libc.read(dir, new Uint8Array(1)), errors.IsADirectory, {
      code: "EISDIR",
      errno: 21,
      syscall: "read",
      fd,
    }],
    [() => libc.read(4000, new Uint8Array(1)), errors.BadResource, {
      code: "EBADF",
      errno: 9,
      syscall: "read",
      fd: 4000,
    }],
    [() => libc.lseek(dir, 0, 99), CapsicumError, { code: "EINVAL", errno: 22, syscall: "lseek", fd }],
    [() => libc.readlinkat(dir, "a.txt", new Uint8Array(9)), CapsicumError, {
      code: "EINVAL",
      syscall: "readlinkat",
    }],
    [() => libc.openat(dir, "a".repeat(256), 0), CapsicumError, { code: "ENAMETOOLONG", errno: 63 }],
  ];
  for (const [call, Class, expected] of failures) {
    const error = thrown(call);
    assertStrictEquals<unknown>(error.constructor, Class, error.message);
    const got = Object.fromEntries(
      Object.keys(expected).map((key) => [key, error[key as keyof SyscallError]]),
    );
    assertEquals<unknown>(got, expected);
    assertStringIncludes(error.message, `${error.syscall}`);
    assertStringIncludes(error.message, `(${error.code})`);
    for (const key of ["path", "fd"] as const) assertEquals(key in error, error[key] !== undefined);
  }
});

test("ECAPMODE advises to use a descriptor", async () => {
  using fixture = new Fixture({ file: "f" });
  const { byPath, byCwd, again } = await inChild(({ caught, enter, libc, openDirSync, openSync }, path) => {
    using dir = openDirSync(path);
    enter();
    return {
      byPath: caught(() => openSync(`${path}/file`)),
      byCwd: caught(() => libc.fstatat(libc.AT_FDCWD, "file", new Uint8Array(224), 0)),
      again: [
        libc.fstatat(dir, "file", new Uint8Array(224), 0),
        dir.openSync("file").close() === undefined,
      ],
    };
  }, fixture.path);
  assertEquals([byPath?.class, byPath?.code, byPath?.errno, byPath?.syscall, byPath?.path], [
    "CapsicumError",
    "ECAPMODE",
    94,
    "open",
    fixture.at("file"),
  ]);
  for (const hint of ["openDirSync()", "dir.openSync()", "openAtSync()", "ECAPMODE"]) {
    assertStringIncludes(byPath?.message ?? "", hint);
  }
  assertEquals([byCwd?.code, byCwd?.path, byCwd?.fd], ["ECAPMODE", "file", libc.AT_FDCWD]);
  assertStringIncludes(byCwd?.message ?? "", 'fstatat "file" on the working directory');
  assertStringIncludes(byCwd?.message ?? "", "in place of AT_FDCWD");
  assertEquals(again, [0, true]);
});

test("ECAPMODE of a call without a path advises to call before enter()", () => {
  using file = openSync("/dev/null");
  failNext("fsync", 94);
  assertThrows(() => libc.fsync(file), CapsicumError, "Call fsync before enter().");
}, { skip: needsStandin });

test("a message has at most 300 characters with its code, and the error has the whole path and all rights", () => {
  using fixture = new Fixture({ file: "" });
  using dir = openDirSync(fixture.path);
  using narrow = openDirSync(fixture.path, { limit: Rights.all(13).difference(["FCHMOD", "WRITE"]) });
  const long = "x".repeat(1e6), other = `${"y/".repeat(2e5)}z`, short = "n/".repeat(400);
  const failures: [call: () => unknown, code: string, path: string, toPath?: string][] = [
    [() => libc.open(long, 0), "ENAMETOOLONG", long],
    [() => libc.openat(dir, other, 0), "ENAMETOOLONG", other],
    [() => libc.renameat(dir, long, dir, other), "ENAMETOOLONG", long],
    [() => libc.linkat(dir, "file", dir, long, 0), "ENAMETOOLONG", "file"],
    [() => libc.linkat(dir, long, dir, long, 0), "ENAMETOOLONG", long],
    [() => libc.openat(narrow, short, libc.O_WRONLY | libc.O_TRUNC), "ENOTCAPABLE", short],
    [() => dir.statSync(`sub/../../${long}`), "ENAMETOOLONG", `sub/../../${long}`],
    [() => dir.openSync(`../${"\n".repeat(500)}`), "ENOTCAPABLE", `../${"\n".repeat(500)}`],
  ];
  for (const [call, code, path] of failures) {
    const error = thrown(call);
    assertEquals([error.code, error.path === path], [code, true], error.message);
    assert(error.message.length <= 300 && error.message.includes(`(${code})`), error.message);
  }
  const refusal = thrown(() => limit(narrow, Rights.all(13)));
  assertInstanceOf(refusal, CapsicumError);
  assert(refusal.message.length <= 300 && refusal.message.includes("(ENOTCAPABLE)"), refusal.message);
  assertEquals([refusal.reason, refusal.held?.has("READ"), refusal.missing?.has("FCHMOD")], [
    "rights",
    true,
    true,
  ]);
});

test("error.reason distinguishes a missing right and a path that leaves the directory", () => {
  using fixture = new Fixture({ dir: { file: "" }, link: { link: "/" } });
  using dir = openDirSync(fixture.at("dir"));
  using above = openDirSync(fixture.path);
  using lookup = openDirSync(fixture.path, { limit: ["LOOKUP", "READ"] });
  const reasons = [
    () => dir.openSync("../link"),
    () => above.openSync("link/etc"),
    () => above.openSync("/etc"),
  ].map((call) => thrown(call)).map((error) => error instanceof CapsicumError && error.reason);
  assertEquals(reasons, ["escape", "escape", "escape"]);
  const limits = [
    () => lookup.removeSync("dir/file"),
    () => limit(lookup, ["WRITE"]),
    () => libc.fcntl(lookup, libc.F_GETFL),
  ].map((call) => thrown(call)).map((error) => error instanceof CapsicumError && error.reason);
  assertEquals(limits, ["rights", "rights", "rights"]);
});
