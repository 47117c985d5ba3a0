import { assertEquals } from "@std/assert";
import * as mod from "../mod.ts";
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
  "enter",
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
  "listDirSync",
  "openAtSync",
  "openDirSync",
  "openSync",
  "readDirSync",
  "sandboxed",
];
const types = [
  "AtomicWriteOptions",
  "CopyOptions",
  "ExistsOptions",
  "ExpandGlobOptions",
  "FcntlName",
  "FcntlsLike",
  "FdLike",
  "IoctlDirection",
  "IoctlsLike",
  "OpenDirOptions",
  "OpenOptions",
  "RightName",
  "RightsLike",
  "SyscallError",
  "SyscallErrorInit",
  "Target",
  "TargetWithOptions",
  "WalkEntry",
  "WalkOptions",
];

const root = new URL("..", import.meta.url);
const read = (path: string) => Deno.readTextFileSync(new URL(path, root));

test("mod.ts exports what is listed here and nothing else", () => {
  assertEquals(Object.keys(mod).sort(), values);
  const lists = [...read("mod.ts").matchAll(/^export type \{([^}]*)\}/gm)].map((match) => match[1]!);
  assertEquals(lists.join().split(",").map((name) => name.trim()).filter(Boolean).sort(), types);
});

test("deno.json's exports name modules that load, and mod.ts has all of them", async () => {
  const { exports } = JSON.parse(read("deno.json")) as { exports: Record<string, string> };
  assertEquals(Object.keys(exports), [".", "./rights", "./ffi", "./pycapsicum", "./pycapsicumcffi"]);
  const modules = await Promise.all(Object.values(exports).map((path) => import(new URL(path, root).href)));
  const [main, rights, ffi] = modules as Record<string, unknown>[];
  assertEquals(main, mod);
  assertEquals(mod.libc as unknown, ffi);
  for (const [name, value] of Object.entries(rights!)) assertEquals(main![name], value, name);
});
