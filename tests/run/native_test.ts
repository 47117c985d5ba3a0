import { assert, assertEquals } from "@std/assert";
import { test } from "../_test.ts";
import { nativeArgs } from "./native.ts";

test("nativeArgs() removes files that need Capsicum, also within directories, and keeps the other arguments", () => {
  assertEquals(nativeArgs(["./tests/ffi/names_test.ts", "tests/ffi/libc/", "--filter=x"]), [
    "--filter=x",
    "tests/ffi/names_test.ts",
  ]);
  const files = nativeArgs(["tests/ffi", "tests/compat/fs/walk_test.ts"])!;
  assert(files.includes("tests/ffi/linux_test.ts") && files.includes("tests/compat/fs/walk_test.ts"));
  assert(!files.includes("tests/ffi/limits_test.ts") && files.every((file) => file.endsWith("_test.ts")));
});

test("nativeArgs() returns undefined if each given file needs Capsicum", () => {
  assertEquals(nativeArgs(["tests/ffi/libc", "tests/rights/rights_test.ts"]), undefined);
});

test("nativeArgs() runs all other files if no file is given", () => {
  const [ignored, ...rest] = nativeArgs(["--fail-fast"])!;
  assert(ignored!.startsWith("--ignore=tests/standin,"));
  assertEquals(rest, ["--fail-fast"]);
});

test("nativeArgs() runs only the files to which it is limited", () => {
  const only = ["tests/compat/fs/walk_test.ts", "tests/compat/fs/open_test.ts"];
  assertEquals(nativeArgs([], only), only);
  assertEquals(nativeArgs(["tests/compat/fs", "--filter=x"], only), ["--filter=x", ...only.toSorted()]);
  assertEquals(nativeArgs(["tests/ffi"], only), undefined);
});
