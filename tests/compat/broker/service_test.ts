import { assert, assertEquals, assertRejects } from "@std/assert";
import { MOST_REQUESTS, Service } from "../../../compat/broker/child/service.ts";
import { connectTo } from "../../../compat/broker/child/connecting.ts";
import { MOST_LOOKUPS, queued, type Resolve } from "../../../compat/broker/child/resolver.ts";
import { type BrokerPolicy, policyOf } from "../../../compat/broker/policy.ts";
import { type Answer, answerOf, type Request } from "../../../compat/broker/wire.ts";
import { FdFile, fdOf, libc } from "../../../mod.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";
import { shortenQueue } from "./_broker.ts";

const policy = (rules: BrokerPolicy) => policyOf("test", rules);

/** A service in this process, with a resolver of the test. */
class Local implements Disposable {
  readonly #waiting = new Map<number, (answer: Received) => void>();
  readonly #service: Service;
  readonly answers: Answer[] = [];
  #lastId = 0;

  constructor(rules: BrokerPolicy, resolve: Resolve = () => Promise.reject(new Error("no name"))) {
    this.#service = new Service(policy(rules), resolve, (bytes, fd) => {
      const answer = answerOf(bytes.subarray(4));
      this.answers.push(answer);
      const waiting = this.#waiting.get(answer.id);
      if (waiting) waiting({ ...answer, ...(fd !== undefined && { file: FdFile.fromFd(fd) }) });
      else if (fd !== undefined) libc.close(fd);
    });
  }

  send(request: unknown): void {
    this.#service.handle(new TextEncoder().encode(JSON.stringify(request)));
  }

  ask(request: WithoutId<Request>, id = ++this.#lastId): Promise<Received> {
    const { promise, resolve } = Promise.withResolvers<Received>();
    this.#waiting.set(id, resolve);
    this.send({ ...request, id });
    return promise;
  }

  /** The code, or the class, of the error of a request. */
  async refusal(request: WithoutId<Request>): Promise<string> {
    const answer = await this.ask(request);
    if (!("error" in answer)) throw new Error(`it was not refused: ${JSON.stringify(request)}`);
    return answer.error.code ?? answer.error.class;
  }

  [Symbol.dispose](): void {
    this.#service[Symbol.dispose]();
  }
}

type WithoutId<R> = R extends unknown ? Omit<R, "id"> : never;
type Received = Answer & { readonly file?: FdFile };

/** A listener that counts its connections, and closes them. */
class Counter implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly port = (this.#listener.addr as Deno.NetAddr).port;
  count = 0;

  constructor() {
    void (async () => {
      for await (const connection of this.#listener) {
        this.count++;
        connection.close();
      }
    })();
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}

/** Waits for something to become true. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("Service connects to the address that it checked, even if the name resolves to another one later", async () => {
  using counter = new Counter();
  const { port } = counter, asked: string[] = [];
  // The first answer is a public address on which nothing listens, or a private one without a rule.
  const answers = [["127.0.0.1"], ["169.254.169.254", "10.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0"], [
    "127.0.0.1",
  ]];
  const resolve: Resolve = (name) => {
    asked.push(name);
    return Promise.resolve(answers[asked.length - 1]!);
  };
  using local = new Local({ connect: [`rebound.example:${port}`] }, resolve);
  for (let i = 1; i <= 2; i++) {
    assertEquals(await local.refusal({ call: "connect", hostname: "Rebound.EXAMPLE.", port }), "ENOTCAPABLE");
    assertEquals(asked.length, i, "one request asks once");
  }
  assertEquals(counter.count, 0);
  using named = new Local({ connect: [`rebound.example:${port}`, `127.0.0.1:${port}`] }, resolve);
  const { file } = await named.ask({ call: "connect", hostname: "rebound.example", port });
  file!.close();
  await until(() => counter.count === 1);
  assertEquals(asked, Array(3).fill("rebound.example"));
});

test("Service tries every address in order, and returns the last error", async () => {
  using counter = new Counter();
  const closed = (() => {
    using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    return (other.addr as Deno.NetAddr).port;
  })();
  const { port } = counter;
  // Nothing listens at the first address, or this system has no IPv6.
  const resolve: Resolve = () => Promise.resolve(["::1", "127.0.0.1"]);
  using local = new Local({
    connect: [
      ...[`a.example:${port}`, `[::1]:${port}`, `127.0.0.1:${port}`],
      ...[`a.example:${closed}`, `[::1]:${closed}`, `127.0.0.1:${closed}`],
    ],
  }, resolve);
  const { file } = await local.ask({ call: "connect", hostname: "a.example", port });
  file!.close();
  for (const hostname of ["127.0.0.1", "a.example"]) {
    assertEquals(await local.refusal({ call: "connect", hostname, port: closed }), "ECONNREFUSED");
  }
  // The second address of the name is not permitted with this port.
  using only6 = new Local({ connect: [`a.example:${closed}`, `[::1]:${closed}`] }, resolve);
  assertEquals(await only6.refusal({ call: "connect", hostname: "a.example", port: closed }), "ENOTCAPABLE");
});

test("Service looks up no name that its policy does not permit", async () => {
  const asked: string[] = [];
  const resolve: Resolve = (name) => {
    asked.push(name);
    return Promise.resolve(["192.0.2.1"]);
  };
  using local = new Local({ connect: ["permitted.example:1"], resolve: ["found.example"] }, resolve);
  for (const [hostname, port] of [["other.example", 1], ["permitted.example", 2]] as const) {
    assertEquals(await local.refusal({ call: "connect", hostname, port }), "ENOTCAPABLE");
  }
  assertEquals(await local.refusal({ call: "resolve", name: "other.example", family: 4 }), "ENOTCAPABLE");
  assertEquals(asked, []);
  const answer = await local.ask({ call: "resolve", name: "found.example", family: 4 });
  assertEquals([asked, "value" in answer && answer.value], [["found.example"], ["192.0.2.1"]]);
});

test("Service checks the policy again after it has looked up a name", async () => {
  using counter = new Counter();
  const { port } = counter, { promise, resolve: answer } = Promise.withResolvers<string[]>();
  using local = new Local({ connect: [`a.example:${port}`, `127.0.0.1:${port}`] }, () => promise);
  const connecting = local.ask({ call: "connect", hostname: "a.example", port });
  // The address is still permitted, but no longer the name.
  const less = policy({ connect: [`127.0.0.1:${port}`] });
  assertEquals(await local.ask({ call: "limit", policy: less }), { id: 2, value: null });
  answer(["127.0.0.1"]);
  const { error } = await connecting as { error?: { code?: string } };
  assertEquals(error?.code, "ENOTCAPABLE");
  assertEquals(counter.count, 0);
});

test("Service ends a request that is cancelled or times out, and answers it once", async () => {
  using local = new Local(
    { connect: ["a.example:1", "b.example:1"], resolve: ["a.example"] },
    () => new Promise(() => {}),
  );
  const cancelled = local.ask({ call: "connect", hostname: "a.example", port: 1 }, 7);
  const looked = local.ask({ call: "resolve", name: "a.example", family: 4 }, 8);
  for (const id of [7, 7, 8, 99]) local.send({ id, call: "cancel" });
  for (const one of [cancelled, looked]) assert("error" in await one);
  assertEquals(
    await local.refusal({ call: "connect", hostname: "b.example", port: 1, timeout: 1 }),
    "ETIMEDOUT",
  );
  assertEquals(local.answers.map(({ id }) => id), [7, 8, 1]);
});

test("Service serves a limited number of requests, and refuses an id that is in use", async () => {
  let answer = (_addresses: string[]) => {};
  const addresses = new Promise<string[]>((resolve) => answer = resolve);
  using local = new Local({ resolve: ["a.example"] }, () => addresses);
  const ask = (id: number) => local.ask({ call: "resolve", name: "a.example", family: 4 }, id);
  const repeated = ask(5);
  local.send({ id: 5, call: "resolve", name: "a.example", family: 4 });
  assert("error" in await repeated);
  const asks = Array.from({ length: MOST_REQUESTS - 1 }, (_, i) => ask(i + 6));
  local.send({ id: MOST_REQUESTS + 5, call: "resolve", name: "a.example", family: 4 });
  assertEquals(local.answers.map((answer) => [answer.id, "error" in answer]), [
    [5, true],
    [MOST_REQUESTS + 5, true],
  ]);
  answer(["192.0.2.1", "192.0.2.1"]);
  const all = await Promise.all(asks);
  assert(all.every((answer) => "value" in answer && answer.value?.join() === "192.0.2.1"));
});

test("a cancelled lookup leaves the queue, and counts as a request while it runs", async () => {
  let started = 0;
  const { promise, resolve: answer } = Promise.withResolvers<string[]>();
  const resolve = queued(() => {
    started++;
    return promise;
  });
  using local = new Local({ resolve: ["a.example"], connect: ["a.example:1"] }, resolve);
  const lookUp = { call: "resolve", name: "a.example", family: 4 } as const;
  for (let id = 1; id <= 2 * MOST_REQUESTS; id++) {
    local.send({ ...lookUp, id });
    local.send({ id, call: "cancel" });
    if (id % 256 === 0) await until(() => local.answers.length === id);
  }
  const connect = { call: "connect", hostname: "a.example", port: 1, timeout: 0 } as const;
  assertEquals(await local.refusal(connect), "ETIMEDOUT");
  assert(local.answers.every((answer) => "error" in answer && answer.error.class !== "TypeError"));
  assertEquals(started, MOST_LOOKUPS);
  const asks = Array.from({ length: MOST_REQUESTS - MOST_LOOKUPS }, (_, i) => local.ask(lookUp, 5000 + i));
  assertEquals(await local.refusal(lookUp), "TypeError");
  answer(["192.0.2.1"]);
  assert((await Promise.all(asks)).every((answer) => "value" in answer));
  assertEquals(started, MOST_REQUESTS);
});

/** On FreeBSD, a connection to a Unix socket is refused at once if the queue is full. */
const waitsForQueue = kernel.simulated || !kernel.hasCapsicum;

test("limit() also ends the requests that wait for a lookup or for a connection", async () => {
  using fixture = new Fixture();
  const path = fixture.at("s"), { promise, resolve: answer } = Promise.withResolvers<string[]>();
  let listener!: Deno.UnixListener;
  shortenQueue(fdOf(() => listener = Deno.listen({ transport: "unix", path })));
  using _listener = listener;
  using local = new Local({ connect: [`unix:${path}`], resolve: ["a.example"] }, () => promise);
  const connect = () => local.ask({ call: "connectPath", path, timeout: 5000 });
  // More than fit into the queue of the listener.
  const connecting = [connect(), connect(), connect()];
  const looking = local.ask({ call: "resolve", name: "a.example", family: 4 });
  await until(() => local.answers.length > 0);
  assert("value" in await local.ask({ call: "limit", policy: policy({}) }));
  answer(["192.0.2.1"]);
  const codes = (await Promise.all([...connecting, looking])).map((answer) => {
    answer.file?.close();
    return "error" in answer ? answer.error.code : "open";
  });
  assertEquals([codes[0], codes[3]], ["open", "ENOTCAPABLE"]);
  assertEquals(codes[2], waitsForQueue ? "ENOTCAPABLE" : "ECONNREFUSED");
});

test("connectTo() closes a connection that is not permitted when it is made", async () => {
  using counter = new Counter();
  const address = { bytes: new Uint8Array([127, 0, 0, 1]), port: counter.port };
  let checks = 0;
  const check = () => {
    if (++checks === 2) throw new Error("limited");
  };
  const { signal } = new AbortController();
  await assertRejects(() => connectTo(address, "it", signal, check), Error, "limited");
  libc.close(await connectTo(address, "it", signal, check));
  await until(() => counter.count === 2);
});

test("Service opens regular files as its rules permit, and limit() can reduce them to subdirectories", async () => {
  using fixture = new Fixture({
    docs: {
      "a.txt": "a",
      sub: { "b.txt": "b" },
      out: { link: "../secret" },
      up: { link: ".." },
      in: { link: "sub" },
    },
    secret: { "c.txt": "c" },
    w: {},
  });
  const docs = fixture.at("docs"), w = fixture.at("w");
  using local = new Local({ open: { read: [docs], write: [w] } });
  const open = (path: string, options = {}) => ({ call: "open", path, options }) as const;
  const text = async (path: string) => {
    using file = (await local.ask(open(path))).file!;
    return new TextDecoder().decode(file.readAllSync());
  };
  assertEquals(await text(`${docs}/a.txt`), "a");
  assertEquals(await text(`${docs}/in/b.txt`), "b");
  assertEquals(await text(`${docs}/sub/../a.txt`), "a");
  const refusals: [string, object, string][] = [
    [`${docs}/out/c.txt`, {}, "ENOTCAPABLE"],
    [`${docs}/up/secret/c.txt`, {}, "ENOTCAPABLE"],
    [`${docs}/../secret/c.txt`, {}, "ENOTCAPABLE"],
    [`${docs}/sub/../../secret/c.txt`, {}, "ENOTCAPABLE"],
    [`${docs}x`, {}, "ENOTCAPABLE"],
    [fixture.at("secret", "c.txt"), {}, "ENOTCAPABLE"],
    [`${docs}/a.txt`, { write: true }, "ENOTCAPABLE"],
    [`${docs}/new`, { append: true, create: true }, "ENOTCAPABLE"],
    [`${w}/new`, { read: true, write: true, create: true }, "ENOTCAPABLE"],
    [docs, {}, "EISDIR"],
    [`${docs}/sub`, {}, "EISDIR"],
    [`${docs}/a.txt/`, {}, "ENOTDIR"],
    [`${docs}/in`, { noFollow: true }, "EMLINK"],
    [`${docs}/none`, {}, "ENOENT"],
    [`${docs}/\0`, {}, "TypeError"],
    [`${docs}/${"x".repeat(5000)}`, {}, "ENAMETOOLONG"],
    ["", {}, "ENOTCAPABLE"],
    [`${w}/x`, { create: true }, "TypeError"],
  ];
  for (const [path, options, code] of refusals) {
    const found = await local.refusal(open(path, options));
    // Linux has ELOOP for a symlink that is not followed.
    assertEquals(found === "ELOOP" ? "EMLINK" : found, code, path);
  }
  const { file } = await local.ask(open(`${w}/new`, { write: true, createNew: true, mode: 0o4755 }));
  file!.writeAllSync(new TextEncoder().encode("text"));
  file!.close();
  assertEquals(fixture.read("w/new"), "text");
  assertEquals(fixture.stat("w/new").mode! & 0o7022, 0);

  assertEquals(
    await local.refusal({ call: "limit", policy: { ...policy({}), read: [`${docs}/../secret`] } }),
    "TypeError",
  );
  assertEquals(
    await local.refusal({ call: "limit", policy: policy({ open: { read: [fixture.at("secret")] } }) }),
    "ENOTCAPABLE",
  );
  assertEquals(
    await local.refusal({ call: "limit", policy: policy({ open: { read: [`${docs}/out`] } }) }),
    "ENOTCAPABLE",
  );
  assertEquals(await text(`${docs}/a.txt`), "a");
  await local.ask({ call: "limit", policy: policy({ open: { read: [`${docs}/sub`] } }) });
  assertEquals(await text(`${docs}/sub/b.txt`), "b");
  assertEquals(await local.refusal(open(`${docs}/a.txt`)), "ENOTCAPABLE");
  assertEquals(await local.refusal(open(`${docs}/sub/../a.txt`)), "ENOTCAPABLE");
  assertEquals(await local.refusal(open(`${w}/new`, { write: true })), "ENOTCAPABLE");
});

test("limit() does not turn a directory for writing into one for reading, unless it is below one for reading", async () => {
  using fixture = new Fixture({
    a: { b: { link: "../c" }, d: { "x.txt": "x" } },
    c: { "secret.txt": "secret" },
  });
  const a = fixture.at("a"), b = fixture.at("a", "b"), d = fixture.at("a", "d");
  using local = new Local({ open: { read: [a], write: [b, d] } });
  const limit = (rules: BrokerPolicy["open"]) =>
    ({ call: "limit", policy: policy({ open: rules! }) }) as const;
  const open = (path: string, options = {}) => ({ call: "open", path, options }) as const;
  assertEquals(await local.refusal(open(`${b}/secret.txt`)), "ENOTCAPABLE");
  for (const rules of [{ read: [b], write: [b] }, { read: [b] }, { read: [d], write: [d] }]) {
    assertEquals(await local.refusal(limit(rules)), "ENOTCAPABLE");
  }
  assertEquals(await local.refusal(open(`${b}/secret.txt`)), "ENOTCAPABLE");
  (await local.ask(open(`${b}/secret.txt`, { write: true }))).file!.close();
  assert("value" in await local.ask(limit({ read: [d], write: [b] })));
  (await local.ask(open(`${d}/x.txt`))).file!.close();
  (await local.ask(open(`${b}/secret.txt`, { write: true }))).file!.close();
  assertEquals(await local.refusal(open(`${d}/x.txt`, { write: true })), "ENOTCAPABLE");
});

test("Service refuses a FIFO without waiting, and a device", async () => {
  using fixture = new Fixture({ d: {} });
  libc.mkfifoat(libc.AT_FDCWD, fixture.at("d", "fifo"), 0o600);
  using local = new Local({ open: { read: [fixture.at("d"), "/dev"], write: [fixture.at("d")] } });
  const open = (path: string, options = {}) => local.refusal({ call: "open", path, options });
  assertEquals(await open(fixture.at("d", "fifo")), "EOPNOTSUPP");
  // ENXIO would mean that open(2) was called.
  assertEquals(await open(fixture.at("d", "fifo"), { write: true }), "EOPNOTSUPP");
  assertEquals(await open(fixture.at("d", "fifo"), { write: true, noFollow: true }), "EOPNOTSUPP");
  assertEquals(await open("/dev/null"), "EOPNOTSUPP");
});
