import { assertEquals, assertInstanceOf } from "@std/assert";
import { CapsicumError, isCapModeViolation, isNotCapable, openDirSync, openSync } from "../../mod.ts";
import { inChild } from "../_child.ts";
import { Fixture } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import { test } from "../_test.ts";

const { errors } = Deno;

test("isNotCapable() and isCapModeViolation() recognize the library's errors by their code", () => {
  const init = { errno: 93, syscall: "read", fd: 3 };
  const notCapable = new CapsicumError("", { ...init, code: "ENOTCAPABLE" });
  const violation = new CapsicumError("", { ...init, code: "ECAPMODE", errno: 94 });
  assertEquals([isNotCapable(notCapable), isCapModeViolation(notCapable)], [true, false]);
  assertEquals([isNotCapable(violation), isCapModeViolation(violation)], [false, true]);
  const other = new CapsicumError("", { ...init, code: "EINVAL", errno: 22 });
  assertEquals([isNotCapable(other), isCapModeViolation(other)], [false, false]);
});

test("isNotCapable() and isCapModeViolation() recognize the messages of Deno's own API on FreeBSD", () => {
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
    ["Capabilities insufficient (os error 93)x", false, false],
    ["Failed to spawn 'x': Not permitted in capability mode (os error 94)", false, true],
    [
      "error sending request for url (http://127.0.0.1/): client error (Connect): tcp connect error: " +
      "Not permitted in capability mode (os error 94)",
      false,
      true,
    ],
    ["", false, false],
  ];
  for (const [message, notCapable, violation] of cases) {
    for (const Class of [Error, TypeError, errors.NotFound, errors.PermissionDenied]) {
      const error = new Class(message);
      assertEquals([isNotCapable(error), isCapModeViolation(error)], [notCapable, violation], message);
    }
  }
});

const texts = ["Capabilities insufficient (os error 93)", "Not permitted in capability mode (os error 94)"];
const names = [...texts, ...texts.flatMap((text) => text.slice(text.indexOf("(")))].flatMap((
  text,
) => [
  text,
  `${text}: x`,
  `x ${text}`,
  `x: ${text}`,
  `x${text}x`,
  `'${text}`,
  `': ${text}`,
  `"\n${text}`,
  `\n${text}\n`,
]);

test("isNotCapable() and isCapModeViolation() are false for any file name in a message of Deno", () => {
  for (const name of names) {
    const messages = [
      `No such file or directory (os error 2): open '${name}'`,
      `No such file or directory (os error 2): rename '${name}' -> '${name}'`,
      `No such file or directory (os error 2): symlink 'x' -> '${name}'`,
      `Failed to spawn '${name}': entity not found`,
      `Failed to spawn '${name}': No such file or directory (os error 2)`,
      `ENOENT: no such file or directory, open '${name}'`,
      `unable to open database file: ${name}`,
      `Could not open library: Could not open library: ${name}: cannot open shared object file`,
      `Could not obtain symbol: undefined symbol: ${name}`,
    ];
    for (const message of messages) {
      const error = new errors.NotFound(message);
      assertEquals([isNotCapable(error), isCapModeViolation(error)], [false, false], message);
    }
  }
});

test("isNotCapable() and isCapModeViolation() are false for errors of real calls with such names", async () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  const calls: ((name: string) => unknown)[] = [
    (name) => dir.readFileSync(name),
    (name) => dir.renameSync(name, name),
    (name) => openSync(fixture.at(name)),
    (name) => Deno.openSync(fixture.at(name)),
    (name) => Deno.readTextFile(fixture.at(name)),
    (name) => [...Deno.readDirSync(fixture.at(name))],
    (name) => Deno.lstatSync(fixture.at(name)),
    (name) => import(`file://${fixture.at(encodeURIComponent(name))}`),
  ];
  for (const name of names) {
    for (const call of calls) {
      const error = await Promise.try(call, name).then(() => undefined, (error) => error);
      assertInstanceOf(error, Error);
      assertEquals([isNotCapable(error), isCapModeViolation(error)], [false, false], error.message);
    }
  }
});

test("isNotCapable() and isCapModeViolation() use the code of an error that has one", () => {
  for (
    const [code, notCapable, violation] of [["ENOENT", false, false], ["ENOTCAPABLE", true, false]] as const
  ) {
    for (const text of texts) {
      const error = Object.assign(new Error(text), { code });
      assertEquals([isNotCapable(error), isCapModeViolation(error)], [notCapable, violation]);
    }
  }
  // A DOMException's code is a number.
  assertEquals(isNotCapable(new DOMException(texts[0], "NetworkError")), true);
  assertEquals(isNotCapable(new Error("", { cause: new Error(texts[0]) })), false);
});

test("isNotCapable() and isCapModeViolation() are false for Deno's NotCapable and for a value that is not an error", () => {
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

test("isCapModeViolation() recognizes the errors of Deno's own API in capability mode", async () => {
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
}, {
  skip: kernel.simulated
    ? "needs FreeBSD, or Linux itself: simulated capability mode does not confine Deno's own API"
    : false,
});
