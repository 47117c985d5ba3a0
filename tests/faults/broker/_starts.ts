/**
 * Makes calls fail while a broker starts, in the program and in the second process.
 *
 * @module
 */
import { arm, isArmed, openNow, recorded } from "./_boundary.ts";
import type { BrokerPolicy } from "../../../compat/broker/mod.ts";
import { seccompOf } from "../../compat/broker/_broker.ts";
import { isWhole, wrongIn } from "../_errnos.ts";
import {
  faultOf,
  isChannel,
  isNew,
  isOccasional,
  isRepeated,
  kindsFor,
  mayBeSilent,
  numbers,
} from "./_expected.ts";
import { findings, growth, hasEnded, outcome, say } from "./_findings.ts";
import { children, files, network, probing, started, Subject } from "./_subject.ts";

const idle = children().length;

/** The start of a broker: the calls of this process, and those of the second one before and after it gets the policy. */
class Starts {
  readonly #title: string;
  readonly #policy: BrokerPolicy;

  constructor(title: string, policy: BrokerPolicy) {
    this.#title = title;
    this.#policy = policy;
  }

  async run(): Promise<void> {
    findings.what = this.#title;
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
    findings.what = `${this.#title}, ${side}: ${code} of ${site}`;
    const before = openNow().length, subject = new Subject();
    const fault = faultOf(site, code);
    for (let i = 0; i < stage; i++) subject.plan();
    const id = side === "there" ? subject.plan(fault) : undefined;
    arm(side === "here" ? fault : undefined);
    const { error } = await outcome(() => started(this.#policy, subject));
    if (!isArmed()) findings[side]++;
    else if (!isOccasional(site)) say("did not happen");
    arm(undefined);
    if (error === undefined) {
      const text = await outcome(() => probing(subject.net));
      const isOver = hasEnded(text) && (isUndone(site) || isChannel(site) && !isRepeated(site, code));
      if (!mayBeSilent(site, code) && !isOver) say("silent");
      if (text.result !== "inside" && !isOver) {
        say(`the first request: ${text.error ?? text.result}`);
      }
      // Of the process: a filter confines it, natively or simulated.
      if (this.#policy === files && !hasEnded(text) && seccompOf(subject.pid) !== "2") {
        say("it is not confined");
      }
      if (id !== undefined) {
        // The report comes with the next message.
        await outcome(() => probing(subject.net));
        const { happened = true } = subject.report(id) ?? {};
        if (!happened) findings.there--;
        if (!happened && !isOccasional(site)) say("did not happen");
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
    } else if (
      !/cannot be confined, because this system lacks|but the process is not confined|does not confine all threads/
        .test(
          (error as Error).message,
        ) &&
      !site.includes("landlockAbi@")
    ) {
      // The number of a descriptor of the second process is only in the message.
      for (const why of wrongIn(error, code, numbers)) if (!why.startsWith("it names neither")) say(why);
    }
    if (children().length > idle) say(`${children().length - idle} processes are left`);
    const more = await growth(() => openNow().length, before);
    if (more > 0) say(`open here: ${more} more`);
  }
}

/** Whether the second process may end after the start: Deno needs /proc and does not find it. */
function isUndone(site: string): boolean {
  return site.includes("canReadProc@");
}

/** Makes the calls of a start fail. */
export async function failStarts(): Promise<void> {
  await new Starts("start for files", files).run();
  if (isWhole) await new Starts("start for a network", network).run();
}
