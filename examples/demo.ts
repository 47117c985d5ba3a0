/**
 * Shows step by step what a Capsicum sandbox does: the demo of pycapsicum and pycapsicumcffi.
 *
 * deno run --allow-ffi=/lib/libc.so.7 examples/demo.ts
 *
 * It exits with 1 if a step does not end as promised, or if there is no Capsicum.
 */
import { enter, getRights, isSupported, libc, limit, openDirSync, openSync, sandboxed } from "../mod.ts";

if (!isSupported()) {
  console.error(
    `There is no Capsicum on ${Deno.build.os}: run the demo on FreeBSD, or "deno task demo" on Linux.`,
  );
  Deno.exit(1);
}

let wrong = 0;

/** Runs one step and prints its actual result. A step that does not end as promised is marked with "!!". */
function step<T>(what: string, promised: "works" | "fails", action: () => T): T {
  let result: T, outcome: string;
  try {
    result = action();
    outcome = "works" + (result === undefined ? "" : `: ${Deno.inspect(result)}`);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    outcome = `fails: ${error.name}: ${error.message}`;
  }
  const kept = outcome.startsWith(promised);
  if (!kept) wrong++;
  console.log(`${kept ? "  " : "!!"} ${what}\n     ${outcome}`);
  return result!;
}

// A new directory in /tmp, which the demo removes at the end through the descriptor of /tmp.
using tmp = openDirSync("/tmp");
const name = `capsicum-demo-${crypto.randomUUID()}`;
libc.mkdirat(tmp, name, 0o700);
try {
  const dir = step("open a directory", "works", () => openDirSync(`/tmp/${name}`));
  using file = dir.openSync("foo", { write: true, createNew: true });
  file.writeSync(new TextEncoder().encode("hello"));
  step("limit it", "works", () => limit(dir, ["LOOKUP", "READ", "WRITE", "SEEK", "FSTAT"]));

  step("enter capability mode", "works", enter);
  step("ask whether this process is sandboxed", "works", sandboxed);
  step("open a file by its path", "fails", () => openSync(`/tmp/${name}/foo`));
  using foo = step(
    "open it by the descriptor of its directory",
    "works",
    () => dir.openSync("foo", { read: true, write: true }),
  );
  step("leave the directory", "fails", () => dir.openSync("../../etc/passwd"));
  step("read the file", "works", () => new TextDecoder().decode(foo.readAllSync()));
  step("write to it", "works", () => foo.writeSync(new TextEncoder().encode(" world")));
  step("show its rights, which are the directory's", "works", () => getRights(foo));
  step("limit it to READ", "works", () => limit(foo, ["READ"]));
  step("show its rights", "works", () => getRights(foo));
  step("write to it", "fails", () => foo.writeSync(new Uint8Array(1)));
  step("take the rights back", "fails", () => limit(foo, ["READ", "WRITE"]));
  dir.close();
} finally {
  for (const entry of tmp.listSync(name)) libc.unlinkat(tmp, `${name}/${entry}`, 0);
  libc.unlinkat(tmp, name, libc.AT_REMOVEDIR);
}
Deno.exitCode = wrong === 0 ? 0 : 1;
