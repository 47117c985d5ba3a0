import { assert, assertEquals } from "@std/assert";
import { runModule } from "../_child.ts";
import { kernel } from "../_kernel.ts";
import { test } from "../_test.ts";

const skip = kernel.hasCapsicum
  ? "needs Linux itself, natively"
  : Deno.build.arch !== "x86_64" && "needs Linux on x86_64, whose calls the filter knows";

test("each call that Linux refuses is reported, and leaves no descriptor open", async () => {
  const { code, stdout, stderr } = await runModule(new URL("_linux_faults.ts", import.meta.url));
  assertEquals([code, stderr], [0, ""]);
  const { wrong, refused }: { wrong: string[]; refused: number } = JSON.parse(stdout);
  assertEquals(wrong, []);
  assert(refused > 100, `${refused}`);
  console.log(refused);
}, { skip });
