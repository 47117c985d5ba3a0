import type { Argument, Step } from "../_replay.ts";
import {
  d,
  EBADF,
  ECAPMODE,
  EFAULT,
  EINVAL,
  ENOTCAPABLE,
  f,
  fails,
  fills,
  gives,
  O_CREAT,
  O_DIRECTORY,
  O_PATH,
  O_RDWR,
  O_WRONLY,
  ok,
  opens,
  scenario,
} from "./_scenario.ts";

const both = ["15.1", "13.2"] as const;
const AF_UNIX = 1, SOCK_STREAM = 1, F_DUPFD = 0, F_DUP2FD = 10, F_SETFL = 4, F_GETLK = 11;
const READ = "01000000000000020000000000000004", NONE = "00000000000000020000000000000004";
const ALL15 = "ffffffffff0f0002ffff7f0000000004", ALL13 = "ffffffffff070002ffff1f0000000004";
const NULL = null;
const rights = (...names: string[]): Argument => ({ rights: names });
const ref = (name: string): Argument => ({ ref: name });
const out = (bytes: number): Argument => ({ out: bytes });
const hasRights = (fd: Argument, hex: string): Step => fills(2, hex, "__cap_rights_get", 0, fd, out(16));
const openFile = opens("f", "open", "$base/f", O_RDWR, 0);
const openDir = opens("d", "open", "$base", O_DIRECTORY, 0);
const tree = { f: "hello", g: "hello", sub: {}, l: { link: "f" } };

/** A `struct sockaddr_un` for a path. */
function unixAddress(path: string): Argument {
  const bytes = new Uint8Array(106);
  bytes.set([106, AF_UNIX]);
  new TextEncoder().encodeInto(path, bytes.subarray(2));
  return { hex: Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("") };
}

scenario("CAP_ALL is that of the release", ["15.1"], [openFile, hasRights(f, ALL15)], { tree });
scenario("CAP_ALL is that of the release", ["13.2"], [
  openFile,
  hasRights(f, ALL13),
  fails(EINVAL, "cap_rights_limit", f, rights("FCHROOT")),
  fails(EINVAL, "cap_rights_limit", f, rights("INOTIFY_ADD")),
], { tree });

scenario("a duplicate has the same capabilities, and its own limits afterwards", [...both], [
  openFile,
  ok("cap_rights_limit", f, rights("READ")),
  opens("dup", "dup", f),
  gives(600, "dup2", f, 600),
  opens("dupfd", "fcntl", f, F_DUPFD, 100),
  gives(601, "fcntl", f, F_DUP2FD, 601),
  ...[ref("dup"), 600, ref("dupfd"), 601].map((fd) => hasRights(fd, READ)),
  ok("cap_rights_limit", ref("dup"), rights()),
  hasRights(ref("dup"), NONE),
  hasRights(f, READ),
], { tree });

scenario("dup2() onto a limited descriptor removes the limits", [...both], [
  openFile,
  opens("g", "open", "$base/g", O_RDWR, 0),
  ok("cap_rights_limit", ref("g"), rights()),
  fails(ENOTCAPABLE, "read", ref("g"), out(1), 1),
  ok("dup2", f, ref("g")),
  gives(1, "read", ref("g"), out(1), 1),
], { tree });

scenario("the limits of a descriptor end when it is closed", [...both], [
  openFile,
  ok("cap_rights_limit", f, rights()),
  ok("close", f),
  openFile,
  gives(1, "read", f, out(1), 1),
], { tree });

scenario("openat() from a limited directory passes on ioctls and fcntls", [...both], [
  openDir,
  ok("cap_fcntls_limit", d, 8),
  ok("cap_ioctls_limit", d, { hex: "7f66044000000000" + "7a66044000000000" }, 2),
  opens("f", "openat", d, "f", 0, 0),
  fills(1, "08000000", "cap_fcntls_get", f, out(4)),
  gives(2, "cap_ioctls_get", f, NULL, 0),
  fails(ENOTCAPABLE, "fcntl", f, F_SETFL, 0),
  fails(ENOTCAPABLE, "openat", d, "..", 0, 0),
  opens("free", "openat", d, "$base/f", 0, 0),
  { call: "cap_ioctls_get", args: [ref("free"), NULL, 0], ret: "SSIZE_MAX" },
], { tree });

scenario("an ioctls list can't grow by repeating its elements", [...both], [
  openFile,
  ok("cap_ioctls_limit", f, { hex: "0100000000000000" + "0200000000000000" }, 2),
  fails(ENOTCAPABLE, "cap_ioctls_limit", f, { hex: "0100000000000000".repeat(3) }, 3),
  ok("cap_ioctls_limit", f, { hex: "0100000000000000".repeat(2) }, 2),
  gives(2, "cap_ioctls_get", f, NULL, 0),
], { tree });

scenario("an accepted socket has its listener's rights", [...both], [
  openDir,
  opens("s", "socket", AF_UNIX, SOCK_STREAM, 0),
  ok("bindat", d, ref("s"), unixAddress("socket"), 106),
  ok("listen", ref("s"), 1),
  ok("cap_rights_limit", ref("s"), rights("ACCEPT", "READ")),
  opens("c", "socket", AF_UNIX, SOCK_STREAM, 0),
  ok("connectat", d, ref("c"), unixAddress("socket"), 106),
  opens("a", "accept", ref("s"), NULL, NULL),
  hasRights(ref("a"), "01000020000000020000000000000004"),
  fails(ENOTCAPABLE, "send", ref("a"), { hex: "61" }, 1, 0),
], { tree });

scenario("new sockets, queues and memory have all capabilities in capability mode too", ["15.1"], [
  ok("cap_enter"),
  opens("s", "socket", AF_UNIX, SOCK_STREAM, 0),
  opens("k", "kqueue"),
  opens("m", "memfd_create", "m", 0),
  ...["s", "k", "m"].map((name) => hasRights(ref(name), ALL15)),
]);

/** Calls on the descriptor of a file, and the right that each needs; those of the recordings are not repeated. */
const onFile: [right: string, call: string, ...args: Argument[]][] = [
  ["FCHOWN", "fchown", 0xffffffff, 0xffffffff],
  ["FCHFLAGS", "fchflags", 0],
  ["FSTATFS", "fstatfs", out(2344)],
  ["FPATHCONF", "fpathconf", 4],
  ["FUTIMES", "futimes", NULL],
  ["FLOCK", "fcntl", F_GETLK, { hex: "00".repeat(20) + "03000000" + "00".repeat(8) }],
  ["FCNTL", "fcntl", F_SETFL, 0],
  ["READ", "getdents", out(512), 512],
  ["FCHDIR", "fchdir"],
];
for (const [right, call, ...args] of onFile) {
  const open = right === "READ" || right === "FCHDIR"
    ? opens("f", "open", "$base", O_DIRECTORY, 0)
    : openFile;
  scenario(`${call}() needs ${right}`, [...both], [
    open,
    ok("cap_rights_limit", f, rights(right)),
    ok(call, f, ...args),
    open,
    ok("cap_rights_limit", f, rights("LOOKUP")),
    fails(ENOTCAPABLE, call, f, ...args),
  ], { tree });
}

/** Calls relative to a directory, and the right that each needs. */
const onDirectory: [right: string, call: string, ...args: Argument[]][] = [
  ["FCHOWNAT", "fchownat", d, "f", 0xffffffff, 0xffffffff, 0],
  ["CHFLAGSAT", "chflagsat", d, "f", 0, 0],
  ["FUTIMESAT", "futimesat", d, "f", NULL],
  ["UNLINKAT", "funlinkat", d, "f", -200, 0],
  ["LOOKUP", "readlinkat", d, "l", out(8), 8],
];
for (const [right, call, ...args] of onDirectory) {
  scenario(`${call}() needs ${right}`, [...both], [
    openDir,
    ok("cap_rights_limit", d, rights(right)),
    ok(call, ...args),
    openDir,
    ok("cap_rights_limit", d, rights(right === "LOOKUP" ? "FSTAT" : "LOOKUP")),
    fails(ENOTCAPABLE, call, ...args),
  ], { tree });
}

scenario("mmap() needs MMAP and the protections' rights", [...both], [
  openFile,
  ok("cap_rights_limit", f, rights("MMAP_R")),
  ok("mmap", 0, 4096, 1, 1, f, 0),
  ok("mmap", 0, 4096, 3, 2, f, 0),
  fails(ENOTCAPABLE, "mmap", 0, 4096, 3, 1, f, 0),
  fails(ENOTCAPABLE, "mmap", 0, 4096, 5, 1, f, 0),
], { tree });

const copy = (from: Argument | null, to: Argument | null): Argument[] => [f, from, ref("g"), to, 1, 0];
const copies = [
  openFile,
  opens("g", "open", "$base/g", O_WRONLY, 0),
  ok("cap_rights_limit", f, rights("READ")),
  ok("cap_rights_limit", ref("g"), rights("WRITE")),
  gives(1, "copy_file_range", ...copy(NULL, NULL)),
];
scenario("copy_file_range() needs SEEK for an offset", ["15.1"], [
  ...copies,
  fails(ENOTCAPABLE, "copy_file_range", ...copy(out(8), NULL)),
  fails(ENOTCAPABLE, "copy_file_range", ...copy(NULL, out(8))),
], { tree });
scenario("copy_file_range() needs no SEEK", ["13.2"], [
  ...copies,
  gives(1, "copy_file_range", ...copy(out(8), out(8))),
], { tree });

/** A `struct kinfo_file` of 1392 bytes, that says so or something else. */
const kinfo = (structsize: string): Argument => ({ hex: structsize + "00".repeat(1388) });
const F_GET_SEALS = 20, F_ISUNIONSTACK = 21;
const F_KINFO = 22, KINFO_FILE_SIZE = "70050000";
scenario("F_KINFO needs the size and FCNTL, and fails in capability mode", [...both], [
  openFile,
  ok("fcntl", f, F_KINFO, kinfo(KINFO_FILE_SIZE)),
  fails(EINVAL, "fcntl", f, F_KINFO, kinfo("6f050000")),
  fails(EBADF, "fcntl", 899, F_KINFO, kinfo(KINFO_FILE_SIZE)),
  opens("g", "open", "$base/g", O_RDWR, 0),
  ok("cap_rights_limit", ref("g"), rights("READ")),
  fails(ENOTCAPABLE, "fcntl", ref("g"), F_KINFO, kinfo(KINFO_FILE_SIZE)),
  ok("cap_enter"),
  fails(ECAPMODE, "fcntl", f, F_KINFO, kinfo(KINFO_FILE_SIZE)),
], { tree });

const F_SETLK = 12, lock = { hex: "00".repeat(32) };
scenario("a bad address of a lock is EFAULT, before the rights are checked", [...both], [
  openFile,
  ok("cap_rights_limit", f, rights("READ")),
  fails(EFAULT, "fcntl", f, F_SETLK, 8),
  fails(ENOTCAPABLE, "fcntl", f, F_SETLK, lock),
], { tree });

scenario("mknodat() of a FIFO needs MKFIFOAT", [...both], [
  openDir,
  ok("cap_rights_limit", d, rights("MKFIFOAT")),
  ok("mknodat", d, "fifo", 0o010600, 0),
  openDir,
  ok("cap_rights_limit", d, rights("MKNODAT")),
  fails(ENOTCAPABLE, "mknodat", d, "other", 0o010600, 0),
], { tree });

scenario("F_ISUNIONSTACK works only on files of a file system, and only shared memory has seals", [...both], [
  openFile,
  gives(0, "fcntl", f, F_ISUNIONSTACK, 0),
  fails(EINVAL, "fcntl", f, F_GET_SEALS, 0),
  opens("m", "memfd_create", "name", 2),
  fails(EBADF, "fcntl", ref("m"), F_ISUNIONSTACK, 0),
  gives(0, "fcntl", ref("m"), F_GET_SEALS, 0),
], { tree });

scenario("O_EXEC opens a descriptor that can't be read", [...both], [
  openDir,
  ok("fchmodat", d, "f", 0o700, 0),
  opens("f", "openat", d, "f", 0x40000, 0),
  gives(0x40000, "fcntl", f, 3, 0),
  fails(EBADF, "read", f, out(1), 1),
  ok("fstat", f, out(224)),
  ok("fchmod", f, 0o600),
  opens("copy", "dup", f),
  gives(0x40000, "fcntl", ref("copy"), 3, 0),
  fails(13, "openat", d, "f", 0x40000, 0),
  fails(EINVAL, "openat", d, "f", 0x40002, 0),
], { tree });

scenario("O_PATH needs the rights of its access mode, which F_GETFL does not report", [...both], [
  openDir,
  opens("f", "openat", d, "f", O_PATH | O_RDWR, 0),
  gives(O_PATH, "fcntl", f, 3, 0),
  fails(EBADF, "fchmod", f, 0o600),
  fails(29, "lseek", f, 0, 0),
  fails(EINVAL, "ftruncate", f, 0),
  fails(45, "flock", f, 1),
  ok("cap_rights_limit", d, rights("LOOKUP", "READ")),
  opens("f", "openat", d, "f", O_PATH, 0),
  fails(ENOTCAPABLE, "openat", d, "f", O_PATH | O_WRONLY, 0),
], { tree });

scenario("O_CREAT needs CREATE even if the file exists", [...both], [
  openDir,
  ok("cap_rights_limit", d, rights("LOOKUP", "READ")),
  opens("f", "openat", d, "f", 0, 0),
  fails(ENOTCAPABLE, "openat", d, "f", O_CREAT, 0o644),
], { tree });
