import { assertEquals } from "@std/assert";
import { CapsicumError, isCapModeViolation, isNotCapable } from "../../mod.ts";
import { inChild } from "../_child.ts";
import { kernel } from "../_kernel.ts";
import { test } from "../_test.ts";

const { errors } = Deno;

test("isNotCapable() and isCapModeViolation() know the library's errors by their code", () => {
  const init = { errno: 93, syscall: "read", fd: 3 };
  const notCapable = new CapsicumError("", { ...init, code: "ENOTCAPABLE" });
  const violation = new CapsicumError("", { ...init, code: "ECAPMODE", errno: 94 });
  assertEquals([isNotCapable(notCapable), isCapModeViolation(notCapable)], [true, false]);
  assertEquals([isNotCapable(violation), isCapModeViolation(violation)], [false, true]);
  const other = new CapsicumError("", { ...init, code: "EINVAL", errno: 22 });
  assertEquals([isNotCapable(other), isCapModeViolation(other)], [false, false]);
});

test("isNotCapable() and isCapModeViolation() know the texts of Deno's own API on FreeBSD", () => {
  const cases: [message: string, notCapable: boolean, violation: boolean][] = [
    ["Capabilities insufficient (os error 93)", true, false],
    ["Capabilities insufficient (os error 93): readfile '../a'", true, false],
    ["Not permitted in capability mode (os error 94)", false, true],
    ["Not permitted in capability mode (os error 94): stat '/etc/passwd'", false, true],
    // What 93 and 94 are on Linux.
    ["Protocol not supported (os error 93)", false, false],
    ["Socket type not supported (os error 94)", false, false],
    ["No such file or directory (os error 2)", false, false],
    ["(os error 930)", false, false],
    ["(os error 9)", false, false],
    ["os error 94", false, false],
    ["", false, false],
  ];
  for (const [message, notCapable, violation] of cases) {
    for (const Class of [Error, TypeError, errors.NotFound, errors.PermissionDenied]) {
      const error = new Class(message);
      assertEquals([isNotCapable(error), isCapModeViolation(error)], [notCapable, violation], message);
    }
  }
});

test("isNotCapable() and isCapModeViolation() are false for Deno's NotCapable and for what is no error", () => {
  const values = [
    new errors.NotCapable('Requires ffi access to "/lib/libc.so.7", run again with the --allow-ffi flag'),
    new Error("NotCapable"),
    { code: "ENOTCAPABLE" },
    { code: "ECAPMODE" },
    "(os error 93)",
    undefined,
    null,
    94,
  ];
  for (const value of values) {
    assertEquals([isNotCapable(value), isCapModeViolation(value)], [false, false], Deno.inspect(value));
  }
});

test("isCapModeViolation() knows what Deno's own API throws in capability mode", async () => {
  const known = await inChild(({ enter, isCapModeViolation, isNotCapable }) => {
    enter();
    try {
      Deno.statSync("/");
      return undefined;
    } catch (error) {
      return [isCapModeViolation(error), isNotCapable(error)];
    }
  });
  assertEquals(known, [true, false]);
}, { skip: kernel.simulated ? "nothing holds Deno's own API in a simulated capability mode" : false });
