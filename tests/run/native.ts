import { root } from "./deno.ts";

/** Test files whose every test stands on Capsicum, on the stand-in, or on no kernel at all. */
const others = [
  "tests/standin",
  "tests/rights",
  "tests/run",
  "tests/examples_test.ts",
  "tests/kernel_traces_test.ts",
  "tests/layering_test.ts",
  "tests/mod_test.ts",
  "tests/readme_test.ts",
  "tests/ffi/freebsd",
  "tests/ffi/libc",
  "tests/ffi/bad_input_test.ts",
  "tests/ffi/capability_mode_test.ts",
  "tests/ffi/errno_test.ts",
  "tests/ffi/errors_test.ts",
  "tests/ffi/header_test.ts",
  "tests/ffi/limits_test.ts",
  "tests/ffi/not_capable_test.ts",
  "tests/ffi/operations_rights_test.ts",
  "tests/ffi/permission_test.ts",
  "tests/ffi/replay_test.ts",
  "tests/ffi/syscall_error_test.ts",
];

/**
 * The arguments of `deno test` for Linux without Capsicum; undefined if none of the given files runs there.
 *
 * @param only The files that may run; by default all that stand on neither Capsicum nor the stand-in.
 */
export function nativeArgs(args: string[], only?: readonly string[]): string[] | undefined {
  const given = args.filter((arg) => /^(\.\/)?tests\//.test(arg));
  if (only !== undefined) {
    const files = given.length === 0 ? only : filesOf(given).filter((file) => only.includes(file));
    return files.length === 0 ? undefined : [...args.filter((arg) => !given.includes(arg)), ...files];
  }
  console.log("Not run natively: what tests Capsicum, the stand-in, or needs no kernel.");
  if (given.length === 0) return [`--ignore=${others.join(",")}`, ...args];
  // One by one: with several paths Deno does not ignore what lies in one of them.
  const files = filesOf(given).filter((file) => !isOther(file));
  return files.length === 0 ? undefined : [...args.filter((arg) => !given.includes(arg)), ...files];
}

function filesOf(given: readonly string[]): string[] {
  return given.flatMap((path) => testFiles(path.replace(/^\.\//, "").replace(/\/$/, "")));
}

function testFiles(path: string): string[] {
  if (path.endsWith(".ts")) return [path];
  return [...Deno.readDirSync(new URL(path, root))].flatMap(({ name, isDirectory }) =>
    isDirectory ? testFiles(`${path}/${name}`) : name.endsWith("_test.ts") ? [`${path}/${name}`] : []
  ).sort();
}

function isOther(file: string): boolean {
  return others.some((other) => file === other || file.startsWith(`${other}/`));
}
