/** What the tools in this directory share: arguments, messages, and no work without a sandbox unless asked to. */
import { type Plan, type Sandbox, sandbox } from "../mod.ts";

export class Tool<Option extends string> {
  readonly name: string;
  /** The arguments that are not options. */
  readonly operands: string[] = [];
  /** The values of the options; that of a flag is "" if it was not given. */
  readonly options: Record<Option, string>;
  /** Whether it runs without a sandbox where there is no Capsicum. */
  isUnprotected = false;

  /**
   * Reads the arguments. An option has a value, as `--name=value` or `--name value`, a number if its default is one; a
   * flag is one letter with "" as its default.
   */
  constructor(help: string, defaults: Record<Option, string>) {
    this.name = /^usage: (\w+)/.exec(help)![1]!;
    this.options = { ...defaults };
    const args = [...Deno.args];
    for (let arg; (arg = args.shift()) !== undefined;) {
      const [, name = "", , value] = /^--([a-z-]{2,})(=(.*))?$/s.exec(arg) ?? [];
      const flags = /^-[a-zA-Z]+$/.test(arg) ? arg.slice(1).split("") : [];
      if (!arg.startsWith("-") || arg === "-") this.operands.push(arg);
      else if (arg === "--") this.operands.push(...args.splice(0));
      else if (arg === "--unprotected") this.isUnprotected = true;
      else if (arg === "--help") {
        console.log(help);
        Deno.exit();
      } else if (flags.length > 0 && flags.every((flag) => Object.hasOwn(defaults, flag))) {
        for (const flag of flags) this.options[flag as Option] = flag;
      } else if (Object.hasOwn(defaults, name)) this.#set(name as Option, value ?? args.shift() ?? "");
      else this.misused(`there is no option ${JSON.stringify(arg)}`);
    }
  }

  #set(name: Option, value: string): void {
    if (/^\d+$/.test(this.options[name])) {
      if (!/^\d{1,15}$/.test(value)) this.misused(`--${name} takes a number`);
    } else if (value === "") this.misused(`--${name} needs a value`);
    this.options[name] = value;
  }

  /** Prints one line on standard error. */
  say(message: string): void {
    // The text of others can hold control sequences of a terminal.
    // deno-lint-ignore no-control-regex
    const line = message.replace(/[\0-\x1f\x7f-\x9f]/g, (sign) => {
      return `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
    });
    try {
      console.error(`${this.name}: ${line.toWellFormed()}`);
    } catch {
      // Standard error is full or closed. The exit code still reports a failure.
    }
  }

  /** Prints why, and ends. */
  fail(message: string, code: number): never {
    this.say(message);
    Deno.exit(code);
  }

  /** Ends because of wrong arguments. */
  misused(what: string): never {
    this.fail(`${what}; see --help.`, 2);
  }

  /** Ends because there is no Capsicum. */
  refuse(code: number): never {
    this.fail(`there is no Capsicum on ${Deno.build.os}; --unprotected works without a sandbox.`, code);
  }

  /** Prints that there is no sandbox. */
  warn(): void {
    this.say(`unprotected, since there is no Capsicum on ${Deno.build.os}.`);
  }

  /** Enters a sandbox as planned. Where there is no Capsicum, goes on with `--unprotected` only, and ends otherwise. */
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
