import { assert, assertEquals } from "@std/assert";
import * as mod from "../mod.ts";
import { moduleDoc, rowsOf, sectionOf } from "./_snippets.ts";
import { test } from "./_test.ts";

const values = [
  "CapsicumError",
  "Descriptor",
  "Dir",
  "Fcntl",
  "Fcntls",
  "FdFile",
  "Ioctl",
  "Ioctls",
  "Right",
  "Rights",
  "SandboxError",
  "cacheTimezone",
  "decodeName",
  "encodeName",
  "enter",
  "fdOf",
  "getFcntls",
  "getIoctls",
  "getMode",
  "getRights",
  "ioctl",
  "isCapModeViolation",
  "isNotCapable",
  "isSupported",
  "libc",
  "limit",
  "limitFcntls",
  "limitIoctls",
  "limitOthers",
  "limitStdio",
  "limitStream",
  "listDir",
  "listDirSync",
  "needs",
  "open",
  "openAt",
  "openAtSync",
  "openDescriptors",
  "openDir",
  "openDirSync",
  "openSync",
  "presets",
  "readDir",
  "readDirSync",
  "rightsFor",
  "sandbox",
  "sandboxed",
  "trapViolations",
  "violationsAreTrapped",
  "warmUp",
];
const types = [
  "AtomicWriteOptions",
  "CopyOptions",
  "DescriptorKind",
  "DescriptorPlan",
  "DirPlan",
  "Directory",
  "DryRun",
  "ExistsOptions",
  "ExpandGlobOptions",
  "FcntlName",
  "FcntlsLike",
  "FdLike",
  "FilePlan",
  "IoctlDirection",
  "IoctlsLike",
  "LengthOptions",
  "LimitOthersOptions",
  "LimitStreamOptions",
  "ModuleWarmUpOptions",
  "OpenDescriptor",
  "OpenDirOptions",
  "OpenOptions",
  "Operation",
  "PermissionName",
  "PermissionPlan",
  "Plan",
  "PlannedCall",
  "PlannedStep",
  "Presets",
  "ReadOptions",
  "RenameOptions",
  "RightName",
  "RightsLike",
  "Sandbox",
  "SandboxErrorInit",
  "SandboxStep",
  "StreamOptions",
  "StreamUse",
  "SyscallError",
  "SyscallErrorInit",
  "Target",
  "TargetWithOptions",
  "WalkEntry",
  "WalkOptions",
  "WarmUpOptions",
];

const root = new URL("..", import.meta.url);
const read = (path: string) => Deno.readTextFileSync(new URL(path, root));
const { exports } = JSON.parse(read("deno.json")) as { exports: Record<string, string> };

/** The names of the types that a module exports. */
function typesOf(path: string): string[] {
  const lists = [...read(path).matchAll(/^export (type )?\{([^}]*)\}/gm)];
  return lists.flatMap(([, type, list]) =>
    list!.split(",").map((name) => name.trim()).flatMap((name) =>
      type ? name : /^type (\w+)/.exec(name)?.[1] ?? []
    )
  ).filter(Boolean).sort();
}

test("mod.ts exports what is listed here and nothing else", () => {
  assertEquals(Object.keys(mod).sort(), values);
  assertEquals(typesOf("mod.ts"), types);
});

test("mod.ts exports what ./core, ./fs and ./sandbox export, each name once, libc, and nothing else", async () => {
  const parts = ["./core", "./fs", "./sandbox"].map((name) => exports[name]!);
  const all: [string, unknown][] = [["libc", mod.libc]];
  for (const path of parts) all.push(...Object.entries(await import(new URL(path, root).href)));
  assertEquals(all.map(([name]) => name).sort(), Object.keys(mod).sort());
  for (const [name, value] of all) assertEquals((mod as Record<string, unknown>)[name], value, name);
  assertEquals(parts.flatMap(typesOf).sort(), typesOf("mod.ts"));
});

test("deno.json's exports name modules that load, and mod.ts has libc and all of rights/", async () => {
  assertEquals(Object.keys(exports), [
    ".",
    "./core",
    "./fs",
    "./sandbox",
    "./ffi",
    "./rights",
    "./ambient",
    "./broker",
    "./audit",
    "./pycapsicum",
    "./pycapsicumcffi",
  ]);
  const modules: Record<string, Record<string, unknown>> = {};
  for (const [name, path] of Object.entries(exports)) modules[name] = await import(new URL(path, root).href);
  assertEquals(modules["."], mod);
  assertEquals(modules["./ffi"], mod.libc);
  for (const [name, value] of Object.entries(modules["./rights"]!)) {
    assertEquals(modules["."]![name], value, name);
  }
});

test("the newest section of CHANGELOG.md is that of deno.json's version", () => {
  const { version } = JSON.parse(read("deno.json"));
  assertEquals(/^## (.*)$/m.exec(read("CHANGELOG.md"))?.[1], version);
});

test("every entry point has documentation with an example that imports it by its name", () => {
  for (const [name, path] of Object.entries(exports)) {
    const doc = /^\/\*\*\n( \*.*\n)*? \* @module\n \*\//.exec(read(path))?.[0] ?? "";
    assert(doc.includes(`from "jsr:@capsicum/capsicum${name.slice(1)}"`), name);
  }
});

test("mod.ts's table of the API names every function and class that it exports, and no others", () => {
  const rows = rowsOf(sectionOf(moduleDoc("mod.ts"), "API by task"));
  const things: Record<string, object> = { ...mod, dir: mod.Dir.prototype, file: mod.FdFile.prototype };
  const named = new Set<string>();
  for (const [, cell] of rows) {
    // After "`FdFile`:" names without a dot are its methods.
    const methods = cell!.startsWith("`FdFile`:") ? mod.FdFile.prototype : {};
    for (const [, text] of cell!.matchAll(/`([^`]+)`/g)) {
      const [, name, member] = /^(\w+)(?:\.(\w+))?/.exec(text!)!;
      if (text === "Set") continue;
      assert(member === undefined ? name! in mod || name! in methods : member in things[name!]!, text);
      named.add(name!);
    }
  }
  const exported = Object.entries(mod).filter(([, value]) => typeof value === "function").map(([name]) =>
    name
  );
  // The text below the table says that what has Sync has a twin without.
  assertEquals(exported.filter((name) => !named.has(name) && !named.has(`${name}Sync`)), []);
});

test("every function and method with Sync has an asynchronous twin without", () => {
  for (const owner of [mod, mod.Dir.prototype, mod.FdFile.prototype]) {
    const names = Object.getOwnPropertyNames(owner),
      synchronous = names.filter((name) => name.endsWith("Sync"));
    assert(synchronous.length > 4);
    assertEquals(synchronous.filter((name) => !names.includes(name.slice(0, -"Sync".length))), []);
  }
});
