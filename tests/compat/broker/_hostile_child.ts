/**
 * Hostile code on the program's end of a broker's channel. It sends messages that the library would not send, and prints what it
 * received. Its argument is the task in JSON. It runs as the user nobody.
 *
 * @module
 */
import { encode, type Request } from "../../../compat/broker/wire.ts";
import { sendMessage } from "../../../ffi/libc/messages.ts";
import { libc, openDirSync } from "../../../mod.ts";
import { openDescriptors } from "../../_kernel.ts";
import { dropRoot } from "../../_unprivileged.ts";
import { descriptorsOf, RawBroker, wrongWithDescriptor } from "./_broker.ts";

export interface Task {
  /** The fixture: `docs` may be read, `out` written, and everything else must stay unread. */
  top: string;
  deno: string;
  swaps: number;
}

export interface Report {
  /** The errors found. */
  findings: string[];
  /** How many descriptors came. */
  descriptors: number;
  /** How often the file inside, and none, was opened while names were swapped. */
  swapped: { opened: number; refused: number };
}

const { top, deno, swaps }: Task = JSON.parse(Deno.args[0]!);
const report: Report = {
  findings: [],
  descriptors: 0,
  swapped: { opened: 0, refused: 0 },
};
const tell = (finding: string) => report.findings.length < 30 && report.findings.push(finding);

const rules = {
  open: { read: [`${top}/docs`], write: [`${top}/out`] },
};
await using raw = await RawBroker.started(rules, deno);
dropRoot();
const pid = raw.child.pid;

function check(fd: number): void {
  report.descriptors++;
  const wrong = wrongWithDescriptor(fd, top);
  if (wrong !== undefined) tell(wrong);
}

/** The number of answers to requests that return a descriptor. */
let awaited = 0;

/** Receives answers until one has this id. */
async function answersUntil(id: number): Promise<number> {
  for (let count = 0;;) {
    const { answer, fds } = await raw.next();
    for (const fd of fds) check(fd!);
    if ("value" in answer && answer.value === null) awaited++;
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
if (openDescriptors().length > 100) tell(`${openDescriptors().length} descriptors are open here`);
console.log(JSON.stringify(report));
