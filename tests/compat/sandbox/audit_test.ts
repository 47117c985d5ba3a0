import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { auditTable } from "../../../compat/sandbox/audit.ts";
import { Fcntls, Ioctls, Rights } from "../../../mod.ts";
import { type ChildResult, libcPath, runModule } from "../../_child.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";

const audit = (...args: string[]): Promise<ChildResult> =>
  runModule(new URL("../../../compat/sandbox/audit.ts", import.meta.url), {
    permissions: [`--allow-ffi=${libcPath}`],
    args,
  });

test("the program audit prints its descriptors in 80 columns", async () => {
  const { code, stdout, stderr } = await audit();
  assertEquals([code, stderr], [0, ""]);
  const lines = stdout.trimEnd().split("\n");
  assertEquals(lines.filter((line) => line.length > 80), []);
  assertEquals(lines[0], "  FD  KIND               EXEC       OFFSET  RIGHTS");
  const rights = kernel.hasCapsicum ? "all" : "-";
  assertEquals(
    lines.find((line) => /^ +1 /.test(line)),
    `   1  pipe               keep            -  ${rights}`,
  );
  const mode = kernel.hasCapsicum ? "not in capability mode" : "no Capsicum here";
  assert(new RegExp(`^\\d+ descriptors, ${mode}$`).test(lines.at(-1)!), lines.at(-1));
});

test("audit --json prints the same as data", async () => {
  const { code, stdout } = await audit("--json");
  assertEquals(code, 0);
  const { capabilityMode, descriptors } = JSON.parse(stdout);
  assertEquals(capabilityMode, kernel.hasCapsicum ? false : null);
  const out = descriptors.find(({ fd }: { fd: number }) => fd === 1);
  assertEquals([out.kind, out.closeOnExec, out.ioctls], [
    "pipe",
    false,
    kernel.hasCapsicum ? "ALL" : undefined,
  ]);
  assertEquals(Array.isArray(out.rights), kernel.hasCapsicum);
});

test("audit --help prints its usage, and a bad argument exits with 2 and a message", async () => {
  const help = await audit("--help");
  assertEquals([help.code, help.stderr], [0, ""]);
  for (const option of ["--json", "--help"]) assertStringIncludes(help.stdout, option);
  assertEquals(help.stdout.split("\n").filter((line) => line.length > 80), []);
  const bad = await audit("--jsno");
  assertEquals([bad.code, bad.stdout], [2, ""]);
  assertEquals(bad.stderr, 'audit: unknown argument "--jsno"; see --help.\n');
});

test("audit without the permission exits with 1 and a message instead of a stack", async () => {
  const { code, stdout, stderr } = await runModule(
    new URL("../../../compat/sandbox/audit.ts", import.meta.url),
    { permissions: [] },
  );
  assertEquals([code, stdout], [kernel.hasCapsicum ? 1 : 1, ""]);
  assert(/^audit: Requires ffi access/.test(stderr) && !stderr.includes("\n    at "), stderr);
});

test("auditTable() breaks long lines, shows the remaining ioctls and fcntls, and prints no control characters in names", () => {
  const free = { ioctls: Ioctls.ALL, fcntls: Fcntls.ALL, closeOnExec: true };
  const table = auditTable([
    { fd: 3, kind: "file", path: "/" + "long".repeat(40), rights: Rights.all(15), ...free, offset: 2 ** 40 },
    {
      fd: 12,
      kind: "directory",
      path: "/a\x1b[2J\udce9",
      rights: Rights.all(15).difference(["READ"]),
      ...free,
    },
    {
      fd: 13,
      kind: "terminal",
      ...free,
      rights: new Rights(["IOCTL", "FCNTL"]),
      ioctls: new Ioctls([0x402c7413n]),
    },
    { fd: 14, kind: "terminal", ...free, rights: new Rights(["FCNTL"]), fcntls: new Fcntls(["GETFL"]) },
    { fd: 15, kind: "pipe", ...free, rights: Rights.NONE, ioctls: Ioctls.NONE, fcntls: Fcntls.NONE },
  ]);
  const lines = table.split("\n");
  assertEquals(lines.filter((line) => line.length > 80), []);
  assertEquals(lines[1], "   3  file               close  1099511627776  all");
  assertEquals(lines.slice(2, 5).map((line) => line.trim()).join(""), "/" + "long".repeat(40));
  assertStringIncludes(table, '"/a\\u001b[2J\\udce9"');
  assertStringIncludes(table, "      ioctls TIOCGETA");
  assertStringIncludes(table, "      fcntls GETFL");
  assertStringIncludes(table, "  15  pipe               close           -  NONE");
  assert(!table.includes("\x1b"));
});
