/** Shared by the tools in this directory: parses arguments, prints messages and enters the sandbox. */
import { type Plan, type Sandbox, sandbox } from "../mod.ts";

export class Tool<Option extends string> {
  readonly name: string;
  /** The arguments that are not options. */
  readonly operands: string[] = [];
  /** The values of the options. The value of a flag is "" if it was not given. */
  readonly options: Record<Option, string>;
  /** All values of each option that was given, in order: `options` has the last one. */
  readonly given: Partial<Record<Option, string[]>> = {};
  /** Whether the tool runs without a sandbox where the system can't sandbox it. */
  isUnprotected = false;

  /**
   * Parses the arguments. An option is given as `--name=value` or `--name value`; its value must be a number if its
   * default is a number. A flag is one letter, and its default is "". A letter of `short` stands for an option with a value.
   */
  constructor(help: string, defaults: Record<Option, string>, short: Record<string, NoInfer<Option>> = {}) {
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
        try {
          console.log(help);
        } catch (error) {
          this.fail(`standard output: ${(error as Error).message}`, 2);
        }
        Deno.exit();
      } else if (arg[1] !== "-" && Object.hasOwn(short, arg[1]!)) {
        this.#set(short[arg[1]!]!, arg.slice(2) || (args.shift() ?? ""));
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
    (this.given[name] ??= []).push(value);
  }

  /** Prints one line to standard error. */
  say(message: string): void {
    // Untrusted text can contain control sequences for the terminal.
    // deno-lint-ignore no-control-regex
    const line = message.replace(/[\0-\x1f\x7f-\x9f]/g, (sign) => {
      return `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
    });
    try {
      console.error(`${this.name}: ${line.toWellFormed()}`);
    } catch {
      // Standard error is full or closed. The exit code still reports the failure.
    }
  }

  /** Prints the reason and exits. */
  fail(message: string, code: number): never {
    this.say(message);
    Deno.exit(code);
  }

  /** Exits because of wrong arguments. */
  misused(what: string): never {
    this.fail(`${what}; see --help.`, 2);
  }

  /** Exits because the system can't sandbox the tool. */
  refuse(code: number): never {
    this.fail("this system can't sandbox it; --unprotected works without a sandbox.", code);
  }

  /** Prints that there is no sandbox. */
  warn(): void {
    this.say("unprotected, since this system can't sandbox it.");
  }

  /** Enters a sandbox. Where the system has none, continues if `--unprotected` was given, and exits otherwise. */
  sandbox<DirNames extends string = never, FileNames extends string = never>(
    plan: Plan<DirNames, FileNames>,
    code = 1,
  ): Sandbox<DirNames, FileNames> {
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
