/** Calls every method of `Dir` while each of its system calls fails once: nothing stays open, and every failure is reported. */
import { assert, assertEquals } from "@std/assert";
import { Dir, libc, openDirSync } from "../../../mod.ts";
import { symbols } from "../../../ffi/symbols.ts";
import { Fixture, type Tree } from "../../_fixture.ts";
import { openDescriptors } from "../../_kernel.ts";
import { callsOf, failNext, needsStandin } from "../../_standin.ts";
import { test } from "../../_test.ts";

const EIO = 5;
const big = new Uint8Array(200_000);
const tree: Tree = {
  a: { f: "text\nline", big, sub: { deep: { f: "" }, link: { link: "../f" } } },
  b: { f: "old" },
};

/** Methods that have a synchronous twin, with arguments, and the preparation as the first member if there is one. */
const uses: Record<string, [method: string, ...args: unknown[]]> = {
  chmod: ["chmod", "a/f", 0o600],
  chown: ["chown", "a/f", null, null],
  "copy of a tree": ["copy", "a", "c/d", { preserveTimestamps: true }],
  "copy over a tree": ["copy", "a/sub", "b", { overwrite: true }],
  "copy of a symlink": ["copy", "a/sub/link", "b/f", { overwrite: true }],
  copyFile: ["copyFile", "a/big", "b/f"],
  create: ["create", "b/f"],
  emptyDir: ["emptyDir", "a"],
  "emptyDir of what is missing": ["emptyDir", "c/d"],
  ensureDir: ["ensureDir", "c/d/e"],
  ensureFile: ["ensureFile", "c/d/e"],
  exists: ["exists", "a/f", { isReadable: true }],
  expandGlob: ["expandGlob", "a/**/f", { followSymlinks: true }],
  link: ["link", "a/f", "b/g"],
  list: ["list", "a/sub"],
  lstat: ["lstat", "a/sub/link"],
  makeTempDir: ["makeTempDir", { dir: "a/sub" }],
  makeTempFile: ["makeTempFile", { dir: "a/sub" }],
  mkdir: ["mkdir", "a/new"],
  mkfifo: ["mkfifo", "a/new"],
  open: ["open", "a/sub/link"],
  openDir: ["openDir", "a/sub"],
  readDir: ["readDir", "a/sub"],
  "readFile, long": ["readFile", "a/big"],
  readLink: ["readLink", "a/sub/link"],
  readTextFile: ["readTextFile", "a/sub/link"],
  readTextFileLines: ["readTextFileLines", "a/f"],
  realPath: ["realPath", "a/sub/link"],
  remove: ["remove", "a/f"],
  "remove of a tree": ["remove", "a", { recursive: true }],
  rename: ["rename", "a/f", "b/f"],
  stat: ["stat", "a/sub/link"],
  symlink: ["symlink", "x", "a/new"],
  truncate: ["truncate", "a/f", 1],
  utime: ["utime", "a/f", 0, 0],
  walk: ["walk", "a", { followSymlinks: true }],
  writeFile: ["writeFile", "a/f", new Uint8Array(3), { mode: 0o600 }],
  "writeFile, long": ["writeFile", "b/f", big],
  writeFileAtomic: ["writeFileAtomic", "a/f", new Uint8Array(3), { mode: 0o600 }],
  writeTextFile: ["writeTextFile", "a/f", "more", { append: true }],
};

/** The C functions that the library calls, except those that read errno or handle memory. */
const functions = [
  ...new Set(Object.entries(symbols).map(([name, symbol]) => "name" in symbol ? symbol.name : name)),
].filter((name) => !["__error", "memcpy", "getosreldate", "poll"].includes(name));

/** Whether a failure may go unreported. */
function mayBeSilent(title: string, call: string, told: ReadonlySet<string>, isSync: boolean): boolean {
  // close(2) of a directory that was only passed through; a failed close of a written file is reported.
  if (call === "close") {
    return told.has(title) ||
      !/^(copy(?! of a symlink)|create|ensureFile|makeTempFile|truncate|write)/.test(title);
  }
  // If it can't be found out whether the kernel confines the directory, the answer is no.
  if (title === "openDir") return ["cap_sandboxed", "__cap_rights_get", "openat", "fstat"].includes(call);
  // A call that fails on a pool thread is repeated on this thread to read errno, and then succeeds.
  return !isSync && ["read", "write"].includes(call) || call === "lseek";
}

async function run(dir: Dir, [method, ...args]: readonly unknown[], isSync: boolean): Promise<void> {
  const name = isSync ? `${method}Sync` : method as string;
  const result = await (dir as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!(...args);
  if (typeof (result as Iterator<unknown> | undefined)?.next === "function") {
    for await (const _ of result as AsyncIterable<unknown>);
  } else (result as Partial<Disposable> | undefined)?.[Symbol.dispose]?.();
}

/** A directory that the kernel confines, and one where the library resolves paths step by step. */
function open(path: string, confined: boolean): Dir {
  return new Dir(openDirSync(path).take(), confined);
}

for (const confined of [true, false]) {
  for (const isSync of [true, false]) {
    test(
      `Dir's ${
        isSync ? "" : "a"
      }synchronous methods close everything and report each call that fails, if the kernel ${
        confined ? "confines" : "does not confine"
      } paths`,
      async () => {
        let failures = 0;
        const silent = new Map<string, string[]>(), told = new Set<string>();
        for (const [title, use] of Object.entries(uses)) {
          const counts = await countsOf(use, isSync, confined);
          for (const [call, count] of counts) {
            for (let nth = 1; nth <= count; nth++) {
              using fixture = new Fixture(tree);
              using dir = open(fixture.path, confined);
              const before = openDescriptors();
              failNext(call, EIO, nth);
              let error: unknown;
              try {
                await run(dir, use, isSync);
              } catch (caught) {
                error = caught;
              }
              failNext(call, EIO, 0);
              const place = `${title}: ${call}, call ${nth} of ${count}`;
              const left = openDescriptors().filter((fd) => !before.includes(fd));
              // The stand-in fails without closing the descriptor; a kernel closes it even if it fails.
              if (call === "close" && left.length === 1) libc.close(left.pop()!);
              assertEquals(left, [], place);
              if (error === undefined) silent.set(title, [...silent.get(title) ?? [], call]);
              else assertEquals((error as { code?: string }).code, "EIO", `${place}: ${error}`);
              if (error !== undefined && call === "close") told.add(title);
              failures++;
            }
          }
        }
        const unnoticed = [...silent].flatMap(([title, calls]) =>
          calls.filter((call) => !mayBeSilent(title, call, told, isSync)).map((call) => `${title}: ${call}`)
        );
        assertEquals(unnoticed, []);
        assert(failures > 300, `${failures}`);
      },
      { skip: needsStandin },
    );
  }
}

test("the fault tests call every method of Dir", () => {
  const names = Object.getOwnPropertyNames(Dir.prototype).filter((name) => name.endsWith("Sync"));
  assertEquals(
    [...new Set(Object.values(uses).map(([method]) => `${method}Sync`))].sort(),
    names.sort(),
  );
});

async function countsOf(use: readonly unknown[], isSync: boolean, confined: boolean) {
  using fixture = new Fixture(tree);
  using dir = open(fixture.path, confined);
  const before = functions.map(callsOf);
  await run(dir, use, isSync);
  return functions.map((name, i) => [name, callsOf(name) - before[i]!] as const).filter(([, count]) =>
    count > 0
  );
}
