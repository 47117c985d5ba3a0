import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { inChild, libcPath, runModule } from "../_child.ts";
import { Fixture } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import { test } from "../_test.ts";
import type { Report } from "./_call_everything.ts";
import { exportedFunctions, isLater } from "./_calls.ts";

/** What the libc of an older release lacks. */
const lacking = exportedFunctions().filter((name) => isLater(name, kernel.osreldate));

async function callEverything(permissions: string[], ...first: "enter"[]): Promise<Report> {
  using fixture = new Fixture();
  const url = new URL("_call_everything.ts", import.meta.url);
  const { code, stdout, stderr } = await runModule(url, { permissions, args: [fixture.path, ...first] });
  if (code !== 0) throw new Error(`the calls ended with code ${code}\n${stdout}${stderr}`);
  const report: Report = JSON.parse(stdout);
  for (const name of lacking) {
    assertStringIncludes(report.failures[name] ?? "", "NotSupported");
    delete report.failures[name];
  }
  return report;
}

test("--allow-ffi with the path of libc alone is enough for every exported function", async () => {
  const { called, failures } = await callEverything([`--allow-ffi=${libcPath}`]);
  assertEquals(called.sort(), exportedFunctions());
  assertEquals(failures, {});
});

test("--allow-ffi and --allow-all are enough too", async () => {
  for (const permissions of [["--allow-ffi"], ["--allow-all"]]) {
    assertEquals((await callEverything(permissions)).failures, {});
  }
});

test("enter() binds all symbols: no library is opened after it", async () => {
  const { dlopenCalls: [, before, after], called, failures } = await callEverything(
    [`--allow-ffi=${libcPath}`],
    "enter",
  );
  assertEquals(after, before);
  assertEquals(called.sort(), exportedFunctions());
  // These take a path of the whole system, or a process.
  const global = [
    "libc.open",
    "libc.procctl",
    "openDirSync",
    "openSync",
    "trapViolations",
    "violationsAreTrapped",
  ];
  assertEquals(Object.keys(failures).sort(), global);
  for (const failure of Object.values(failures)) assertStringIncludes(failure, "(ECAPMODE)");
});

test("importing the module opens no library; the first call does", async () => {
  const { dlopenCalls: [imported, , after] } = await callEverything([`--allow-ffi=${libcPath}`]);
  assertEquals(imported, 0);
  assertGreater(after, 0);
});

test("importing the module and using sets of rights needs no permission", async () => {
  const url = new URL("_import.ts", import.meta.url);
  const { code, stdout, stderr } = await runModule(url, { permissions: [] });
  assertEquals([code, stderr, JSON.parse(stdout)], [0, "", [true, 0]]);
  const names = await inChild(
    ({ Fcntls, Ioctl, Ioctls, Right, Rights }) => {
      const rights = new Rights([Right.READ, "SEEK"]).union(["FSTAT"]);
      return [rights.names(), new Fcntls(["GETFL"]).size, new Ioctls([Ioctl.FIONREAD]).size];
    },
    undefined,
    { permissions: [] },
  );
  assertEquals(names, [["PREAD", "FSTAT"], 1, 1]);
});

test("without --allow-ffi every query throws Deno's own NotCapable, and none returns false", async () => {
  const outcomes = await inChild(
    ({ isNotCapable, libc, ...library }) => {
      const calls = {
        isSupported: () => library.isSupported(),
        sandboxed: () => library.sandboxed(),
        getMode: () => library.getMode(),
        enter: () => library.enter(),
        limit: () => library.limit(0, ["READ"]),
        getRights: () => library.getRights(0),
        openSync: () => library.openSync("/dev/null"),
        read: () => libc.read(0, new Uint8Array(1)),
        cap_sandboxed: () => libc.cap_sandboxed(),
      };
      return Object.entries(calls).map(([name, call]) => {
        try {
          return [name, String(call())];
        } catch (error) {
          const { message, code, errno } = error as Error & { code?: string; errno?: number };
          const untouched = error instanceof Deno.errors.NotCapable && code === undefined &&
            errno === undefined &&
            message.startsWith("Requires ffi access to") && !isNotCapable(error);
          return [name, untouched ? "NotCapable" : String(error)];
        }
      });
    },
    undefined,
    { permissions: [] },
  );
  assertEquals(outcomes.length, 9);
  for (const [name, outcome] of outcomes) assertEquals(outcome, "NotCapable", name);
});

test("a permission for another library is not enough", async () => {
  const error = await inChild(({ caught, isSupported }) => caught(isSupported), undefined, {
    permissions: ["--allow-ffi=/nonexistent/libc.so.7"],
  });
  assertEquals(error?.class, "NotCapable");
  assertStringIncludes(error?.message ?? "", libcPath);
});
