/**
 * Preloaded into the second process of a broker: makes its calls fail, as its standard input says, and reports to its standard
 * output. Both are files.
 *
 * A line of the input is a `Plan` for the time from one message of the program to the next one; the first one is for the time
 * before the first message. If there is no line, nothing fails.
 *
 * @module
 */
import { avertPanics } from "../../../compat/sandbox/warm_up.ts";
import { arm, type Fault, isArmed, onReceived, openNow, recorded } from "./_boundary.ts";

/** What happens from one message to the next one. */
export interface Plan {
  /** Which report belongs to it. */
  id: number;
  /** If there is none, the sites are recorded. */
  fault?: Fault;
}

/** What happened. */
export interface Report {
  id: number;
  sites: string[];
  /** The number of open descriptors of the library. */
  open: number;
  /** Whether the fault has happened. */
  happened: boolean;
}

const encoder = new TextEncoder(), decoder = new TextDecoder(), room = new Uint8Array(65536);
let plan: Plan | undefined, text = "";

function nextPlan(): Plan | undefined {
  for (let count; (count = Deno.stdin.readSync(room)) !== null;) {
    text += decoder.decode(room.subarray(0, count));
  }
  const end = text.indexOf("\n");
  if (end < 0) return undefined;
  const line = text.slice(0, end);
  text = text.slice(end + 1);
  return JSON.parse(line);
}

function write(value: Report | { unhandled: string }): void {
  Deno.stdout.writeSync(encoder.encode(`${JSON.stringify(value)}\n`));
}

let isFirst = true;

function next(): void {
  // Reading a stack makes Deno look up a source map, which ends it in capability mode on Linux.
  if (isFirst) avertPanics();
  isFirst = false;
  const sites = recorded(false);
  if (plan) write({ id: plan.id, sites, open: openNow().length, happened: !isArmed() });
  plan = nextPlan();
  recorded(plan !== undefined && plan.fault === undefined);
  arm(plan?.fault);
}

addEventListener("unhandledrejection", ({ reason }) => write({ unhandled: String(reason?.stack ?? reason) }));

let part = new Uint8Array();
/** The bytes of the message that are still to come. */
let rest = 0;

onReceived((bytes) => {
  for (let at = 0; at < bytes.length;) {
    if (rest === 0) {
      if (part.length === 0) next();
      part = new Uint8Array([...part, bytes[at++]!]);
      if (part.length < 4) continue;
      rest = new DataView(part.buffer).getUint32(0, true);
      part = new Uint8Array();
    } else {
      const used = Math.min(rest, bytes.length - at);
      rest -= used;
      at += used;
    }
  }
});
next();
