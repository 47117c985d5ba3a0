/**
 * The file API beside Deno's own, node:fs and Python, each case of each in processes of its own, by turns.
 *
 * @module
 */
import { runModule } from "../_child.ts";
import { median, report, type Target } from "./_bench.ts";
import { inTree, many, scene } from "./files/scene.ts";

interface Turns {
  /** How often each peer has its turn. */
  rounds: number;
  /** For how many milliseconds it is measured then. */
  budget: number;
}

const turns = {
  us: { rounds: 9, budget: 200 },
  ms: { rounds: 7, budget: 250 },
  large: { rounds: 3, budget: 1 },
};
/** The rounds of peers that there is no target for. */
const fewRounds = 2;
/** Writing is as fast as Deno does it, or faster. */
const noSlower = 1;
const walker = import.meta.resolve("@std/fs").startsWith("file:")
  ? "the algorithm of @std/fs walkSync over Deno.readDirSync"
  : "@std/fs walkSync";

interface Comparison {
  what: string;
  unit: "us" | "ms";
  isLarge?: true;
  /** What each peer does, and what the library's time must be beside that. */
  peers: { deno: [string, number]; node?: [string]; python?: [string, number?] };
  /** What bare.ts does in this case. */
  bare?: string;
}

const readsBare = "openat2, read, read and close by themselves, to new memory of the right size";
const intoBare = "openat2, read and close by themselves";
const writeBare = "openat, write and close by themselves";
const listBare = "getdents64 by itself, with no names made of it";
const opened = "os.open(dir_fd=), os.fstat, os.read, os.close",
  readv = "os.open(dir_fd=), os.readv, os.close";
const readInto = "node:fs openSync, readSync, closeSync";

const comparisons: Record<string, Comparison> = {
  names: {
    what: `Dir.listSync() of ${many} entries`,
    unit: "ms",
    peers: {
      deno: ["Deno.readDirSync", 0.35],
      node: ["node:fs readdirSync"],
      python: ["os.listdir(fd)", 1.1],
    },
    bare: listBare,
  },
  entries: {
    what: `Dir.readDirSync() of ${many} entries`,
    unit: "ms",
    peers: {
      deno: ["Deno.readDirSync", 0.45],
      node: ["node:fs readdirSync, withFileTypes"],
      python: ["list(os.scandir(fd))"],
    },
    bare: listBare,
  },
  read1K: {
    what: "Dir.readFileSync() of 1 KiB",
    unit: "us",
    peers: { deno: ["Deno.readFileSync", 0.85], node: ["node:fs readFileSync"], python: [opened] },
    bare: readsBare,
  },
  read64K: {
    what: "Dir.readFileSync() of 64 KiB",
    unit: "us",
    peers: { deno: ["Deno.readFileSync", 0.5], node: ["node:fs readFileSync"], python: [opened] },
    bare: readsBare,
  },
  read500M: {
    what: "Dir.readFileSync() of 500 MiB",
    unit: "ms",
    isLarge: true,
    peers: { deno: ["Deno.readFileSync", 0.45], node: ["node:fs readFileSync"], python: [opened] },
    bare: readsBare,
  },
  into1K: {
    what: "Dir.openSync() and readIntoSync() of 1 KiB",
    unit: "us",
    peers: { deno: ["Deno.readFileSync", 0.5], node: [readInto], python: [readv] },
    bare: intoBare,
  },
  into64K: {
    what: "Dir.openSync() and readIntoSync() of 64 KiB",
    unit: "us",
    peers: { deno: ["Deno.readFileSync", 0.5], node: [readInto], python: [readv] },
    bare: intoBare,
  },
  into500M: {
    what: "Dir.openSync() and readIntoSync() of 500 MiB",
    unit: "ms",
    isLarge: true,
    peers: { deno: ["Deno.readFileSync", 0.5], node: [readInto], python: [readv] },
    bare: intoBare,
  },
  stat: {
    what: "Dir.statSync()",
    unit: "us",
    peers: { deno: ["Deno.statSync", 0.65], node: ["node:fs statSync"], python: ["os.stat(dir_fd=)"] },
    bare: "statx by itself",
  },
  walk: {
    what: `Dir.walkSync() of ${inTree} files`,
    unit: "ms",
    peers: { deno: [walker, 0.5] },
  },
  write1K: {
    what: "Dir.writeFileSync() of 1 KiB, a new file",
    unit: "us",
    peers: {
      deno: ["Deno.writeFileSync", noSlower],
      node: ["node:fs writeFileSync"],
      python: ["os.open(dir_fd=), os.write, os.close"],
    },
    bare: writeBare,
  },
  write10M: {
    what: "Dir.writeFileSync() of 10 MiB, a new file",
    unit: "ms",
    peers: {
      deno: ["Deno.writeFileSync", noSlower],
      node: ["node:fs writeFileSync"],
      python: ["os.open(dir_fd=), os.write, os.close"],
    },
    bare: writeBare,
  },
  readAsync10M: {
    what: "Dir.readFile() of 10 MiB",
    unit: "ms",
    peers: { deno: ["Deno.readFile", 1.1], node: ["node:fs promises.readFile"] },
    bare: "openat2, read on another thread and close by themselves, to new memory of the right size",
  },
};
const nanoseconds = { us: 1e3, ms: 1e6 };

using files = scene();
const python = await findPython();
console.log(`files: ${await fileSystem(files.path)}; python3: ${python ?? "none"}`);
for (const [name, { what, unit, isLarge, peers, bare }] of Object.entries(comparisons)) {
  const present = Object.entries(peers).filter(([peer]) => peer !== "python" || python !== undefined);
  const turn = turns[isLarge ? "large" : unit];
  const untargeted = present.filter(([, [, ratio]]) => ratio === undefined).map(([peer]) => peer);
  const targeted = present.map(([peer]) => peer).filter((peer) => !untargeted.includes(peer));
  const took = {
    ...await measureByTurns({ ...turn, rounds: fewRounds }, name, untargeted),
    ...await measureByTurns(turn, name, ["ours", ...targeted]),
  };
  const scaled = (peer: string) => took[peer]! / nanoseconds[unit];
  let isMet = true;
  for (const [peer, [called, ratio]] of present) {
    const target: Target | undefined = ratio === undefined ? undefined : { ratio };
    isMet = report(what, scaled("ours"), called, scaled(peer), unit, target) && isMet;
  }
  if (isMet || bare === undefined || Deno.build.os !== "linux") continue;
  const { bare: least, deno } = await measureByTurns(turn, name, ["bare", "deno"]);
  report(`  limited by: ${bare}`, least! / nanoseconds[unit], peers.deno[0], deno! / nanoseconds[unit], unit);
}

/** The median time of one thing for each peer, in nanoseconds. */
async function measureByTurns(
  { rounds, budget }: Turns,
  name: string,
  peers: string[],
): Promise<Record<string, number>> {
  const samples: Record<string, number[]> = Object.fromEntries(peers.map((peer) => [peer, []]));
  for (let round = 0; round < rounds; round++) {
    for (const peer of peers) samples[peer]!.push(await measureOnce(peer, name, budget));
  }
  return Object.fromEntries(Object.entries(samples).map(([peer, values]) => [peer, median(values)]));
}

async function measureOnce(peer: string, name: string, budget: number): Promise<number> {
  const module = new URL("files/child.ts", import.meta.url), args = [name, files.path, String(budget)];
  const { code, stdout, stderr } = peer === "python"
    ? await runPython([new URL("files/peer.py", import.meta.url).pathname, ...args])
    : await runModule(module, { flags: ["--v8-flags=--expose-gc"], args: [peer, ...args] });
  if (code !== 0) throw new Error(`${peer} ended with code ${code} in the case ${name}\n${stderr}`);
  return Number(stdout);
}

async function runPython(args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command("python3", { args }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

async function findPython(): Promise<string | undefined> {
  try {
    const { code, stdout } = await runPython(["-c", "import platform; print(platform.python_version())"]);
    return code === 0 ? stdout.trim() : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The type of the file system that a path is on, as df(1) tells it. */
async function fileSystem(path: string): Promise<string> {
  const { stdout } = await new Deno.Command("df", { args: ["-T", path] }).output();
  return new TextDecoder().decode(stdout).trim().split("\n").at(-1)!.split(/\s+/)[1] ?? "unknown";
}
