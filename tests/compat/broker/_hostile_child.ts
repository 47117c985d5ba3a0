/**
 * Hostile code on the program's end of a broker's channel. It sends messages that the library would not send, and prints what it
 * received. Its argument is the task in JSON. It runs as the user nobody.
 *
 * @module
 */
import { encode, type Request } from "../../../compat/broker/wire.ts";
import { sendMessage } from "../../../ffi/libc/messages.ts";
import { FdFile, getRights, libc, openDirSync, presets } from "../../../mod.ts";
import { kernel, openDescriptors } from "../../_kernel.ts";
import { dropRoot } from "../../_unprivileged.ts";
import { descriptorsOf, RawBroker } from "./_broker.ts";
import { Random } from "../../_random.ts";
import { message } from "./_fuzz.ts";

export interface Task {
  /** The fixture: `docs` may be read, `out` written, and everything else must stay unread. */
  top: string;
  deno: string;
  messages: number;
  seed: number;
  swaps: number;
}

export interface Report {
  /** The errors found. */
  findings: string[];
  /** How many messages were answered, with an error, with a value, with a descriptor. */
  errors: number;
  values: number;
  descriptors: number;
  /** How often the file inside, and none, was opened while names were swapped. */
  swapped: { opened: number; refused: number };
  /** Connections to the port that no rule names. */
  forbidden: number;
}

const { top, deno, messages, seed, swaps }: Task = JSON.parse(Deno.args[0]!);
const report: Report = {
  findings: [],
  errors: 0,
  values: 0,
  descriptors: 0,
  swapped: { opened: 0, refused: 0 },
  forbidden: 0,
};
const tell = (finding: string) => report.findings.length < 30 && report.findings.push(finding);

const allowed = Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  forbidden = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const port = (listener: Deno.Listener) => (listener.addr as Deno.NetAddr).port;
async function accept(listener: Deno.Listener, count: () => void) {
  for await (const connection of listener) {
    count();
    connection.close();
  }
}
void accept(allowed, () => {});
void accept(forbidden, () => report.forbidden++);

const rules = {
  open: { read: [`${top}/docs`], write: [`${top}/out`] },
  connect: [`127.0.0.1:${port(allowed)}`],
};
await using raw = await RawBroker.started(rules, deno);
dropRoot();
const pid = raw.child.pid;

/** Checks a descriptor that came, and closes it. */
function check(fd: number): void {
  report.descriptors++;
  using file = FdFile.fromFd(fd);
  const { isFile, isSocket } = file.statSync();
  if ((libc.fcntl(fd, libc.F_GETFD) & libc.FD_CLOEXEC) === 0) tell(`descriptor ${fd} is not close-on-exec`);
  if (isSocket) return;
  if (!isFile) return void tell(`descriptor ${fd} is neither a file nor a socket`);
  const mayWrite = kernel.hasCapsicum
    ? getRights(fd).has("WRITE")
    : (libc.fcntl(fd, libc.F_GETFL) & libc.O_ACCMODE) !== libc.O_RDONLY;
  if (kernel.hasCapsicum && !getRights(fd).isSubsetOf([...presets.file.readWrite, "FSTAT"])) {
    tell(`rights: ${getRights(fd)}`);
  }
  if (mayWrite) {
    // The files for writing are in the directory for writing.
    const name = Deno.readLinkSync(`/proc/self/fd/${fd}`);
    if (!name.startsWith(`${top}/out/`)) tell(`${name} was opened for writing`);
    return;
  }
  const text = new TextDecoder().decode(file.readAllSync());
  if (text !== "inside") tell(`a file with ${JSON.stringify(text.slice(0, 40))} was opened`);
}

/** The number of answers to requests that return a descriptor. */
let awaited = 0;

/** Receives answers until one has this id. */
async function answersUntil(id: number): Promise<number> {
  for (let count = 0;;) {
    const { answer, fds } = await raw.next();
    for (const fd of fds) check(fd!);
    if ("value" in answer && answer.value === null) awaited++;
    if ("error" in answer) report.errors++;
    else report.values++;
    count++;
    if (answer.id === id) return count;
  }
}

/** Sends a request and waits for its answer, so that all earlier requests have been served. */
let lastMark = 2 ** 47;
async function mark(): Promise<number> {
  const id = ++lastMark;
  await raw.channel.send(encode({ id, call: "cancel" }));
  await raw.channel.send(encode({ id, call: "open", path: `${top}/docs/none`, options: {} }));
  return await answersUntil(id);
}

async function smuggle(): Promise<void> {
  using file = openDirSync(top);
  for (let i = 0; i < 50; i++) {
    const request = encode({ id: i, call: "open", path: `${top}/docs/a`, options: {} });
    const fds = Array(1 + i % 16).fill(file.fd), cut = 1 + i % (request.length - 1);
    sendMessage(raw.channel, request.subarray(0, cut), fds);
    sendMessage(raw.channel, request.subarray(cut), fds);
    await answersUntil(i);
    if (descriptorsOf(pid).includes(top)) tell(`the broker has a descriptor of ours after ${i + 1} messages`);
  }
}

/** Sends requests without receiving: the broker must not accumulate descriptors or lose an answer. */
async function clog(): Promise<void> {
  const count = 3000,
    request = (id: number): Request => ({ id, call: "open", path: `${top}/docs/a`, options: {} });
  const before = descriptorsOf(pid).length, openBefore = report.descriptors;
  const sent = Promise.all(Array.from({ length: count }, (_, i) => raw.channel.send(encode(request(i + 1)))));
  // The broker stops reading while its answers are not received.
  for (let last = -1, now; (now = descriptorsOf(pid).length) !== last; last = now) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const held = descriptorsOf(pid).length - before;
  if (held > 200) tell(`the broker holds ${held} descriptors`);
  await Promise.all([sent, answersUntil(count)]);
  if (report.descriptors - openBefore !== count) {
    tell(`${report.descriptors - openBefore} of ${count} descriptors came`);
  }
}

async function fuzz(): Promise<void> {
  const random = new Random(seed);
  const words = {
    hosts: [
      "127.0.0.1",
      "localhost",
      "0.0.0.0",
      "::1",
      "127.1",
      "::ffff:127.0.0.1",
      "[::1]",
      "example.com",
      "2130706433",
    ],
    ports: [port(allowed), port(forbidden), 0, 1],
    paths: [
      ...[
        "docs/a",
        "docs/sub/b",
        "docs/out/c",
        "docs/up/secret/c",
        "docs",
        "docs/none",
        "secret/c",
        "out/new",
        "out/a",
        "docs/../secret/c",
        "",
      ]
        .map((path) => `${top}/${path}`),
      ...[
        "docs/a",
        ".",
        "/etc/hosts",
        "/",
        "/proc/self/environ",
        `${top}/docsx`,
        `/proc/self/root${top}/docs/a`,
      ],
    ],
  };
  const batch = 200;
  for (let sent = 0; sent < messages;) {
    const parts: Uint8Array[] = [];
    for (let i = 0; i < batch && sent < messages; i++) parts.push(message(random, ++sent, words));
    const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    parts.reduce((at, part) => (bytes.set(part, at), at + part.length), 0);
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + random.below(random.below(10) === 0 ? 7 : 20_000);
      void raw.channel.send(bytes.subarray(at, end));
      at = end;
    }
    await mark();
  }
}

/** Swaps a directory and a file with symlinks to the outside, while the broker opens files by these paths. */
async function swap(): Promise<void> {
  using docs = openDirSync(`${top}/docs`);
  const opened = report.descriptors;
  let asked = 0;
  for (let round = 0; round < swaps; round += 100) {
    for (let i = 0; i < 100; i++) {
      const path = `${top}/docs/${["swap/c", "leaf", "swap/../leaf", "swap/./c"][i % 4]}`;
      asked++;
      void raw.channel.send(encode({ id: 1000 + i, call: "open", path, options: {} }));
      for (const name of ["swap", "leaf", "swap", "leaf", "swap", "leaf"]) {
        libc.renameat(docs, name, docs, `${name}-hold`);
        libc.renameat(docs, `${name}-link`, docs, name);
        libc.renameat(docs, name, docs, `${name}-link`);
        libc.renameat(docs, `${name}-hold`, docs, name);
      }
      await Promise.resolve();
    }
    await mark();
  }
  report.swapped.opened = report.descriptors - opened;
  report.swapped.refused = asked - report.swapped.opened;
}

const before = descriptorsOf(pid);
await smuggle();
await clog();
await swap();
await fuzz();
await mark();
// Connections that were not answered yet at the last mark.
for (let tries = 0; tries < 50 && descriptorsOf(pid).length > before.length; tries++) {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
await mark();
if (report.descriptors !== awaited) tell(`${report.descriptors} descriptors came with ${awaited} answers`);
const after = descriptorsOf(pid);
if (after.length > before.length) {
  tell(`the broker has ${after.length} descriptors, and had ${before.length}: ${after}`);
}
// Half a message, and the end.
await raw.channel.send(new Uint8Array([200, 0, 0, 0, 123]));
raw.channel.close();
const { code, signal } = await raw.child.status;
if (code !== 0 || signal !== null) {
  tell(`the broker ended with ${signal ?? code}: ${await new Response(raw.child.stderr).text()}`);
}
allowed.close();
forbidden.close();
if (openDescriptors().length > 100) tell(`${openDescriptors().length} descriptors are open here`);
console.log(JSON.stringify(report));
