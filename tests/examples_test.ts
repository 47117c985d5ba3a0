import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Rights } from "../mod.ts";
import { libcPath, runModule } from "./_child.ts";
import { kernel } from "./_kernel.ts";
import { test } from "./_test.ts";

const demo = new URL("../examples/demo.ts", import.meta.url);

/** Each step of the demo with what must come of it. */
const steps: [step: string, outcome: RegExp][] = [
  ["open a directory", /^works: Dir \{ fd: \d+ \}$/],
  ["limit it", /^works$/],
  ["enter capability mode", /^works$/],
  ["ask whether this process is sandboxed", /^works: true$/],
  ["open a file by its path", /^fails: CapsicumError: open ".*\/foo": .*ECAPMODE/],
  ["open it by the descriptor of its directory", /^works: FdFile \{ fd: \d+ \}$/],
  ["leave the directory", /^fails: CapsicumError: openat ".*" on fd \d+: the path leaves the directory/],
  ["read the file", /^works: "hello"$/],
  ["write to it", /^works: 6$/],
  ["show its rights, which are the directory's", /^works: Rights .*PREAD.*PWRITE.*FSTATAT/],
  ["limit it to READ", /^works$/],
  ["show its rights", /^works: Rights[^A-Z]*READ[^A-Z]*$/],
  ["write to it", /^fails: CapsicumError: write on fd \d+: missing WRITE \(held: READ\)/],
  ["take the rights back", /^fails: CapsicumError: cap_rights_limit on fd \d+: missing WRITE \(held: READ\)/],
];

/** Checks what the demo printed, and that it took its directory away. */
function assertDemo(output: string): void {
  const lines = output.trimEnd().split("\n");
  const shown = lines.map((line) => line.slice(3)).filter((_, i) => i % 2 === 0);
  assertEquals(shown, steps.map(([step]) => step));
  for (const [i, [step, outcome]] of steps.entries()) {
    assert(lines[2 * i]!.startsWith("   "), lines[2 * i]);
    assertMatch(lines[2 * i + 1]!.trim(), outcome, step);
  }
  const directory = /"(\/tmp\/[^/"]+)\/foo"/.exec(output)![1]!;
  assertThrows(() => Deno.lstatSync(directory), Deno.errors.NotFound);
}

test("examples/demo.ts runs each step as promised with only libc's permission, and removes its files", async () => {
  const { code, signal, stdout, stderr } = await runModule(demo, {
    permissions: [`--allow-ffi=${libcPath}`],
  });
  assertEquals({ code, signal, stderr }, { code: 0, signal: null, stderr: "" });
  assertDemo(stdout);
});

test("examples/demo.ts exits with 1 on systems without Capsicum", async () => {
  const { code, stdout, stderr } = await runModule(demo, { permissions: [], kernel: false });
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /There is no Capsicum on linux/);
}, { skip: !kernel.simulated && "needs the stand-in: FreeBSD has what is missing here" });

test("run.ts demo runs the demo, and first reports if the kernel is simulated", async () => {
  const { code, stdout, stderr } = await runModule(new URL("run.ts", import.meta.url), {
    args: ["demo"],
    kernel: false,
  });
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  const [first, ...rest] = stdout.split("\n");
  assertEquals(first!.startsWith("simulated"), kernel.simulated);
  assertDemo(kernel.simulated ? rest.join("\n") : stdout);
});

const all = Rights.all(kernel.major), caps = all.names().map((name) => `CAP_${name}`);

/** What each port prints, as lines without the line breaks of long lists. */
const ports: Record<string, string[]> = {
  port_pycapsicumcffi: [],
  port_pycapsicum: [Deno.inspect(caps, { iterableLimit: 200 }), '[ "CAP_READ" ]'],
};

for (const [name, lines] of Object.entries(ports)) {
  const file = new URL(`../examples/${name}.ts`, import.meta.url);

  test(`examples/${name}.ts runs to its end with only libc's permission, and removes its files`, async () => {
    const before = demoDirectories();
    const { code, signal, stdout, stderr } = await runModule(file, {
      permissions: [`--allow-ffi=${libcPath}`],
    });
    assertEquals({ code, signal, stderr }, { code: 0, signal: null, stderr: "" });
    assertEquals(stdout, lines.map((line) => `${line}\n`).join(""));
    assertEquals(demoDirectories(), before);
  });

  test(`examples/${name}.ts exits with 1 on systems without Capsicum`, async () => {
    const { code, stdout, stderr } = await runModule(file, { permissions: [], kernel: false });
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /There is no Capsicum on linux/);
  }, { skip: !kernel.simulated && "needs the stand-in: FreeBSD has what is missing here" });

  test(`run.ts demo ${name} runs the demo, and first reports if the kernel is simulated`, async () => {
    const { code, stdout, stderr } = await runModule(new URL("run.ts", import.meta.url), {
      args: ["demo", name],
      kernel: false,
    });
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    const [first, ...rest] = stdout.split("\n");
    assertEquals(first!.startsWith("simulated"), kernel.simulated);
    assertEquals((kernel.simulated ? rest : [first, ...rest]).at(-2), lines.at(-1));
  });
}

test("run.ts demo refuses an unknown name", async () => {
  const { code, stdout, stderr } = await runModule(new URL("run.ts", import.meta.url), {
    args: ["demo", "../mod"],
    kernel: false,
  });
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /^There is no demo "\.\.\/mod", only demo, /);
});

function demoDirectories(): string[] {
  return [...Deno.readDirSync("/tmp")].map(({ name }) => name).filter((name) =>
    name.startsWith("capsicum-demo-")
  );
}
