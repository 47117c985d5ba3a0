/** A user who may not read a file can't read its copy either, at no moment between two system calls. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { places } from "../../../ffi/linux/glibc.ts";
import { type Dir, libc, openDirSync } from "../../../mod.ts";
import { RunningModule } from "../../_child.ts";
import { Fixture, type Tree } from "../../_fixture.ts";
import { kernel, openDescriptors } from "../../_kernel.ts";
import { failNext, needsStandin } from "../../_standin.ts";
import { test } from "../../_test.ts";
import { observed } from "./_observed.ts";
import { treeOf } from "./_tree.ts";

const secret = "secret ".repeat(60_000);
const needsRoot = Deno.uid() === 0 ? false : "needs root, who can make files of other owners and groups";

/** Returns the path and mode of each file, except the original, that contains the secret or a part of it. */
function copiesIn(fixture: Fixture): [path: string, mode: number][] {
  return [...treeOf(fixture.path)]
    .filter(([path, { text }]) => !path.startsWith("from") && text?.startsWith("secret"))
    .map(([path, { mode }]) => [path, mode]);
}

/** Copies, and checks after each system call that no copy of the secret is readable by others than `allowed`. */
async function checkedCopy(fixture: Fixture, allowed: number, copy: () => unknown): Promise<void> {
  let seen = 0;
  const calls = await observed((call) => {
    for (const [path, mode] of copiesIn(fixture)) {
      seen++;
      assertEquals([call, path, (mode & 0o7777 & ~allowed).toString(8)], [call, path, "0"]);
    }
  }, copy);
  assert(seen > 2, `${seen} sights in ${calls} calls`);
}

/** Each way to copy the secret to "to", over an existing file and to a new name. */
const ways: Record<string, (dir: Dir) => unknown> = {
  "copyFileSync()": (dir) => dir.copyFileSync("from", "to"),
  "copyFile()": (dir) => dir.copyFile("from", "to"),
  "copySync()": (dir) => dir.copySync("from", "to", { overwrite: true }),
  "copy()": (dir) => dir.copy("from", "to", { overwrite: true }),
};
const olds: Record<string, Tree> = {
  "what only its owner may read": { to: { text: "old", mode: 0o600 } },
  "what everybody may write": { to: { text: "old, and longer".repeat(50_000), mode: 0o666 } },
  nothing: {},
};

for (const [way, copy] of Object.entries(ways)) {
  test(`Dir.${way} never exposes a secret, for any target`, async () => {
    for (const [what, old] of Object.entries(olds)) {
      for (const mode of [0o600, 0o640, 0o400]) {
        using fixture = new Fixture({ from: { text: secret, mode }, ...old });
        using dir = openDirSync(fixture.path);
        await checkedCopy(fixture, mode | 0o600, () => copy(dir));
        assertEquals([what, fixture.read("to")], [what, secret]);
        assertEquals([what, fixture.stat("to").mode! & 0o7777], [what, mode]);
        assertEquals(fixture.list(), ["from", "to"]);
      }
    }
  });
}

test("Dir.copySync() and copy() give a directory no more permissions than the original, and expose nothing in it", async () => {
  const from: Tree = { sub: { file: { text: secret, mode: 0o644 } }, open: {}, closed: {} };
  for (const isSync of [true, false]) {
    using fixture = new Fixture({ from });
    fixture.chmod("from/sub", 0o700);
    fixture.chmod("from/closed", 0o500);
    using dir = openDirSync(fixture.path);
    let seen = 0;
    await observed(() => {
      if (!fixture.exists("to/sub")) return;
      seen++;
      assertEquals(fixture.stat("to/sub").mode! & 0o777, 0o700);
    }, () => isSync ? dir.copySync("from", "to") : dir.copy("from", "to"));
    assert(seen > 2);
    const modes = ["sub", "open", "closed", "sub/file"].map((name) =>
      fixture.stat(`to/${name}`).mode! & 0o7777
    );
    assertEquals(modes, [0o700, 0o755 & ~Deno.umask(), 0o500, 0o644]);
  }
});

test(
  "Dir.copyFileSync() gives a different group of the copy only the permissions of others",
  async () => {
    const modes = [[0o640, 0o600], [0o664, 0o644], [0o604, 0o600], [0o755, 0o755], [0o6755, 0o755], [
      0o4755,
      0o755,
    ]];
    for (const [mode, expected] of modes as [number, number][]) {
      using fixture = new Fixture({ from: { text: secret, mode }, to: { text: "old", mode: 0o666 } });
      // chown(2) removes the setuid and setgid bits.
      fixture.chown("from", 54321, 54321);
      fixture.chmod("from", mode);
      using dir = openDirSync(fixture.path);
      await checkedCopy(fixture, expected | 0o600, () => dir.copyFileSync("from", "to"));
      assertEquals([mode, fixture.stat("to").mode! & 0o7777], [mode, expected]);
      assertEquals([fixture.stat("to").uid, fixture.stat("to").gid], [Deno.uid(), Deno.gid()]);
    }
  },
  { skip: needsRoot },
);

test(
  "Dir.copyFileSync() drops the permissions of the group if a setgid directory gives the copy its own group",
  async () => {
    using fixture = new Fixture({ from: { text: secret, mode: 0o640 }, dir: {} });
    fixture.chown("dir", 54321, 54321);
    fixture.chmod("dir", 0o2777);
    using dir = openDirSync(fixture.path);
    await checkedCopy(fixture, 0o600, () => dir.copyFileSync("from", "dir/to"));
    assertEquals([fixture.stat("dir/to").mode! & 0o7777, fixture.stat("dir/to").gid], [0o600, 54321]);
    await checkedCopy(fixture, 0o600, () => dir.copySync("from", "dir/other"));
    assertEquals(fixture.stat("dir/other").mode! & 0o7777, 0o600);
  },
  { skip: needsRoot },
);

test(
  "Dir.copyFileSync() keeps root's setuid, setgid and sticky bits as Deno does, and drops those of others",
  () => {
    using fixture = new Fixture({ from: { text: secret, mode: 0o7755 } });
    using dir = openDirSync(fixture.path);
    dir.copyFileSync("from", "dir");
    fixture.copyFile("from", "deno");
    assertEquals(fixture.stat("dir").mode! & 0o7777, fixture.stat("deno").mode! & 0o7777);
    // The copy belongs to root, and would run as root for everybody.
    fixture.chown("from", 65534, 65534);
    fixture.chmod("from", 0o7755);
    dir.copyFileSync("from", "other");
    assertEquals([fixture.stat("other").uid, fixture.stat("other").mode! & 0o7000], [0, 0]);
  },
  { skip: needsRoot },
);

/** Sets an access control list of Linux: USER_OBJ, USER 54321, GROUP_OBJ, MASK and OTHER; returns false if unsupported. */
function setAcl(
  path: string,
  kind: "default" | "access",
  [user, named, group, mask, other]: number[],
): boolean {
  const libc = Deno.dlopen(places[Deno.build.arch]![0]!, {
    setxattr: { parameters: ["buffer", "buffer", "buffer", "usize", "i32"], result: "i32" },
  });
  const entries = [[1, user, -1], [2, named, 54321], [4, group, -1], [0x10, mask, -1], [0x20, other, -1]];
  const bytes = new DataView(new ArrayBuffer(4 + 8 * entries.length));
  bytes.setUint32(0, 2, true);
  for (const [i, [tag, bits, id]] of entries.entries()) {
    bytes.setUint16(4 + 8 * i, tag!, true);
    bytes.setUint16(6 + 8 * i, bits!, true);
    bytes.setInt32(8 + 8 * i, id!, true);
  }
  const string = (text: string) => new TextEncoder().encode(`${text}\0`);
  const list = new Uint8Array(bytes.buffer);
  const result = libc.symbols.setxattr(
    string(path),
    string(`system.posix_acl_${kind}`),
    list,
    BigInt(list.length),
    0,
  );
  libc.close();
  return result === 0;
}

const needsAcl = kernel.hasCapsicum
  ? "needs Linux: the library does not read access control lists on FreeBSD"
  : (() => {
    using fixture = new Fixture();
    return setAcl(fixture.path, "default", [7, 7, 7, 7, 7])
      ? false
      : "needs a file system with access control lists";
  })();

test(
  "a copy gives users in a default access control list only the permissions of others",
  async () => {
    const all = { ...ways, "writeFileAtomicSync()": (dir: Dir) => dir.writeFileAtomicSync("to", secret) };
    for (const [way, copy] of Object.entries(all)) {
      for (const [mode, expected] of [[0o640, 0o600], [0o644, 0o644], [0o600, 0o600]] as const) {
        using fixture = new Fixture({ from: { text: secret, mode }, to: { text: "old", mode } });
        setAcl(fixture.path, "default", [7, 7, 7, 7, 0]);
        using dir = openDirSync(fixture.path);
        // The group bits are the mask, which limits all entries of the list.
        await checkedCopy(fixture, expected | 0o600, () => copy(dir));
        assertEquals([way, fixture.stat("to").mode! & 0o7777], [way, expected]);
      }
    }
  },
  { skip: needsAcl },
);

test("the copy of a file that has an access control list is accessible only to its owner", async () => {
  for (const copy of Object.values(ways)) {
    using fixture = new Fixture({ from: { text: secret, mode: 0o600 }, to: { text: "old", mode: 0o644 } });
    // The group itself has no permissions, although the mode is 0670.
    setAcl(fixture.at("from"), "access", [6, 7, 0, 7, 0]);
    assertEquals(fixture.stat("from").mode! & 0o777, 0o670);
    using dir = openDirSync(fixture.path);
    await checkedCopy(fixture, 0o600, () => copy(dir));
    assertEquals(fixture.stat("to").mode! & 0o777, 0o600);
  }
}, { skip: needsAcl });

test(
  "Dir.copyFileSync() narrows the mode of a file before it overwrites it, in a Dir without RENAMEAT_TARGET or UNLINKAT",
  async () => {
    for (const right of ["RENAMEAT_TARGET", "RENAMEAT_SOURCE", "UNLINKAT", "READ"] as const) {
      for (const copy of [ways["copyFileSync()"]!, (dir: Dir) => dir.copyFileSync("from", "sub/../to")]) {
        if (right === "READ" && copy === ways["copyFileSync()"]) continue;
        using fixture = new Fixture({
          from: { text: secret, mode: 0o640 },
          to: { text: "old", mode: 0o666 },
          sub: {},
        });
        fixture.link("to", "sub/other");
        using dir = openDirSync(fixture.path), target = openDirSync(fixture.path);
        target.limit([...everything].filter((name) => name !== right));
        using from = right === "READ" ? openDirSync(fixture.path) : undefined;
        await checkedCopy(fixture, 0o640, () => {
          if (from) from.copyFileSync("from", target, "sub/../to");
          else dir.copyFileSync("from", target, "to");
        });
        assertEquals([fixture.read("to"), fixture.stat("to").mode! & 0o777], [secret, 0o640]);
        // It is still the same file, with both names.
        assertEquals(fixture.read("sub/other"), secret);
      }
    }
  },
  { skip: kernel.hasCapsicum ? false : "needs Capsicum: FreeBSD, or the stand-in" },
);

const everything = [
  ...["LOOKUP", "READ", "WRITE", "SEEK", "CREATE", "FSTAT", "FTRUNCATE", "FCHMOD"] as const,
  ...["RENAMEAT_SOURCE", "RENAMEAT_TARGET", "UNLINKAT"] as const,
];

test("Dir.copyFileSync() leaves only the existing file when any of its calls fails", () => {
  const EIO = 5, ENOSPC = 28;
  for (
    const [call, errno] of [["write", ENOSPC], ["read", EIO], ["fchmod", EIO], ["close", EIO], [
      "renameat",
      EIO,
    ]] as const
  ) {
    using fixture = new Fixture({ from: { text: secret, mode: 0o600 }, to: { text: "old", mode: 0o644 } });
    using dir = openDirSync(fixture.path);
    const before = openDescriptors();
    failNext(call, errno);
    assertThrows(() => dir.copyFileSync("from", "to"), Error, call);
    // The stand-in fails without closing the descriptor; a kernel closes it even if it fails.
    for (const fd of openDescriptors()) if (!before.includes(fd)) libc.close(fd);
    assertEquals([call, fixture.list(), fixture.read("to")], [call, ["from", "to"], "old"]);
    assertEquals(fixture.stat("to").mode! & 0o777, 0o644);
  }
}, { skip: needsStandin });

test("Dir.copyFile() exposes nothing to another process that tries to read all the time", async () => {
  using fixture = new Fixture({ from: { text: secret, mode: 0o600 }, to: "old" });
  using dir = openDirSync(fixture.path);
  const source = `
    const [path] = Deno.args;
    let looks = 0, exposed = "nothing", isOver = false;
    Deno.addSignalListener("SIGTERM", () => isOver = true);
    while (!isOver) {
      for (const { name } of Deno.readDirSync(path)) {
        if (name === "from") continue;
        try {
          const { size, mode } = Deno.statSync(path + "/" + name);
          if (size > 3 && mode & 0o077) exposed = name + " of mode " + mode.toString(8);
        } catch { /* It is gone. */ }
      }
      if (looks++ === 0) console.error("ready");
      if (looks % 100 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    console.log("exposed: " + exposed);
    Deno.exit();`;
  const watcher = `data:text/javascript,${encodeURIComponent(source)}`;
  await using child = new RunningModule(watcher, { args: [fixture.path], kernel: false });
  await child.said(/ready/);
  for (let round = 0; round < 20; round++) {
    fixture.write("to", "old");
    fixture.chmod("to", 0o666);
    await dir.copyFile("from", "to");
  }
  assertEquals((await child.stop()).stdout, "exposed: nothing\n");
});
