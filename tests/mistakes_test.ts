import { assert, assertEquals } from "@std/assert";
import * as pycapsicum from "../compat/python/pycapsicum.ts";
import * as pycapsicumcffi from "../compat/python/pycapsicumcffi.ts";
import * as library from "../mod.ts";
import { runModule } from "./_child.ts";
import { Fixture } from "./_fixture.ts";
import { kernel } from "./_kernel.ts";
import { test } from "./_test.ts";

/** The public functions that take arguments by their declaration. */
function withArguments(): string[] {
  const named = (object: object, prefix = "") =>
    Object.entries(object).filter(([, value]) =>
      typeof value === "function" && value.length > 0 && !/^class/.test(String(value))
    ).map(([name]) => prefix + name);
  const classes = {
    Dir: library.Dir,
    FdFile: library.FdFile,
    Rights: library.Rights,
    Fcntls: library.Fcntls,
    Ioctls: library.Ioctls,
  };
  const methods = Object.entries(classes).flatMap(([name, { prototype }]) =>
    Object.entries(Object.getOwnPropertyDescriptors(prototype)).filter(([method, { value }]) =>
      method !== "constructor" && typeof value === "function" && value.length > 0
    ).map(([method]) => `${name}.prototype.${method}`)
  );
  return [
    ...named(library),
    ...named(library.libc, "libc."),
    ...named(pycapsicum, "pycapsicum."),
    ...named(pycapsicumcffi, "pycapsicumcffi."),
    ...methods,
  ];
}

test(
  "every public function refuses mistakes with the library's own message, and unknown options before any call",
  async () => {
    using fixture = new Fixture();
    const { code, stdout, stderr } = await runModule(new URL("_mistakes_child.ts", import.meta.url), {
      args: [fixture.path],
      timeout: 300_000,
    });
    assertEquals([code, stderr], [0, ""]);
    const { complaints, names }: { complaints: string[]; names: string[] } = JSON.parse(stdout);
    assertEquals(complaints, []);
    assertEquals(withArguments().filter((name) => !names.includes(name)), []);
    assert(names.length > 200);
  },
  { skip: kernel.hasCapsicum ? false : "needs Capsicum: FreeBSD, or the stand-in" },
);
