/**
 * The process that runs random programs: its argument is a `Task` in JSON. It ends with 1 if one fails.
 *
 * @module
 */
import { libcPath } from "../_child.ts";
import { kernel } from "../_kernel.ts";
import { dropRoot } from "../_unprivileged.ts";
import { CallsTarget } from "./_calls.ts";
import { type Bounds, fuzz, type Target } from "./_fuzz.ts";
import { GlobsTarget } from "./_globs.ts";
import { PathsTarget } from "./_paths.ts";
import { Swapper } from "./_swapper.ts";
import { TarTarget } from "./_tars.ts";
import { WireTarget } from "./_wire.ts";

/** The bounds of each target by its name. */
export type Task = Partial<Record<"globs" | "tar" | "wire" | "calls" | "paths" | "capmode", Bounds>>;

async function run<Step>(target: Target<Step>, bounds: Bounds): Promise<void> {
  const start = performance.now();
  const { count, failure } = await fuzz(target, bounds);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (failure === undefined) {
    console.log(
      `${target.name}: ${count} ${target.unit} from seed ${bounds.seed}: as expected (${seconds} s)`,
    );
    return;
  }
  console.log(`${target.name}, seed ${failure.seed}, ${kernel.name}:\n${failure.report}`);
  console.log(`To repeat: deno task fuzz --seed ${failure.seed} --count ${failure.count} ${target.name}`);
  Deno.exitCode = 1;
}

const { globs, tar, wire, calls, paths, capmode }: Task = JSON.parse(Deno.args[0]!);
if (globs) {
  using target = new GlobsTarget();
  await run(target, globs);
}
if (tar) {
  using target = new TarTarget();
  await run(target, tar);
}
if (wire) {
  // The broker's process runs without privileges. It is started again after its end, which needs them.
  using target = new WireTarget();
  await run(target, wire);
}
// The stand-in's own call refuses nothing to Deno, which makes the files.
const standin = capmode && Deno.dlopen(libcPath, { cap_enter: { parameters: [], result: "i32" } });
// The programs that follow attack: not even a broken library may do harm. The thread loads its modules before.
using swapper = paths && await Swapper.start();
dropRoot();
if (calls) {
  using target = new CallsTarget();
  await run(target, calls);
}
if (paths && swapper) {
  using target = new PathsTarget(swapper);
  await run(target, paths);
}
if (capmode && standin) {
  using target = new CallsTarget("capmode", standin.symbols.cap_enter);
  await run(target, capmode);
}
