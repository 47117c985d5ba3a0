/** The thread of a `Swapper`. It always calls Linux itself, if it runs there. */
import { libc, openDirSync } from "../../mod.ts";
import { Random } from "../_random.ts";
import { GO, STATE } from "./_swapper.ts";

/** Returns whether a call succeeds: the other thread removes and renames here too. */
function works(call: () => unknown): boolean {
  try {
    call();
    return true;
  } catch {
    return false;
  }
}

function swap(path: string, random: Random, isOn: () => boolean, begun: () => void): void {
  using above = openDirSync(path);
  using inside = above.openDirSync("inside");
  using elsewhere = above.openDirSync("elsewhere");
  works(() => inside.symlinkSync("../outside", "l"));
  for (; isOn(); begun()) {
    const all = inside.listSync();
    if (all.length < 2) continue;
    const one = random.pick(all), other = random.pick(all);
    if (random.chance(50)) {
      // Out of the directory and back.
      if (works(() => libc.renameat(inside, one, elsewhere, "moved"))) {
        if (!works(() => libc.renameat(elsewhere, "moved", inside, one))) {
          works(() => elsewhere.removeSync("moved", { recursive: true }));
        }
      }
    } else if (works(() => libc.renameat(inside, one, inside, ".held"))) {
      works(() => libc.renameat(inside, other, inside, one));
      works(() => libc.renameat(inside, ".held", inside, other));
    }
  }
}

const worker = self as unknown as Worker, random = new Random(1);
worker.onmessage = ({ data: { above, shared } }: MessageEvent<{ above: string; shared: Int32Array }>) => {
  const tell = (state: number) => {
    if (Atomics.exchange(shared, STATE, state) !== state) Atomics.notify(shared, STATE);
  };
  works(() => swap(above, random, () => Atomics.load(shared, GO) === 1, () => tell(1)));
  // The other thread waits for the begin, also of what could not begin.
  tell(1);
  tell(0);
};
worker.postMessage("ready");
