/** What the stand-in offers to tests, and how it takes the place of libc. */
import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { libcPath, runModule } from "../_child.ts";
import { Fixture } from "../_fixture.ts";
import { libc, must } from "../_libc.ts";
import { test } from "../_test.ts";
import { buildStandin } from "./build.ts";
import {
  EINVAL,
  ENOTCAPABLE,
  f,
  fails,
  fills,
  gives,
  needsStandin,
  O_RDWR,
  ok,
  opens,
  scenario,
} from "./_scenario.ts";

const skip = { skip: needsStandin };
const EINTR = 4, EIO = 5;

test("stand-in: standin_fail() fails the nth next call, once", () => {
  using fixture = new Fixture({ f: "hello" });
  const fd = must("open", fixture.at("f"), 0, 0);
  const buffer = new Uint8Array(1);
  assertEquals(libc("standin_fail", "read", 2, EINTR).ret, 0n);
  const outcomes = [1, 2, 3].map(() => libc("read", fd, buffer, 1));
  assertEquals(outcomes, [{ ret: 1n, errno: 0 }, { ret: -1n, errno: EINTR }, { ret: 1n, errno: 0 }]);
  assertEquals(libc("standin_fail", "close", 1, EIO).ret, 0n);
  assertEquals(libc("close", fd), { ret: -1n, errno: EIO });
  must("close", fd);
  assertEquals(libc("standin_fail", "no such call", 1, EIO).ret, -1n);
}, skip);

test("stand-in: standin_calls() counts", () => {
  const before = must("standin_calls", "fsync");
  libc("fsync", -1);
  libc("fsync", -1);
  assertEquals(must("standin_calls", "fsync"), before + 2);
  assertEquals(libc("standin_calls", "no such call").ret, -1n);
}, skip);

test("stand-in: standin_short() limits reads and writes", () => {
  using fixture = new Fixture({ f: "hello" });
  const fd = must("open", fixture.at("f"), O_RDWR, 0);
  must("standin_short", 2);
  const lengths = [
    must("read", fd, new Uint8Array(5), 5),
    must("pread", fd, new Uint8Array(5), 5, 0),
    must("write", fd, "abc", 3),
    must("pwrite", fd, "a", 1, 0),
  ];
  must("standin_short", 0);
  assertEquals([...lengths, must("pread", fd, new Uint8Array(5), 5, 0)], [2, 2, 2, 1, 5]);
  must("close", fd);
}, skip);

test("stand-in: limits don't outlive a descriptor that was closed past it", () => {
  using fixture = new Fixture({ f: "hello", g: "hello" });
  const linux = Deno.dlopen("libc.so.6", { close: { parameters: ["i32"], result: "i32" } });
  const fd = must("open", fixture.at("f"), 0, 0);
  must("cap_rights_limit", fd, new Uint8Array(new BigUint64Array([1n << 57n, 1n << 58n]).buffer));
  assertEquals(libc("read", fd, new Uint8Array(1), 1).errno, ENOTCAPABLE);
  linux.symbols.close(fd);
  using file = Deno.openSync(fixture.at("g"));
  assertNotEquals(file, undefined);
  assertEquals(libc("read", fd, new Uint8Array(1), 1), { ret: 1n, errno: 0 });
  linux.close();
}, skip);

scenario("procctl() turns the signal for violations on and off", ["15.1", "13.2"], [
  fills(3, "02000000", "procctl", 0, 0, 10, { out: 4 }),
  ok("procctl", 0, 0, 9, { hex: "01000000" }),
  fills(3, "01000000", "procctl", 0, 0, 10, { out: 4 }),
  fails(EINVAL, "procctl", 0, 0, 9, { hex: "03000000" }),
  // Outside of capability mode a violation sends nothing.
  opens("f", "open", "/dev/null", 0, 0),
  ok("cap_rights_limit", f, { rights: [] }),
  fails(ENOTCAPABLE, "read", f, { out: 1 }, 1),
  gives(0, "cap_enter"),
]);

test("stand-in: a violation in capability mode sends SIGTRAP where it was asked for", async () => {
  const program = (state: number) =>
    asModule(`
      const { symbols } = Deno.dlopen("/lib/libc.so.7", {
        procctl: { parameters: ["u32", "i64", "i32", "buffer"], result: "i32" },
        cap_enter: { parameters: [], result: "i32" },
        open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
      });
      symbols.procctl(0, 0n, 9, new Int32Array([${state}]));
      symbols.cap_enter();
      console.log(symbols.open(new TextEncoder().encode("/\\0"), 0, 0));`);
  const [on, off] = [await runModule(program(1)), await runModule(program(2))];
  assertEquals([on.signal, on.stdout, off.signal, off.stdout], ["SIGTRAP", "", null, "-1\n"]);
}, skip);

const functions = `{
  cap_sandboxed: { parameters: [], result: "bool" },
  cap_enter: { parameters: [], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  __error: { parameters: [], result: "pointer" },
  memcpy: { parameters: ["buffer", "pointer", "usize"], result: "pointer" },
}`;
const begin = `
  const { symbols: libc } = Deno.dlopen("/lib/libc.so.7", ${functions});
  const cell = new Int32Array(1);
  const errno = () => (libc.memcpy(cell, libc.__error(), 4n), cell[0]);`;
const asModule = (source: string) => `data:text/javascript,${encodeURIComponent(source)}`;

test("stand-in: --allow-ffi with its path is the only permission needed", async () => {
  const program = `${begin}
    libc.close(-1);
    console.log(Deno.build.os, errno());`;
  const options = { permissions: [`--allow-ffi=${libcPath}`] };
  const { stdout, stderr } = await runModule(asModule(program), options);
  assertEquals(stdout || stderr, "freebsd 9\n");
  const refused = await runModule(asModule(program), { permissions: ["--allow-ffi=/lib/libc.so.7"] });
  assertStringIncludes(refused.stderr, `Requires ffi access to "${libcPath}"`);
}, skip);

test("stand-in: a Worker has an errno of its own, and the process's capability mode", async () => {
  const preload = new URL("./preload.ts", import.meta.url);
  const worker = `
    import ${JSON.stringify(preload.href)};
    ${begin}
    const before = libc.cap_sandboxed();
    libc.cap_enter();
    libc.open(new TextEncoder().encode("/\\0"), 0, 0);
    postMessage([Deno.build.os, before, libc.cap_sandboxed(), errno()]);`;
  const program = `${begin}
    libc.close(-1);
    const worker = new Worker(${JSON.stringify(asModule(worker))}, { type: "module" });
    const reported = await new Promise((done) => worker.onmessage = ({ data }) => done(data));
    worker.terminate();
    console.log(JSON.stringify([libc.cap_sandboxed(), errno(), reported]));`;
  const { stdout, stderr } = await runModule(asModule(program), {
    permissions: [
      `--allow-ffi=${libcPath}`,
      `--allow-read=${decodeURIComponent(new URL("../", preload).pathname)}`,
    ],
  });
  assertEquals(stdout || stderr, '[true,9,["freebsd",false,true,94]]\n');
}, skip);

test("buildStandin() builds nothing when nothing changed", async () => {
  const path = await buildStandin();
  const built = Deno.statSync(path).mtime;
  assertEquals([await buildStandin(), Deno.statSync(path).mtime], [path, built]);
}, skip);
