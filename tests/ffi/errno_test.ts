import { assertEquals, assertThrows } from "@std/assert";
import { CapsicumError, Ioctl, libc, limitIoctls, openDirSync, openSync } from "../../mod.ts";
import { inChild } from "../_child.ts";
import { Fixture, scaled } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import { callsOf, failNext, needsStandin, workerURL } from "../_standin.ts";
import { test } from "../_test.ts";
import { callExport, calls, isLater } from "./_calls.ts";
import { LibcPlace } from "./_place.ts";

const module = new URL("_errno_storm.ts", import.meta.url);
const tree = { file: "text", dir: { inner: "" }, loop: { link: "loop" } };
/** A young generation so small that the collector runs all the time, and time enough for a slow machine. */
const options = { flags: ["--v8-flags=--max-semi-space-size=1"], timeout: 300_000 };
const EINTR = 4;
const many = scaled(300_000), some = scaled(50_000);

test(`of ${many} failing calls under allocation and GC pressure none has a wrong errno`, async () => {
  using fixture = new Fixture(tree);
  const wrong = await inChild(
    async (_, { url, storm }) => (await import(url)).storm(storm),
    { url: module.href, storm: { path: fixture.path, times: many } },
    options,
  );
  assertEquals(wrong, {});
});

test(`of ${some} failing calls in each of four Workers at once none has a wrong errno`, async () => {
  using fixture = new Fixture(tree);
  const wrong = await inChild(
    async (_, { url, storm }) => {
      const run = (worker: Worker) =>
        new Promise<unknown>((resolve, reject) => {
          worker.onmessage = ({ data }) => {
            if (data === "ready") return worker.postMessage(storm);
            worker.terminate();
            resolve(data);
          };
          worker.onerror = reject;
        });
      return await Promise.all(Array.from({ length: 4 }, () => run(new Worker(url, { type: "module" }))));
    },
    { url: workerURL(module).href, storm: { path: fixture.path, times: some } },
    options,
  );
  assertEquals(wrong, [{}, {}, {}, {}]);
});

test("lseek() and cap_ioctls_get(), whose results have 64 bits, report errno exactly", () => {
  using fixture = new Fixture({ file: "text" });
  using file = openSync(fixture.at("file"));
  using dir = openDirSync(fixture.path);
  const failures: [code: string, call: () => unknown][] = [
    ["EBADF", () => libc.lseek(100_000, 0, libc.SEEK_SET)],
    ["EINVAL", () => libc.lseek(file, 0, 99)],
    ["EINVAL", () => libc.lseek(file, -1, libc.SEEK_SET)],
    ["ENOENT", () => libc.openat(dir, "nothing", libc.O_RDONLY)],
    ["EBADF", () => libc.cap_ioctls_get(100_000, null, 0)],
    ["EBADF", () => libc.cap_ioctls_get(100_000, new Uint8Array(8), 1)],
  ];
  for (const [code, call] of [...failures, ...failures.toReversed()]) {
    assertEquals(assertThrows(call, Error, code) instanceof CapsicumError, code === "EINVAL");
  }
  assertEquals(libc.lseek(file, 3, libc.SEEK_SET), 3);
  assertEquals(libc.cap_ioctls_get(file, null, 0), libc.CAP_IOCTLS_ALL);
});

test("lseek() returns the new offset, once, if its repetition succeeds", () => {
  using fixture = new Fixture({ file: "some text" });
  using file = openSync(fixture.at("file"));
  libc.lseek(file, 2, libc.SEEK_SET);
  failNext("lseek", 22);
  assertEquals(libc.lseek(file, 3, libc.SEEK_CUR), 5);
  assertEquals(libc.lseek(file, 0, libc.SEEK_CUR), 5);
}, { skip: needsStandin });

test("cap_ioctls_get() returns the result of its repetition if that succeeds", () => {
  using fixture = new Fixture({ file: "" });
  using file = openSync(fixture.at("file"));
  failNext("cap_ioctls_get", 9);
  assertEquals(libc.cap_ioctls_get(file, null, 0), libc.CAP_IOCTLS_ALL);
  limitIoctls(file, [Ioctl.FIONREAD]);
  failNext("cap_ioctls_get", 9);
  const requests = new BigUint64Array(1);
  assertEquals(libc.cap_ioctls_get(file, new Uint8Array(requests.buffer), 1), 1);
  assertEquals(requests[0], BigInt(Ioctl.FIONREAD));
}, { skip: needsStandin });

/** Calls that no signal interrupts, or that report it differently. */
const notRepeated = ["libc.close", "libc.getdtablesize", "libc.lseek", "libc.isatty"];
const repeated = Object.keys(calls).filter((name) =>
  name.startsWith("libc.") && !name.includes("cap_") && !notRepeated.includes(name)
);
const needsCall = (name: string) =>
  needsStandin ||
  isLater(name, kernel.osreldate) && `needs a newer release, which has ${name.slice("libc.".length)}()`;

for (const name of repeated) {
  test(`${name}() is repeated when a signal interrupts it`, () => {
    using fixture = new Fixture();
    using place = new LibcPlace(fixture.path);
    const call = name.slice("libc.".length);
    const args = calls[name]!.map(({ good }) => good(place));
    const before = callsOf(call);
    failNext(call, EINTR);
    callExport(name, args);
    assertEquals(callsOf(call) - before, 2);
  }, { skip: needsCall(name) });
}

test(
  "close() is not repeated when a signal interrupts it, because the descriptor is closed nevertheless",
  () => {
    const fd = libc.open("/dev/null", libc.O_RDONLY);
    const before = callsOf("close");
    failNext("close", EINTR);
    assertEquals(libc.close(fd), 0);
    assertEquals(callsOf("close") - before, 1);
    // The simulated failure left it open.
    libc.close(fd);
  },
  { skip: needsStandin },
);

test("EINTR of a call that never waits is not repeated, and is thrown as Interrupted", () => {
  using file = openSync("/dev/null");
  failNext("cap_fcntls_get", EINTR);
  const mask = new Uint8Array(4);
  assertThrows(() => libc.cap_fcntls_get(file, mask), Deno.errors.Interrupted, "EINTR");
  assertEquals(libc.cap_fcntls_get(file, mask), 0);
}, { skip: needsStandin });
