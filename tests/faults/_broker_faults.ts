/**
 * Makes calls of a broker fail, in this process and in the second one, and prints what is wrong afterwards as a `Result`. Its
 * argument is a `Task` in JSON.
 *
 * @module
 */
import { arm, type Fault, isArmed, openNow, recorded } from "./_boundary.ts";
import { Broker, broker, type BrokerPolicy, type FdListener, nodeSocket } from "../../compat/broker/mod.ts";
import { streamOver } from "../../compat/broker/node_stream.ts";
import { Channel } from "../../compat/broker/channel.ts";
import { policyOf } from "../../compat/broker/policy.ts";
import { encode, type Request, requestOf } from "../../compat/broker/wire.ts";
import { errnoTable } from "../../ffi/errno.ts";
import { sendMessage } from "../../ffi/libc/messages.ts";
import { socketPair } from "../../ffi/libc/socket_calls.ts";
import { type FdFile, libc, type SyscallError } from "../../mod.ts";
import { libcPath } from "../_child.ts";
import { seccompOf } from "../compat/broker/_broker.ts";
import { Fixture, type Tree } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import { errnos, isWhole, meaningful, wrongIn } from "./_errnos.ts";
import type { Plan, Report } from "./_second_process.ts";

export interface Task {
  part: "answers" | "requests" | "starts";
  /** The directory of the fixture, with "docs" and "out". */
  top: string;
  /** A server that returns what it gets, by TCP and at a path. */
  port: number;
  path: string;
}

export interface Result {
  wrong: string[];
  /** The number of faults in this process, and in the second one. */
  here: number;
  there: number;
}

const { part, top, port, path }: Task = JSON.parse(Deno.args[0]!);
const fixture = new Fixture({}, top);
const numbers = new Map(
  Object.entries(errnoTable()).map(([number, [name]]) => [name, Math.abs(Number(number))]),
);
const wrong: string[] = [], all = new Set<string>();
const counts = { here: 0, there: 0 };
let turn = 0, what = "";

addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  wrong.push(`${what}: unhandled: ${event.reason?.stack ?? event.reason}`);
});

/** Awaits something that must not take long. */
async function within<T>(promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: hangs`)), 60_000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

let brokers = 0, plans = 0;

/** A broker, and the faults in its second process. */
class Subject {
  readonly #name = `broker${brokers++}`;
  readonly deno: string = fixture.at(this.#name);
  net!: Broker;
  pid!: number;
  readonly #reports = new Map<number, Report>();
  #plans = "";
  #read = 0;

  constructor() {
    const flags: string[] = kernel.simulated ? JSON.parse(Deno.env.get("CAPSICUM_TEST_FLAGS") ?? "[]") : [];
    const preload = `--preload=${new URL("_second_process.ts", import.meta.url).href}`;
    const words = [Deno.execPath(), "run", `--allow-ffi=${libcPath}`, ...flags, preload].map((word) =>
      `'${word}'`
    );
    const text = `#!/bin/sh\nshift\nexec ${words.join(" ")} "$@" <'${this.deno}.plan' >'${this.deno}.log'\n`;
    const name = this.#name;
    fixture.add({ [name]: { text, mode: 0o755 }, [`${name}.plan`]: "", [`${name}.log`]: "" });
  }

  /** What happens in the second process after the next message. Returns the id of the report. */
  plan(fault?: Fault): number {
    const plan: Plan = { id: ++plans, ...(fault && { fault }) };
    this.#plans += `${JSON.stringify(plan)}\n`;
    fixture.write(`${this.#name}.plan`, this.#plans);
    return plan.id;
  }

  /** The report, once the process has got a later message. */
  report(id: number): Report | undefined {
    const lines = fixture.read(`${this.#name}.log`).split("\n").slice(0, -1);
    for (const line of lines.slice(this.#read)) {
      const report: Report | { unhandled: string } = JSON.parse(line);
      if ("unhandled" in report && !what.includes("restrictNext@")) {
        wrong.push(`${what}: unhandled there: ${report.unhandled}`);
      } else if ("id" in report) this.#reports.set(report.id, report);
    }
    this.#read = lines.length;
    return this.#reports.get(id);
  }

  async end(): Promise<void> {
    await within(this.net[Symbol.asyncDispose]());
    this.report(0);
  }
}

/** The processes that this one has started. */
function children(): number[] {
  const lists = [...Deno.readDirSync("/proc/self/task")].map(({ name }) => {
    try {
      return Deno.readTextFileSync(`/proc/self/task/${name}/children`);
    } catch {
      // The thread has ended.
      return "";
    }
  });
  return lists.join(" ").split(" ").filter((text) => text.trim() !== "").map(Number);
}

async function started(policy: BrokerPolicy, subject: Subject = new Subject()): Promise<Subject> {
  const before = children();
  subject.net = await within(broker({ ...policy, denoPath: subject.deno }));
  subject.pid = children().find((pid) => !before.includes(pid))!;
  return subject;
}

/** The subjects in use, by their policies. */
const subjects = new Map<BrokerPolicy, Subject>();

interface Operation {
  policy: BrokerPolicy;
  /** Whether calls of the second process do not fail: there is no request, or there are several. */
  isHere?: true;
  /** What is needed first. No call of it fails. */
  prepare?(net: Broker): Promise<Disposable>;
  /** The calls of which one fails. */
  run(net: Broker, prepared: Disposable | undefined): Promise<unknown>;
  /** The use of the result, as text. No call of it fails. */
  text?(result: never, net: Broker): string | Promise<string>;
  /** A request that must be served as before. Default: it opens a file. */
  probe?(net: Broker): Promise<unknown>;
}

const docs = fixture.at("docs"), out = fixture.at("out");
const files: BrokerPolicy = { open: { read: [docs], write: [out] } }, narrowing: BrokerPolicy = { ...files };
const network: BrokerPolicy = {
  connect: [`127.0.0.1:${port}`, "127.0.0.1:1", `localhost:${port}`, `unix:${path}`],
  listen: ["127.0.0.1:0"],
  resolve: ["localhost"],
  open: { read: [docs] },
};
const decoder = new TextDecoder(), ping = new TextEncoder().encode("ping");

/** The content of a file, which is closed. */
async function content(file: FdFile): Promise<string> {
  using _file = file;
  return decoder.decode(await file.readAll());
}

async function echoed(connection: FdFile): Promise<string> {
  using _connection = connection;
  await connection.writeAll(ping);
  const bytes = new Uint8Array(4);
  await connection.readInto(bytes);
  return decoder.decode(bytes);
}

/** A listener and a client that has connected to it. */
async function connected(net: Broker): Promise<Disposable & { listener: FdListener; client: Deno.TcpConn }> {
  const listener = await net.listen({ hostname: "127.0.0.1", port: 0 });
  const client = await Deno.connect({ port: listener.addr.port, hostname: "127.0.0.1" });
  await client.write(ping);
  return {
    listener,
    client,
    [Symbol.dispose]() {
      listener[Symbol.dispose]();
      client.close();
    },
  };
}

/** What comes back through a stream of `node:stream`. */
function throughStream(socket: ReturnType<typeof nodeSocket>): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    socket.on("data", (bytes: Uint8Array) => text += decoder.decode(bytes));
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
    socket.end(ping);
  });
}

const aConnection = (net: Broker) => net.connect({ hostname: "127.0.0.1", port });
const deepest = 50;
/** The depth of the directory to which a broker was limited. */
const depths = new WeakMap<Broker, number>();
const depthOf = (net: Broker) => depths.get(net) ?? 0;
const levels = (depth: number) => docs + "/n".repeat(depth);
const nested = Array.from({ length: deepest }).reduce<Tree>((n) => ({ a: "inside", n }), {});
fixture.add({ n: nested }, "docs");

const operations: Record<string, Operation> = {
  open: { policy: files, run: (net) => net.open(`${docs}/a`), text: content },
  "open a new file": {
    policy: files,
    run: (net) => net.open(`${out}/new`, { write: true, append: true, create: true }),
    text: (file: FdFile) => (file.close(), "opened"),
  },
  "open what is missing": { policy: files, run: (net) => net.open(`${docs}/none`) },
  "open outside": { policy: files, run: (net) => net.open(`${docs}/link`) },
  "open two": {
    policy: files,
    isHere: true,
    run: (net) => Promise.allSettled([net.open(`${docs}/a`), net.open(`${docs}/b`)]),
    text: async (opened: PromiseSettledResult<FdFile>[]) => {
      const texts = await Promise.all(
        opened.map(async (one) => one.status === "fulfilled" ? await content(one.value) : undefined),
      );
      if ((texts[0] ?? "inside") !== "inside" || (texts[1] ?? "other") !== "other") {
        return `swapped: ${texts}`;
      }
      for (const one of opened) if (one.status === "rejected") throw one.reason;
      return "both";
    },
  },
  "open without a rule": { policy: files, run: (net) => net.open(`${top}/secret`) },
  limit: {
    policy: narrowing,
    run: (net) => net.limit({ open: { read: [levels(depthOf(net) + 1)] } }),
    text: async (_: unknown, net) => {
      const old = await net.open(`${levels(depthOf(net))}/a`).then(content, (error) => {
        if (error.code === undefined) throw error;
        return error.code;
      });
      depths.set(net, depthOf(net) + 1);
      return `the old rule: ${old}`;
    },
    probe: async (net) => content(await net.open(`${levels(depthOf(net))}/a`)),
  },
  connect: { policy: network, run: aConnection, text: echoed },
  "connect to a name": {
    policy: network,
    run: (net) => net.connect({ hostname: "localhost", port }),
    text: echoed,
  },
  "connect to a path": { policy: network, run: (net) => net.connect({ path }), text: echoed },
  "connect, refused": { policy: network, run: (net) => net.connect({ hostname: "127.0.0.1", port: 1 }) },
  listen: {
    policy: network,
    run: (net) => net.listen({ hostname: "127.0.0.1", port: 0 }),
    text: (listener: FdListener) => {
      using _listener = listener;
      return String(listener.addr.port > 0);
    },
  },
  accept: {
    policy: network,
    isHere: true,
    prepare: connected,
    run: (_, prepared) => (prepared as Awaited<ReturnType<typeof connected>>).listener.accept(),
    text: async (connection: FdFile) => {
      using _connection = connection;
      const bytes = new Uint8Array(4);
      await connection.readInto(bytes);
      return decoder.decode(bytes);
    },
  },
  resolve: {
    policy: network,
    run: (net) => net.resolveDns("localhost", "A"),
    text: (addresses: string[]) => String(addresses.includes("127.0.0.1")),
  },
  "node socket": {
    policy: network,
    isHere: true,
    prepare: aConnection,
    run: (_, connection) => throughStream(nodeSocket(connection as FdFile)),
  },
  "node stream": {
    policy: network,
    isHere: true,
    prepare: aConnection,
    run: (_, connection) => throughStream(streamOver(connection as FdFile, false)),
  },
};

/** Whether the kernel drops a descriptor for lack of a number. */
function isLost(site: string, code: string): boolean {
  return code === "cut" || kernel.hasCapsicum && /^recvmsg/.test(site) && code === "EMSGSIZE";
}

/** Whether the library tries a call again after this, or only one request fails. */
function isRepeated(site: string, code: string): boolean {
  // On FreeBSD the kernel cuts only what has too many descriptors.
  if (isLost(site, code)) return code !== "cut" || !kernel.hasCapsicum;
  return ["EINTR", "EAGAIN", "short"].includes(code) ||
    /^send/.test(site) && ["ENOBUFS", "ENOMEM", "ETOOMANYREFS"].includes(code);
}

/** Whether a call may be missing in a request: it depends on the time, or is for the request before. */
function isOccasional(site: string): boolean {
  return /^poll |async_calls|^close .*child.ts/.test(site);
}

function isChannel(site: string): boolean {
  return /^(send|recv|sendmsg|recvmsg) .*broker\/channel.ts/.test(site);
}

/**
 * How the call of a site fails: in the next way of its list and in all after which it is repeated, or in all ways.
 *
 * @param isStart Whether each fault needs a new process. Then there is one.
 */
function kindsFor(site: string, isStart = false): string[] {
  const kinds = allKinds(site), next = kinds[turn++ % kinds.length]!;
  if (isWhole) return kinds;
  // The library itself handles this one, because a file may be no socket.
  const isHandled = (kind: string) =>
    isRepeated(site, kind) || /^(send|recv) /.test(site) && kind === "ENOTSOCK";
  return [next, ...kinds.filter((kind) => !isStart && kind !== next && isHandled(kind))];
}

function allKinds(site: string): string[] {
  const call = site.split(" ")[0]!, list = errnos[call];
  if (list === undefined) throw new Error(`tests/faults/_errnos.ts has no errnos of ${call}`);
  return [
    ...list.filter((code) => numbers.has(code)),
    ...(/^(send|recv)/.test(call) ? ["short"] : []),
    ...(call === "recvmsg" ? ["cut"] : []),
  ];
}

function faultOf(site: string, code: string): Fault {
  return { site, kind: code === "short" || code === "cut" ? code : numbers.get(code)! };
}

/** Whether a site was not tested yet, or is to be tested by each operation. */
function isNew(site: string): boolean {
  return [!all.has(site), all.add(site)][0] as boolean || isWhole;
}

interface Outcome {
  result?: unknown;
  error?: unknown;
}

async function outcome(call: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { result: await within(call()) };
  } catch (error) {
    if (String(error).includes(": hangs")) throw error;
    return { error };
  }
}

/** Whether the broker has ended because of a call, and not because of a wrong message. */
function hasEnded({ error }: Outcome): boolean {
  return error instanceof Deno.errors.BrokenPipe &&
    /has ended, or its connection is broken/.test(error.message) && !(error.cause instanceof TypeError);
}

/** How much more a number is than before, once closing has ended. */
async function growth(count: () => number, before: number): Promise<number> {
  for (let tries = 0;; tries++) {
    const more = count() - before;
    if (more <= 0 || tries === 100) return more;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const probing: NonNullable<Operation["probe"]> = async (net) => content(await net.open(`${docs}/a`));

/** Runs an operation, and then a request that must be served unless the broker has ended. */
async function round(subject: Subject, operation: Operation, side?: "here" | "there", fault?: Fault) {
  const { prepare, run, text, probe = probing } = operation, { net } = subject;
  const prepared = prepare && await within(prepare(net));
  const id = subject.plan(side === "there" ? fault : undefined);
  recorded(fault === undefined);
  arm(side === "here" ? fault : undefined);
  const first = await outcome(() => run(net, prepared));
  const didHere = !isArmed();
  arm(undefined);
  const sites = recorded(false);
  prepared?.[Symbol.dispose]();
  const second = first.error === undefined && text
    ? await outcome(async () => await text(first.result as never, net))
    : first;
  // Without a request, the report is for the first probe.
  if (prepare) await outcome(() => probe(net));
  const last = await outcome(() => probe(net)), report = subject.report(id);
  return {
    first: second,
    last,
    report,
    sites,
    happened: side === "there" ? report?.happened !== false : didHere,
  };
}

/** What an outcome has in common with another one of the same request. */
function essence({ result, error }: Outcome): unknown {
  return error === undefined ? result : (error as SyscallError).code ?? error;
}

class Tests {
  readonly #title: string;
  readonly #operation: Operation;
  #normal: unknown;
  /** The number of descriptors in the second process. */
  #open = 0;

  constructor(title: string, operation: Operation) {
    this.#title = title;
    this.#operation = operation;
  }

  async run(): Promise<void> {
    const sites = await this.#start();
    for (const side of ["here", "there"] as const) {
      for (const site of sites[side]) {
        if (!isNew(`${side} ${site}`)) continue;
        for (const code of kindsFor(site)) await this.#test(side, site, code);
      }
    }
  }

  get #subject(): Subject {
    return subjects.get(this.#operation.policy)!;
  }

  async #start() {
    const { policy, isHere } = this.#operation;
    what = this.#title;
    if (!subjects.has(policy)) subjects.set(policy, await started(policy));
    await round(this.#subject, this.#operation);
    const rounds = [await round(this.#subject, this.#operation), await round(this.#subject, this.#operation)];
    this.#normal = essence(rounds[0]!.first);
    this.#open = rounds[1]!.report?.open ?? 0;
    // The others depend on the time that an answer takes.
    const always = (sites: readonly (readonly string[])[]) =>
      sites[0]!.filter((site) => sites[1]!.includes(site));
    return {
      here: always(rounds.map(({ sites }) => sites)),
      there: isHere ? [] : always(rounds.map(({ report }) => report!.sites)),
    };
  }

  async #restart(): Promise<void> {
    await this.#subject.end();
    subjects.delete(this.#operation.policy);
    const problem = what;
    await this.#start();
    what = problem;
  }

  async #test(side: "here" | "there", site: string, code: string): Promise<void> {
    if (depthOf(this.#subject.net) > deepest - 5) await this.#restart();
    const before = openNow().length;
    let tried;
    // Which of two sites gets the answer depends on the time that it takes.
    for (let tries = 0; !tried?.happened && tries < 5; tries++) {
      what = `${this.#title}, ${side}: ${code} of ${site}`;
      tried = await round(this.#subject, this.#operation, side, faultOf(site, code));
    }
    const say = (why: string) => wrong.push(`${why} | ${what}`);
    const { first, last, report, happened } = tried!, isOver = hasEnded(last);
    if (happened) counts[side]++;
    else if (!isOccasional(site)) say("did not happen");
    if (isOver) {
      if (!isChannel(site) || isRepeated(site, code)) say("the broker ended");
    } else {
      if (last.result !== "inside") say(`the next request: ${last.error ?? last.result}`);
      if ((report?.open ?? 0) > this.#open) {
        const more = await this.#moreOpen();
        if (more > 0) say(`open there: ${more} more`);
      }
    }
    if (happened) this.#judge(first, isOver, side, site, code, say);
    // After this one, Linux is asked in another way.
    if (isOver || side === "there" && site.includes("statOpen@") && code === "EFAULT") await this.#restart();
    const more = await growth(() => openNow().length, before);
    if (more > 0) say(`open here: ${more} more`);
  }

  /** How many more descriptors the second process has open, once it has closed what it sent. */
  async #moreOpen(): Promise<number> {
    const { probe = probing } = this.#operation, { net } = this.#subject;
    for (let tries = 0;; tries++) {
      const id = this.#subject.plan();
      for (let i = 0; i < 2; i++) await outcome(() => probe(net));
      const more = this.#subject.report(id)!.open - this.#open;
      if (more <= 0 || tries === 20) return more;
    }
  }

  #judge(
    first: Outcome,
    isOver: boolean,
    side: string,
    site: string,
    code: string,
    say: (why: string) => void,
  ) {
    if (hasEnded(first)) {
      if (!isOver) say("only this request failed");
      return;
    }
    if (essence(first) === this.#normal) {
      if (!isOver && essence(first) !== code && !mayBeSilent(site, code)) say("silent");
      return;
    }
    if (first.error === undefined) return say(`another result: ${first.result}`);
    // If the kind of a socket is unknown.
    if (site.includes("checkSocket@") && first.error instanceof TypeError) return;
    for (const why of wrongIn(first.error, isLost(site, code) ? "EMFILE" : code, numbers)) say(why);
    const { path, fd, message } = first.error as SyscallError;
    if (side === "there" && (path === undefined || fd !== undefined || /\bfd \d/.test(message))) {
      say(`it names no path, or a descriptor of the other process: ${message}`);
    }
  }
}

/** Failures that change nothing: a pattern for the site, the errnos (default: all), and the reason. */
const silent: readonly (readonly [site: RegExp, codes: readonly string[] | undefined, why: string])[] = [
  [/^poll /, undefined, "It is repeated."],
  [/^close /, undefined, "Nothing was written to a descriptor that is closed on the way."],
  [/socketOption@|nameOfSocket@|nameOfPeer@/, undefined, "What they say is then unknown."],
  [/^accept4 /, ["ECONNABORTED"], "Another connection is awaited."],
  [/^connect /, ["EINPROGRESS"], "poll(2) then reports the connection."],
  [/^shutdown /, ["ENOTCONN"], "The peer has ended the connection."],
  [/heldRights@/, undefined, "Details of another error."],
  [/isConfined@compat.*resolve/, undefined, "The library then resolves paths itself."],
  [/unlessClosed@|descriptorFlags@/, ["EBADF"], "It counts as closed."],
  [/fileOf@/, undefined, "It counts as no device."],
  [/numbersIn@|^sysctl /, undefined, "Without the list of descriptors, all numbers are tried."],
  [/^isatty /, ["ENOTTY"], "It is no terminal."],
  [/^(cap_ioctls_get|lseek) /, undefined, "A second call, which does not fail, reads errno."],
  [/unlessMissing@/, undefined, "The kind of a file is checked again once it is open."],
  [/hasFilters@/, ["EFAULT"], "The filter is null: this errno says that there are filters."],
  [/mechanism@/, undefined, "No filter of the library has answered."],
  [/^statx .*statOpen@/, ["EFAULT"], "Linux before 6.11 gets the attributes of a descriptor in another way."],
  [/^(send|recv) .*async_calls.ts/, ["ENOTSOCK"], "It is read and written as another kind of file."],
];

/** Calls that limit a descriptor or confine the process. */
const limiting = /^(cap_(rights|ioctls|fcntls)_limit|cap_enter|seccomp|landlock_restrict_self) /;

function mayBeSilent(site: string, code: string): boolean {
  const isHarmless = isRepeated(site, code) || isLost(site, code) || meaningful.includes(code);
  return isHarmless && !limiting.test(site) ||
    silent.some(([pattern, codes]) => pattern.test(site) && (codes === undefined || codes.includes(code)));
}

/** The start of a broker: the calls of this process, and those of the second one before and after it gets the policy. */
class Starts {
  readonly #title: string;
  readonly #policy: BrokerPolicy;

  constructor(title: string, policy: BrokerPolicy) {
    this.#title = title;
    this.#policy = policy;
  }

  async run(): Promise<void> {
    what = this.#title;
    const subject = new Subject(), ids = [subject.plan(), subject.plan()];
    recorded(true);
    await started(this.#policy, subject);
    const here = recorded(false);
    for (let i = 0; i < 2; i++) await probing(subject.net);
    const there = ids.map((id) => subject.report(id)!.sites);
    await subject.end();
    for (const site of this.#some(here)) {
      for (const code of kindsFor(site, true)) await this.#test("here", site, code);
    }
    for (const [stage, sites] of there.entries()) {
      for (const site of this.#some(sites)) {
        for (const code of kindsFor(site, true)) await this.#test("there", site, code, stage);
      }
    }
  }

  /** One site of each function of C, because each fault needs a new process; all sites if every errno is used. */
  #some(sites: readonly string[]): string[] {
    const call = (site: string) => site.split(" ")[0]!;
    const some = sites.filter((site, i) =>
      isWhole || sites.findIndex((other) => call(other) === call(site)) === i
    );
    return some.filter((site) => isNew(`start, ${isWhole ? site : call(site)}`));
  }

  async #test(side: "here" | "there", site: string, code: string, stage = 0): Promise<void> {
    what = `${this.#title}, ${side}: ${code} of ${site}`;
    const say = (why: string) => wrong.push(`${why} | ${what}`);
    const before = openNow().length, subject = new Subject();
    const fault = faultOf(site, code);
    for (let i = 0; i < stage; i++) subject.plan();
    if (side === "there") subject.plan(fault);
    arm(side === "here" ? fault : undefined);
    const { error } = await outcome(() => started(this.#policy, subject));
    counts[side]++;
    arm(undefined);
    if (error === undefined) {
      const text = await outcome(() => probing(subject.net));
      if (!mayBeSilent(site, code) && !isUndone(site, text)) say("silent");
      if (text.result !== "inside" && !isUndone(site, text)) {
        say(`the first request: ${text.error ?? text.result}`);
      }
      // Of the process: a filter confines it, natively or simulated.
      if (this.#policy === files && !hasEnded(text) && seccompOf(subject.pid) !== "2") {
        say("it is not confined");
      }
      await subject.end();
    } else if (
      /^broker\(\): the second process exited with code 1 during its start: /.test((error as Error).message)
    ) {
      if (side === "here" && !isChannel(site)) say(`${error}`);
      if (side === "there" && !(error as Error).message.includes(`(${code})`)) say(`${error}`);
    } else if (isChannel(site) && hasEnded({ error })) {
      // There, this one says that the program has ended.
      if (side === "there" && code !== "ECONNRESET") say(`${error}`);
    } else if (!/cannot be confined, because this system lacks/.test((error as Error).message)) {
      // The number of a descriptor of the second process is only in the message.
      for (const why of wrongIn(error, code, numbers)) if (!why.startsWith("it names neither")) say(why);
    }
    if (children().length > idle) say(`${children().length - idle} processes are left`);
    const more = await growth(() => openNow().length, before);
    if (more > 0) say(`open here: ${more} more`);
  }
}

/** Whether the second process ends after the start: not every thread is confined, or Deno needs /proc and does not find it. */
function isUndone(site: string, outcome: Outcome): boolean {
  return /restrictNext@|canReadProc@/.test(site) && hasEnded(outcome);
}

/** The other end of a broker in this process, so that a test decides what the broker receives at a time. */
class Peer implements Disposable {
  readonly #channel: Channel;
  readonly #iterator: AsyncIterator<Request>;
  readonly fd: number;

  constructor(fd: number) {
    this.#channel = new Channel(this.fd = fd, 0);
    this.#iterator = this.#requests();
  }

  /** A broker that is ready. */
  static async started(): Promise<[Broker, Peer]> {
    const [mine, theirs] = socketPair(), peer = new Peer(theirs);
    const child = {
      stderr: new ReadableStream(),
      status: Promise.resolve({ success: true, code: 0, signal: null }),
      ref() {},
      unref() {},
    } as unknown as Deno.ChildProcess;
    const start: Request = { id: 0, call: "start", policy: policyOf("test", network), isConfined: true };
    const starting = Broker.started(new Channel(mine, 1), child, start);
    await peer.answer(await peer.request());
    return [await starting, peer];
  }

  /** The next request. */
  async request(): Promise<Request> {
    return (await within(this.#iterator.next())).value;
  }

  async *#requests(): AsyncGenerator<Request, void> {
    for (let batch; (batch = await this.#channel.receive()) !== undefined;) {
      for (const message of batch.messages) yield requestOf(message);
    }
  }

  /** Answers with a descriptor of the file. */
  async answer({ id }: Request, file?: string): Promise<void> {
    const fds = file === undefined ? [] : [libc.open(file, libc.O_RDONLY | libc.O_CLOEXEC)];
    await this.#channel.send(encode({ id, value: null }), fds);
    for (const fd of fds) libc.close(fd);
  }

  [Symbol.dispose](): void {
    this.#channel[Symbol.dispose]();
  }
}

/** What a broker receives, and what the program then has. */
interface Scene {
  /** Which calls of this process fail. */
  calls: RegExp;
  /** The result if a call fails with this errno, or none. */
  result(code?: string): string;
  /** @param now From then on a call may fail. */
  play(net: Broker, peer: Peer, now: () => void): Promise<unknown>;
}

const scenes: Record<string, Scene> = {
  "two answers at once": {
    calls: /^recvmsg .*channel.ts/,
    // The first one may be lost, but not the second one.
    result: (code) => {
      if (code === undefined || isRepeated("recvmsg", code) && !isLost("recvmsg", code)) {
        return "inside,other";
      }
      return isRepeated("recvmsg", code) ? "EMFILE,other" : "ended,ended";
    },
    async play(net, peer, now) {
      const opened = [net.open(`${docs}/a`), net.open(`${docs}/b`)];
      const requests = [await peer.request(), await peer.request()];
      now();
      await Promise.all([peer.answer(requests[0]!, `${docs}/a`), peer.answer(requests[1]!, `${docs}/b`)]);
      const texts = await Promise.all(
        opened.map((file) => file.then(content, (error) => error.code ?? "ended")),
      );
      return String(texts);
    },
  },
  "a part of an answer, and the end": {
    calls: /^close .*compat/,
    result: () => "right",
    async play(net, peer, now) {
      const opened = outcome(() => net.open(`${docs}/a`)), { id } = await peer.request();
      const fd = libc.open(`${docs}/a`, libc.O_RDONLY | libc.O_CLOEXEC);
      sendMessage(peer.fd, encode({ id, value: null }).subarray(0, 9), [fd]);
      libc.close(fd);
      peer[Symbol.dispose]();
      now();
      return hasEnded(await opened) ? "right" : "no end";
    },
  },
  "an answer after its abort": {
    calls: /^close .*broker.ts/,
    result: () => "right",
    async play(net, peer, now) {
      const controller = new AbortController(), reason = new Error("enough");
      const connecting = net.connect({ hostname: "127.0.0.1", port, signal: controller.signal }).catch((
        error,
      ) => error);
      const request = await peer.request();
      controller.abort(reason);
      await peer.request();
      // The descriptor is closed as soon as it arrives, and the broker continues.
      const opening = net.open(`${docs}/b`), next = await peer.request();
      now();
      await peer.answer(request, `${docs}/a`);
      await peer.answer(next, `${docs}/b`);
      return await connecting === reason && await content(await opening) === "other" ? "right" : "wrong";
    },
  },
};

/** Plays a scene, and says what is wrong. */
async function played(
  title: string,
  { play, result: expected }: Scene,
  site = "",
  code?: string,
): Promise<string[]> {
  what = `${title}: ${code} of ${site}`;
  const fault = code === undefined ? undefined : faultOf(site, code);
  const before = openNow().length, [net, peer] = await Peer.started();
  const { result, error } = await outcome(() =>
    play(net, peer, () => {
      recorded(fault === undefined);
      arm(fault);
    })
  );
  if (fault) counts.here++;
  if (isArmed()) wrong.push(`did not happen | ${what}`);
  arm(undefined);
  net.close();
  const sites = recorded(false);
  peer[Symbol.dispose]();
  if (result !== expected(code)) wrong.push(`${error ?? result} | ${what}`);
  const more = await growth(() => openNow().length, before);
  if (more > 0) wrong.push(`open here: ${more} more | ${what}`);
  return sites;
}

async function playAll(): Promise<void> {
  for (const [title, scene] of Object.entries(scenes)) {
    await played(title, scene);
    const sites = (await played(title, scene)).filter((site) => scene.calls.test(site));
    if (sites.length === 0) wrong.push(`${title}: no site`);
    for (const site of sites) {
      for (const code of allKinds(site)) await played(title, scene, site, code);
    }
  }
}

const idle = children().length;

const parts: Record<Task["part"], () => Promise<void>> = {
  answers: playAll,
  async requests() {
    for (const [title, operation] of Object.entries(operations)) await new Tests(title, operation).run();
    for (const subject of subjects.values()) await subject.end();
  },
  async starts() {
    await new Starts("start for files", files).run();
    if (isWhole) await new Starts("start for a network", network).run();
  },
};
try {
  await parts[part]();
} catch (error) {
  // Otherwise it counts as an unhandled rejection.
  wrong.push((error as Error).stack!);
}
console.log(JSON.stringify({ wrong, ...counts } satisfies Result));
Deno.exit(0);
