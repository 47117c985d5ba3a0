/** Runs plug-ins by examples/plugin_host.ts. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type ChildResult, libcPath } from "../_child.ts";
import { Fixture } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import { runTool } from "./_example.ts";

/** The flags by which the plug-in's Deno process uses the same kernel. */
const flags: string[] = JSON.parse(Deno.env.get("CAPSICUM_TEST_FLAGS") ?? "[]");
export const deno = flags.filter((flag) => flag.startsWith("--preload=")).map((flag) => `--deno=${flag}`);

/** Runs a plug-in next to a secret file, and returns its answer to each input. */
export async function run(
  source: string,
  inputs: unknown[],
  args: string[] = [],
  name = "plugin.js",
  env: Record<string, string> = {},
) {
  using fixture = new Fixture({
    [name]: source.replaceAll("$LIBRARY", new URL("../../mod.ts", import.meta.url).href),
  });
  fixture.write("secret", "CANARY");
  fixture.write("secret.js", "export default 'CANARY';");
  const result = await runTool("plugin_host", [`--libc=${libcPath}`, ...deno, ...args, fixture.at(name)], {
    permissions: ["--allow-read", "--allow-run", ...(kernel.simulated ? ["--allow-env"] : [])],
    env,
    stdin: inputs.map((input) => `${JSON.stringify(input)}\n`).join("").replaceAll("$PLACE", fixture.path),
  });
  const answers = result.stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  assertEquals(fixture.list(), [name, "secret", "secret.js"].sort());
  assert(!/CANARY/.test(result.stdout + result.stderr), result.stdout + result.stderr);
  return { ...result, answers };
}

/** Fails unless the host stopped the plug-in before its first answer, and said why. */
export const stopped = (result: ChildResult & { answers: unknown[] }, why: RegExp) => {
  assertEquals([result.code, result.answers], [1, []], result.stderr);
  assertMatch(result.stderr, why);
};
