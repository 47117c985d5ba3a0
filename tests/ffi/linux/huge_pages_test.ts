import { assertEquals } from "@std/assert";
import { inChild } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";

const MiB = 1024 * 1024;
const skip = kernel.hasCapsicum && "needs Linux itself, natively";

/** How many mappings of a process that reads a file of so many bytes have the hint, and whether the bytes are right. */
async function reading(size: number): Promise<{ hinted: number; isSame: boolean }> {
  using fixture = new Fixture({ file: new Uint8Array(size).map((_, i) => i * 31) });
  return await inChild(
    ({ openSync }, { path, size }) => {
      const hinted = () =>
        Deno.readTextFileSync("/proc/self/smaps").match(/^VmFlags:.* hg( |$)/gm)?.length ?? 0;
      const before = hinted();
      const memory = new Uint8Array(size + 5).fill(9);
      using file = openSync(path);
      file.readSync(memory.subarray(3, size + 3));
      const isSame = memory.every((byte, i) => byte === (i < 3 || i >= size + 3 ? 9 : ((i - 3) * 31) & 0xff));
      return { hinted: hinted() - before, isSame };
    },
    { path: fixture.at("file"), size },
    { permissions: ["-A"] },
  );
}

test("libc.read() of 33 MiB asks Linux for huge pages, and fills the given buffer", async () => {
  assertEquals(await reading(33 * MiB), { hinted: 1, isSame: true });
}, { skip });

test("libc.read() of 1 MiB asks Linux for nothing", async () => {
  assertEquals(await reading(MiB), { hinted: 0, isSame: true });
}, { skip });
