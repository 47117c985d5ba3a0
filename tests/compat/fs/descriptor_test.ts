import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  type Descriptor,
  Dir,
  FdFile,
  getRights,
  libc,
  openDirSync,
  openSync,
  Rights,
} from "../../../mod.ts";
import { Fixture } from "../../_fixture.ts";
import { isOpen } from "../../_kernel.ts";
import { allCalls, failNext, needsStandin } from "../../_standin.ts";
import { test } from "../../_test.ts";
import { failureOf } from "./_failure.ts";

const owners: { Class: typeof FdFile | typeof Dir; open(fixture: Fixture): FdFile | Dir }[] = [
  { Class: FdFile, open: (fixture) => openSync(fixture.at("file")) },
  { Class: Dir, open: (fixture) => openDirSync(fixture.path) },
];

const byte = new Uint8Array(1);
const shared: Record<string, (owner: Descriptor) => unknown> = {
  fd: (owner) => owner.fd,
  limit: (owner) => owner.limit(["READ"]),
  take: (owner) => owner.take(),
  close: (owner) => owner.close(),
};
/** The methods of Dir that have a synchronous twin, with arguments. */
const pathMethods: Record<string, unknown[]> = {
  chmod: ["a", 0o600],
  chown: ["a", 0, 0],
  copy: ["a", "b"],
  copyFile: ["a", "b"],
  create: ["a"],
  emptyDir: ["a"],
  ensureDir: ["a"],
  ensureFile: ["a"],
  exists: ["a"],
  expandGlob: ["*"],
  link: ["a", "b"],
  list: [],
  lstat: ["a"],
  makeTempDir: [],
  makeTempFile: [],
  mkdir: ["a"],
  mkfifo: ["a"],
  open: ["a"],
  openDir: ["a"],
  readDir: [],
  readFile: ["a"],
  readLink: ["a"],
  readTextFile: ["a"],
  readTextFileLines: ["a"],
  realPath: ["a"],
  remove: ["a"],
  rename: ["a", "b"],
  stat: ["a"],
  symlink: ["a", "b"],
  truncate: ["a"],
  utime: ["a", 0, 0],
  walk: [],
  writeFile: ["a", byte],
  writeFileAtomic: ["a", byte],
  writeTextFile: ["a", ""],
};

/** Calls a method, and consumes the iterator that it may return. */
function use(name: string, args: unknown[]): (dir: Dir) => unknown {
  return (dir) => {
    const result = (dir as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!(...args);
    return typeof (result as { next?: unknown })?.next === "function"
      ? (result as Iterator<unknown>).next()
      : result;
  };
}

const uses: Record<string, Record<string, (owner: FdFile & Dir) => unknown>> = {
  FdFile: {
    ...shared,
    readSync: (file) => file.readSync(byte),
    writeSync: (file) => file.writeSync(byte),
    preadSync: (file) => file.preadSync(byte, 0),
    pwriteSync: (file) => file.pwriteSync(byte, 0),
    readAllSync: (file) => file.readAllSync(),
    linesSync: (file) => [...file.linesSync()],
    seekSync: (file) => file.seekSync(0, Deno.SeekMode.Current),
    statSync: (file) => file.statSync(),
    truncateSync: (file) => file.truncateSync(),
    syncSync: (file) => file.syncSync(),
    syncDataSync: (file) => file.syncDataSync(),
    isTerminal: (file) => file.isTerminal(),
    lockSync: (file) => file.lockSync(),
    tryLockSync: (file) => file.tryLockSync(),
    unlockSync: (file) => file.unlockSync(),
    utimeSync: (file) => file.utimeSync(0, 0),
    read: (file) => file.read(byte),
    write: (file) => file.write(byte),
    pread: (file) => file.pread(byte, 0),
    pwrite: (file) => file.pwrite(byte, 0),
    readAll: (file) => file.readAll(),
    readInto: (file) => file.readInto(byte),
    readIntoSync: (file) => file.readIntoSync(byte),
    writeAll: (file) => file.writeAll(byte),
    writeAllSync: (file) => file.writeAllSync(byte),
    readable: (file) => file.readable,
    writable: (file) => file.writable,
    lines: (file) => file.lines().next(),
    seek: (file) => file.seek(0, Deno.SeekMode.Current),
    stat: (file) => file.stat(),
    truncate: (file) => file.truncate(),
    sync: (file) => file.sync(),
    syncData: (file) => file.syncData(),
    lock: (file) => file.lock(),
    tryLock: (file) => file.tryLock(),
    unlock: (file) => file.unlock(),
    utime: (file) => file.utime(0, 0),
  },
  Dir: {
    ...shared,
    confined: (dir) => dir.confined,
    ...Object.fromEntries(
      Object.entries(pathMethods).flatMap(([name, args]) =>
        [name, `${name}Sync`].map((name) => [name, use(name, args)])
      ),
    ),
  },
};

for (const { Class, open } of owners) {
  const { name } = Class;

  test(`${name}.fd is the number of an open descriptor, and throws BadResource once it is closed`, () => {
    using fixture = new Fixture({ file: "" });
    const owner = open(fixture);
    const { fd } = owner;
    assert(isOpen(fd));
    owner.close();
    assertFalse(isOpen(fd));
    assertThrows(() => owner.fd, Deno.errors.BadResource, `This ${name} is closed`);
  });

  test(`a closed ${name} throws BadResource from every method and makes no system call`, async () => {
    const prototypes = [Class.prototype, Object.getPrototypeOf(Class.prototype)];
    const members = new Set(prototypes.flatMap((prototype) => Object.getOwnPropertyNames(prototype)));
    // setRaw() always throws NotSupported.
    for (const name of ["constructor", "setRaw"]) members.delete(name);
    assertEquals(Object.keys(uses[name]!).sort(), [...members].sort());
    using fixture = new Fixture({ file: "" });
    const closed = open(fixture), taken = open(fixture);
    closed.close();
    libc.close(taken.take());
    const calls = () => needsStandin ? 0 : allCalls();
    const before = calls();
    for (const use of Object.values(uses[name]!)) {
      for (const owner of [closed, taken]) {
        const using = async () => void await use(owner as FdFile & Dir);
        await assertRejects(using, Deno.errors.BadResource, `This ${name} is closed`);
      }
    }
    assertEquals(calls(), before);
  });

  test.capsicum(
    `${name}.limit() removes rights permanently, and throws ENOTCAPABLE when they would grow`,
    () => {
      using fixture = new Fixture({ file: "" });
      using owner = open(fixture);
      owner.limit(["READ", "FSTAT"]);
      assertEquals(getRights(owner).names(), ["READ", "FSTAT"]);
      const { fd } = owner;
      const failure = failureOf(() => owner.limit(["READ", "WRITE"]));
      const expected = {
        class: "CapsicumError",
        code: "ENOTCAPABLE",
        errno: 93,
        syscall: "cap_rights_limit",
        fd,
      };
      assertEquals(failure, { ...expected, missing: ["WRITE"] });
      assertEquals(getRights(owner).names(), ["READ", "FSTAT"]);
      owner.limit(new Rights(["READ"]));
      owner.limit([]);
      assert(getRights(owner).isEmpty);
    },
  );

  test.capsicum(`${name}.limit() throws for a value that is not a set of rights, and changes nothing`, () => {
    using fixture = new Fixture({ file: "" });
    using owner = open(fixture);
    const before = getRights(owner);
    assertThrows(() => owner.limit("READ" as never), TypeError, "READ");
    assertThrows(() => owner.limit(["RAED" as "READ"]), RangeError, "RAED");
    assert(getRights(owner).equals(before));
  });

  test(`${name}.take() releases the descriptor, which stays open`, () => {
    using fixture = new Fixture({ file: "" });
    let fd: number;
    {
      using owner = open(fixture);
      fd = owner.take();
      assertThrows(() => owner.take(), Deno.errors.BadResource, "its descriptor was taken");
    }
    assert(isOpen(fd));
    libc.close(fd);
  });

  test(`${name}.close() throws BadResource the second time, and does not close a reused descriptor number`, () => {
    using fixture = new Fixture({ file: "" });
    const owner = open(fixture);
    const { fd } = owner;
    owner.close();
    using other = open(fixture);
    assertEquals(other.fd, fd);
    assertThrows(() => owner.close(), Deno.errors.BadResource, `This ${name} is closed`);
    owner[Symbol.dispose]();
    assert(isOpen(fd));
  });

  test(`${name}.close() releases the descriptor even if the system reports an error`, () => {
    using fixture = new Fixture({ file: "" });
    const owner = open(fixture);
    const { fd } = owner;
    failNext("close", 5);
    const failure = failureOf(() => owner.close());
    assertEquals(failure, { class: "CapsicumError", code: "EIO", errno: 5, syscall: "close", fd });
    assertThrows(() => owner.close(), Deno.errors.BadResource, `This ${name} is closed`);
    // A real kernel closes the descriptor.
    libc.close(fd);
  }, { skip: needsStandin });

  test(`${name} is closed by using and by await using, once`, async () => {
    using fixture = new Fixture({ file: "" });
    const fds: number[] = [];
    {
      using owner = open(fixture);
      await using other = open(fixture);
      using closed = open(fixture);
      fds.push(owner.fd, other.fd, closed.fd);
      closed.close();
    }
    assertEquals(fds.map(isOpen), [false, false, false]);
  });

  test.capsicum(`${name}.fromFd() takes over an open descriptor, with its rights`, () => {
    using fixture = new Fixture({ file: "" });
    const fd = open(fixture).take();
    {
      using owner = Class.fromFd(fd);
      assert(owner instanceof Class);
      assertEquals(owner.fd, fd);
      owner.limit(["READ"]);
      using again = Class.fromFd(owner.take());
      assertEquals(getRights(again).names(), ["READ"]);
    }
    assertFalse(isOpen(fd));
  });

  test(`${name}.fromFd() throws for a value that is not an open descriptor`, () => {
    using fixture = new Fixture({ file: "" });
    const fd = open(fixture).take();
    libc.close(fd);
    const failure = failureOf(() => Class.fromFd(fd));
    assertEquals(failure, { class: "BadResource", code: "EBADF", errno: 9, syscall: "fcntl", fd });
    for (const bad of [-1, 2 ** 31, 1.5, NaN, Infinity]) {
      assertThrows(() => Class.fromFd(bad), RangeError, String(bad));
    }
    for (const bad of ["3", null, undefined, 3n, { fd }]) {
      assertThrows(() => Class.fromFd(bad as unknown as number), TypeError, Deno.inspect(bad));
    }
  });

  test(`${name} is printed with its class and number`, () => {
    using fixture = new Fixture({ file: "" });
    const owner = open(fixture);
    assertEquals(Deno.inspect(owner), `${name} { fd: ${owner.fd} }`);
    owner.close();
    assertStringIncludes(Deno.inspect(owner), "closed");
  });
}

test("every method of FdFile and Dir that ends in Sync has a twin without, and no name ends in Async", () => {
  for (const { prototype } of [FdFile, Dir]) {
    const members = Object.getOwnPropertyNames(prototype);
    const twins = members.filter((name) => name.endsWith("Sync")).map((name) => name.slice(0, -4));
    assert(twins.length > 10);
    assertEquals(twins.filter((name) => !members.includes(name)), []);
    assertEquals(members.filter((name) => name.endsWith("Async")), []);
  }
});
