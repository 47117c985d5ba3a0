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
  const chosen = Object.entries(steps).filter(([name]) => names.length === 0 || names.includes(name));
  // The checks print little and run at the same time; the tests follow, and have limits of time.
  const [tests, checks] = [true, false].map((isTest) =>
    chosen.filter(([name]) => (name === "test") === isTest)
  );
  const codes = await Promise.all(checks!.map(async ([name, step]) => [name, await step()] as const));
  for (const [name, step] of tests!) codes.push([name, await step()]);
  console.log(["", ...codes.map(([name, code]) => `${name}: ${code === 0 ? "ok" : "failed"}`)].join("\n"));
  return Number(codes.some(([, code]) => code !== 0));
}

function exported(): string[] {
  const { exports } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root)));
  return Object.values<string>(exports);
}
