/**
 * What a Capsicum sandbox does, step by step: the ancestors' demo.
 *
 * deno run --allow-ffi=/lib/libc.so.7 examples/demo.ts
 *
 * It exits with 1 when a step does not end as the sandbox promises.
 */
import { enter, getRights, libc, limit, openDirSync, openSync, sandboxed } from "../mod.ts";

let wrong = 0;

/** Does one step and prints what really came of it. */
function step<T>(what: string, promised: "works" | "fails", action: () => T): T {
  let result: T, outcome: string;
  try {
    result = action();
    outcome = result === undefined ? "works" : `works: ${result}`;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    outcome = `fails: ${error.name}: ${error.message}`;
  }
  const kept = outcome.startsWith(promised);
  if (!kept) wrong++;
  console.log(`${kept ? "   " : "!! "}${what}\n     ${outcome}`);
  return result!;
}

// A directory of the demo's own in /tmp, which it can remove again through the descriptor of /tmp.
using tmp = openDirSync("/tmp");
const name = `capsicum-demo-${crypto.randomUUID()}`;
libc.mkdirat(tmp, name, 0o700);
try {
  const dir = step("open a directory", "works", () => openDirSync(`/tmp/${name}`));
  using file = dir.openSync("foo", { write: true, createNew: true });
  file.writeSync(new TextEncoder().encode("hello"));

  step("enter capability mode", "works", enter);
  step("ask whether this process is sandboxed", "works", sandboxed);
  step("open the file by its path", "fails", () => openSync(`/tmp/${name}/foo`));
  step("leave the directory", "fails", () => dir.openSync("../../etc/passwd"));
  using foo = step(
    "open the file by the descriptor of the directory",
    "works",
    () => dir.openSync("foo", { read: true, write: true }),
  );
  step("read it", "works", () => new TextDecoder().decode(foo.readAll()));
  step("write to it", "works", () => foo.writeSync(new TextEncoder().encode(" world")));
  step("show its rights", "works", () => getRights(foo));
  step("limit it to READ", "works", () => limit(foo, ["READ"]));
  step("show its rights again", "works", () => getRights(foo));
  step("write to it again", "fails", () => foo.writeSync(new Uint8Array(1)));
  step("take the rights back", "fails", () => limit(foo, ["READ", "WRITE"]));
  dir.close();
} finally {
  for (const entry of tmp.listSync(name)) libc.unlinkat(tmp, `${name}/${entry}`, 0);
  libc.unlinkat(tmp, name, libc.AT_REMOVEDIR);
}
Deno.exitCode = wrong === 0 ? 0 : 1;
