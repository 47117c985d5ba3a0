import { assertRejects } from "@std/assert";
import { test } from "../_test.ts";
import { runFuzz } from "./fuzz.ts";

test("deno task fuzz refuses wrong options and unknown targets in one line", async () => {
  const wrong: [args: string[], message: string][] = [
    [["call"], 'There is no target "call". The targets are calls, capmode, paths, globs, tar, wire.'],
    [["--seed", "abc"], '--seed takes an integer from 0, not "abc".'],
    [["--seed=-1", "calls"], '--seed takes an integer from 0, not "-1".'],
    [["--count", "0"], '--count takes an integer from 1, not "0".'],
    [["--seconds"], '--seconds takes an integer from 1, not "".'],
    [["--sead", "1"], "There is no option --sead. The options are --seed N, --count N and --seconds S."],
    [["-s"], "There is no option -s."],
  ];
  for (const [args, message] of wrong) await assertRejects(() => runFuzz(args), Error, message);
});
