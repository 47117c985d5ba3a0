import { root } from "../run/deno.ts";
import { findKernels, type Kernel, kernelEnv } from "../run/kernel.ts";
import { packageFlags } from "../run/packages.ts";
import { mutants } from "./all.ts";
import { type Concern, type Mutant, mutated } from "./mutant.ts";

/** Milliseconds after which a test that hangs counts as failed. */
const patience = 180_000;

/**
 * Applies each mutant to a copy of the checkout, runs the tests that concern it, prints the survivors, and returns 1 if there
 * are any. What runs once without a fault must pass.
 *
 * @param names Parts of the names and files of mutants; all mutants if there are none.
 */
export async function runMutants(names: string[]): Promise<number> {
  const chosen = mutants.filter(({ what, file }) =>
    names.length === 0 || names.some((name) => `${file}: ${what}`.includes(name))
  );
  if (chosen.length === 0) throw new Error(`No mutant's name or file has ${names.join(" or ")} in it.`);
  const packages = await packageFlags(), kernels = await findKernels();
  const copies = Array.from(
    { length: Math.min(2, navigator.hardwareConcurrency) },
    () => new Copy(kernels, packages),
  );
  const wrong: string[] = [];
  try {
    const concerns = new Map(chosen.flatMap(({ concerns }) => concerns.map((one) => [nameOf(one), one])));
    await inLanes(copies, [...concerns.values()], async (copy, concern) => {
      const { result, output } = await copy.run(concern);
      if (result === "passed") return;
      wrong.push(`${nameOf(concern)}: ${result} without a fault`);
      console.log(output);
    });
    await inLanes(copies, chosen, async (copy, mutant) => {
      const result = await copy.kill(mutant);
      console.log(`${result}: ${mutant.file}: ${mutant.what}`);
      if (!result.startsWith("killed")) wrong.push(`${result}: ${mutant.file}: ${mutant.what}`);
    });
  } finally {
    for (const copy of copies) copy[Symbol.dispose]();
  }
  console.log([
    "",
    ...wrong,
    `${chosen.length} mutants, ${wrong.length === 0 ? "none survived" : `${wrong.length} to look at`}`,
  ].join("\n"));
  return Number(wrong.length > 0);
}

/** Works on all items, one at a time in each copy. */
async function inLanes<T>(
  copies: readonly Copy[],
  items: readonly T[],
  work: (copy: Copy, item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  await Promise.all(copies.map(async (copy) => {
    for (let item; (item = waiting.shift()) !== undefined;) await work(copy, item);
  }));
}

function nameOf({ on, test, filter }: Concern): string {
  return `${test}${filter === undefined ? "" : ` (${filter})`} on ${on}`;
}

interface Outcome {
  result: "passed" | "failed" | "timed out" | "ran no test" | "can't be loaded";
  output: string;
}

/** A copy of the checkout. */
class Copy implements Disposable {
  readonly #path = Deno.makeTempDirSync({ prefix: "capsicum-mutants-" });
  readonly #kernels: readonly Kernel[];
  readonly #packages: readonly string[];

  constructor(kernels: readonly Kernel[], packages: readonly string[]) {
    // Some tests attack as a user without privileges.
    Deno.chmodSync(this.#path, 0o755);
    copyTree(decodeURIComponent(root.pathname).replace(/\/$/, ""), this.#path);
    // What names the checkout must name the copy.
    const here = decodeURIComponent(root.pathname);
    [this.#kernels, this.#packages] = JSON.parse(
      JSON.stringify([kernels, packages]).replaceAll(here, `${this.#path}/`),
    );
  }

  /** Runs tests in the copy. */
  async run({ on, test, filter }: Concern): Promise<Outcome> {
    const kernel = this.#kernels.find(({ place }) => place === on);
    if (kernel === undefined) throw new Error(`This system has no kernel "${on}" for the tests.`);
    const flags = ["--no-lock", ...kernel.flags, ...this.#packages];
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["test", "-A", "--no-check", "--quiet", "--fail-fast", ...flags],
        ...(filter === undefined ? [] : [`--filter=${filter}`]),
        `tests/${test}`,
      ],
      cwd: this.#path,
      env: { ...kernel.env, ...kernelEnv(kernel, flags), NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, patience);
    const { success, stdout, stderr } = await child.output();
    clearTimeout(timer);
    const decoder = new TextDecoder(), output = decoder.decode(stdout) + decoder.decode(stderr);
    if (isLate) return { result: "timed out", output };
    if (/could not be parsed|SyntaxError: |Module not found/.test(output)) {
      return { result: "can't be loaded", output };
    }
    if (!success) return { result: "failed", output };
    return { result: /[1-9]\d* passed/.test(output) ? "passed" : "ran no test", output };
  }

  /** What came of the tests with the fault; starts with "killed" if one failed. */
  async kill(mutant: Mutant): Promise<string> {
    const path = `${this.#path}/${mutant.file}`, source = Deno.readTextFileSync(path);
    Deno.writeTextFileSync(path, mutated(source, mutant));
    try {
      for (const concern of mutant.concerns) {
        const { result } = await this.run(concern);
        if (result === "failed" || result === "timed out") return `killed (${nameOf(concern)})`;
        if (result !== "passed") return result;
      }
      return "survived";
    } finally {
      Deno.writeTextFileSync(path, source);
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#path, { recursive: true });
  }
}

/** Copies files with their times, by which the stand-in is known to be built. */
function copyTree(from: string, to: string): void {
  for (const { name, isDirectory, isFile } of Deno.readDirSync(from)) {
    if ([".git", "node_modules", "coverage"].includes(name)) continue;
    const [source, target] = [`${from}/${name}`, `${to}/${name}`];
    if (isDirectory) {
      Deno.mkdirSync(target);
      copyTree(source, target);
    } else if (isFile) {
      Deno.copyFileSync(source, target);
      const { atime, mtime } = Deno.statSync(source);
      Deno.utimeSync(target, atime!, mtime!);
    }
  }
}
