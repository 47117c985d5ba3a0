import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { broker } from "../../../compat/broker/mod.ts";
import { policyOf } from "../../../compat/broker/policy.ts";
import { encode } from "../../../compat/broker/wire.ts";
import { runModule } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { test } from "../../_test.ts";
import { kernelDeno, RawBroker } from "./_broker.ts";
import type { Report, Task } from "./_hostile_child.ts";

test("the broker opens no file outside its policy while names are swapped, keeps no descriptor, and keeps serving", async () => {
  const outside = "SECRET";
  using fixture = new Fixture({
    docs: {
      a: "inside",
      sub: { b: "inside" },
      swap: { c: "inside" },
      leaf: "inside",
      out: { link: "../secret" },
      up: { link: ".." },
      "swap-link": { link: "../secret" },
      "leaf-link": { link: "../secret/c" },
    },
    docsx: outside,
    out: { a: "" },
    secret: { c: outside, a: outside, b: outside },
  });
  const deno = kernelDeno(fixture, "_nobody_child.ts");
  fixture.giveAway();
  const task: Task = { top: fixture.path, deno, swaps: 1000 };
  const { code, stdout, stderr } = await runModule(new URL("_hostile_child.ts", import.meta.url), {
    args: [JSON.stringify(task)],
    // With the stand-in, the directory is the root of a mounted file system, which FreeBSD 15.1 lets ".." leave.
    env: { STANDIN_MOUNT_ROOTS: fixture.at("docs") },
    timeout: 120_000,
  });
  assertEquals([code, stderr], [0, ""]);
  const report: Report = JSON.parse(stdout);
  assertEquals(report.findings, []);
  for (const name of ["docsx", "secret/c"]) assertEquals(fixture.read(name), outside);
  assertEquals(fixture.list("secret"), ["a", "b", "c"]);
  const { descriptors, swapped } = report;
  assert(descriptors > 3000, JSON.stringify(report));
  assert(swapped.opened > 0, JSON.stringify(swapped));
});

test("the second process exits if its first request is not a policy", async () => {
  using fixture = new Fixture();
  const deno = kernelDeno(fixture), policy = policyOf("test", {});
  const first = [
    encode({ id: 1, call: "open", path: "/etc/hosts", options: {} }),
    new Uint8Array([2, 0, 0, 0, 0x7b, 0x7d]),
    encode({ id: 1, call: "start", policy: { ...policy, read: ["/nonexistent"] }, isConfined: true }),
  ];
  await Promise.all(first.map(async (bytes) => {
    await using raw = new RawBroker({}, deno);
    await raw.channel.send(bytes);
    const { answer, fds } = await raw.next();
    assert("error" in answer && fds.length === 0);
    assertEquals((await raw.child.status).code, 1);
  }));
});

test("a second process that sends more descriptors than it owes is given up, and none of them stays open", async () => {
  using fixture = new Fixture();
  await using net = await broker({ denoPath: kernelDeno(fixture, "_surplus_child.ts") });
  using file = await net.open("/dev/null");
  assertEquals(file.statSync().isCharDevice, true);
  const error = await assertRejects(() => net.open("/dev/null"), Deno.errors.BrokenPipe);
  assertInstanceOf(error.cause, TypeError);
  await assertRejects(() => net.open("/dev/null"), Deno.errors.BrokenPipe);
});
