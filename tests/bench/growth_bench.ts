/**
 * How the time of a call grows: with the entries of a directory, the bytes of a file, the components of a path.
 *
 * @module
 */
import { report, type Target } from "./_bench.ts";
import { findPython, measureByTurns, turns } from "./_turns.ts";
import { growth, growthScene } from "./files/scene.ts";

interface Series {
  /** What the sizes count. */
  of: string;
  what(at: number): string;
  peers: Record<string, string>;
  /** Beside Deno. */
  target: Target;
}

/** At any size as fast as Deno, or faster. */
const noSlower = { ratio: 1 };
/** A confined lookup of several components takes openat2(2), statx(2) and close(2), where Deno takes statx(2). */
const threeCalls = { ratio: 2 };
const isLarge = 4 * 1024 ** 2, microsecond = 1000, rounds = 3;
const series: Record<keyof typeof growth, Series> = {
  list: {
    of: "entries",
    what: (at) => `Dir.listSync() of ${at} entries`,
    peers: { deno: "Deno.readDirSync", node: "node:fs readdirSync", python: "os.listdir(fd)" },
    target: noSlower,
  },
  read: {
    of: "bytes",
    what: (at) => `Dir.readFileSync() of ${at} bytes`,
    peers: {
      deno: "Deno.readFileSync",
      node: "node:fs readFileSync",
      python: "os.open(dir_fd=), os.read, os.close",
    },
    target: noSlower,
  },
  deep: {
    of: "components",
    what: (at) => `Dir.statSync() of a path of ${at} components`,
    peers: { deno: "Deno.statSync", node: "node:fs statSync", python: "os.stat(dir_fd=)" },
    target: threeCalls,
  },
};

using files = growthScene();
const python = await findPython();
for (const [name, { of, what, peers, target }] of Object.entries(series)) {
  const present = Object.entries(peers).filter(([peer]) => peer !== "python" || python !== undefined);
  for (const at of growth[name as keyof typeof growth]) {
    const turn = of === "bytes" && at > isLarge ? turns.large : { ...turns.us, rounds };
    const took = await measureByTurns(turn, files.path, `${name} ${at}`, [
      "ours",
      ...present.map(([peer]) => peer),
    ]);
    for (const [peer, called] of present) {
      const [mine, other] = [took.ours! / microsecond, took[peer]! / microsecond];
      report(what(at), mine, called, other, "us", peer === "deno" ? target : {}, { growth: { of, at } });
    }
  }
}
