import { assert, assertEquals, assertThrows } from "@std/assert";
import { Ioctl, ioctl, type IoctlDirection } from "../../rights/ioctls.ts";
import { test } from "../_test.ts";
import { data } from "./_model.ts";

interface Request {
  name: string;
  hex: string;
  dir: "void" | "out" | "in" | "inout";
  size: number;
  group: string;
  num: number;
  lastIn?: string;
}

const { requests } = data<{ requests: Request[] }>("ioctls.json");

test("Ioctl has every recorded request that is common to FreeBSD 13 to 15, with the header's value", () => {
  assertEquals(
    Object.entries(Ioctl).map(([name, value]) => [name, `0x${value.toString(16)}`]),
    requests.filter(({ lastIn }) => lastIn === undefined).map(({ name, hex }) => [name, hex]),
  );
  assertEquals(Object.keys(Ioctl).length, 119);
});

test("Ioctl's names have different values", () => {
  assertEquals(new Set(Object.values(Ioctl)).size, Object.keys(Ioctl).length);
});

test("ioctl() returns the number of every recorded request", () => {
  const directions = { out: "r", in: "w", inout: "rw" } as const;
  for (const { name, hex, dir, size, group, num } of requests) {
    const direction = dir !== "void" ? directions[dir] : size === 0 ? "none" : "int";
    assertEquals(ioctl(direction, group, num, size), BigInt(hex), name);
    if (dir === "void") assertEquals(ioctl(size === 0 ? "none" : "int", group, num), BigInt(hex), name);
  }
  assert(requests.some(({ dir, size }) => dir === "void" && size === 4));
});

test("ioctl() accepts the largest number and size", () => {
  assertEquals(ioctl("rw", "\xff", 255, 8191), 0xdfffffffn);
  assertEquals(ioctl("w", "\0", 0, 1), 0x80010000n);
});

test("ioctl() refuses arguments of wrong type or range, and names them", () => {
  const cases: [unknown[], ErrorConstructor, string][] = [
    [["x", "t", 1, 4], RangeError, '"x" is not a direction: expected "none", "r", "w", "rw" or "int".'],
    [["toString", "t", 1, 4], RangeError, '"toString" is not a direction'],
    [[1, "t", 1, 4], TypeError, "1 is not a string"],
    [["r", 116, 1, 4], TypeError, "116 is not a string"],
    [["r", "tt", 1, 4], RangeError, '"tt" is not an ioctl group'],
    [["r", "", 1, 4], RangeError, '"" is not an ioctl group'],
    [["r", "\u0100", 1, 4], RangeError, "is not an ioctl group"],
    [["r", "t", 256, 4], RangeError, "256 is not the number of such an ioctl: expected 0 to 255."],
    [["r", "t", -1, 4], RangeError, "-1 is not the number"],
    [["r", "t", 1.5, 4], RangeError, "1.5 is not the number"],
    [["r", "t", "1", 4], TypeError, '"1" is not the number of an ioctl: expected a number.'],
    [["r", "t", 1], TypeError, "undefined is not the size of an ioctl"],
    [["r", "t", 1, 0], RangeError, "0 is not the size of such an ioctl: expected 1 to 8191."],
    [["r", "t", 1, 8192], RangeError, "8192 is not the size"],
    [["none", "t", 1, 4], RangeError, "4 is not the size of such an ioctl: expected 0."],
    [["int", "t", 1, 8], RangeError, "8 is not the size of such an ioctl: expected 4."],
  ];
  const call = ioctl as (...args: unknown[]) => bigint;
  for (const [args, errorClass, message] of cases) assertThrows(() => call(...args), errorClass, message);
  assertEquals(ioctl("r", "t", 1, 4), 0x40047401n);
});

test("ioctl() does not compile with an invalid direction, or without a required size", () => {
  // @ts-expect-error: "in" is no IoctlDirection.
  assertThrows(() => ioctl("in", "t", 1, 4), RangeError);
  // @ts-expect-error: only "none" and "int" have a size of their own.
  assertThrows(() => ioctl("rw", "t", 1), TypeError);
  const direction: IoctlDirection = "rw";
  assertEquals(ioctl(direction, "t", 1, 4), 0xc0047401n);
});
