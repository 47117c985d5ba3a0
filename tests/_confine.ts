/**
 * Does to this process what `limitStdio()`, `limitOthers()` and `enter()` do, so that Deno's own calls are refused too; on
 * Linux, on x86_64, by filters of seccomp(2).
 *
 * @module
 */
import * as capsicum from "../mod.ts";
import { refuse } from "./_capmode_filter.ts";
import { kernel } from "./_kernel.ts";
import { leave } from "./_rights_filter.ts";

/** The reason why Deno's own calls can't be tested here; false if they can. */
export const reasonToSkip: string | false = kernel.simulated
  ? "needs FreeBSD or Linux itself: the stand-in does not see Deno's own calls"
  : Deno.build.os === "linux" && Deno.build.arch !== "x86_64" &&
    "needs FreeBSD, or Linux on x86_64, whose calls the filter knows";

export function confine(): void {
  if (kernel.hasCapsicum) {
    capsicum.limitStdio();
    capsicum.limitOthers();
    capsicum.enter();
    return;
  }
  const files = capsicum.openDescriptors().filter(({ fd, kind }) => fd > 2 && kind === "file")
    .map(({ fd }) => fd);
  if (files.length === 0) throw new Error("Deno has no file open.");
  const TCGETS = 0x5401, TIOCGWINSZ = 0x5413;
  leave([0], capsicum.presets.stream.stdin, [TCGETS, TIOCGWINSZ]);
  leave([1, 2], capsicum.presets.stream.stdout, [TCGETS, TIOCGWINSZ]);
  leave(files, ["FLOCK"]);
  refuse();
}
