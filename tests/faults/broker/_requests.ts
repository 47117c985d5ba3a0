/**
 * Makes calls fail during a request, in the program and in the second process.
 *
 * @module
 */
import { arm, type Fault, isArmed, openNow, recorded } from "./_boundary.ts";
import { type Broker, type BrokerPolicy, type FdListener, nodeSocket } from "../../../compat/broker/mod.ts";
import { streamOver } from "../../../compat/broker/node_stream.ts";
import type { FdFile, SyscallError } from "../../../mod.ts";
import type { Tree } from "../../_fixture.ts";
import { wrongIn } from "../_errnos.ts";
import {
  faultOf,
  isChannel,
  isLost,
  isNew,
  isOccasional,
  isRepeated,
  kindsFor,
  mayBeSilent,
  numbers,
} from "./_expected.ts";
import { findings, growth, hasEnded, type Outcome, outcome, say, within } from "./_findings.ts";
import {
  content,
  docs,
  files,
  fixture,
  network,
  out,
  probing,
  started,
  type Subject,
  task,
} from "./_subject.ts";

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
  /** Uses the result, and returns what that gives as text. No call of it fails. */
  text?(result: never, net: Broker): string | Promise<string>;
  /** A request that must be served as before. Default: it opens a file. */
  probe?(net: Broker): Promise<unknown>;
}

const { top, port, path } = task;
/** As files, but this broker is limited again and again. */
const narrowing: BrokerPolicy = { ...files };
const decoder = new TextDecoder(), ping = new TextEncoder().encode("ping");

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

/** Makes each call site of an operation fail. */
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
    findings.what = this.#title;
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
    const problem = findings.what;
    await this.#start();
    findings.what = problem;
  }

  async #test(side: "here" | "there", site: string, code: string): Promise<void> {
    if (depthOf(this.#subject.net) > deepest - 5) await this.#restart();
    const before = openNow().length;
    let tried;
    // Which of two sites gets the answer depends on the time that it takes.
    for (let tries = 0; !tried?.happened && tries < 5; tries++) {
      findings.what = `${this.#title}, ${side}: ${code} of ${site}`;
      tried = await round(this.#subject, this.#operation, side, faultOf(site, code));
    }
    const { first, last, report, happened } = tried!, isOver = hasEnded(last);
    if (happened) findings[side]++;
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
    if (happened) this.#judge(first, isOver, side, site, code);
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

  #judge(first: Outcome, isOver: boolean, side: string, site: string, code: string): void {
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

/** Makes the calls of all requests fail. */
export async function failRequests(): Promise<void> {
  for (const [title, operation] of Object.entries(operations)) await new Tests(title, operation).run();
  for (const subject of subjects.values()) await subject.end();
}
