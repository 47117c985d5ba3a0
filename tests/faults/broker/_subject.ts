/**
 * A broker whose calls fail, and its policies. The argument of the program is a `Task` in JSON.
 *
 * @module
 */
import { type Broker, broker, type BrokerPolicy } from "../../../compat/broker/mod.ts";
import type { FdFile } from "../../../mod.ts";
import { libcPath } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import type { Fault } from "./_boundary.ts";
import { say, within } from "./_findings.ts";
import type { Plan, Report } from "./_second_process.ts";

export interface Task {
  part: "answers" | "requests" | "starts";
  /** The directory of the fixture, with "docs" and "out". */
  top: string;
  /** A server that returns what it gets, by TCP and at a path. */
  port: number;
  path: string;
}

export const task: Task = JSON.parse(Deno.args[0]!);
export const fixture = new Fixture({}, task.top);

export const docs = fixture.at("docs"), out = fixture.at("out");
export const files: BrokerPolicy = { open: { read: [docs], write: [out] } };
export const network: BrokerPolicy = {
  connect: [`127.0.0.1:${task.port}`, "127.0.0.1:1", `localhost:${task.port}`, `unix:${task.path}`],
  listen: ["127.0.0.1:0"],
  resolve: ["localhost"],
  open: { read: [docs] },
};

let brokers = 0, plans = 0;

/** A broker, and the faults in its second process. */
export class Subject {
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
      if ("unhandled" in report) say(`unhandled there: ${report.unhandled}`);
      else this.#reports.set(report.id, report);
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
export function children(): number[] {
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

export async function started(policy: BrokerPolicy, subject: Subject = new Subject()): Promise<Subject> {
  const before = children();
  subject.net = await within(broker({ ...policy, denoPath: subject.deno }));
  subject.pid = children().find((pid) => !before.includes(pid))!;
  return subject;
}

const decoder = new TextDecoder();

/** The content of a file, which is closed. */
export async function content(file: FdFile): Promise<string> {
  using _file = file;
  return decoder.decode(await file.readAll());
}

/** A request of any of the policies. */
export async function probing(net: Broker): Promise<string> {
  return await content(await net.open(`${docs}/a`));
}
