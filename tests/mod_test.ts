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
  "listDirSync",
  "needs",
  "openAtSync",
  "openDescriptors",
  "openDirSync",
  "openSync",
  "presets",
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
  "DryRun",
  "DryRunPlan",
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
  "OpenDescriptor",
  "OpenDirOptions",
  "OpenOptions",
  "Operation",
  "Plan",
  "PlanNames",
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

test("mod.ts exports what is listed here and nothing else", () => {
  assertEquals(Object.keys(mod).sort(), values);
  const lists = [...read("mod.ts").matchAll(/^export type \{([^}]*)\}/gm)].map((match) => match[1]!);
  assertEquals(lists.join().split(",").map((name) => name.trim()).filter(Boolean).sort(), types);
});

test("deno.json's exports name modules that load, and mod.ts has all of them", async () => {
  const { exports } = JSON.parse(read("deno.json")) as { exports: Record<string, string> };
  assertEquals(Object.keys(exports), [
    ".",
    "./rights",
    "./ffi",
    "./audit",
    "./pycapsicum",
    "./pycapsicumcffi",
  ]);
  const modules = await Promise.all(Object.values(exports).map((path) => import(new URL(path, root).href)));
  const [main, rights, ffi] = modules as Record<string, unknown>[];
  assertEquals(main, mod);
  assertEquals(mod.libc as unknown, ffi);
  for (const [name, value] of Object.entries(rights!)) assertEquals(main![name], value, name);
});
