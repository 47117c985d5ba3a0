import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type Broker, broker } from "../../../compat/broker/mod.ts";
import { FdFile, fdOf, libc } from "../../../mod.ts";
import { inChild, outputOf, runModule, RunningModule } from "../../_child.ts";
import { Fixture, scaled } from "../../_fixture.ts";
import { kernel, openDescriptors } from "../../_kernel.ts";
import { needsIPv6 } from "../../_pairs.ts";
import { test } from "../../_test.ts";
import { descriptorsOf, kernelDeno, noProc, seccompOf, shortenQueue } from "./_broker.ts";
import type { Task } from "./_sandboxed_child.ts";

const program = new URL("_sandboxed_child.ts", import.meta.url);
const tree = {
  docs: { a: "inside", sub: { b: "other" }, link: { link: "../secret" } },
  out: {},
  secret: "SECRET",
};

/** All running processes except ps(1), which lists them. */
function processes(): { pid: number; parent: number }[] {
  // An option for each column: on FreeBSD everything after "=" is the title of one column.
  const columns = ["pid", "ppid", "state", "comm"].flatMap((name) => ["-o", `${name}=`]);
  return outputOf("ps", "-ax", ...columns).trim().split("\n").flatMap((line) => {
    const [pid, parent, state, name] = line.trim().split(/\s+/);
    return state!.startsWith("Z") || name === "ps" ? [] : [{ pid: Number(pid), parent: Number(parent) }];
  });
}

/** The processes that this one, or another one, has started. */
function childrenOf(pid: number): number[] {
  return processes().filter(({ parent }) => parent === pid).map(({ pid }) => pid);
}

function isRunning(pid: number): boolean {
  return processes().some((one) => one.pid === pid);
}

/** The process of a broker that this process has started. */
async function started(policy: Parameters<typeof broker>[0]): Promise<{ net: Broker; pid: number }> {
  const before = childrenOf(Deno.pid), net = await broker(policy);
  const [pid, ...others] = childrenOf(Deno.pid).filter((pid) => !before.includes(pid));
  assert(pid !== undefined && others.length === 0);
  return { net, pid };
}

async function until(isTrue: () => boolean, what: string): Promise<void> {
  const start = performance.now();
  while (!isTrue()) {
    if (performance.now() - start > 30_000) throw new Error(`not within 30 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("a sandboxed program connects, listens, resolves and opens through a broker, only as its policy permits", async () => {
  using fixture = new Fixture(tree);
  const deno = kernelDeno(fixture), task: Task = { top: fixture.path, deno, mode: "everything" };
  const { code, stdout, stderr } = await runModule(program, { args: [JSON.stringify(task)] });
  assertEquals([code, stderr], [0, ""]);
  const results = JSON.parse(stdout), top = fixture.path;
  const refused = (syscall: string, path: string) => ({
    class: "CapsicumError",
    code: "ENOTCAPABLE",
    syscall,
    path,
  });
  assertEquals(results.mechanism, kernel.hasCapsicum ? "capsicum" : "seccomp");
  assertEquals(results.alone.code, "ECAPMODE");
  assertEquals(results["second broker"], { class: "CapsicumError", code: "ECAPMODE", syscall: "broker" });
  assertEquals(results.echo, ["hello", "hello", "hello"]);
  assertEquals(results.unix, "unix");
  assertEquals(results.refused, {
    class: "ConnectionRefused",
    code: "ECONNREFUSED",
    syscall: "connect",
    path: "127.0.0.1:1",
  });
  assertEquals(results["other port"], refused("connect", "127.0.0.1:2"));
  assertEquals(results["other name"].code, "ENOTCAPABLE");
  assertEquals(results["other path"], refused("connect", `${top}/other.sock`));
  assertEquals(results["no socket"], {
    class: "NotFound",
    code: "ENOENT",
    syscall: "connect",
    path: `${top}/full.sock`,
  });
  assertEquals(results.resolve, true);
  assertEquals(results["resolve other"], refused("resolveDns", "example.com"));
  assertEquals(results.listen, ["127.0.0.1", true, true, { class: "BadResource" }, { class: "BadResource" }]);
  assertEquals(results["listen other"], refused("listen", "127.0.0.1:80"));
  assertEquals([results.read, results.rights], ["inside", true]);
  assertEquals(results["write to it"].code, kernel.hasCapsicum ? "ENOTCAPABLE" : "EBADF");
  assertEquals(fixture.read("out/new"), "written");
  assertEquals(results["symlink out"], refused("openat", `${top}/docs/link`));
  assertEquals(results.up, refused("openat", `${top}/docs/../secret`));
  assertEquals(results["write docs"], refused("open", `${top}/docs/a`));
  assertEquals(results.missing, {
    class: "NotFound",
    code: "ENOENT",
    syscall: "openat",
    path: `${top}/docs/none`,
  });
  assertEquals(results.mistake, { class: "TypeError" });
  assertEquals(results.aborted, { class: "RangeError" });
  assertEquals(results.limited.map((one: { code?: string }) => one.code ?? one), [
    "open",
    ...["ENOTCAPABLE", "ENOTCAPABLE", "ENOTCAPABLE"],
  ]);
  assertEquals(results.closed, [{ class: "BadResource" }, { class: "BadResource" }]);
});

test("the second process exits if the program is killed, also during a connect", async () => {
  using fixture = new Fixture(tree);
  const deno = kernelDeno(fixture), task: Task = { top: fixture.path, deno, mode: "stays" };
  await using running = new RunningModule(program, { args: [JSON.stringify(task)] });
  await running.said(/started/);
  const [pid, ...others] = childrenOf(running.pid);
  assert(pid !== undefined && others.length === 0);
  // The inheritable descriptors of the program are closed.
  assert(!descriptorsOf(pid).includes(fixture.path));
  Deno.kill(running.pid, "SIGKILL");
  await until(() => !isRunning(pid), "the broker's process ends");
});

test.capsicum("the second process closes the descriptors that it may have inherited, but not a kqueue", async () => {
  using fixture = new Fixture(tree);
  const denoPath = kernelDeno(fixture, "_kqueue_child.ts");
  await using net = await broker({ open: { read: [fixture.at("docs")] }, denoPath });
  (await net.open(fixture.at("docs", "a"))).close();
});

const most = kernel.simulated ? 2000 : 10_000;

test(`${most} requests, 1,000 at a time, leave no descriptor open on either side`, async () => {
  using fixture = new Fixture(tree);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  void (async () => {
    for await (const connection of listener) connection.close();
  })();
  const { port } = listener.addr as Deno.NetAddr;
  using inherited = FdFile.fromFd(libc.open(fixture.at("secret"), libc.O_RDONLY));
  assertEquals(libc.fcntl(inherited, libc.F_GETFD), 0);
  const { net, pid } = await started({
    open: { read: [fixture.at("docs")] },
    connect: [`127.0.0.1:${port}`],
    denoPath: kernelDeno(fixture),
  });
  const calls = [
    async () => (await net.open(fixture.at("docs", "a"))).close(),
    async () => void await assertRejects(() => net.open(fixture.at("docs", "link")), Error, "ENOTCAPABLE"),
    async () => (await net.open(fixture.at("docs", "a"))).close(),
    async () => void await assertRejects(() => net.open(fixture.at("docs", "none")), Deno.errors.NotFound),
    async () => (await net.connect({ hostname: "127.0.0.1", port })).close(),
  ];
  const run = async (count: number) => {
    for (let left = count; left > 0; left -= 1000) {
      await Promise.all(
        Array.from({ length: Math.min(left, 1000) }, (_, i) => calls[i % 10 === 0 ? 4 : i % 4]!()),
      );
    }
  };
  assert(!descriptorsOf(pid).includes(fixture.at("secret")), "the process keeps what it inherited");
  // On Linux a process that connects is also confined, if the policy has no names.
  if (!kernel.hasCapsicum) assertEquals(seccompOf(pid), "2");
  await run(1000);
  const ours = openDescriptors().length, theirs = descriptorsOf(pid).length;
  await run(scaled(most));
  await until(() => descriptorsOf(pid).length <= theirs, "the broker closes what it has sent");
  await until(() => openDescriptors().length <= ours, "nothing is left open here");
  // Without using: the program closes it, and waits for its end.
  await net[Symbol.asyncDispose]();
  assert(!isRunning(pid));
}, { skip: noProc });

test(
  "the second process of a policy for files only is confined by the kernel, and has no Deno permission",
  async () => {
    using fixture = new Fixture(tree);
    const denoPath = kernelDeno(fixture);
    const { net: files, pid } = await started({ open: { read: [fixture.at("docs")] }, denoPath });
    await using _files = files;
    using file = await files.open(fixture.at("docs", "a"));
    assertEquals(file.readAllSync().length, 6);
    // The stand-in refuses Deno's own calls by seccomp(2), as capability mode does.
    if (Deno.build.arch === "x86_64") assertEquals(seccompOf(pid), "2");
    // Only Deno's own descriptors, the directory and the channel are open.
    const open = () =>
      descriptorsOf(pid).filter((name) =>
        !/^(anon_inode|pipe|socket|\/dev\/null)/.test(name) && !name.includes("_cache_v")
      );
    await until(() => open().length <= 1, "the broker closes what it has sent");
    assertEquals(open(), [fixture.at("docs")]);
  },
  { skip: noProc },
);

test("the second process has no search list, and its end rejects pending and later requests", async () => {
  using fixture = new Fixture(tree);
  const { net, pid } = await started({
    resolve: ["localhost"],
    open: { read: [fixture.at("docs")] },
    denoPath: kernelDeno(fixture),
  });
  // resolv.conf(5): the search list is empty, so the resolver adds no domain to a name.
  if (!noProc) assertMatch(Deno.readTextFileSync(`/proc/${pid}/environ`), /(^|\0)LOCALDOMAIN=\0/);
  const open = () => net.open(fixture.at("docs", "a"));
  (await open()).close();
  Deno.kill(pid, "SIGSTOP");
  const waiting = Array.from({ length: 1001 }, open),
    controller = new AbortController(),
    reason = new Error("enough");
  // This request waits for a slot, and obeys its signal.
  const queued = net.resolveDns("localhost", "A", { signal: controller.signal });
  controller.abort(reason);
  assertEquals(await queued.catch((error) => error), reason);
  Deno.kill(pid, "SIGKILL");
  for (const one of waiting) await assertRejects(() => one, Deno.errors.BrokenPipe, "has ended");
  await assertRejects(open, Deno.errors.BrokenPipe, "has ended");
  await net[Symbol.asyncDispose]();
});

test(
  "open() fails while the program has too many open files, and returns the right file afterwards",
  async () => {
    using fixture = new Fixture(tree);
    const mod = new URL("../../../compat/broker/mod.ts", import.meta.url).href;
    const found = await inChild(
      async ({ libc }, { mod, docs, isOneByOne }) => {
        const { broker }: typeof import("../../../compat/broker/mod.ts") = await import(mod);
        await using net = await broker({ open: { read: [docs] } });
        const text = async (path: string) => {
          using file = await net.open(`${docs}/${path}`);
          return new TextDecoder().decode(await file.readAll());
        };
        await text("a");
        const held: number[] = [];
        for (let isFull = false; !isFull;) {
          try {
            held.push(libc.dup(0));
          } catch {
            isFull = true;
          }
        }
        const code = () => text("a").catch((error) => error.code);
        const codes = isOneByOne
          ? [await code(), await code(), await code()]
          : await Promise.all([code(), code(), code()]);
        for (const fd of held) libc.close(fd);
        return [...codes, await text("sub/b"), await text("a")];
      },
      // uipc_soreceive_stream_or_seqpacket() of FreeBSD 15.1 can loop if another descriptor is queued behind one that is lost.
      { mod, docs: fixture.at("docs"), isOneByOne: kernel.hasCapsicum },
      { shell: 'ulimit -n 100; exec "$@"' },
    );
    assertEquals(found, ["EMFILE", "EMFILE", "EMFILE", "other", "inside"]);
  },
  { skip: kernel.simulated && "the stand-in does not know what the kernel does without a free number" },
);

test("connect() obeys signal and timeout, and closes a connection that arrives too late", async () => {
  using fixture = new Fixture(tree);
  const path = fixture.at("s");
  let full!: Deno.UnixListener;
  shortenQueue(fdOf(() => full = Deno.listen({ transport: "unix", path })));
  const { net, pid } = await started({ connect: [`unix:${path}`], denoPath: kernelDeno(fixture) });
  await using _net = net;
  const idle = descriptorsOf(pid).length;
  // The first ones fit into the queue.
  const connections: FdFile[] = [];
  let error: unknown;
  while (error === undefined) {
    try {
      connections.push(await net.connect({ path, timeout: 200 }));
    } catch (caught) {
      error = caught;
    }
  }
  assert(error instanceof Deno.errors.TimedOut, String(error));
  assertEquals((error as unknown as { code: string }).code, "ETIMEDOUT");
  const controller = new AbortController(), reason = new Error("enough");
  const waiting = net.connect({ path, signal: controller.signal });
  setTimeout(() => controller.abort(reason), 20);
  assertEquals(await waiting.catch((error) => error), reason);
  await until(() => descriptorsOf(pid).length <= idle, "the broker gives the attempt up");
  const open = openDescriptors().length, aborted = new AbortController();
  const late = net.connect({ path, signal: aborted.signal });
  aborted.abort(reason);
  (await full.accept()).close();
  assertEquals(await late.catch((error) => error), reason);
  await assertRejects(() => net.connect({ path: "/none" }), Error, "ENOTCAPABLE");
  for (const connection of connections) connection.close();
  full.close();
  assert(openDescriptors().length < open);
}, { skip: noProc });

for (const [hostname, skip] of [["127.0.0.1", false], ["::1", needsIPv6()]] as const) {
  test(
    `accept() and iteration wait for connections to ${hostname} until the listener is closed`,
    async () => {
      using fixture = new Fixture();
      await using net = await broker({
        listen: [hostname.includes(":") ? `[${hostname}]:0` : `${hostname}:0`],
        denoPath: kernelDeno(fixture),
      });
      const listener = await net.listen({ hostname, port: 0 });
      assertEquals([listener.addr.hostname, listener.addr.transport], [hostname, "tcp"]);
      const received: string[] = [];
      const accepting = (async () => {
        for await (const connection of listener) {
          received.push(new TextDecoder().decode(await connection.readAll()));
          connection.close();
          if (received.length === 3) listener.close();
        }
      })();
      for (const text of ["a", "b", "c"]) {
        using connection = await Deno.connect({ hostname, port: listener.addr.port });
        await connection.write(new TextEncoder().encode(text));
      }
      await accepting;
      assertEquals(received.sort(), ["a", "b", "c"]);
    },
    { skip },
  );
}

test(
  'broker() throws if the system cannot confine its process, unless enforce is "if-supported"',
  async () => {
    using fixture = new Fixture(tree);
    const mod = new URL("../../../compat/broker/mod.ts", import.meta.url).href;
    const flags = [`--preload=${new URL("../../_no_seccomp.ts", import.meta.url).href}`];
    const outcome = await inChild(
      async ({ caught: _ }, { mod, docs }) => {
        const { broker }: typeof import("../../../compat/broker/mod.ts") = await import(mod);
        const policy = { open: { read: [docs] } };
        const refusal = await broker(policy).then(
          () => undefined,
          ({ name, message }: Error) => ({ name, message }),
        );
        await using net = await broker({ ...policy, enforce: "if-supported" });
        using file = await net.open(`${docs}/a`);
        const escape = await net.open(`${docs}/link`).catch((error) => error.code);
        return { refusal, length: file.readAllSync().length, escape };
      },
      { mod, docs: fixture.at("docs") },
      { flags },
    );
    assertEquals(outcome.refusal?.name, "NotSupported");
    assertEquals(/this system lacks seccomp.* enforce: "if-supported"/.test(outcome.refusal!.message), true);
    assertEquals([outcome.length, outcome.escape], [6, "ENOTCAPABLE"]);
  },
  {
    skip: (kernel.hasCapsicum || Deno.build.arch !== "x86_64") &&
      "the filter that hides seccomp(2) is for Linux on x86_64",
  },
);

test(
  "an error of a broker does not mention a plan, even if the mode of a file is the reason",
  async () => {
    using fixture = new Fixture({ docs: { locked: { text: "", mode: 0 } } });
    const denoPath = kernelDeno(fixture, "_nobody_child.ts");
    fixture.giveAway();
    await using net = await broker({ open: { read: [fixture.at("docs")] }, denoPath });
    const error = await assertRejects(
      () => net.open(fixture.at("docs/locked")),
      Deno.errors.PermissionDenied,
    );
    assertMatch(error.message, /Permission denied \(EACCES\)\.$/);
  },
);

test("broker() reports why its process does not start, and leaves no descriptor or process", async () => {
  using fixture = new Fixture({ deno: { text: "#!/bin/sh\necho broken >&2\nexit 3\n", mode: 0o755 } });
  const before = openDescriptors().length, children = childrenOf(Deno.pid).length;
  const failing = await assertRejects(() => broker({ denoPath: fixture.at("deno") }), Error);
  assertEquals(failing.message, "broker(): the second process exited with code 3 during its start: broken");
  await assertRejects(() => broker({ denoPath: fixture.at("none") }), Deno.errors.NotFound);
  using other = new Fixture();
  const directory = { open: { read: [other.at("none")] }, denoPath: kernelDeno(other) };
  const missing = await assertRejects(() => broker(directory), Deno.errors.NotFound);
  assertEquals((missing as { path?: string }).path, other.at("none"));
  assert(missing.message.startsWith("broker(): open.read[0] can't be opened as a directory: open "));
  other.add({ dir: {}, file: "", other: {} });
  const lists = { read: [other.at("dir"), other.at("dir"), other.at("other")], write: [other.at("file")] };
  const file = await assertRejects(
    () => broker({ open: lists, denoPath: directory.denoPath }),
    Deno.errors.NotADirectory,
  );
  assert(file.message.startsWith("broker(): open.write[0] can't be"), file.message);
  await using net = await broker({ open: { read: lists.read }, denoPath: directory.denoPath });
  const narrower = net.limit({ open: { read: [lists.read[0]!, lists.read[1]!, other.at("dir/none")] } });
  const { message } = await assertRejects(() => narrower, Deno.errors.NotFound);
  assert(message.startsWith("Broker.limit(): open.read[2] can't be opened as a directory: "), message);
  await net[Symbol.asyncDispose]();
  for (
    const wrong of [undefined, null, 1, { connect: ["a"] }, { denoPath: 1 }, {
      resolve: Array(5000).fill("a.example").map((name, i) => name + i),
    }]
  ) {
    const error = await assertRejects(() => broker(wrong as object));
    assert(error instanceof TypeError || error instanceof RangeError, String(error));
  }
  assertEquals(childrenOf(Deno.pid).length, children);
  assertEquals(openDescriptors().length, before);
});

test(
  "connect() refuses port 0 and wrong options, with a message that names them",
  async () => {
    using fixture = new Fixture();
    await using net = await broker({ connect: ["127.0.0.1:1"], denoPath: kernelDeno(fixture) });
    const wrong: [options: unknown, message: RegExp][] = [
      ...[undefined, null, "127.0.0.1:1", 1].map((
        options,
      ): [unknown, RegExp] => [options, /options must be an object/]),
      [{}, /argument hostname must be a string/],
      [{ hostname: "127.0.0.1" }, /argument port must be an integer from 1/],
      [{ hostname: "127.0.0.1", port: 0 }, /option port must be an integer from 1 to 65535, not 0/],
      [{ hostname: "127.0.0.1", port: 1, path: "/s" }, /no option "hostname"/],
      [{ path: 1 }, /option path must be a string/],
    ];
    for (const [options, message] of wrong) {
      const error = await assertRejects(() => net.connect(options as never));
      assert(error instanceof TypeError || error instanceof RangeError, String(error));
      assertMatch(error.message, message);
    }
    await assertRejects(
      () => net.connect({ hostname: "127.0.0.1", port: 1 }),
      Deno.errors.ConnectionRefused,
    );
  },
);
