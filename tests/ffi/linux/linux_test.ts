/** The file API on Linux's own calls, which use different numbers, and the absence of Capsicum there. */
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertNotEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { abi } from "../../../ffi/system.ts";
import { linuxErrno } from "../../../ffi/errno.ts";
import { decodeIdentity, decodeStat, rawStat, statSize } from "../../../ffi/linux/structs.ts";
import {
  isNotCapable,
  isSupported,
  libc,
  openDirSync,
  openSync,
  sandboxed,
  type SyscallError,
} from "../../../mod.ts";
import { inChild, libcPath, otherSystem } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";
import { exportedFunctions } from "../_calls.ts";
import type * as replacing from "./_openat2.ts";

/** Imported by children. */
const replacement = new URL("_openat2.ts", import.meta.url).href;
const skip = kernel.hasCapsicum && "needs Linux itself, natively";
const it = (name: string, body: () => void | Promise<void>) => test(name, body, { skip });

const { O_RDONLY, O_RDWR, O_CREAT, O_CLOEXEC, AT_RESOLVE_BENEATH, AT_SYMLINK_NOFOLLOW, AT_REMOVEDIR } = libc;

function failure(call: () => unknown): SyscallError {
  try {
    call();
  } catch (error) {
    assertInstanceOf(error, Error);
    return error as SyscallError;
  }
  throw new Error("it threw nothing");
}

const codeOf = (call: () => unknown) => failure(call).code;

it("isSupported() is false on Linux and needs no permission; sandboxed() asks the kernel", async () => {
  assertEquals([isSupported(), sandboxed()], [false, false]);
  const answers = await inChild(
    ({ caught, isSupported, sandboxed }) => [isSupported(), caught(sandboxed)?.class],
    undefined,
    { permissions: [] },
  );
  assertEquals(answers, [false, "NotCapable"]);
});

it("fstat() without statx(2) reads the same attributes, except the time of birth", () => {
  using fixture = new Fixture({ file: "text", dir: {} });
  fixture.utime("file", new Date(1000), new Date(2000));
  for (const path of [fixture.at("file"), fixture.at("dir"), "/dev/null", "/proc/self/status"]) {
    using file = openSync(path);
    const { statPlain } = rawStat(), whole = new Uint8Array(statSize), plain = new Uint8Array(statSize);
    libc.fstat(file, whole);
    assertEquals(statPlain(file.fd, plain), 0);
    assertEquals(decodeStat(plain), { ...decodeStat(whole), birthtime: null });
    assertEquals(decodeIdentity(plain), decodeIdentity(whole));
  }
  assertEquals(rawStat().statPlain(1000, new Uint8Array(statSize)), -1);
});

it("every function of Capsicum throws NotSupported on Linux, and needs no permission to say so", async () => {
  const outcomes = await inChild(
    ({ caught, ...library }) => {
      const { libc } = library;
      const calls: Record<string, () => unknown> = {
        enter: () => library.enter(),
        getMode: () => library.getMode(),
        limit: () => library.limit(0, ["READ"]),
        getRights: () => library.getRights(0),
        limitIoctls: () => library.limitIoctls(0, []),
        getIoctls: () => library.getIoctls(0),
        limitFcntls: () => library.limitFcntls(0, []),
        getFcntls: () => library.getFcntls(0),
        cap_enter: () => libc.cap_enter(),
        cap_getmode: () => libc.cap_getmode(new Uint8Array(4)),
        cap_sandboxed: () => libc.cap_sandboxed(),
        cap_rights_limit: () => libc.cap_rights_limit(0, ["READ"]),
        cap_rights_get: () => libc.cap_rights_get(0, new Uint8Array(16)),
        __cap_rights_get: () => libc.__cap_rights_get(0, 0, new Uint8Array(16)),
        cap_ioctls_limit: () => libc.cap_ioctls_limit(0, null, 0),
        cap_ioctls_get: () => libc.cap_ioctls_get(0, null, 0),
        cap_fcntls_limit: () => libc.cap_fcntls_limit(0, 0),
        cap_fcntls_get: () => libc.cap_fcntls_get(0, new Uint8Array(4)),
      };
      return Object.entries(calls).map(([name, call]) => [name, caught(call)] as const);
    },
    undefined,
    { permissions: [] },
  );
  for (const [name, error] of outcomes) {
    assertEquals(error?.class, "NotSupported", name);
    assertStringIncludes(error!.message, "Linux has no Capsicum");
  }
  const capsicum = exportedFunctions().filter((name) => name.startsWith("libc.") && name.includes("cap_"));
  const tried = outcomes.map(([name]) => `libc.${name}`);
  assertEquals(capsicum.filter((name) => !tried.includes(name)), []);
});

it("--allow-ffi with the path of glibc alone is enough for the file API, and another path is not", async () => {
  using fixture = new Fixture({ file: "text" });
  const use = (permission: string) =>
    inChild(
      ({ caught, openDirSync }, path) => {
        const read = () => new TextDecoder().decode(openDirSync(path).openSync("file").readAllSync());
        return caught(read) ?? read();
      },
      fixture.path,
      { permissions: [permission] },
    );
  for (const permission of [`--allow-ffi=${libcPath}`, "--allow-ffi", "--allow-all"]) {
    assertEquals(await use(permission), "text", permission);
  }
  const refused = await use("--allow-ffi=/nonexistent/libc.so.6");
  assert(typeof refused === "object");
  assertEquals(refused.class, "NotCapable");
  assertStringIncludes(refused.message, "libc.so.6");
});

/** The error of listing a directory if no library opens, with a reason as reported by dlerror(3). */
function listedWithout(reason: string) {
  return inChild(({ caught, listDirSync }, reason) => {
    const { dlopen } = Deno;
    const failing = (path: string) => {
      throw new Error(`Could not open library: Could not open library: ${path}: ${reason}`);
    };
    Object.assign(Deno, { dlopen: failing });
    const refusal = caught(() => listDirSync("/"));
    Object.assign(Deno, { dlopen });
    return { refusal, again: listDirSync("/").length > 0 };
  }, reason);
}

it("without glibc the file API throws NotSupported and reports where it looked", async () => {
  const { refusal } = await listedWithout("cannot open shared object file: No such file or directory");
  assertEquals(refusal?.class, "NotSupported");
  assertStringIncludes(refusal!.message, libcPath);
});

it("while glibc can't be opened the file API throws an Error, and works afterwards", async () => {
  for (const reason of ["Too many open files", "Cannot allocate memory"]) {
    const { refusal, again } = await listedWithout(`cannot open shared object file: ${reason}`);
    assertEquals([refusal?.class, again], ["Error", true]);
    assertStringIncludes(refusal!.message, reason);
  }
});

it("on a system that is neither FreeBSD nor Linux everything but the rights throws NotSupported", async () => {
  for (const os of ["darwin", "windows"] as const) {
    const outcome = await inChild(
      ({ caught, enter, isSupported, limit, listDirSync, openSync, Rights, sandboxed }) => ({
        answers: [isSupported(), sandboxed()],
        failures: [
          caught(() => enter()),
          caught(() => limit(0, ["READ"])),
          caught(() => listDirSync("/")),
          caught(() => openSync("/")),
        ],
        rights: new Rights(["READ", "SEEK"]).names(),
      }),
      undefined,
      { permissions: [], ...otherSystem(os) },
    );
    assertEquals([outcome.answers, outcome.rights], [[false, false], ["PREAD"]]);
    for (const error of outcome.failures) {
      assertEquals(error?.class, "NotSupported");
      assertStringIncludes(error!.message, os);
    }
  }
});

it("the open flags are FreeBSD's, and F_GETFL returns them", () => {
  using fixture = new Fixture({ file: "text" });
  using dir = openDirSync(fixture.path);
  const told = libc.O_ACCMODE | libc.O_APPEND | libc.O_NONBLOCK | libc.O_SYNC | libc.O_DSYNC;
  const kept = [0, libc.O_APPEND, libc.O_NONBLOCK, libc.O_SYNC, libc.O_DSYNC, libc.O_APPEND | libc.O_SYNC];
  for (const mode of [O_RDONLY, libc.O_WRONLY, O_RDWR]) {
    for (const flags of kept) {
      for (const beneath of [0, libc.O_RESOLVE_BENEATH]) {
        const fd = libc.openat(dir, "file", mode | flags | O_CLOEXEC | beneath);
        assertEquals(libc.fcntl(fd, libc.F_GETFL) & told, mode | flags);
        libc.close(fd);
      }
    }
  }
});

it("each open flag works as on FreeBSD, also beneath a directory", () => {
  for (const beneath of [0, libc.O_RESOLVE_BENEATH]) {
    using fixture = new Fixture({ file: "text", sub: {}, link: { link: "file" } });
    using dir = openDirSync(fixture.path);
    const open = (name: string, flags: number, mode?: number) =>
      libc.openat(dir, name, flags | beneath | O_CLOEXEC, mode);
    libc.close(open("new", O_RDWR | O_CREAT | libc.O_EXCL, 0o640));
    assertEquals(fixture.stat("new").mode! & 0o777, 0o640 & ~Deno.umask());
    assertEquals(codeOf(() => open("new", O_RDWR | O_CREAT | libc.O_EXCL)), "EEXIST");
    assertEquals(codeOf(() => open("link", libc.O_NOFOLLOW)), "ELOOP");
    libc.close(open("link", O_RDONLY));
    assertEquals(codeOf(() => open("file", libc.O_DIRECTORY)), "ENOTDIR");
    libc.close(open("sub", libc.O_DIRECTORY | libc.O_SEARCH));
    const named = open("file", libc.O_PATH);
    assertEquals(codeOf(() => libc.read(named, new Uint8Array(1))), "EBADF");
    libc.close(named);
    libc.close(open("file", O_RDWR | libc.O_TRUNC));
    assertEquals(fixture.read("file"), "");
    const inherited = libc.openat(dir, "file", O_RDONLY | beneath);
    assertEquals(libc.fcntl(inherited, libc.F_GETFD), 0);
    libc.close(inherited);
    for (const flags of [libc.O_VERIFY, libc.O_CLOFORK, libc.O_EXEC | libc.O_NOFOLLOW, 0x40]) {
      assertInstanceOf(failure(() => open("file", flags)), Deno.errors.NotSupported);
    }
  }
});

it("the numbers that differ between x86_64 and arm64 are those of each", async () => {
  const { build } = Deno;
  const numbers = async (arch: string) => {
    Object.defineProperty(Deno, "build", { value: { ...build, arch }, configurable: true });
    try {
      const { O_DIRECT, O_DIRECTORY, O_NOFOLLOW, SYS_getdents64 } = await import(
        `../../../ffi/linux/constants.ts?${arch}`
      );
      return [O_DIRECT, O_DIRECTORY, O_NOFOLLOW, Number(SYS_getdents64)];
    } finally {
      Object.defineProperty(Deno, "build", { value: build, configurable: true });
    }
  };
  assertEquals(await numbers("x86_64"), [0o40000, 0o200000, 0o400000, 217]);
  assertEquals(await numbers("aarch64"), [0o200000, 0o40000, 0o100000, 61]);
});

it("openat() with O_DSYNC reports a path that leaves its directory, as without it", () => {
  using fixture = new Fixture({ dir: {}, file: "" });
  using dir = openDirSync(fixture.at("dir"));
  for (const flags of [0, libc.O_DSYNC]) {
    const open = () => libc.openat(dir, "../file", O_RDONLY | O_CLOEXEC | libc.O_RESOLVE_BENEATH | flags);
    assertEquals(codeOf(open), "ENOTCAPABLE");
  }
});

it("O_SHLOCK and O_EXLOCK lock a file when it is opened, and before it is truncated", () => {
  using fixture = new Fixture({ file: "text" });
  using dir = openDirSync(fixture.path);
  const open = (flags: number) => libc.openat(dir, "file", flags | O_CLOEXEC | libc.O_RESOLVE_BENEATH);
  const truncating = O_RDWR | libc.O_TRUNC | libc.O_EXLOCK | libc.O_NONBLOCK;
  const shared = open(O_RDONLY | libc.O_SHLOCK), other = open(O_RDONLY | libc.O_SHLOCK);
  assertEquals(codeOf(() => open(truncating)), "EAGAIN");
  assertEquals(fixture.read("file"), "text");
  libc.close(shared);
  libc.close(other);
  const exclusive = open(truncating);
  assertEquals(fixture.read("file"), "");
  assertEquals(codeOf(() => open(O_RDONLY | libc.O_SHLOCK | libc.O_NONBLOCK)), "EAGAIN");
  libc.close(exclusive);
});

it("a path that leaves its directory throws ENOTCAPABLE instead of EXDEV, other calls still throw EXDEV", () => {
  using fixture = new Fixture({ inside: {}, file: "" });
  using dir = openDirSync(fixture.at("inside"));
  const error = failure(() => libc.openat(dir, "../file", O_RDONLY | libc.O_RESOLVE_BENEATH));
  assertEquals([error.code, error.errno, isNotCapable(error)], ["ENOTCAPABLE", 18, true]);
  assertStringIncludes(error.message, "the path leaves the directory");
  libc.close(libc.openat(dir, "../file", O_RDONLY | O_CLOEXEC));
  assertEquals(linuxErrno()[18]![0], "EXDEV");
});

it("without openat2 libc's own lookup beneath a directory is NotSupported, and Dir resolves step by step", async () => {
  using fixture = new Fixture({ file: "text", sub: { file: "below" } });
  const { O_RESOLVE_BENEATH } = libc;
  for (const errno of [38, 1]) {
    const outcome = await inChild(
      async ({ caught, libc, openDirSync }, { path, errno, beneath, beneathAt, replacement }) => {
        const { replaceOpenat2 }: typeof replacing = await import(replacement);
        let calls = 0;
        replaceOpenat2(() => (calls++, errno));
        const dir = openDirSync(path);
        return {
          raw: [
            caught(() => libc.openat(dir, "file", beneath)),
            caught(() => libc.fstatat(dir, "sub/file", new Uint8Array(256), beneathAt)),
          ],
          confined: dir.confined,
          text: dir.readTextFileSync("sub/../sub/file"),
          out: caught(() => dir.readTextFileSync("../x"))?.code,
          plain: libc.openat(dir, "file", 0) > 2,
          calls,
        };
      },
      { path: fixture.path, errno, beneath: O_RESOLVE_BENEATH, beneathAt: AT_RESOLVE_BENEATH, replacement },
    );
    for (const error of outcome.raw) {
      assertEquals(error?.class, "NotSupported");
      assertStringIncludes(error!.message, "openat2(2)");
    }
    const { confined, text, out, plain, calls } = outcome;
    assertEquals({ confined, text, out, plain }, {
      confined: false,
      text: "below",
      out: "ENOTCAPABLE",
      plain: true,
    });
    assert(calls > 0);
  }
});

it("openat2 is retried when a rename interferes, up to a limit", async () => {
  using fixture = new Fixture({ file: "" });
  for (const disturbed of [50, Infinity]) {
    const { error, calls } = await inChild(
      async ({ caught, openDirSync }, { path, disturbed, replacement }) => {
        const { replaceOpenat2 }: typeof replacing = await import(replacement);
        const EAGAIN = 11, often = disturbed ?? Infinity;
        let calls = 0;
        replaceOpenat2((size) => size === 0n || calls++ >= often ? undefined : EAGAIN);
        const dir = openDirSync(path);
        return { error: caught(() => dir.openSync("file")), calls };
      },
      { path: fixture.path, disturbed, replacement },
    );
    assertEquals(error?.code, disturbed === 50 ? undefined : "EAGAIN");
    if (disturbed === 50) assertEquals(calls, 51);
    else assert(calls > 50 && calls < 100_000, `${calls} calls`);
  }
});

it("fstat() and fstatat() return the same as Deno, for every kind of file", () => {
  using fixture = new Fixture({ file: "text", sub: { below: "" }, link: { link: "file" } });
  using dir = openDirSync(fixture.path);
  using dev = openDirSync("/dev");
  libc.mkfifoat(dir, "fifo", 0o600);
  for (const name of ["file", "sub", "sub/below", "link", "fifo"]) {
    for (const beneath of [0, AT_RESOLVE_BENEATH]) {
      assertEquals(statAt(dir, name, beneath), told(Deno.statSync(fixture.at(name))));
      assertEquals(statAt(dir, name, beneath | AT_SYMLINK_NOFOLLOW), told(fixture.stat(name)));
    }
  }
  assertEquals(statAt(dev, "null", AT_RESOLVE_BENEATH), told(Deno.statSync("/dev/null")));
  assertNotEquals(statAt(dev, "null", 0).rdev, 0);
  using file = dir.openSync("file");
  assertEquals(told(file.statSync()), told(fixture.stat("file")));
  assertEquals(codeOf(() => libc.fstatat(dir, "file", new Uint8Array(256), 0x8000)), "EINVAL");
});

function statAt(dir: { fd: number }, name: string, flags: number): Deno.FileInfo {
  const entry = new Uint8Array(256);
  assertEquals(libc.fstatat(dir, name, entry, flags), 0);
  return told(abi().decodeStat(entry));
}

/** Deno cuts the time of change, of all times, to seconds. */
function told(info: Deno.FileInfo): Deno.FileInfo {
  return { ...info, ctime: info.ctime && new Date(Math.floor(info.ctime.getTime() / 1000) * 1000) };
}

/** Calls that take AT_RESOLVE_BENEATH, each so that it changes nothing that is asked for below. */
const beneathCalls: Record<string, (dir: { fd: number }, name: string, flags: number) => number> = {
  fstatat: (dir, name, flags) => libc.fstatat(dir, name, new Uint8Array(256), flags),
  faccessat: (dir, name, flags) => libc.faccessat(dir, name, libc.F_OK, flags),
  fchmodat: (dir, name, flags) => libc.fchmodat(dir, name, 0o700, flags),
  fchownat: (dir, name, flags) => libc.fchownat(dir, name, -1, -1, flags),
  utimensat: (dir, name, flags) => libc.utimensat(dir, name, null, flags),
};

const tree = {
  inside: {
    file: "",
    sub: { file: "", up: { link: ".." }, out: { link: "../../outside" } },
    link: { link: "file" },
    out: { link: "../outside" },
    "out-dir": { link: "../directory" },
    "sub-link": { link: "sub" },
  },
  outside: "secret",
  directory: { file: "secret" },
};

for (const [name, call] of Object.entries(beneathCalls)) {
  it(`${name}() with AT_RESOLVE_BENEATH stays beneath its directory, follows or not, and works there`, () => {
    using fixture = new Fixture(tree);
    using dir = openDirSync(fixture.at("inside"));
    const inner = ["file", "sub", "sub/", "sub/file", "sub/../file", "sub/..", ".", "link", "sub-link/file"];
    const outer = ["..", "../outside", "../inside/file", "out/", "out-dir/", "out-dir/file", "sub/../.."];
    outer.push("sub/up/../outside", "out-dir/.", fixture.at("inside", "file"), "/");
    for (const follow of [0, AT_SYMLINK_NOFOLLOW]) {
      const flags = AT_RESOLVE_BENEATH | follow;
      // A symlink's own mode can't be set on Linux.
      const isOwn = (path: string) => name === "fchmodat" && follow && path === "link";
      for (const path of inner) if (!isOwn(path)) assertEquals(call(dir, path, flags), 0, path);
      const before = [fixture.stat("outside"), fixture.stat("directory"), fixture.stat("directory/file")];
      for (const path of outer) assertEquals(codeOf(() => call(dir, path, flags)), "ENOTCAPABLE", path);
      assertEquals(
        [fixture.stat("outside"), fixture.stat("directory"), fixture.stat("directory/file")],
        before,
      );
      assertEquals(codeOf(() => call(dir, "missing", flags)), "ENOENT");
      assertEquals(codeOf(() => call(dir, "file/", flags)), "ENOTDIR");
    }
    for (const path of ["out", "sub/out"]) {
      assertEquals(codeOf(() => call(dir, path, AT_RESOLVE_BENEATH)), "ENOTCAPABLE", path);
      if (name === "fchmodat") continue;
      assertEquals(call(dir, path, AT_RESOLVE_BENEATH | AT_SYMLINK_NOFOLLOW), 0, path);
    }
    assertEquals(codeOf(() => call(dir, "file", AT_RESOLVE_BENEATH | 0x8000)), "EINVAL");
  });
}

it("unlinkat() with AT_RESOLVE_BENEATH removes only beneath its directory", () => {
  using fixture = new Fixture(tree);
  using dir = openDirSync(fixture.at("inside"));
  const outer = ["../outside", "out-dir/file", "sub/../../outside", "sub/up/../outside", "/etc/no-such-file"];
  for (const path of outer) {
    assertEquals(codeOf(() => libc.unlinkat(dir, path, AT_RESOLVE_BENEATH)), "ENOTCAPABLE", path);
  }
  for (const path of ["../directory", "sub/../../directory/"]) {
    const flags = AT_RESOLVE_BENEATH | AT_REMOVEDIR;
    assertEquals(codeOf(() => libc.unlinkat(dir, path, flags)), "ENOTCAPABLE", path);
  }
  assertEquals(codeOf(() => libc.unlinkat(dir, "out-dir/", AT_RESOLVE_BENEATH | AT_REMOVEDIR)), "ENOTDIR");
  assertEquals([fixture.read("outside"), fixture.read("directory/file")], ["secret", "secret"]);
  for (const path of ["sub/up/sub/file", "sub/up", "sub/out", "out-dir"]) {
    assertEquals(libc.unlinkat(dir, path, AT_RESOLVE_BENEATH), 0);
  }
  assertEquals(libc.unlinkat(dir, "sub/", AT_RESOLVE_BENEATH | AT_REMOVEDIR), 0);
  assertEquals(fixture.list("inside"), ["file", "link", "out", "sub-link"]);
});

it("linkat() with AT_RESOLVE_BENEATH links only files beneath its directory", () => {
  using fixture = new Fixture(tree);
  using dir = openDirSync(fixture.at("inside"));
  const link = (from: string, to: string, flags = 0) =>
    libc.linkat(dir, from, dir, to, flags | AT_RESOLVE_BENEATH);
  const outer = ["../outside", "out-dir/file", "sub/up/../outside", "out/"];
  for (const path of outer) assertEquals(codeOf(() => link(path, "stolen")), "ENOTCAPABLE", path);
  assertEquals(codeOf(() => link("out", "stolen", libc.AT_SYMLINK_FOLLOW)), "ENOTCAPABLE");
  assertFalse(fixture.exists("inside/stolen"));
  assertEquals([link("sub/file", "one"), link("link", "two", libc.AT_SYMLINK_FOLLOW), link("out", "three")], [
    0,
    0,
    0,
  ]);
  const names = ["one", "two", "three"].map((name) => fixture.stat(`inside/${name}`).isSymlink);
  assertEquals(names, [false, false, true]);
});

it("utimensat() and futimens() accept UTIME_NOW and UTIME_OMIT, and refuse other nanoseconds out of range", () => {
  using fixture = new Fixture({ file: "" });
  using dir = openDirSync(fixture.path);
  using file = dir.openSync("file");
  const times = (...fields: (bigint | number)[]) => new Uint8Array(BigInt64Array.from(fields, BigInt).buffer);
  const ways = [
    (both: Uint8Array | null) => libc.utimensat(dir, "file", both, 0),
    (both: Uint8Array | null) => libc.futimens(file, both),
  ];
  for (const set of ways) {
    set(times(1, 500_000_000, 2, 0));
    const { atime, mtime } = fixture.stat("file");
    assertEquals([atime, mtime], [new Date(1500), new Date(2000)]);
    const before = Date.now() - 1000;
    set(times(0, libc.UTIME_OMIT, 0, libc.UTIME_NOW));
    assertEquals(fixture.stat("file").atime, new Date(1500));
    assert(fixture.stat("file").mtime!.getTime() >= before);
    for (const wrong of [-3, 1_000_000_000, 0x3fffffff, 0x3ffffffe]) {
      assertEquals(codeOf(() => set(times(0, 0, 0, wrong))), "EINVAL");
    }
    set(null);
    assert(fixture.stat("file").atime!.getTime() >= before);
  }
});

it("fcntl() accepts FreeBSD's commands and flags, and refuses those without a Linux equivalent", () => {
  using fixture = new Fixture({ file: "" });
  using dir = openDirSync(fixture.path);
  using file = dir.openSync("file", { read: true, write: true });
  libc.fcntl(file, libc.F_SETFL, libc.O_APPEND | libc.O_NONBLOCK);
  assertEquals(libc.fcntl(file, libc.F_GETFL), O_RDWR | libc.O_APPEND | libc.O_NONBLOCK);
  libc.fcntl(file, libc.F_SETFL, 0);
  assertEquals(libc.fcntl(file, libc.F_GETFL), O_RDWR);
  for (const [command, flags] of [[libc.F_DUPFD, 0], [libc.F_DUPFD_CLOEXEC, libc.FD_CLOEXEC]] as const) {
    const copy = libc.fcntl(file, command, 500);
    assert(copy >= 500);
    assertEquals(libc.fcntl(copy, libc.F_GETFD), flags);
    libc.fcntl(copy, libc.F_SETFD, libc.FD_CLOEXEC);
    assertEquals(libc.fcntl(copy, libc.F_GETFD), libc.FD_CLOEXEC);
    libc.close(copy);
  }
  // Linux itself would accept these two, do nothing and report success.
  for (const flags of [libc.FD_RESOLVE_BENEATH, libc.FD_CLOFORK]) {
    assertEquals(codeOf(() => libc.fcntl(file, libc.F_SETFD, flags)), "EINVAL");
  }
  assertEquals(codeOf(() => libc.fcntl(file, libc.F_RDAHEAD, 1)), "EINVAL");
});

it("ioctl() throws NotSupported, and isatty() distinguishes terminals and closed descriptors", () => {
  using fixture = new Fixture({ file: "" });
  const fd = libc.open(fixture.at("file"), O_RDONLY);
  assertThrows(() => libc.ioctl(fd, 0x4004667fn, new Uint8Array(4)), Deno.errors.NotSupported, "ioctl");
  assertEquals(libc.isatty(fd), 0);
  libc.close(fd);
  assertEquals(codeOf(() => libc.isatty(fd)), "EBADF");
  const terminal = libc.open("/dev/ptmx", O_RDWR | libc.O_NOCTTY | O_CLOEXEC);
  assertEquals(libc.isatty(terminal), 1);
  libc.close(terminal);
});

it("lseek() accepts offsets of 64 bits, finds holes, and reports the errno of a failure", () => {
  using fixture = new Fixture({ file: "" });
  fixture.resize("file", 2 ** 40);
  const fd = libc.open(fixture.at("file"), O_RDWR | O_CLOEXEC);
  assertEquals(libc.lseek(fd, 2 ** 40 - 1, libc.SEEK_SET), 2 ** 40 - 1);
  assertEquals(libc.lseek(fd, -1, libc.SEEK_CUR), 2 ** 40 - 2);
  assertEquals(libc.pwrite(fd, new Uint8Array(1), 1, 2 ** 33), 1);
  assertEquals(libc.lseek(fd, 0, libc.SEEK_HOLE), 0);
  const data = libc.lseek(fd, 0, libc.SEEK_DATA);
  assert(data > 2 ** 32 && data <= 2 ** 33);
  assertEquals(codeOf(() => libc.lseek(fd, -1, libc.SEEK_SET)), "EINVAL");
  assertEquals(codeOf(() => libc.lseek(fd, 2 ** 40, libc.SEEK_DATA)), "ENXIO");
  libc.close(fd);
});

it("getdirentries() returns every entry once, and writes the start of the read to basep", () => {
  const names = Array.from({ length: 300 }, (_, i) => `${"n".repeat(i % 100)}${i}`);
  using fixture = new Fixture(Object.fromEntries(names.map((name) => [name, ""])));
  const fd = libc.open(fixture.path, O_RDONLY | libc.O_DIRECTORY | O_CLOEXEC);
  const buffer = new Uint8Array(1024), base = new Uint8Array(8), position = new BigInt64Array(base.buffer);
  const found: string[] = [], positions: bigint[] = [];
  for (let length; (length = libc.getdirentries(fd, buffer, buffer.length, base)) > 0;) {
    positions.push(position[0]!);
    found.push(...abi().decodeDirectory(buffer, length).names);
  }
  assertEquals(found.sort(), [...names].sort());
  assertEquals(positions[0], 0n);
  // From where the second read began on, it is the same again.
  libc.lseek(fd, positions[1]!, libc.SEEK_SET);
  const again: string[] = [];
  for (let length; (length = libc.getdirentries(fd, buffer, buffer.length, base)) > 0;) {
    again.push(...abi().decodeDirectory(buffer, length).names);
  }
  assert(again.length > 0 && again.length < names.length);
  assert(again.every((name) => names.includes(name)));
  libc.close(fd);
  assertEquals(codeOf(() => libc.getdirentries(fd, buffer, 1024, base)), "EBADF");
});

it("an impossible directory record throws Error instead of looping endlessly", () => {
  for (const length of [0, 8, 23, 65535]) {
    const record = new Uint8Array(64);
    record.set([length & 0xff, length >> 8], 16);
    assertThrows(() => abi().decodeDirectory(record, 64), Error, `a record of ${length} bytes`);
  }
});

it("each of 300,000 failing calls of five kinds reports its own errno, under memory pressure", () => {
  using fixture = new Fixture({ file: "", sub: {} });
  using dir = openDirSync(fixture.path);
  const stat = new Uint8Array(256);
  const calls: [call: () => unknown, code: string][] = [
    [() => libc.openat(dir, "missing", O_RDONLY | libc.O_RESOLVE_BENEATH), "ENOENT"],
    [() => libc.openat(dir, "../x", O_RDONLY | libc.O_RESOLVE_BENEATH), "ENOTCAPABLE"],
    [() => libc.fstatat(dir, "file/x", stat, AT_RESOLVE_BENEATH), "ENOTDIR"],
    [() => libc.close(100_000), "EBADF"],
    [() => libc.unlinkat(dir, "sub", 0), "EISDIR"],
  ];
  const wrong: string[] = [];
  let kept: unknown[] = [];
  for (let i = 0; i < 300_000; i++) {
    const [call, code] = calls[i % calls.length]!;
    const actual = codeOf(call);
    if (actual !== code) wrong.push(`call ${i}: ${actual} in place of ${code}`);
    kept.push(new Array(50).fill(i));
    if (kept.length > 5000) kept = [];
  }
  assertEquals(wrong, []);
});
