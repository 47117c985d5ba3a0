/**
 * The file API beside Deno's own, node:fs and Python, each case of each in processes of its own, by turns.
 *
 * @module
 */
import { report, type Target } from "./_bench.ts";
import { findPython, measureByTurns, turns } from "./_turns.ts";
import { inTree, many, scene } from "./files/scene.ts";

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
    ...await measureByTurns({ ...turn, rounds: fewRounds }, files.path, name, untargeted),
    ...await measureByTurns(turn, files.path, name, ["ours", ...targeted]),
  };
  const scaled = (peer: string) => took[peer]! / nanoseconds[unit];
  let isMet = true;
  for (const [peer, [called, ratio]] of present) {
    const target: Target | undefined = ratio === undefined ? undefined : { ratio };
    isMet = report(what, scaled("ours"), called, scaled(peer), unit, target) && isMet;
  }
  if (isMet || bare === undefined || Deno.build.os !== "linux") continue;
  const { bare: least, deno } = await measureByTurns(turn, files.path, name, ["bare", "deno"]);
  report(
    `  limited by: ${bare}`,
    least! / nanoseconds[unit],
    peers.deno[0],
    deno! / nanoseconds[unit],
    unit,
    {},
    {
      isBare: true,
    },
  );
}

/** The type of the file system that a path is on, from df(1). */
async function fileSystem(path: string): Promise<string> {
  const { stdout } = await new Deno.Command("df", { args: ["-T", path] }).output();
  return new TextDecoder().decode(stdout).trim().split("\n").at(-1)!.split(/\s+/)[1] ?? "unknown";
}
