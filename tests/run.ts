/**
 * Runs the demo, the tests, the bench, the fuzz, the mutants and the checks, on FreeBSD against its kernel, on Linux against the stand-in.
 *
 * It imports no package, so that it starts where no registry can be reached.
 *
 * @module
 */
import { runMutants } from "./mutants/run.ts";
import { runBench } from "./run/bench.ts";
import { runDemo } from "./run/demo.ts";
import { runFuzz } from "./run/fuzz.ts";
import { runOk } from "./run/ok.ts";
import { runTests } from "./run/tests.ts";
import { runSoak } from "./soak/run.ts";

const usage = `usage: deno task demo [port_pycapsicumcffi | port_pycapsicum]
       deno task test [arguments of deno test]
       deno task bench [--quick] [--json [FILE.json]] [names of benches]
       deno task fuzz [--seed N] [--count N] [--seconds S] [targets]
       deno task mutants [parts of names]
       deno task soak [--seconds S]
       deno task ok [fmt | lint | check | doc | publish | test]...`;

const commands: Record<string, (args: string[]) => Promise<number>> = {
  demo: runDemo,
  test: runTests,
  bench: runBench,
  fuzz: runFuzz,
  mutants: runMutants,
  soak: runSoak,
  ok: runOk,
};

const [name = "", ...args] = Deno.args;
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (command === undefined) {
  console.error(usage);
  Deno.exit(2);
}
try {
  Deno.exit(await command(args));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exit(1);
}
