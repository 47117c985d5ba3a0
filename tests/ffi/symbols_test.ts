import { assertEquals } from "@std/assert";
import { symbols } from "../../ffi/symbols.ts";
import { test } from "../_test.ts";

const sources = ["symbols.ts", "linux/glibc.ts"].map((name) =>
  Deno.readTextFileSync(new URL(`../../ffi/${name}`, import.meta.url))
);

/** Functions that the FFI calls on other threads: each has only descriptors, numbers and buffers as parameters. */
const onOtherThreads = ["read", "write", "pread", "pwrite", "ftruncate", "fsync", "fdatasync", "poll"];

test("no function with a path parameter is called on another thread", () => {
  const names = Object.values(symbols as Record<string, Deno.ForeignFunction>)
    .filter(({ nonblocking }) => nonblocking).map(({ name }) => name);
  assertEquals(names.toSorted(), onOtherThreads.toSorted());
  for (const source of sources) {
    const rows = source.match(/\{[^{}]*nonblocking: true[^{}]*\}/g) ?? [];
    assertEquals(rows.filter((row) => /\bstring\b/.test(row)), []);
  }
});
