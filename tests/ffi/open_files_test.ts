import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { listedFiles, openFiles } from "../../ffi/libc/process.ts";
import { libc, openDescriptors, openSync } from "../../mod.ts";
import { inChild } from "../_child.ts";
import { Fixture } from "../_fixture.ts";
import { kernel, needsCapsicum, openDescriptors as openNumbers } from "../_kernel.ts";
import { callsOf, needsStandin } from "../_standin.ts";
import { test } from "../_test.ts";

const module = new URL("../../ffi/libc/process.ts", import.meta.url).href;

test("the kernel's list has the open descriptors in order, without the working directory and its own descriptor", () => {
  using fixture = new Fixture({ file: "", "süß": "" });
  using file = openSync(fixture.at("file"));
  const high = libc.fcntl(file, libc.F_DUPFD_CLOEXEC, 900);
  using other = openSync(fixture.at("süß"));
  const listed = listedFiles()!;
  assertEquals(listed.map(({ fd }) => fd), openNumbers());
  assert(listed.some(({ fd }) => fd === high));
  if (kernel.hasCapsicum) {
    const { type, path } = listed.find(({ fd }) => fd === other.fd)!;
    assertEquals([type, path], [1, fixture.at("süß")]);
  }
  libc.close(high);
});

test("the kernel's list is complete if it is longer than the first buffer", async () => {
  using fixture = new Fixture({ file: "" });
  const count = await inChild(async ({ libc, openSync }, { path, module }) => {
    const { listedFiles } = await import(module);
    const file = openSync(path), before = listedFiles().length;
    // 64 KiB have room for at most 170 records.
    for (let i = 0; i < 400; i++) libc.fcntl(file, libc.F_DUPFD_CLOEXEC, 0);
    return listedFiles().length - before;
  }, { path: fixture.at("file"), module });
  assertEquals(count, 400);
});

test(
  "the kernel's list is requested again after ENOMEM, and each number is tried after another error",
  async () => {
    const { again, calls, tried } = await inChild(async ({ openDescriptors }, { module, standin }) => {
      const { listedFiles } = await import(module), { callsOf, failNext } = await import(standin);
      const fds = (open: { fd: number }[]) => open.map(({ fd }) => fd).join();
      const whole = fds(listedFiles()), before = callsOf("sysctl");
      failNext("sysctl", 12);
      const again = fds(listedFiles()) === whole, calls = callsOf("sysctl") - before;
      failNext("sysctl", 1);
      return { again, calls, tried: fds(openDescriptors()) === whole };
    }, { module, standin: new URL("../_standin.ts", import.meta.url).href });
    assertEquals([again, calls, tried], [true, 2, true]);
  },
  { skip: needsStandin },
);

test(
  "in capability mode there is no list, and each number listed before is tried, also above the limit",
  async () => {
    using fixture = new Fixture({ file: "" });
    const result = await inChild(async ({ enter, libc, openSync, openDescriptors }, { path, module }) => {
      const { listedFiles } = await import(module);
      using file = openSync(path);
      const high = libc.fcntl(file, libc.F_DUPFD_CLOEXEC, 900);
      // The stand-in reads Linux's limit.
      const { setrlimit } = Deno.dlopen("libc.so.6", {
        setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
      }).symbols;
      enter();
      setrlimit(7, new BigUint64Array([500n, 500n]));
      const late = libc.fcntl(file, libc.F_DUPFD_CLOEXEC, 300);
      const found = openDescriptors().map(({ fd }) => fd);
      return [listedFiles() ?? "none", libc.getdtablesize(), found.includes(high), found.includes(late)];
    }, { path: fixture.at("file"), module });
    assertEquals(result as unknown, ["none", 500, true, true]);
  },
  { skip: needsStandin },
);

test("openDescriptors() checks the open descriptors, not each number below the limit", () => {
  assertGreater(libc.getdtablesize(), 1000);
  const before = callsOf("fcntl");
  const open = openFiles().length;
  assertEquals(callsOf("fcntl"), before);
  openDescriptors();
  assertLess(callsOf("fcntl") - before, 2 * open);
}, { skip: needsStandin });

test(
  "the kernel reports the kinds of descriptors outside of file systems, also in capability mode",
  async () => {
    const kinds = await inChild(
      ({ enter, limitOthers, openDescriptors, getRights }) => {
        const { inotify_init1, memfd_create, timerfd_create } = Deno.dlopen("libc.so.6", {
          inotify_init1: { parameters: ["i32"], result: "i32" },
          memfd_create: { parameters: ["buffer", "i32"], result: "i32" },
          timerfd_create: { parameters: ["i32", "i32"], result: "i32" },
        }).symbols;
        const name = new TextEncoder().encode("name\0");
        const fds = [inotify_init1(0), memfd_create(name, 0), timerfd_create(1, 0)];
        const kinds = () => fds.map((wanted) => openDescriptors().find(({ fd }) => fd === wanted)!.kind);
        const paths = fds.map((wanted) => openDescriptors().find(({ fd }) => fd === wanted)!.path ?? null);
        const before = kinds();
        limitOthers();
        enter();
        const after = kinds();
        limitOthers();
        return [before, after, paths, fds.map((fd) => getRights(fd).has("READ"))];
      },
      undefined,
      { exits: true },
    );
    assertEquals(kinds as unknown, [
      ["inotify", "shared memory", "timer"],
      ["unknown", "shared memory", "unknown"],
      [null, null, null],
      [true, true, true],
    ]);
  },
  { skip: needsStandin || needsCapsicum },
);
