/** What the tools in this directory have in common: arguments, complaints, and no work without a sandbox unasked. */
import { type Plan, type Sandbox, sandbox } from "../mod.ts";

export class Tool<Option extends string> {
  readonly name: string;
  /** What stands behind the options. */
  readonly operands: string[] = [];
  /** The values of the options; that of a flag is "" where it was not given. */
  readonly options: Record<Option, string>;
  /** Whether it shall work without a sandbox, where there is none. */
  isUnprotected = false;

  /**
   * Reads the arguments. An option has a value as `--name=value`, a number where its default is one; a flag is one letter
   * with "" as its default.
   */
  constructor(help: string, defaults: Record<Option, string>) {
    this.name = /^usage: (\w+)/.exec(help)![1]!;
    this.options = { ...defaults };
    let isEnded = false;
    for (const arg of Deno.args) {
      const [, name = "", value = ""] = /^--([a-z-]+)=(.+)$/s.exec(arg) ?? [];
      const flags = /^-[a-zA-Z]+$/.test(arg) ? arg.slice(1).split("") : [];
      if (isEnded || !arg.startsWith("-") || arg === "-") this.operands.push(arg);
      else if (arg === "--") isEnded = true;
      else if (arg === "--unprotected") this.isUnprotected = true;
      else if (arg === "--help") {
        console.log(help);
        Deno.exit();
      } else if (flags.length > 0 && flags.every((flag) => Object.hasOwn(defaults, flag))) {
        for (const flag of flags) this.options[flag as Option] = flag;
      } else if (name.length > 1 && Object.hasOwn(defaults, name)) {
        this.options[name as Option] = value;
        if (/^\d+$/.test(defaults[name as Option]) && !/^\d{1,15}$/.test(value)) {
          this.misused(`--${name} takes a number`);
        }
      } else this.misused(`there is no option ${JSON.stringify(arg)}`);
    }
  }

  /** A line on standard error. */
  say(message: string): void {
    console.error(`${this.name}: ${message}`);
  }

  /** Says why and ends. */
  fail(message: string, code: number): never {
    this.say(message);
    Deno.exit(code);
  }

  /** Ends for wrong arguments. */
  misused(what: string): never {
    this.fail(`${what}; see --help.`, 2);
  }

  /** Ends, since there is no Capsicum. */
  refuse(code: number): never {
    this.fail(`there is no Capsicum on ${Deno.build.os}; --unprotected works without a sandbox.`, code);
  }

  /** Says that there is no sandbox. */
  warn(): void {
    this.say(`unprotected, since there is no Capsicum on ${Deno.build.os}.`);
  }

  /** A sandbox as planned; where there is no Capsicum, none if that was asked for, and else the end. */
  sandbox<const P extends Plan & { dryRun?: false }>(plan: P, code = 1): Sandbox<P> {
    try {
      const box = sandbox({
        limitOthers: true,
        ...plan,
        enforce: this.isUnprotected ? "if-supported" : "required",
      });
      if (!box.sandboxed) this.warn();
      return box;
    } catch (error) {
      if (error instanceof Deno.errors.NotSupported) this.refuse(code);
      this.fail((error as Error).message, code);
    }
  }
}
