import { assert, assertEquals } from "@std/assert";
import type * as capsicum from "../../../mod.ts";
import type { Dir, RightName } from "../../../mod.ts";
import { inChild, type Tools } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { hasRenameat2 } from "../../_kernel.ts";
import { needsTraps } from "../../_standin.ts";
import { test } from "../../_test.ts";

/**
 * In a child: makes each call through a directory limited to the rights that it needs. Then makes it with all rights except
 * one of these, for each of these; not if a refusal raises SIGTRAP.
 */
async function tryCalls(
  { enter, getRights, openDirSync }: typeof capsicum & Tools,
  { path, inside, traps = false, hasRenameat2 }: {
    path: string;
    inside: boolean;
    traps?: boolean;
    hasRenameat2: boolean;
  },
) {
  type Call = (dir: Dir, name: string, other: Dir) => unknown;
  // With all other rights, the call has a way that does not need the `spared` rights.
  type Use = [use: string, needs: RightName[], call: Call, onOther?: RightName[], spared?: RightName[]];
  const renaming: RightName[] = ["RENAMEAT_SOURCE", "RENAMEAT_TARGET", "UNLINKAT"];
  const uses: Use[] = [
    ["readFileSync", ["LOOKUP", "READ"], (dir, name) => dir.readFileSync(`${name}/file`)],
    ["readFileSync, long", ["LOOKUP", "READ"], (dir) => dir.readFileSync("long")],
    ["readTextFileSync", ["LOOKUP", "READ"], (dir, name) => dir.readTextFileSync(`${name}/file`)],
    [
      "readTextFileLinesSync",
      ["LOOKUP", "READ"],
      (dir, name) => [...dir.readTextFileLinesSync(`${name}/file`)],
    ],
    ["writeFileSync", ["LOOKUP", "WRITE", "CREATE", "FTRUNCATE"], (dir, name) => {
      dir.writeFileSync(`${name}/file`, new Uint8Array(3));
    }],
    ["writeTextFileSync, append", ["LOOKUP", "WRITE"], (dir, name) => {
      dir.writeTextFileSync(`${name}/file`, "more", { append: true, create: false });
    }],
    ["writeTextFileSync, mode", ["LOOKUP", "WRITE", "CREATE", "FTRUNCATE", "FCHMOD"], (dir, name) => {
      dir.writeTextFileSync(`${name}/file`, "new", { mode: 0o600 });
    }],
    ["writeFileAtomicSync", [
      "LOOKUP",
      "CREATE",
      "WRITE",
      "FSYNC",
      "FSTAT",
      "FCHMOD",
      ...renaming,
    ], (dir) => dir.writeFileAtomicSync("file", "new")],
    ["createSync", ["LOOKUP", "READ", "WRITE", "CREATE", "FTRUNCATE"], (dir, name) => {
      dir.createSync(`${name}/file`).close();
    }],
    ["walkSync", ["LOOKUP", "READ"], (dir, name) => [...dir.walkSync(name)]],
    ["expandGlobSync", ["LOOKUP", "READ", "FSTAT"], (dir, name) => [...dir.expandGlobSync(`${name}/*`)]],
    ["lstatSync", ["LOOKUP", "FSTAT"], (dir, name) => dir.lstatSync(`${name}/file`)],
    ["existsSync", ["LOOKUP", "FSTAT"], (dir, name) => dir.existsSync(`${name}/file`, { isReadable: true })],
    ["chmodSync", ["LOOKUP", "FCHMOD"], (dir, name) => dir.chmodSync(`${name}/file`, 0o600)],
    ["chownSync", ["LOOKUP", "FCHOWN"], (dir, name) => dir.chownSync(`${name}/file`, null, null)],
    ["utimeSync", ["LOOKUP", "FUTIMES"], (dir, name) => dir.utimeSync(`${name}/file`, 1, 2)],
    ["truncateSync", ["LOOKUP", "WRITE", "FTRUNCATE"], (dir, name) => dir.truncateSync(`${name}/file`, 2)],
    ["realPathSync", ["LOOKUP", "READ"], (dir, name) => dir.realPathSync(`${name}/file`)],
    ["realPathSync of a name", ["LOOKUP"], (dir) => dir.realPathSync("file")],
    ["mkdirSync", ["MKDIRAT"], (dir, name) => dir.mkdirSync(`${name}/new`)],
    ["mkdirSync, recursive", ["MKDIRAT"], (dir, name) => dir.mkdirSync(`${name}/a/b`, { recursive: true })],
    ["mkdirSync, recursive, of what exists", ["MKDIRAT"], (dir, name) => {
      dir.mkdirSync(`${name}/sub`, { recursive: true });
    }],
    ["ensureDirSync", ["MKDIRAT"], (dir, name) => dir.ensureDirSync(`${name}/a/b`)],
    ["ensureFileSync", ["LOOKUP", "WRITE", "CREATE"], (dir, name) => dir.ensureFileSync(`${name}/new`)],
    ["removeSync of a file", ["UNLINKAT"], (dir, name) => dir.removeSync(`${name}/file`)],
    ["removeSync of a directory", ["UNLINKAT"], (dir, name) => dir.removeSync(`${name}/sub/empty`)],
    ["removeSync, recursive", ["UNLINKAT", "READ"], (dir, name) => dir.removeSync(name, { recursive: true })],
    ["emptyDirSync", ["UNLINKAT", "READ"], (dir, name) => dir.emptyDirSync(name)],
    ["renameSync", ["RENAMEAT_SOURCE"], (dir, name, other) => {
      dir.renameSync(`${name}/file`, other, `${name}/new`);
    }, ["RENAMEAT_TARGET"]],
    ["renameSync over a file", ["RENAMEAT_SOURCE"], (dir, name, other) => {
      dir.renameSync(`${name}/file`, other, `${name}/sub/file`);
    }, ["RENAMEAT_TARGET", "UNLINKAT"]],
    ["renameSync, replace: false", hasRenameat2 ? ["RENAMEAT_SOURCE"] : ["LINKAT_SOURCE", "UNLINKAT"], (
      dir,
      name,
      other,
    ) => dir.renameSync(`${name}/file`, other, `${name}/new`, { replace: false }), [
      hasRenameat2 ? "RENAMEAT_TARGET" : "LINKAT_TARGET",
    ]],
    ["linkSync", ["LINKAT_SOURCE"], (dir, name, other) => {
      dir.linkSync(`${name}/file`, other, `${name}/new`);
    }, ["LINKAT_TARGET"]],
    ["symlinkSync", ["SYMLINKAT"], (dir, name) => dir.symlinkSync("target", `${name}/new`)],
    ["readLinkSync", ["LOOKUP"], (dir, name) => dir.readLinkSync(`${name}/link`)],
    ["mkfifoSync", ["MKFIFOAT"], (dir, name) => dir.mkfifoSync(`${name}/new`)],
    [
      "copyFileSync",
      ["LOOKUP", "READ", "FSTAT"],
      (dir, name, other) => {
        dir.copyFileSync(`${name}/file`, other, `${name}/sub/file`);
      },
      ["LOOKUP", "WRITE", "SEEK", "CREATE", "FSTAT", "FTRUNCATE", "FCHMOD"],
      ["SEEK", "FTRUNCATE"],
    ],
    [
      "copyFileSync, to take a place",
      ["LOOKUP", "READ", "FSTAT"],
      (dir, name, other) => {
        dir.copyFileSync(`${name}/file`, other, `${name}/sub/file`);
      },
      ["LOOKUP", "READ", "CREATE", "WRITE", "FSTAT", "FCHMOD", ...renaming],
      ["READ", ...renaming],
    ],
    ["copySync", ["LOOKUP", "READ", "FSTAT"], (dir, name, other) => {
      dir.copySync(`${name}/sub`, other, "sub", { overwrite: true, preserveTimestamps: true });
    }, [
      ...["LOOKUP", "READ", "WRITE", "SEEK", "CREATE"] as const,
      ...["FSTAT", "FTRUNCATE", "FCHMOD", "MKDIRAT", "FUTIMES"] as const,
    ], ["SEEK", "FTRUNCATE"]],
    [
      "copySync, to take a place",
      ["LOOKUP", "READ", "FSTAT"],
      (dir, name, other) => {
        dir.copySync(`${name}/sub`, other, `${name}/copied`, { overwrite: true });
      },
      ["LOOKUP", "READ", "CREATE", "WRITE", "FSTAT", "FCHMOD", "MKDIRAT", ...renaming],
      renaming,
    ],
    ["makeTempFileSync", ["LOOKUP", "WRITE", "CREATE"], (dir, name) => dir.makeTempFileSync({ dir: name })],
    ["makeTempDirSync", ["MKDIRAT"], (dir, name) => dir.makeTempDirSync({ dir: name })],
  ];
  const open = () => openDirSync(path);
  const all = getRights(open());
  const limited = (rights: Iterable<RightName>) => {
    const dir = open();
    dir.limit(rights);
    return dir;
  };
  let count = 0;
  // LOOKUP is included in some rights, and is removed with them.
  const without = (right: RightName) => all.difference([right]).union(right === "LOOKUP" ? [] : ["LOOKUP"]);
  const cases = uses.map(([use, needs, call, onOther, spared = []]) => ({
    use,
    call,
    exact: limited(needs),
    other: onOther ? limited(onOther) : open(),
    lacking: [
      ...needs.map((right) => ({ right, dir: limited(without(right)), other: open() })),
      ...(onOther ?? []).filter((right) => !spared.includes(right)).map((right) => ({
        right,
        dir: open(),
        other: limited(without(right)),
      })),
    ],
    names: Array.from({ length: needs.length + (onOther?.length ?? 0) + 1 }, () => `d${count++}`),
  }));
  const plain = open();
  for (const name of cases.flatMap(({ names }) => names)) {
    plain.mkdirSync(`${name}/sub/empty`, { recursive: true });
    plain.writeTextFileSync(`${name}/file`, "text");
    plain.writeTextFileSync(`${name}/sub/file`, "text");
    plain.symlinkSync("file", `${name}/link`);
  }
  if (traps) {
    const { symbols } = Deno.dlopen("/lib/libc.so.7", {
      procctl: { parameters: ["i32", "i64", "i32", "buffer"], result: "i32" },
    });
    // P_PID, this process, PROC_TRAPCAP_CTL, PROC_TRAPCAP_CTL_ENABLE
    symbols.procctl(0, 0n, 9, new Int32Array([1]));
  }
  if (inside) enter();
  const failureOf = async (call: () => unknown) => {
    try {
      await call();
      return null;
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      const missing = (error as { missing?: capsicum.Rights }).missing?.names() ?? [];
      return { code, message, missing: missing as string[] };
    }
  };
  const results = [];
  for (const { use, call, exact, other, lacking, names } of cases) {
    const refused = [];
    for (const [i, { right, dir, other }] of (traps ? [] : lacking).entries()) {
      refused.push({ right, failure: await failureOf(() => call(dir, names[i]!, other)) });
    }
    // The last call is the one that the signal ended.
    console.error(use);
    results.push({ use, works: await failureOf(() => call(exact, names.at(-1)!, other)), refused });
  }
  return results;
}

test("no call of a method of Dir is refused if it has exactly the rights that it documents", async () => {
  using fixture = new Fixture({ tree: { file: "text", long: "x".repeat(200_000), sub: { file: "old" } } });
  const results = await inChild(tryCalls, {
    path: fixture.at("tree"),
    inside: true,
    traps: true,
    hasRenameat2,
  });
  assertEquals(results.filter(({ works }) => works !== null), []);
  assert(results.length > 30);
}, { skip: needsTraps });

for (const inside of [false, true]) {
  test.capsicum(`each method of Dir works with exactly the rights that it documents, ${inside ? "inside" : "outside"} of capability mode`, async () => {
    using fixture = new Fixture({ tree: { file: "text", long: "x".repeat(200_000), sub: { file: "old" } } });
    const results = await inChild(tryCalls, { path: fixture.at("tree"), inside, hasRenameat2 });
    for (const { use, works, refused } of results) {
      assertEquals(works, null, use);
      for (const { right, failure } of refused) {
        assert(failure !== null, `${use} without ${right}`);
        assertEquals(failure.code, "ENOTCAPABLE", `${use} without ${right}: ${failure.message}`);
        assert(failure.missing.includes(right), `${use} without ${right}: ${failure.message}`);
      }
    }
  });
}

test.capsicum("no call of Dir.readFileSync() is refused without FSTAT", async () => {
  using fixture = new Fixture({ long: "x".repeat(200_000) });
  // It has exactly the rights that it needs, so a refused call throws unless the library catches the error.
  const length = await inChild(({ enter, openDirSync }, path) => {
    const dir = openDirSync(path, { limit: ["LOOKUP", "READ"] });
    enter();
    return dir.readFileSync("long").length;
  }, fixture.path);
  assertEquals(length, 200_000);
});
