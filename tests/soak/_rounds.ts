/**
 * Rounds of everything that opens descriptors or holds memory, with the garbage collector under pressure: Workers, streams,
 * pipes, walks, copies, brokers. It prints descriptors and memory, and throws if they grow after the warm-up.
 *
 * Arguments: an empty directory, the seconds (0 for no limit), the rounds (0 for no limit), the seconds between two lines.
 *
 * @module
 */
import { broker } from "../../compat/broker/mod.ts";
import { FdFile, openDirSync, openSync } from "../../mod.ts";
import { residentSize } from "../_child.ts";
import { openDescriptors } from "../_kernel.ts";
import { pipe, socketPair } from "../_pairs.ts";
import { workerURL } from "../_standin.ts";

const [path = "", seconds = "0", rounds = "0", interval = "10"] = Deno.args;
/** Rounds after which everything has its size. */
const WARM = 6;
/** Bytes by which the process may grow after that: the engine frees memory when it likes. */
const MOST_GROWTH = 48 * 2 ** 20;

const { gc } = globalThis as { gc?: () => void };
using dir = openDirSync(path);
dir.writeFileSync("big", new Uint8Array(400_000).fill(7));
for (let i = 0; i < 60; i++) {
  dir.mkdirSync(`tree/${i % 6}/${i % 4}`, { recursive: true });
  dir.writeTextFileSync(`tree/${i % 6}/${i % 4}/${i}`, "text\n".repeat(i));
}

/** Garbage of many sizes, some of which lives for a while. */
const kept: unknown[] = Array.from({ length: 64 });
function litter(round: number): void {
  for (let i = 0; i < 200; i++) kept[(round * 200 + i) % kept.length] = new Uint8Array(1000 + i * 50);
}

const works: Record<string, (round: number) => Promise<unknown>> = {
  async worker() {
    const worker = new Worker(workerURL(new URL("_worker.ts", import.meta.url)), { type: "module" });
    const answer = () => new Promise<unknown>((resolve) => worker.onmessage = ({ data }) => resolve(data));
    const ready = answer();
    await ready;
    const done = answer();
    worker.postMessage(path);
    if (await done !== 60) throw new Error("the Worker has not seen all files");
    worker.terminate();
  },
  async streams() {
    await openSync(`${path}/big`).readable.pipeTo(dir.createSync("copy").writable);
    const reader = openSync(`${path}/big`).readable.getReader();
    await reader.read();
    await reader.cancel();
    const controller = new AbortController(), { signal } = controller;
    const copied = openSync(`${path}/big`).readable.pipeTo(dir.createSync("cut").writable, { signal });
    controller.abort();
    await copied.catch(() => {});
    for await (const _ of dir.readTextFileLines("tree/5/3/59")) break;
  },
  async pairs() {
    for (const [one, other] of [pipe(), socketPair("stream")]) {
      const read = one.readAll();
      await other.writeAll(new Uint8Array(100_000));
      other.close();
      if ((await read).length !== 100_000) throw new Error("bytes are lost");
      one.close();
    }
    const [reader, writer] = pipe();
    const waiting = reader.read(new Uint8Array(9)).catch((error) => error);
    await new Promise((resolve) => setTimeout(resolve, 1));
    reader.close();
    writer.close();
    if (!(await waiting instanceof Deno.errors.BadResource)) throw new Error("the read was not ended");
  },
  async trees(round) {
    if ((await Array.fromAsync(dir.walk("tree", { includeDirs: false }))).length !== 60) {
      throw new Error("lost");
    }
    for (const _ of dir.walkSync("tree")) break;
    for await (const _ of dir.walk("tree")) break;
    for await (const _ of dir.expandGlob("tree/**/1*")) break;
    await dir.copy("tree", `copy ${round % 3}`, { overwrite: true });
    await dir.remove(`copy ${round % 3}`, { recursive: true });
    for (let i = 0; i < 20; i++) await dir.writeFileAtomic("atomic", new Uint8Array(5000));
    for (let i = 0; i < 50; i++) {
      try {
        dir.readFileSync("tree/missing");
      } catch {
        // It is about what is left open.
      }
    }
  },
  async broker(round) {
    if (round % 4 !== 0) return;
    await using net = await broker({ open: { read: [path] } });
    for (let i = 0; i < 20; i++) {
      using file = await net.open(`${path}/big`);
      if ((await file.readAll()).length !== 400_000) throw new Error("the broker's file is short");
      await net.open("/etc/hosts").catch(() => {});
    }
  },
  // deno-lint-ignore require-await
  async lost() {
    // Nobody closes what these hold: they are duplicates of closed numbers, so only memory is at stake.
    for (let i = 0; i < 50; i++) new FdFile(openSync(`${path}/big`).take()).close();
  },
};

interface Sample {
  fds: number;
  rss: number;
}

/** What is open and used, once what ends in the background has ended. */
async function sample(): Promise<Sample> {
  gc?.();
  let fds = Infinity;
  for (let tries = 0; tries < 40; tries++) {
    fds = Math.min(fds, openDescriptors().length);
    if (warm === undefined || fds <= warm.fds) break;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return { fds, rss: residentSize() };
}

const begin = performance.now(), mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
let warm: Sample | undefined, round = 0, printed = 0;
const elapsed = () => (performance.now() - begin) / 1000;
const goesOn = () =>
  (rounds === "0" || round < Number(rounds)) && (seconds === "0" || elapsed() < Number(seconds));
for (; goesOn(); round++) {
  litter(round);
  for (const work of Object.values(works)) await work(round);
  if (round < WARM) continue;
  const now = await sample();
  warm ??= now;
  if (elapsed() - printed >= Number(interval)) {
    printed = elapsed();
    console.log(`${printed.toFixed(0)} s: ${round} rounds, ${now.fds} descriptors, ${mebibytes(now.rss)}`);
  }
  if (now.fds > warm.fds) {
    throw new Error(`${now.fds - warm.fds} descriptors are left open after ${round} rounds`);
  }
  if (now.rss > warm.rss + MOST_GROWTH) {
    throw new Error(
      `the process grew from ${mebibytes(warm.rss)} to ${mebibytes(now.rss)} in ${round} rounds`,
    );
  }
}
const end = await sample();
console.log(
  `${round} rounds in ${elapsed().toFixed(0)} s: from ${warm?.fds} descriptors and ${
    mebibytes(warm?.rss ?? 0)
  } ` +
    `to ${end.fds} and ${mebibytes(end.rss)}`,
);
