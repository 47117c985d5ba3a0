import type { Row } from "../bench/_bench.ts";
import { plot } from "../bench/_plot.ts";
import { root, runDeno } from "./deno.ts";
import { askKernel, findKernel, type Kernel, kernelEnv, nativeKernel } from "./kernel.ts";
import { packageFlags } from "./packages.ts";

/** The benches whose figures would be those of the stand-in, not of the library. */
const natively = ["ambient", "broker", "files", "grep", "growth", "http", "throughput"];

interface BenchOptions {
  names: string[];
  isQuick: boolean;
  /** Whether the rows are printed as JSON. */
  isJson: boolean;
  /** The file for the JSON. */
  path?: string;
}

/** What `--json` writes. */
interface Report {
  date: string;
  deno: string;
  machine: string;
  /** The kernel of each bench. */
  kernels: Record<string, string>;
  rows: Row[];
}

/**
 * Runs the benches whose names are given, or all.
 *
 * With `--json` it prints the rows as JSON, or writes them to the `.json` file that follows, and draws them as
 * tests/bench/bench.svg. With `--quick` everything is measured once.
 */
export async function runBench(args: string[]): Promise<number> {
  const { names, isQuick, isJson, path } = benchOptions(args);
  const directory = new URL("tests/bench/", root);
  const all = [...Deno.readDirSync(directory)].map(({ name }) => name)
    .filter((name) => /^[^_].*_bench\.ts$/.test(name)).map((name) => name.slice(0, -"_bench.ts".length))
    .sort();
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) throw new Error(`There is no bench "${unknown}", only ${all.join(", ")}.`);
  const standin = await findKernel(), native = nativeKernel() ?? standin, packages = await packageFlags();
  const print = isJson ? console.error : console.log;
  const rowsPath = isJson ? Deno.makeTempFileSync({ prefix: "capsicum-bench-" }) : undefined;
  const kernels: Record<string, string> = {};
  let exit = 0, last: Kernel | undefined;
  for (const name of names.length > 0 ? names : all) {
    const kernel = natively.includes(name) ? native : standin;
    const flags = ["--no-lock", ...kernel.flags, ...packages];
    const env = {
      ...kernel.env,
      ...kernelEnv(kernel, flags),
      ...isQuick && { CAPSICUM_BENCH_QUICK: "1" },
      ...rowsPath && { CAPSICUM_BENCH_ROWS: rowsPath },
    };
    kernels[name] = await askKernel(flags, env);
    if (kernel !== last) print(`kernel: ${kernels[name]}`);
    last = kernel;
    const module = new URL(`${name}_bench.ts`, directory).href;
    const code = await runDeno(["run", "-A", "--quiet", ...flags, module], {
      env,
      // Standard output is for the JSON.
      ...isJson && { onOutput: (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text)) },
    });
    if (code !== 0) console.error(`The bench "${name}" ended with code ${code}.`);
    exit ||= code;
  }
  if (rowsPath !== undefined) {
    const rows: Row[] = Deno.readTextFileSync(rowsPath).split("\n").slice(0, -1).map((row) =>
      JSON.parse(row)
    );
    Deno.removeSync(rowsPath);
    const made = {
      date: new Date().toISOString().slice(0, 10),
      deno: Deno.version.deno,
      machine: `${Deno.build.arch}, ${navigator.hardwareConcurrency} processors`,
      kernels,
    };
    const json = `${JSON.stringify({ ...made, rows }, undefined, 2)}\n`;
    if (path === undefined) console.log(json.trimEnd());
    else Deno.writeTextFileSync(path, json);
    Deno.writeTextFileSync(new URL("bench.svg", directory), drawing({ ...made, rows }));
    console.error("The plot is tests/bench/bench.svg.");
  }
  return exit;
}

/** A report as SVG. Rows of a simulated kernel say so. */
export function drawing({ date, deno, machine, kernels, rows }: Report): string {
  const on = (kernels.growth ?? Object.values(kernels).at(-1))?.replace(/^(Linux \d+\.\d+)[^,]*/, "$1");
  const isSimulated = ({ bench }: Row) => kernels[bench]?.startsWith("simulated");
  const marked = rows.map((row) => isSimulated(row) ? { ...row, what: `${row.what} (simulated)` } : row);
  return plot(marked, `Deno ${deno}, ${on}, ${machine}, ${date}`);
}

/** Reads the arguments. */
export function benchOptions(args: readonly string[]): BenchOptions {
  const isPath = (arg: string) => arg.endsWith(".json");
  const at = args.indexOf("--json"), path = at < 0 ? undefined : args.slice(at + 1).find(isPath);
  const names = args.filter((arg) => !["--json", "--quick", path].includes(arg));
  const isQuick = args.includes("--quick");
  return { names, isQuick, isJson: at >= 0, ...path === undefined ? {} : { path } };
}
