import { assertEquals, assertGreater } from "@std/assert";
import * as constants from "../../../ffi/freebsd/constants.ts";
import { libc } from "../../../mod.ts";
import { test } from "../../_test.ts";
import abi from "../../data/abi.json" with { type: "json" };
import table from "../../data/errno.json" with { type: "json" };

/** The values of the headers, by name. */
const headers: Record<string, number> = Object.fromEntries([
  ...Object.entries(abi.constants).map(([name, { value }]) => [name, value]),
  ...table.errno.map(({ name, number }) => [name, number]),
  ["CAP_IOCTLS_ALL", Number(abi.CAP_IOCTLS_ALL)],
]);

test("every constant has the value of FreeBSD's headers", () => {
  const ours = Object.entries(constants);
  assertGreater(ours.length, 80);
  assertEquals(Object.fromEntries(ours), Object.fromEntries(ours.map(([name]) => [name, headers[name]])));
});

test("libc has every constant, and otherwise only functions", () => {
  const numbers = Object.entries(libc).filter(([, value]) => typeof value !== "function");
  assertEquals(Object.fromEntries<unknown>(numbers), { ...constants });
});
