import { assert, assertEquals } from "@std/assert";
import { runModule } from "../_child.ts";
import { kernel } from "../_kernel.ts";
import { test } from "../_test.ts";
import { isWhole } from "./_errnos.ts";

const skip = kernel.hasCapsicum
  ? "needs Linux itself, natively"
  : Deno.build.arch !== "x86_64" && "needs Linux on x86_64, whose calls the filter knows";

test("each call that Linux refuses is reported, and leaves no descriptor open", async () => {
  const { code, stdout, stderr } = await runModule(new URL("_linux_faults.ts", import.meta.url), {
    timeout: isWhole ? 3_600_000 : 300_000,
  });
  assertEquals([code, stderr], [0, ""]);
  const { wrong, refused, faults }: { wrong: string[]; refused: number; faults: number } = JSON.parse(stdout);
  assertEquals(wrong, []);
  assert(refused > 100, `${refused}`);
  if (isWhole) console.log(`${faults} faults, ${refused} of them reported`);
}, { skip });
