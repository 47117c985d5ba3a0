import { assertMatch } from "@std/assert";
import { runModule } from "../_child.ts";
import { Fixture } from "../_fixture.ts";
import { test } from "../_test.ts";

test(
  "twelve rounds of Workers, streams, trees and brokers leave no descriptor open and do not grow the process",
  async () => {
    using fixture = new Fixture();
    const { code, stdout, stderr } = await runModule(new URL("_rounds.ts", import.meta.url), {
      flags: ["--v8-flags=--expose-gc"],
      args: [fixture.path, "0", "12", "1000"],
      timeout: 300_000,
    });
    assertMatch(
      `${code}\n${stdout}${stderr}`,
      /^0\n12 rounds in \d+ s: from (\d+) descriptors and [\d.]+ MiB to \1 and/,
    );
  },
  {
    skip: Deno.version.deno.startsWith("2.7.") &&
      "needs Deno 2.9: each Worker of Deno 2.7 leaves descriptors open",
  },
);
