/** The table of rights needed: against the sources of the kernel, and against the kernel that answers here. */
import { assertEquals } from "@std/assert";
import { libc, needs, type Operation, Rights, rightsFor } from "../../../mod.ts";
import { rightsToOpen } from "../../../ffi/capsicum/needs.ts";
import { inChild } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { bitsOf } from "../../rights/_bits.ts";
import { test } from "../../_test.ts";
import table from "../../data/rights_per_call.json" with { type: "json" };
import { operations } from "./_operations.ts";

/** Rows as pairs of a name and the bits that it stands for, sorted. */
function comparable(rows: [string, Iterable<string>][]): string[] {
  return rows.map(([name, rights]) => `${name}: ${Rights.fromJSON([...rights])}`).sort();
}

test("needs has exactly the calls of the kernel's sources, with their rights", () => {
  const ours = Object.entries<readonly string[]>(needs).map(([name, rights]): [string, Iterable<string>] => [
    name,
    rights,
  ]);
  const theirs = table.calls.flatMap(({ calls, rights }) =>
    calls.map((call): [string, Iterable<string>] => [call, rights])
  );
  assertEquals(comparable(ours), comparable(theirs));
});

test("openat needs the sum of the rights that the kernel's sources check for each flag", () => {
  const of = (flag: string) =>
    new Rights(Rights.fromJSON(table.openat.find((row) => row.flag === flag)!.rights));
  const value = (flag: string) => libc[flag as "O_RDWR"];
  const others = table.openat.map(({ flag }) => flag).filter((flag) =>
    !/^O_(RDONLY|WRONLY|RDWR)$/.test(flag)
  );
  const sets = others.flatMap((a, i) => [[a], ...others.slice(i + 1).map((b) => [a, b])]);
  for (const access of ["O_RDONLY", "O_WRONLY", "O_RDWR"]) {
    for (const [osreldate, major] of [[1302001, 13], [1501502, 15]] as const) {
      for (const flags of [[], ...sets]) {
        const executes = flags.includes("O_EXEC");
        // The kernel refuses these two together before it asks for rights.
        if (executes && access !== "O_RDONLY") continue;
        const seeks = !flags.includes("O_APPEND") && !flags.includes("O_TRUNC");
        const mode = executes ? new Rights() : seeks ? of(access) : of(access).difference(["SEEK"]);
        const asked = flags.filter((flag) => major > 13 || flag !== "O_DSYNC").map(of);
        const expected = asked.reduce((sum, rights) => sum.union(rights), mode.union(["LOOKUP"]));
        const bits = flags.reduce((sum, flag) => sum | value(flag), value(access));
        const reported = new Rights(rightsToOpen(bits, () => osreldate));
        assertEquals(reported.names(), expected.names(), `${[access, ...flags].join("|")} on ${osreldate}`);
      }
    }
  }
});

/** Rows that can't be called here, or need more than a temporary directory: they are only compared with the sources. */
const onlyRead: Operation[] = [
  ...["readdir", "rewinddir", "seekdir", "fdopendir"] as const,
  ...["recvmsg", "sendmsg", "sendmsg with an address", "sctp_peeloff"] as const,
  ...[
    "aio_read",
    "aio_write",
    "aio_fsync",
    "fspacectl",
    "fexecve",
    "fchroot",
    "mknodat",
    "tcsetattr",
  ] as const,
  ...["select", "pselect", "kevent", "kevent changelist", "kevent eventlist", "kevent ident"] as const,
  ...["acl_get_fd", "acl_set_fd", "acl_delete_fd_np", "acl_valid_fd_np", "mac_get_fd", "mac_set_fd"] as const,
  ...["extattr_get_fd", "extattr_set_fd", "extattr_delete_fd", "extattr_list_fd"] as const,
  ...["pdgetpid", "pdkill", "pdwait", "ksem_getvalue", "ksem_post", "ksem_wait"] as const,
];

/** Rows that FreeBSD 13 lacks, or where it checks fewer rights. FreeBSD 14 was not checked. */
const newer: Operation[] = [
  ...["copy_file_range with an offset", "copy_file_range to with an offset"] as const,
  ...["inotify_add_watch", "inotify_add_watch_at", "inotify_add_watch_at directory"] as const,
  ...["inotify_rm_watch"] as const,
];

/** Rows that the calls of `libc` are tested by, in operations_rights_test.ts. */
const tested = operations.flatMap(({ call, needs, variant }): string[] =>
  needs.length < 2 ? [call] : [call, variant === "onto a name" ? "renameat over" : `${call} to`]
);

test.capsicum("each other call works with exactly the rights that it needs, and fails without any bit of them", async () => {
  const all = Rights.all(13).union(Rights.all(kernel.osreldate));
  const wanted = (Object.keys(needs) as Operation[]).filter((name) =>
    !tested.includes(name) && !onlyRead.includes(name) && !name.startsWith("cap_") &&
    (kernel.major >= 15 || !newer.includes(name))
  );
  const trials = wanted.map((name) => ({
    name,
    enough: rightsFor(name).toJSON(),
    without: bitsOf(rightsFor(name)).map((bit) => all.difference([bit]).toJSON()),
  }));
  using fixture = new Fixture({ "file": "text", "victim": "text" });
  const outcomes = await inChild(async ({ Rights }, { base, trials, helper }) => {
    const { libc, must } = await import(helper);
    const bytes = (length: number) => new Uint8Array(length);
    const words = (...values: number[]) => new Uint8Array(new Int32Array(values).buffer);
    const offset = () => bytes(8), room = () => words(16);
    const AF_UNIX = 1, AF_INET = 2, STREAM = 1, DGRAM = 2, NONBLOCK = 0x20000000, DONTWAIT = 0x80;
    const SOL_SOCKET = 0xffff, SO_TYPE = 0x1008, SO_REUSEADDR = 4;
    const O_RDWR = 2, O_CREAT = 0x200, O_DIRECTORY = 0x20000, SHARED = 1, PRIVATE = 2;
    // struct sockaddr_in: length 16, AF_INET, a port, 127.0.0.1
    const address = (port = 0) => new Uint8Array([16, 2, 0, port, 127, 0, 0, 1, ...bytes(8)]);
    const unix = (path: string) =>
      new Uint8Array([106, 1, ...new TextEncoder().encode(path.padEnd(104, "\0"))]);
    const file = () => must("open", `${base}/file`, O_RDWR, 0);
    const pair = () => {
      const two = new Int32Array(2);
      must("socketpair", AF_UNIX, STREAM, 0, new Uint8Array(two.buffer));
      return two[0]!;
    };
    const tcp = () => must("socket", AF_INET, STREAM | NONBLOCK, 0);
    const unixSocket = () => must("socket", AF_UNIX, STREAM, 0);
    const kinds = {
      file,
      directory: () => must("open", base, O_DIRECTORY, 0),
      pair,
      tcp,
      udp: () => must("socket", AF_INET, DGRAM, 0),
      unix: unixSocket,
      listener: () => {
        const fd = tcp();
        must("bind", fd, address(), 16);
        must("listen", fd, 1);
        return fd;
      },
      inotify: () => must("inotify_init1", 0),
    };
    type Outcome = { ret: bigint; errno: number };
    const numbered = ({ ret }: Outcome): Outcome => ({ ret: -1n, errno: Number(ret) });
    const polled = (result: (pollfd: Uint8Array) => Outcome) => (fd: number): Outcome => {
      const pollfd = words(fd, 1);
      result(pollfd);
      // POLLNVAL stands for ENOTCAPABLE here.
      return pollfd[6]! & 0x20 ? { ret: -1n, errno: 93 } : { ret: 0n, errno: 0 };
    };
    let names = 0;
    const directory = kinds.directory(), spare = file(), taken = file();
    const memory = bytes(2);
    // struct iovec
    const iov = new Uint8Array(
      new BigUint64Array([BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(memory))), 2n]).buffer,
    );
    const lock = (type: number) => words(0, 0, 0, 0, 0, type, 0, 0);
    const fcntl = (command: number, argument: number | Uint8Array = 0) => (fd: number) =>
      libc("fcntl", fd, command, argument);
    const map = (protection: number, flags: number) => (fd: number) =>
      libc("mmap", null, 4096, protection, flags, fd, 0);
    type Call = [kind: keyof typeof kinds, call: (fd: number) => Outcome];
    const calls: Record<string, Call | undefined> = {
      dup2: ["file", (fd) => libc("dup2", fd, taken)],
      posix_fadvise: ["file", (fd) => numbered(libc("posix_fadvise", fd, 0, 0, 0))],
      readv: ["file", (fd) => libc("readv", fd, iov, 1)],
      writev: ["file", (fd) => libc("writev", fd, iov, 1)],
      preadv: ["file", (fd) => libc("preadv", fd, iov, 1, 0)],
      pwritev: ["file", (fd) => libc("pwritev", fd, iov, 1, 0)],
      posix_fallocate: ["file", (fd) => numbered(libc("posix_fallocate", fd, 0, 4))],
      copy_file_range: ["file", (fd) => libc("copy_file_range", fd, null, spare, null, 2, 0)],
      "copy_file_range to": ["file", (fd) => libc("copy_file_range", spare, null, fd, null, 2, 0)],
      "copy_file_range with an offset": [
        "file",
        (fd) => libc("copy_file_range", fd, offset(), spare, null, 2, 0),
      ],
      "copy_file_range to with an offset": [
        "file",
        (fd) => libc("copy_file_range", spare, null, fd, offset(), 2, 0),
      ],
      sendfile: ["file", (fd) => libc("sendfile", fd, pair(), 0, 2, null, null, 0)],
      "sendfile to": ["pair", (fd) => libc("sendfile", spare, fd, 0, 2, null, null, 0)],
      mmap: ["file", map(2, PRIVATE)],
      "mmap PROT_READ": ["file", map(1, SHARED)],
      "mmap PROT_WRITE": ["file", map(2, SHARED)],
      "mmap PROT_EXEC": ["file", map(4, PRIVATE)],
      fstatfs: ["file", (fd) => libc("fstatfs", fd, bytes(4096))],
      fpathconf: ["directory", (fd) => libc("fpathconf", fd, 4)],
      fchflags: ["file", (fd) => libc("fchflags", fd, 0)],
      futimes: ["file", (fd) => libc("futimes", fd, null)],
      "fcntl F_GETFL": ["file", fcntl(3)],
      "fcntl F_SETFL": ["file", fcntl(4)],
      "fcntl F_GETOWN": ["pair", fcntl(5)],
      "fcntl F_SETOWN": ["pair", fcntl(6)],
      "fcntl F_KINFO": ["file", fcntl(22, words(1392, ...new Array(347).fill(0)))],
      "fcntl F_GETLK": ["file", fcntl(11, lock(1))],
      "fcntl F_SETLK": ["file", fcntl(12, lock(1))],
      "fcntl F_SETLKW": ["file", fcntl(13, lock(1))],
      "fcntl F_GETFD": ["file", fcntl(1)],
      "fcntl F_SETFD": ["file", fcntl(2, 1)],
      "fcntl F_DUPFD": ["file", fcntl(0)],
      "fcntl F_DUPFD_CLOEXEC": ["file", fcntl(17)],
      "fcntl F_DUP2FD": ["file", fcntl(10, taken)],
      "fcntl F_DUP2FD_CLOEXEC": ["file", fcntl(18, taken)],
      "fcntl F_RDAHEAD": ["file", fcntl(16, 1)],
      "fcntl F_READAHEAD": ["file", fcntl(15, 1)],
      "fcntl F_ADD_SEALS": ["file", fcntl(19)],
      "fcntl F_GET_SEALS": ["file", fcntl(20)],
      tcgetattr: ["file", (fd) => libc("tcgetattr", fd, bytes(44))],
      getdents: ["directory", (fd) => libc("getdents", fd, bytes(4096), 4096)],
      fchdir: ["directory", (fd) => libc("fchdir", fd)],
      chflagsat: ["directory", (fd) => libc("chflagsat", fd, "file", 0, 0)],
      futimesat: ["directory", (fd) => libc("futimesat", fd, "file", null)],
      "mknodat FIFO": ["directory", (fd) => libc("mknodat", fd, `fifo${names++}`, 0o010600, 0)],
      funlinkat: ["directory", (fd) => {
        must("close", must("open", `${base}/victim`, O_RDWR | O_CREAT, 0o600));
        return libc("funlinkat", fd, "victim", -200, 0);
      }],
      "funlinkat file": ["file", (fd) => libc("funlinkat", directory, "none", fd, 0)],
      "funlinkat directory": ["directory", (fd) => libc("funlinkat", directory, "none", fd, 0x800)],
      bindat: ["directory", (fd) => libc("bindat", fd, unixSocket(), unix(`s${names++}`), 106)],
      "bindat socket": ["unix", (fd) => libc("bindat", directory, fd, unix(`s${names++}`), 106)],
      connectat: ["directory", (fd) => libc("connectat", fd, unixSocket(), unix("none"), 106)],
      "connectat socket": ["unix", (fd) => libc("connectat", directory, fd, unix("none"), 106)],
      accept: ["listener", (fd) => libc("accept", fd, bytes(16), room())],
      accept4: ["listener", (fd) => libc("accept4", fd, bytes(16), room(), 0)],
      bind: ["tcp", (fd) => libc("bind", fd, address(), 16)],
      connect: ["tcp", (fd) => libc("connect", fd, address(), 16)],
      getpeername: ["pair", (fd) => libc("getpeername", fd, bytes(16), room())],
      getsockname: ["pair", (fd) => libc("getsockname", fd, bytes(16), room())],
      getsockopt: ["pair", (fd) => libc("getsockopt", fd, SOL_SOCKET, SO_TYPE, bytes(4), words(4))],
      listen: ["tcp", (fd) => libc("listen", fd, 1)],
      recv: ["pair", (fd) => libc("recv", fd, bytes(2), 2, DONTWAIT)],
      recvfrom: ["pair", (fd) => libc("recvfrom", fd, bytes(2), 2, DONTWAIT, null, null)],
      send: ["pair", (fd) => libc("send", fd, bytes(2), 2, DONTWAIT)],
      sendto: ["pair", (fd) => libc("sendto", fd, bytes(2), 2, DONTWAIT, null, 0)],
      "sendto with an address": ["udp", (fd) => libc("sendto", fd, bytes(2), 2, 0, address(9), 16)],
      setsockopt: ["pair", (fd) => libc("setsockopt", fd, SOL_SOCKET, SO_REUSEADDR, room(), 4)],
      shutdown: ["pair", (fd) => libc("shutdown", fd, 2)],
      poll: ["pair", polled((pollfd) => libc("poll", pollfd, 1, 0))],
      ppoll: ["pair", polled((pollfd) => libc("ppoll", pollfd, 1, bytes(16), null))],
      inotify_add_watch: ["inotify", (fd) => libc("inotify_add_watch", fd, `${base}/file`, 2)],
      inotify_add_watch_at: ["inotify", (fd) => libc("inotify_add_watch_at", fd, directory, "file", 2)],
      "inotify_add_watch_at directory": [
        "directory",
        (fd) => libc("inotify_add_watch_at", must("inotify_init1", 0), fd, "file", 2),
      ],
      inotify_rm_watch: ["inotify", (fd) => libc("inotify_rm_watch", fd, 1)],
    };
    return trials.map(({ name, enough, without }): [name: string, enough: number, without: number[]] => {
      const [kind, call] = calls[name] ?? [];
      if (kind === undefined || call === undefined) return [name, NaN, []];
      const errnoWith = (rights: string[]) => {
        const fd = kinds[kind]();
        must("cap_rights_limit", fd, Rights.fromJSON(rights).toBytes());
        const { ret, errno } = call(fd);
        must("close", fd);
        return ret === -1n ? errno : 0;
      };
      return [name, errnoWith(enough), without.map(errnoWith)];
    });
  }, { base: fixture.path, trials, helper: new URL("../../_libc.ts", import.meta.url).href });
  const ENOTCAPABLE = 93;
  const wrong = outcomes.filter(([, enough, without]) =>
    Number.isNaN(enough) || enough === ENOTCAPABLE || without.some((errno) => errno !== ENOTCAPABLE)
  );
  assertEquals(wrong, [], "each: what came of exactly the rights, and of all without one bit of them");
  assertEquals(outcomes.length, wanted.length);
});
