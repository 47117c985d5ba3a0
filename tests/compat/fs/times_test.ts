import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { timespecs } from "../../../compat/fs/descriptor.ts";
import { openDirSync, openSync } from "../../../mod.ts";
import { Fixture } from "../../_fixture.ts";
import { test } from "../../_test.ts";

/** Seconds and nanoseconds of both times. */
function fields(atime: number | Date, mtime: number | Date): bigint[] {
  return [...new BigInt64Array(timespecs("utime()", atime, mtime).slice().buffer)];
}

test("timespecs() returns seconds and nanoseconds of the access time, then of the modification time", () => {
  assertEquals(fields(1, 2), [1n, 0n, 2n, 0n]);
  assertEquals(fields(1.5, new Date(2_250)), [1n, 500_000_000n, 2n, 250_000_000n]);
  assertEquals(fields(0, new Date(0)), [0n, 0n, 0n, 0n]);
});

test("timespecs() keeps every millisecond, of Dates and of seconds", () => {
  for (const base of [0, 1_000, 1_700_000_000_000, 4_102_444_800_000]) {
    for (let ms = 0; ms < 1000; ms++) {
      const expected = [BigInt(base / 1000), BigInt(ms) * 1_000_000n];
      assertEquals(fields(new Date(base + ms), (base + ms) / 1000), [...expected, ...expected]);
    }
  }
});

test("timespecs() returns nanoseconds of at least 0, also before 1970", () => {
  assertEquals(fields(-2, new Date(-1_250)), [-2n, 0n, -2n, 750_000_000n]);
  assertEquals(fields(new Date(-2_000), -1.75), [-2n, 0n, -2n, 250_000_000n]);
});

test("timespecs() throws RangeError for the last second before 1970, and accepts the milliseconds around it", () => {
  for (const time of [-1, -0.5, -0.001, new Date(-1), new Date(-1_000)]) {
    assertThrows(() => timespecs("utime()", time, 0), RangeError, "the last second before 1970");
    assertThrows(() => timespecs("utime()", 0, time), RangeError, "the last second before 1970");
  }
  assertEquals(fields(new Date(-1_001), new Date(0)), [-2n, 999_000_000n, 0n, 0n]);
});

test("timespecs() throws RangeError for an invalid time, and names it", () => {
  for (const time of [NaN, Infinity, -Infinity, new Date(NaN), 2 ** 53]) {
    assertThrows(() => timespecs("utime()", 0, time), RangeError, Deno.inspect(time));
  }
});

test("timespecs() throws TypeError for a value that is neither a number nor a Date, and names it", () => {
  for (const time of ["1", 1n, null, undefined, {}]) {
    assertThrows(() => timespecs("utime()", time as number, 0), TypeError, Deno.inspect(time));
  }
});

test("Dir.utime(), FdFile.utime() and their twins name themselves and the argument in their errors", async () => {
  using fixture = new Fixture({ file: "" });
  using dir = openDirSync(fixture.path);
  using file = openSync(fixture.at("file"), { write: true });
  const wrong = new Date(NaN);
  const calls = {
    "Dir.utime()": async () => await dir.utime("file", 0, wrong),
    "Dir.utimeSync()": async () => await dir.utimeSync("file", 0, wrong),
    "FdFile.utime()": async () => await file.utime(0, wrong),
    "FdFile.utimeSync()": async () => await file.utimeSync(0, wrong),
  };
  for (const [name, call] of Object.entries(calls)) {
    await assertRejects(call, RangeError, `${name}: the argument mtime must be`);
  }
});
