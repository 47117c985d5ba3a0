/** What differs between the releases and no other test of the stand-in is about. */
import {
  d,
  EINVAL,
  ENOENT,
  ENOTCAPABLE,
  ENOTDIR,
  f,
  fails,
  gives,
  O_DIRECTORY,
  O_DSYNC,
  O_WRONLY,
  ok,
  opens,
  scenario,
} from "./_scenario.ts";

const tree = { f: "f", sub: { deep: {} }, l: { link: "f" } };
const openDir = opens("d", "open", "$base", O_DIRECTORY, 0);
const writable = { rights: ["LOOKUP", "WRITE", "SEEK"] };
const unknownFlag = 0x2000;

scenario("getosreldate()", ["15.1"], [gives(1501502, "getosreldate"), gives(1501502, "standin_release")]);
scenario("getosreldate()", ["13.2"], [gives(1302001, "getosreldate"), gives(1302001, "standin_release")]);

scenario("an unknown open flag is EINVAL", ["15.1"], [
  fails(EINVAL, "open", "$base/f", unknownFlag, 0),
  opens("f", "open", "$base/f", 0, 0),
], { tree });
scenario("an unknown open flag is ignored", ["13.2"], [opens("f", "open", "$base/f", unknownFlag, 0)], {
  tree,
});

scenario("O_DSYNC needs FSYNC", ["15.1"], [
  openDir,
  ok("cap_rights_limit", d, writable),
  fails(ENOTCAPABLE, "openat", d, "f", O_WRONLY | O_DSYNC, 0),
  opens("f", "openat", d, "f", O_WRONLY, 0),
], { tree });
scenario("O_DSYNC needs no FSYNC", ["13.2"], [
  openDir,
  ok("cap_rights_limit", d, writable),
  opens("f", "openat", d, "f", O_WRONLY | O_DSYNC, 0),
], { tree });

scenario("faccessat() takes AT_SYMLINK_NOFOLLOW", ["15.1"], [openDir, ok("faccessat", d, "l", 0, 0x200)], {
  tree,
});
scenario("faccessat() refuses AT_SYMLINK_NOFOLLOW", ["13.2"], [
  openDir,
  fails(EINVAL, "faccessat", d, "l", 0, 0x200),
  ok("faccessat", d, "l", 0, 0x2000),
], { tree });

for (const [release, errno] of [["15.1", ENOTDIR], ["13.2", EINVAL]] as const) {
  scenario("getdirentries() of a file", [release], [
    opens("f", "open", "$base/f", 0, 0),
    fails(errno, "getdirentries", f, { out: 512 }, 512, { out: 8 }),
    openDir,
    ok("getdirentries", d, { out: 512 }, 512, { out: 8 }),
  ], { tree });
}

scenario("*at calls refuse unknown flags", ["15.1", "13.2"], [
  openDir,
  fails(EINVAL, "fstatat", d, "f", { out: 224 }, 0x400),
  fails(EINVAL, "unlinkat", d, "f", 0x200),
  fails(EINVAL, "linkat", d, "f", d, "h", 0x200),
  fails(EINVAL, "fchmodat", d, "f", 0o600, 0x100),
  fails(EINVAL, "fchownat", d, "f", 0, 0, 1),
  fails(EINVAL, "chflagsat", d, "f", 0, 1),
  fails(EINVAL, "utimensat", d, "f", null, 0x100),
  fails(EINVAL, "faccessat", d, "f", 8, 0),
  fails(ENOENT, "fstatat", d, "none", { out: 224 }, 0x6200),
  ok("fstatat", d, "", { out: 224 }, 0x4000),
], { tree });

scenario("with O_RESOLVE_BENEATH, .. reaches only directories that the path came through", ["13.2"], [
  openDir,
  ...["sub/../f", "sub/deep/../../f", "sub/deep/../../sub/../f"].map((path) =>
    opens("o", "openat", d, path, 0x800000, 0)
  ),
  ...["..", "sub/../..", "sub/deep/../../.."].map((path) =>
    fails(ENOTCAPABLE, "openat", d, path, 0x800000, 0)
  ),
], { tree });
