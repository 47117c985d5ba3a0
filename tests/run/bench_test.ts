import { assertEquals } from "@std/assert";
import type { Row } from "../bench/_bench.ts";
import { plot } from "../bench/_plot.ts";
import { test } from "../_test.ts";
import { benchOptions, drawing } from "./bench.ts";

const row = { bench: "files", unit: "us" };

function grown(peer: string, at: number): Row {
  const times = { ours: at, theirs: 2 * at, ratio: 0.5, target: null, met: null };
  return { ...row, what: `call() of ${at} entries`, peer, ...times, growth: { of: "entries", at } };
}

function compared(ratio: number, met: boolean): Row {
  return {
    ...row,
    what: "call() of a < b",
    peer: "Deno",
    ours: ratio,
    theirs: 1,
    ratio,
    target: { ratio: 1 },
    met,
  };
}

test("plot() draws a curve for the library and each peer, and a bar for each ratio that has a target", () => {
  const curves = ["Deno", "Python"].flatMap((peer) => [10, 1000].map((at) => grown(peer, at)));
  const svg = plot([...curves, compared(0.5, true), compared(1.5, false)], "title");
  const count = (text: string) => svg.split(text).length - 1;
  assertEquals(count("<polyline "), 3);
  assertEquals(count('height="14"'), 2);
  assertEquals([count("call() of a &#60; b / Deno"), count("a < b")], [2, 0]);
  assertEquals(svg.includes("NaN") || svg.includes("Infinity"), false);
  // Twice as long a time is as far up for every size.
  const points = [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(([, points]) =>
    points!.split(" ").map((point) => point.split(",").map(Number))
  );
  const [ours, theirs] = points as [number[][], number[][]];
  const above = ours.map((point, i) => Math.round(point[1]! - theirs[i]![1]!));
  assertEquals([above[0]! > 0, above[0] === above[1]], [true, true]);
});

test("drawing() says which rows are simulated, and names the kernel of the others without its build", () => {
  const kernels = { files: "Linux 6.18.44-x1, natively", calls: "simulated FreeBSD (1501502)" };
  const rows = [compared(1, true), { ...compared(1, true), bench: "calls", what: "limit()" }];
  const svg = drawing({ date: "2026-11-28", deno: "2.9.6", machine: "x86_64", kernels, rows });
  assertEquals(
    ["a &#60; b / Deno", "limit() (simulated) / Deno", ">Deno 2.9.6, simulated"].map((text) =>
      svg.includes(text)
    ),
    [true, true, true],
  );
  const native = drawing({
    date: "2026-11-28",
    deno: "2.9.6",
    machine: "x86_64",
    kernels: { files: kernels.files },
    rows,
  });
  assertEquals(native.includes(">Deno 2.9.6, Linux 6.18, natively, x86_64, 2026-11-28<"), true);
});

test("benchOptions() finds the names, --quick, and --json with or without a file", () => {
  assertEquals(benchOptions(["http", "--quick"]), { names: ["http"], isQuick: true, isJson: false });
  assertEquals(benchOptions(["--json", "http"]), { names: ["http"], isQuick: false, isJson: true });
  assertEquals(benchOptions(["--json", "a.json", "http"]), {
    names: ["http"],
    isQuick: false,
    isJson: true,
    path: "a.json",
  });
});
