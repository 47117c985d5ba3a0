import { assert, assertEquals, assertThrows } from "@std/assert";
import { CapsicumError, openDescriptors } from "../../../mod.ts";
import { inChild, libcPath } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { failNext, needsStandin } from "../../_standin.ts";
import { test } from "../../_test.ts";

test("openDescriptors() returns kind, rights, close-on-exec and offset of each descriptor", async () => {
  using fixture = new Fixture({ file: "some text", dir: {}, link: { link: "file" } });
  const found = await inChild(
    ({ openDescriptors, openDirSync, openSync, libc, limit, limitIoctls, isSupported }, base) => {
      const before = new Set(openDescriptors().map(({ fd }) => fd));
      using dir = openDirSync(`${base}/dir`), file = openSync(`${base}/file`), device = openSync("/dev/null");
      file.readSync(new Uint8Array(4));
      using limited = openSync(`${base}/file`);
      using mute = openSync(`${base}/file`);
      libc.fcntl(device, libc.F_SETFD, 0);
      if (isSupported()) {
        limit(limited, ["READ", "FSTAT", "IOCTL"]);
        limitIoctls(limited, []);
        limit(mute, ["READ"]);
      }
      const added = openDescriptors().filter(({ fd }) => !before.has(fd));
      const [d, f, n, l, m] = [dir, file, device, limited, mute].map((owner) =>
        added.find(({ fd }) => fd === owner.fd)!
      );
      const shown = [d, f, n, l, m].map((descriptor) => {
        const { kind, path, closeOnExec, offset, rights, ioctls, fcntls } = descriptor!;
        return {
          kind,
          path,
          closeOnExec,
          offset,
          rights: rights?.has("MMAP_RWX") ? "all" : rights?.names(),
          ioctls: ioctls && String(ioctls),
          fcntls: fcntls?.size,
        };
      });
      return { count: added.length, shown };
    },
    fixture.path,
    { permissions: [`--allow-ffi=${libcPath}`] },
  );
  assertEquals(found.count, 5);
  const free = kernel.hasCapsicum ? { rights: "all", ioctls: "ALL", fcntls: 4 } : {};
  const path = (name: string) => kernel.hasCapsicum ? { path: name } : {};
  const limits = (rights: string[], reported: object) =>
    kernel.hasCapsicum ? { rights, ioctls: "NONE", fcntls: 0, ...reported } : { kind: "file", offset: 0 };
  assertEquals(found.shown as unknown, [
    { kind: "directory", ...path(fixture.at("dir")), closeOnExec: true, offset: 0, ...free },
    { kind: "file", ...path(fixture.at("file")), closeOnExec: true, offset: 4, ...free },
    { kind: "character device", ...path("/dev/null"), closeOnExec: false, ...free },
    {
      ...path(fixture.at("file")),
      closeOnExec: true,
      ...limits(["READ", "FSTAT", "IOCTL"], { kind: "file" }),
    },
    { ...path(fixture.at("file")), closeOnExec: true, ...limits(["READ"], { kind: "unknown" }) },
  ]);
});

test("openDescriptors() returns kinds in capability mode too, without a violation", async () => {
  using fixture = new Fixture({ file: "text" });
  const result = await inChild(
    ({ openDescriptors, openSync, openDirSync, enter, limit, isSupported, trapViolations }, base) => {
      using file = openSync(`${base}/file`), dir = openDirSync(base), pathOnly = openSync("/dev/null");
      if (isSupported()) {
        limit(pathOnly, []);
        // A violation would end this process.
        trapViolations();
        enter();
      }
      const kindOf = (wanted: number) => openDescriptors().find(({ fd }) => fd === wanted)?.kind;
      return [kindOf(file.fd), kindOf(dir.fd), kindOf(pathOnly.fd), kindOf(1)];
    },
    fixture.path,
    { exits: true },
  );
  assertEquals(result, ["file", "directory", kernel.hasCapsicum ? "unknown" : "character device", "pipe"]);
});

test("openDescriptors() returns descriptors opened with O_PATH too, also in capability mode", async () => {
  using fixture = new Fixture({ file: "text" });
  const kinds = await inChild(({ openDescriptors, libc, isSupported, enter }, base) => {
    const fds = ["/dev/null", base, `${base}/file`].map((path) =>
      libc.open(path, libc.O_PATH | libc.O_CLOEXEC)
    );
    const kinds = () => fds.map((wanted) => openDescriptors().find(({ fd }) => fd === wanted)?.kind);
    const before = kinds();
    if (isSupported()) enter();
    return [before, kinds()];
  }, fixture.path);
  assertEquals(kinds, Array(2).fill(["character device", "directory", "file"]));
});

test("openDescriptors() finds sockets, pipes, and the event queue of the runtime", async () => {
  const kinds = await inChild(({ openDescriptors, isSupported, enter }) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    void listener;
    const before = openDescriptors().map(({ kind }) => kind);
    if (isSupported()) enter();
    return [before, openDescriptors().map(({ kind }) => kind)];
  });
  for (const [i, found] of kinds.entries()) {
    for (const kind of ["socket", "pipe"]) assert(found.includes(kind as "socket"), `${found}`);
    const queue = kernel.hasCapsicum ? i === 0 ? "kqueue" : "kqueue or eventfd" : "unknown";
    assert(found.includes(queue as "kqueue"), `${found}`);
  }
});

test.capsicum("limitOthers() removes all rights except FLOCK from files and directories that are not kept, and from no other descriptor", async () => {
  using fixture = new Fixture({ file: "text", dir: {} });
  const result = await inChild(
    async ({ limitOthers, openDescriptors, openSync, openDirSync, getRights, enter, limit }, base) => {
      using kept = openSync(`${base}/file`),
        forgotten = openSync(`${base}/file`),
        unlockable = openSync(`${base}/file`),
        dir = openDirSync(`${base}/dir`);
      using device = openSync("/dev/null"),
        searched = openDirSync(`${base}/dir`),
        mute = openSync("/dev/null");
      limit(searched, ["LOOKUP"]);
      limit(unlockable, ["READ", "FSTAT"]);
      limit(mute, ["READ"]);
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const before = openDescriptors();
      const limited = limitOthers({ keep: [kept] });
      enter();
      const files = before.filter(({ fd, kind }) =>
        fd > 2 && fd !== kept.fd && ["file", "directory"].includes(kind)
      );
      // The runtime still works.
      await new Promise((resolve) => setTimeout(resolve, 10));
      console.log("alive");
      void listener;
      return {
        mine: [forgotten, unlockable, dir, searched].map(({ fd }) =>
          limited.includes(fd) && getRights(fd).names()
        ),
        others: [kept, device].map(({ fd }) => !limited.includes(fd) && getRights(fd).has("MMAP_RWX")),
        mute: getRights(mute).names(),
        all: files.every(({ fd }) => limited.includes(fd)) && limited.length === files.length + 1,
        left: before.filter(({ fd }) => !limited.includes(fd)).every(({ fd, kind }) =>
          fd <= 2 || fd === kept.fd || !["file", "directory"].includes(kind)
        ),
        opened: openDescriptors().filter(({ fd, kind }) =>
          // Deno can open internal sockets at any time.
          kind !== "socket" && !before.some((old) => old.fd === fd)
        ).map(({ kind }) => kind),
        closed: before.filter(({ fd }) => !openDescriptors().some((now) => now.fd === fd)).length,
      };
    },
    fixture.path,
  );
  assertEquals(result as unknown, {
    mine: [["FLOCK"], [], [], []],
    others: [true, true],
    mute: ["READ"],
    all: true,
    left: true,
    opened: [],
    closed: 0,
  });
});

test.capsicum("limitOthers() limits duplicates of a standard stream to the rights of the stream, and no other pipe", async () => {
  using fixture = new Fixture();
  const result = await inChild(
    (
      { limitOthers, limitStdio, openDescriptors, openDirSync, libc, getRights, getIoctls, getFcntls, limit },
      path,
    ) => {
      using dir = openDirSync(path);
      dir.mkfifoSync("fifo");
      using fifo = dir.openSync("fifo", { read: true, customFlags: libc.O_NONBLOCK });
      const [copy, kept, lesser] = [libc.dup(1), libc.dup(1), libc.dup(1)];
      limit(lesser, ["WRITE", "READ", "FSTAT"]);
      const held = (fd: number) => [getRights(fd), getIoctls(fd), getFcntls(fd)].map(String).join("; ");
      const full = held(1);
      const before = limitOthers({ keep: [dir, kept] });
      const untouched = held(copy) === full;
      limitStdio();
      const limited = limitOthers({ keep: [dir, kept] });
      // Deno's internal duplicates are included.
      const copies = openDescriptors().filter(({ fd, kind }) =>
        kind === "pipe" && ![fifo.fd, kept].includes(fd) && fd > 2 && limited.includes(fd)
      );
      const result = {
        before: [copy, fifo.fd].map((fd) => before.includes(fd)),
        untouched,
        limited: [copy, lesser, fifo.fd, kept, 1].map((fd) => limited.includes(fd)),
        copy: held(copy) === held(1),
        lesser: getRights(lesser).names(),
        others: [fifo.fd, kept].map((fd) => held(fd) === full),
        none: copies.filter(({ rights }) => rights!.has("FTRUNCATE")).length,
        again: limitOthers({ keep: [dir, kept] }).filter((fd) => [copy, lesser, fifo.fd].includes(fd)),
      };
      console.log("alive");
      return result;
    },
    fixture.path,
  );
  assertEquals(result as unknown, {
    before: [false, false],
    untouched: true,
    limited: [true, true, false, false, false],
    copy: true,
    lesser: ["WRITE", "FSTAT"],
    others: [true, true],
    none: 0,
    again: [],
  });
});

test.capsicum("limitOthers() keeps standard output if it is a file, limits its copies in the same way, and refuses a value that is not a list", async () => {
  using fixture = new Fixture({ out: "" });
  const result = await inChild(
    ({ limitOthers, libc, limit, getRights, caught }, path) => {
      const fd = libc.open(path, libc.O_RDWR | libc.O_CLOEXEC);
      libc.fcntl(fd, libc.F_DUP2FD, 2);
      const limited = limitOthers({ keep: [] });
      const bad = [5, "READ", null, [-1], [{}]].map((keep) =>
        caught(() => limitOthers({ keep: keep as never }))?.class
      );
      const kept = [limited.includes(fd), limited.includes(2), getRights(2).has("WRITE")];
      limit(2, ["WRITE", "FSTAT"]);
      return [...kept, limitOthers().includes(fd), getRights(fd).names(), bad];
    },
    fixture.at("out"),
  );
  assertEquals(result as unknown, [false, false, true, true, ["WRITE", "FSTAT"], [
    "TypeError",
    "TypeError",
    "TypeError",
    "RangeError",
    "TypeError",
  ]]);
});

test(
  "openDescriptors() throws if the flags of a descriptor cannot be read, and does not leave it out",
  () => {
    openDescriptors();
    const EIO = 5;
    failNext("fcntl", EIO);
    const error = assertThrows(() => openDescriptors(), CapsicumError, "fcntl on fd 0");
    assertEquals(error.code, "EIO");
    openDescriptors();
  },
  { skip: needsStandin },
);
