import { assertEquals, assertMatch } from "@std/assert";
import { type ChildOptions, type ChildResult, inChild, libcPath, runModule } from "../_child.ts";
import { kernel } from "../_kernel.ts";
import { test } from "../_test.ts";

// In a child, because Landlock may be enforced only from the main thread, and tests run on another.
const isSandboxed = await inChild(({ sandbox }) =>
  sandbox({ dirs: { etc: { path: "/etc" } }, dryRun: true }).mechanism !== "none"
);
/** Where the system has no sandbox, a tool works only with --unprotected. */
export const unprotected: string[] = isSandboxed ? [] : ["--unprotected"];
/** Flags for a child in which seccomp(2) fails, as in some containers. */
export const withoutSandbox: Pick<ChildOptions, "flags" | "kernel"> = {
  kernel: false,
  flags: [`--preload=${new URL("../_no_seccomp.ts", import.meta.url).href}`],
};

/** The reason to skip a test of the behavior without Capsicum. */
export const onFreeBSD: string | false = kernel.hasCapsicum && !kernel.simulated &&
  "needs Linux or the stand-in: FreeBSD has Capsicum";

export function moduleOf(name: string): URL {
  return new URL(`../../examples/${name}.ts`, import.meta.url);
}

/** Runs a tool, by default with only the permission to use libc. Removes the warning that it is unprotected. */
export async function runTool(
  name: string,
  args: string[],
  options: ChildOptions = {},
): Promise<ChildResult> {
  const result = await runModule(moduleOf(name), {
    permissions: [`--allow-ffi=${libcPath}`],
    args: [...unprotected, ...args],
    ...options,
  });
  const stderr = result.stderr.replace(`${name}: unprotected, since this system can't sandbox it.\n`, "");
  const isTold = stderr !== result.stderr, didWork = !["--help"].includes(args[0] ?? "") && result.code !== 2;
  if (didWork && isTold === isSandboxed) throw new Error(`It says of its sandbox: ${result.stderr}`);
  return { ...result, stderr };
}

interface Usage {
  /** Wrong arguments, and the message for them. */
  wrong: [args: string[], complaint: RegExp][];
  /** Valid arguments. */
  right: string[];
  /** The code of a tool that can't do its work. */
  failure: number;
}

/** Registers the tests that all tools share. */
export function testUsage(name: string, { wrong, right, failure }: Usage): void {
  test(`examples/${name}.ts has at most 200 lines and documents its command line`, () => {
    const source = Deno.readTextFileSync(moduleOf(name));
    assertEquals(source.trimEnd().split("\n").slice(200), []);
    const start = new RegExp(`^ \\* (deno run --allow-.*examples/${name}\\.ts.*)$`, "m").exec(source)![1]!;
    const readme = Deno.readTextFileSync(new URL("../../examples/README.md", import.meta.url));
    assertEquals(readme.includes(start), true, start);
  });

  test(`examples/${name}.ts --help prints its usage and exits with 0`, async () => {
    const { code, stdout, stderr } = await runTool(name, ["--help"]);
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, new RegExp(`^usage: ${name}\\.ts `));
    assertMatch(
      stdout.replaceAll(" \\\n ", ""),
      new RegExp(`^On Linux: deno run --allow-.* examples/${name}\\.ts `, "m"),
    );
  });

  for (const [args, complaint] of wrong) {
    test(`examples/${name}.ts exits with 2 and a message for ${JSON.stringify(args)}`, async () => {
      const { code, stdout, stderr } = await runTool(name, args);
      assertEquals([code, stdout], [2, ""]);
      assertMatch(stderr, complaint);
      assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
    });
  }

  test(`examples/${name}.ts refuses to run without a sandbox unless --unprotected is given`, async () => {
    const { code, stdout, stderr } = await runModule(moduleOf(name), {
      args: right,
      ...withoutSandbox,
      stdin: "",
    });
    assertEquals([code, stdout], [failure, ""]);
    assertEquals(stderr, `${name}: this system can't sandbox it; --unprotected works without a sandbox.\n`);
  }, {
    skip: Deno.build.os !== "linux" && kernel.hasCapsicum && !kernel.simulated &&
      "needs Linux or the stand-in: FreeBSD has Capsicum",
  });
}
