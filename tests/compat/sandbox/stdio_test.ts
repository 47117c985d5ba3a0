import { assertEquals } from "@std/assert";
import { inChild } from "../../_child.ts";
import { test } from "../../_test.ts";

/** caph_stream_rights() and caph_limit_stream() of capsicum_helpers.h, the same in FreeBSD 13.2 and 15.1. */
const both = ["CAP_EVENT", "CAP_FCNTL", "CAP_FSTAT", "CAP_IOCTL", "CAP_SEEK"].map((name) => name.slice(4));
const asking = ["TIOCGETA", "TIOCGWINSZ", "FIODTYPE"];

test.capsicum("limitStdio() leaves the same rights as caph_limit_stdio(), and console and stdin still work", async () => {
  const result = await inChild(
    ({ limitStdio, getRights, getIoctls, getFcntls, Rights, enter }, both) => {
      limitStdio();
      enter();
      const text = new Uint8Array(5);
      const read = Deno.stdin.readSync(text);
      console.error("still here");
      const expected = [["READ"], ["WRITE"], ["WRITE"]].map((rights) =>
        new Rights([...rights, ...both] as ["READ"])
      );
      return {
        read: [read, new TextDecoder().decode(text)],
        rights: [0, 1, 2].map((fd) => getRights(fd).equals(expected[fd]!)),
        ioctls: [0, 1, 2].map((fd) => String(getIoctls(fd))),
        fcntls: [0, 1, 2].map((fd) => String(getFcntls(fd))),
      };
    },
    both,
    { stdin: "input" },
  );
  assertEquals(result, {
    read: [5, "input"],
    rights: [true, true, true],
    ioctls: Array(3).fill(asking.join(", ")),
    fcntls: Array(3).fill("GETFL"),
  });
});

test.capsicum("limitStdio() with raw also leaves the ioctls that set a terminal's attributes, and no others", async () => {
  const ioctls = await inChild(({ limitStdio, getIoctls, Ioctl }) => {
    limitStdio({ raw: true });
    const held = getIoctls(0);
    return [String(held), held.has(Ioctl.TIOCSTI)];
  });
  assertEquals(ioctls, [[...asking, "TIOCSETA", "TIOCSETAW", "TIOCSETAF"].join(", "), false]);
});

test.capsicum("limitStdio() skips a closed stream, and throws for a stream that already has fewer rights", async () => {
  const result = await inChild(({ limitStdio, limitStream, libc, limit, getRights, caught }) => {
    libc.close(0);
    limitStdio();
    const after = getRights(1).has("READ");
    limit(2, ["WRITE"]);
    const error = caught(() => limitStdio());
    const bad = caught(() => limitStream(99, "read"));
    return [after, error?.code, error?.fd, bad?.class];
  });
  assertEquals(result as unknown, [false, "ENOTCAPABLE", 2, "BadResource"]);
});

test.capsicum("limitStream() leaves the rights for reading, writing or both", async () => {
  const result = await inChild(({ limitStream, openSync, getRights }) =>
    (["read", "write", "readWrite"] as const).map((use) => {
      using file = openSync("/dev/null", { read: true, write: true });
      limitStream(file, use);
      const rights = getRights(file);
      return [rights.has("READ"), rights.has("WRITE"), rights.has("MMAP")];
    })
  );
  assertEquals(result, [[true, false, false], [false, true, false], [true, true, false]]);
});

test.capsicum("limitStream() leaves LOOKUP with lookup, and skips a closed descriptor with ignoreClosed", async () => {
  const result = await inChild(({ limitStream, openDirSync, getRights, libc, limit, caught }) => {
    using dir = openDirSync("/dev"), other = openDirSync("/dev");
    limitStream(dir, "read", { lookup: true });
    limitStream(other, "read");
    limitStream(99, "read", { ignoreClosed: true });
    using lesser = openDirSync("/dev", { limit: ["READ"] });
    return [
      getRights(dir).difference(getRights(other)).names(),
      getRights(other).has("LOOKUP"),
      libc.openat(dir, "null", libc.O_RDONLY | libc.O_CLOEXEC) > 2,
      caught(() => libc.openat(other, "null", libc.O_RDONLY))?.missing,
      caught(() => limitStream(lesser, "read", { ignoreClosed: true }))?.code,
      caught(() => limit(99, []))?.class,
    ];
  });
  assertEquals(result as unknown, [["LOOKUP"], false, true, ["LOOKUP"], "ENOTCAPABLE", "BadResource"]);
});
