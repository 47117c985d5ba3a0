/**
 * Measures cases of `files/` for several peers, each in processes of its own, by turns.
 *
 * @module
 */
import { runModule } from "../_child.ts";
import { isQuick, median } from "./_bench.ts";

interface Turns {
  /** How often each peer has its turn. */
  rounds: number;
  /** For how many milliseconds it is measured then. */
  budget: number;
}

export const turns = {
  us: { rounds: 9, budget: 200 },
  ms: { rounds: 7, budget: 250 },
  large: { rounds: 3, budget: 1 },
};

/** The median time of a case for each peer, in nanoseconds. */
export async function measureByTurns(
  { rounds, budget }: Turns,
  place: string,
  name: string,
  peers: readonly string[],
): Promise<Record<string, number>> {
  const samples: Record<string, number[]> = Object.fromEntries(peers.map((peer) => [peer, []]));
  for (let round = 0; round < (isQuick ? 1 : rounds); round++) {
    for (const peer of peers) {
      samples[peer]!.push(await measureOnce(peer, place, name, isQuick ? Math.min(budget, 30) : budget));
    }
  }
  return Object.fromEntries(Object.entries(samples).map(([peer, values]) => [peer, median(values)]));
}

async function measureOnce(peer: string, place: string, name: string, budget: number): Promise<number> {
  const module = new URL("files/child.ts", import.meta.url), args = [name, place, String(budget)];
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

/** The version of python3; undefined if there is none. */
export async function findPython(): Promise<string | undefined> {
  try {
    const { code, stdout } = await runPython(["-c", "import platform; print(platform.python_version())"]);
    return code === 0 ? stdout.trim() : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
