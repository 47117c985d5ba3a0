import type { Step } from "../_replay.ts";
import {
  AT_FDCWD,
  d,
  EBADF,
  ECAPMODE,
  EEXIST,
  EINVAL,
  EISDIR,
  ELOOP,
  EMLINK,
  ENAMETOOLONG,
  ENOENT,
  ENOTCAPABLE,
  ENOTDIR,
  EPERM,
  f,
  fails,
  fills,
  gives,
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDWR,
  O_RESOLVE_BENEATH,
  O_WRONLY,
  ok,
  opens,
  scenario,
} from "./_scenario.ts";

const both = ["15.1", "13.2"] as const;
const inside = { sub: { g: "g", deep: {} }, f: "f", out: { link: "../x" }, dots: { link: "sub/../f" } };
const tree = { d: inside, x: "x" };
const beneath = O_RESOLVE_BENEATH;
const probe = O_RESOLVE_BENEATH | O_PATH | O_DIRECTORY;
const limited = { rights: ["LOOKUP", "READ", "FSTAT"] };
const outward = ["..", "../x", "sub/../../x", "sub/../..", "out"];

/** Every way to make a lookup strict. */
const strict: Record<string, (path: string) => Step[]> = {
  "with O_RESOLVE_BENEATH": (path) => [opens("d", "open", path, O_DIRECTORY, 0)],
  "from limited rights": (path) => [
    opens("d", "open", path, O_DIRECTORY, 0),
    ok("cap_rights_limit", d, limited),
  ],
  "in capability mode": (path) => [opens("d", "open", path, O_DIRECTORY, 0), ok("cap_enter")],
};

for (const [how, begin] of Object.entries(strict)) {
  const flags = how === "with O_RESOLVE_BENEATH" ? beneath : 0;

  scenario(`an ordinary directory confines ".." and symlinks ${how}`, [...both], [
    ...begin("$base/d"),
    ...outward.map((path) => fails(ENOTCAPABLE, "openat", d, path, flags, 0)),
    ...["f", "sub/g", "sub/../f", "sub/deep/../../f", "dots", "sub/.."].map((path) =>
      opens("o", "openat", d, path, flags, 0)
    ),
  ], { tree });

  scenario(`a mount's root doesn't confine ".." and symlinks ${how}`, ["15.1"], [
    ...begin("$base/d"),
    ...outward.map((path) => opens("o", "openat", d, path, flags, 0)),
  ], { tree, mountRoots: ["d"] });

  scenario(`a mount's root confines ".." and symlinks ${how}`, ["13.2"], [
    ...begin("$base/d"),
    ...outward.map((path) => fails(ENOTCAPABLE, "openat", d, path, flags, 0)),
  ], { tree, mountRoots: ["d"] });

  scenario(`a mount below the start is no way out ${how}`, ["15.1"], [
    ...begin("$base/d"),
    opens("o", "openat", d, "sub/../f", flags, 0),
    fails(ENOTCAPABLE, "openat", d, "sub/../../x", flags, 0),
  ], { tree, mountRoots: ["d/sub"] });
}

scenario("a real mount's root is not confined", ["15.1"], [
  opens("d", "open", "/proc", O_DIRECTORY, 0),
  opens("o", "openat", d, "..", probe, 0),
]);
scenario("a real mount's root is confined", ["13.2"], [
  opens("d", "open", "/proc", O_DIRECTORY, 0),
  fails(ENOTCAPABLE, "openat", d, "..", probe, 0),
  opens("o", "openat", d, "self/..", probe, 0),
]);
scenario('"/" confines ".."', ["15.1"], [
  opens("d", "open", "/", O_DIRECTORY, 0),
  fails(ENOTCAPABLE, "openat", d, "..", probe, 0),
  opens("o", "openat", d, "etc/..", probe, 0),
]);
scenario('".." of "/" is "/"', ["13.2"], [
  opens("d", "open", "/", O_DIRECTORY, 0),
  opens("o", "openat", d, "..", probe, 0),
]);

scenario('a directory that was removed has no ".." and no names', [...both], [
  opens("d", "open", "$base/d", O_DIRECTORY, 0),
  ok("mkdirat", d, "gone", 0o755),
  opens("f", "openat", d, "gone", O_DIRECTORY, 0),
  opens("o", "openat", f, "..", O_DIRECTORY, 0),
  ok("unlinkat", d, "gone", 0x800),
  fails(ENOENT, "openat", f, "..", O_DIRECTORY, 0),
  fails(ENOENT, "openat", f, "..", O_DIRECTORY | beneath, 0),
  fails(ENOENT, "openat", f, "../f", 0, 0),
  fails(ENOENT, "openat", f, "new", O_CREAT | O_RDWR, 0o644),
  fails(ENOENT, "mkdirat", f, "new", 0o755),
  opens("o", "openat", f, ".", O_DIRECTORY, 0),
], { tree });

scenario('".." of a file that was removed is ENOTDIR', [...both], [
  opens("d", "open", "$base/d", O_DIRECTORY, 0),
  opens("f", "openat", d, "gone", O_CREAT | O_RDWR, 0o644),
  ok("unlinkat", d, "gone", 0),
  fails(ENOTDIR, "openat", f, "../f", 0, 0),
], { tree });

scenario("FD_RESOLVE_BENEATH can't be cleared, is inherited, and confines", ["15.1"], [
  opens("d", "open", "$base/d", O_DIRECTORY, 0),
  ok("fcntl", d, 2, 2),
  gives(0, "fcntl", d, 2, 1),
  gives(3, "fcntl", d, 1, 0),
  fails(ENOTCAPABLE, "openat", d, "../x", 0, 0),
  opens("f", "openat", d, "sub", O_DIRECTORY, 0),
  fails(ENOTCAPABLE, "openat", f, "../f", 0, 0),
  opens("copy", "dup", d),
  gives(2, "fcntl", { ref: "copy" }, 1, 0),
  fails(ENOTCAPABLE, "fchdir", d),
  opens("o", "openat", d, "$base/x", 0, 0),
  fills(2, "ffffffffff0f0002ffff7f0000000004", "__cap_rights_get", 0, f, { out: 16 }),
], { tree });
scenario("FD_RESOLVE_BENEATH is unknown", ["13.2"], [
  opens("d", "open", "$base/d", O_DIRECTORY, 0),
  ok("fcntl", d, 2, 2),
  gives(0, "fcntl", d, 1, 0),
  opens("o", "openat", d, "../x", 0, 0),
  ok("fchdir", d),
], { tree });

scenario("unlinkat() obeys AT_RESOLVE_BENEATH", ["15.1"], [
  opens("d", "open", "$base/d", O_DIRECTORY, 0),
  fails(ENOTCAPABLE, "unlinkat", d, "../x", 0x2000),
  ok("unlinkat", d, "f", 0x2000),
], { tree });
scenario("unlinkat() accepts AT_RESOLVE_BENEATH and ignores it", ["13.2"], [
  opens("d", "open", "$base/d", O_DIRECTORY, 0),
  ok("unlinkat", d, "../x", 0x2000),
], { tree });

const chain = (length: number) =>
  Object.fromEntries(
    Array.from({ length }, (_, i) => [`l${i + 1}`, { link: i === 0 ? "f" : `l${i}` }]),
  );
scenario("32 symlinks are followed, 33 are ELOOP", [...both], [
  opens("o", "open", "$base/l32", 0, 0),
  fails(ELOOP, "open", "$base/l33", 0, 0),
  ok("stat", "$base/l32", { out: 224 }),
  fails(ELOOP, "stat", "$base/l33", { out: 224 }),
], { tree: { f: "f", ...chain(33) } });

scenario("a symlink is opened only with O_PATH|O_NOFOLLOW", [...both], [
  opens("d", "open", "$base", O_DIRECTORY, 0),
  fails(EMLINK, "openat", d, "l", O_NOFOLLOW, 0),
  fails(EMLINK, "openat", d, "l", O_NOFOLLOW | O_DIRECTORY, 0),
  opens("f", "openat", d, "l", O_NOFOLLOW | O_PATH, 0),
  fills(2, "660000", "readlinkat", f, "", { out: 3 }, 3),
  fails(EBADF, "read", f, { out: 1 }, 1),
], { tree: { f: "f", l: { link: "f" } } });

scenario("a trailing slash requires a directory", [...both], [
  opens("d", "open", "$base", O_DIRECTORY, 0),
  fails(ENOTDIR, "openat", d, "f/", 0, 0),
  fails(ENOTDIR, "openat", d, "tof/", 0, 0),
  opens("o", "openat", d, "tosub/", O_NOFOLLOW, 0),
  fails(ENOENT, "openat", d, "new/", O_CREAT | O_WRONLY, 0o644),
  fails(ENOTDIR, "unlinkat", d, "f/", 0),
  fails(ENOENT, "symlinkat", "f", d, "new/"),
  ok("mkdirat", d, "new//", 0o755),
  ok("renameat", d, "new", d, "newer/"),
  fails(ENOENT, "renameat", d, "f", d, "g/"),
  fails(EEXIST, "mkdirat", d, "sub/", 0o755),
], { tree: { f: "f", sub: {}, tof: { link: "f" }, tosub: { link: "sub" } } });

scenario("mkdir, rmdir and rename follow a symlink with a trailing slash", [...both], [
  opens("d", "open", "$base", O_DIRECTORY, 0),
  ok("renameat", d, "toSub/", d, "moved"),
  ok("fstatat", d, "moved/f", { out: 224 }, 0),
  fails(ENOENT, "fstatat", d, "sub", { out: 224 }, 0),
  ok("unlinkat", d, "toEmpty/", 0x800),
  fails(ENOENT, "fstatat", d, "empty", { out: 224 }, 0),
  ok("fstatat", d, "toEmpty", { out: 224 }, 0x200),
  ok("mkdirat", d, "dangling/", 0o755),
  ok("fstatat", d, "made", { out: 224 }, 0),
  fails(ENOTDIR, "mkdirat", d, "toFile/", 0o755),
  fails(ELOOP, "mkdirat", d, "loop/", 0o755),
  fails(ENOENT, "renameat", d, "f", d, "new/"),
], {
  tree: {
    ...{ f: "f", sub: { f: "" }, empty: {}, toSub: { link: "sub" }, toEmpty: { link: "empty" } },
    ...{ dangling: { link: "made" }, toFile: { link: "f" }, loop: { link: "loop" } },
  },
});

scenario("the last component of an operation can't be a dot", [...both], [
  opens("d", "open", "$base", O_DIRECTORY, 0),
  fails(EPERM, "unlinkat", d, ".", 0),
  fails(EINVAL, "unlinkat", d, ".", 0x800),
  fails(EPERM, "unlinkat", d, "sub/..", 0),
  fails(EINVAL, "renameat", d, "sub/.", d, "y"),
  fails(EINVAL, "renameat", d, "sub", d, ".."),
  fails(EEXIST, "mkdirat", d, ".", 0o755),
  fails(EISDIR, "openat", d, ".", O_CREAT | O_RDWR, 0o644),
  fails(EISDIR, "rmdir", "/"),
], { tree: { sub: {} } });

scenario("O_CREAT follows a dangling symlink, O_EXCL doesn't", [...both], [
  opens("d", "open", "$base", O_DIRECTORY, 0),
  fails(EEXIST, "openat", d, "l", O_CREAT | O_RDWR | 0x800, 0o644),
  fails(EMLINK, "openat", d, "l", O_CREAT | O_RDWR | O_NOFOLLOW, 0o644),
  opens("o", "openat", d, "l", O_CREAT | O_RDWR, 0o644),
  ok("fstatat", d, "sub/made", { out: 224 }, 0),
  fails(EINVAL, "openat", d, "n", O_CREAT | O_DIRECTORY | 0x800, 0o755),
  fails(ENOENT, "openat", d, "n", O_CREAT | O_DIRECTORY, 0o755),
], { tree: { sub: {}, l: { link: "sub/made" } } });

scenario("errors are checked in the order of the kernel", [...both], [
  opens("d", "open", "$base", O_DIRECTORY, 0),
  opens("f", "openat", d, "f", 0, 0),
  fails(ENOENT, "open", "", 0, 0),
  fails(ENAMETOOLONG, "openat", 899, "a/".repeat(512), 0, 0),
  fails(EBADF, "openat", 899, "f", 0, 0),
  opens("o", "openat", 899, "$base/f", 0, 0),
  fails(ENOTCAPABLE, "openat", 899, "$base/f", O_RESOLVE_BENEATH, 0),
  fails(ENOTDIR, "openat", f, "x", 0, 0),
  ok("cap_rights_limit", f, { rights: ["READ"] }),
  fails(ENOTCAPABLE, "openat", f, "x", 0, 0),
  fails(ENOTCAPABLE, "write", f, { hex: "61" }, 1),
  ok("cap_enter"),
  fails(EINVAL, "open", "$base/f", 3, 0),
  fails(ENOENT, "openat", AT_FDCWD, "", 0, 0),
  fails(ECAPMODE, "openat", AT_FDCWD, "/", 0, 0),
  fails(ENOTCAPABLE, "openat", 899, "/", 0, 0),
  fails(EBADF, "openat", 899, "f", 0, 0),
  fails(ENOTDIR, "openat", d, "f/..", 0, 0),
], { tree: { f: "f" } });
