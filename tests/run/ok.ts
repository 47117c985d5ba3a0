import { root, runDeno } from "./deno.ts";
import { packageFlags } from "./packages.ts";
import { runTests } from "./tests.ts";

const steps: Record<string, () => Promise<number>> = {
  fmt: () => runDeno(["fmt", "--check", "--quiet"]),
  lint: () => runDeno(["lint", "--quiet"]),
  check: async () => await runDeno(["check", "--quiet", "--no-lock", ...await packageFlags(), "."]),
  doc: () => runDeno(["doc", "--quiet", "--lint", ...exported()]),
  publish: () => runDeno(["publish", "--quiet", "--dry-run", "--allow-dirty"]),
  test: () => runTests([]),
};

/** Runs the given checks, or all, to the end, and returns 1 if any failed. */
export async function runOk(names: string[]): Promise<number> {
  const unknown = names.find((name) => !Object.hasOwn(steps, name));
  if (unknown !== undefined) {
    throw new Error(`There is no check "${unknown}", only ${Object.keys(steps).join(", ")}.`);
  }
  const report: string[] = [];
  let exit = 0;
  for (const [name, step] of Object.entries(steps)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const code = await step();
    report.push(`${name}: ${code === 0 ? "ok" : "failed"}`);
    exit ||= Number(code !== 0);
  }
  console.log(["", ...report].join("\n"));
  return exit;
}

function exported(): string[] {
  const { exports } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root)));
  return Object.values<string>(exports);
}
