/**
 * Calls every public function with a wrong value in each place, and prints what was not right about it: a JSON array.
 *
 * Its argument is an empty directory.
 *
 * @module
 */
import { Dir, FdFile, libc } from "../mod.ts";
import { type Call, everyCall, Options, Scene } from "./_mistakes_calls.ts";
import { kernel } from "./_kernel.ts";
import { allCalls } from "./_standin.ts";

/** What the wrong values throw themselves, which is the caller's own. */
const own = new Error("thrown by the argument");
const throwing = () => {
  throw own;
};

const wrongValues: [name: string, value: unknown][] = [
  ["undefined", undefined],
  ["null", null],
  ["NaN", NaN],
  ["-1", -1],
  ["1.5", 1.5],
  ["2**53", 2 ** 53],
  ["Infinity", Infinity],
  ["true", true],
  ["10n", 10n],
  ["2n**70n", 2n ** 70n],
  ['""', ""],
  ['"\\0"', "\0"],
  ['"a\\ud800"', "a\ud800"],
  ["a symbol", Symbol("s")],
  ["{}", {}],
  ["[]", []],
  ["[undefined]", [undefined]],
  ["[a symbol]", [Symbol("s")]],
  ["a function", () => {}],
  [
    "a proxy that throws",
    new Proxy(
      {},
      Object.fromEntries(
        ["get", "has", "ownKeys", "getPrototypeOf", "getOwnPropertyDescriptor"].map((
          trap,
        ) => [trap, throwing]),
      ),
    ),
  ],
  ["an object whose toString throws", {
    toString: throwing,
    valueOf: throwing,
    [Symbol.toPrimitive]: throwing,
  }],
  ["an object whose fd is a symbol", { fd: Symbol("fd") }],
  ["a frozen object with an unknown member", Object.freeze({ nonsense: 1 })],
  ["an invalid date", new Date(NaN)],
  ["a long string", "x".repeat(1e6)],
  ["a long list", Array.from({ length: 1e4 }, (_, i) => `RIGHT${i}`)],
];

/** How the engine words its own errors. */
const engines =
  /Cannot (read|set|convert|destructure|mix|assign|access|perform|define|delete|use)|is not (iterable|a function|a constructor|an object|defined|extensible)|not iterable|Invalid (time|array|typed|count|code)|incompatible receiver|Illegal invocation|to a BigInt|Maximum call stack|[Rr]educe of empty|toFixed|Receiver|expected (i32|u32|i64|usize|buffer)|Invalid FFI|must be callable|is not a valid|Right-hand side/;

const complaints: string[] = [];

const counted = () => kernel.simulated ? allCalls() : 0;

function judge(call: Call, where: string, calls: number, error: unknown): void {
  if (error === own) return;
  if (!(error instanceof Error)) {
    return void complaints.push(`${where}: throws a value that is not an Error: ${typeof error}`);
  }
  const { name, message } = error;
  const said = `${name}: ${message.slice(0, 120)}`;
  const named = /^((?:Dir|FdFile)\.\w+)\(\):/.exec(message)?.[1];
  if (!call.foreign && named !== undefined && named !== call.name.replace(".prototype", "")) {
    complaints.push(`${where}: names another method: ${said}`);
  }
  if (engines.test(message)) complaints.push(`${where}: the engine's own ${said}`);
  else if (message.length > 300) complaints.push(`${where}: ${message.length} characters: ${said}`);
  else if (
    (error instanceof TypeError || error instanceof RangeError) && calls > 0
  ) {
    complaints.push(`${where}: after a system call ${said}`);
  }
}

function isIterator(result: unknown): result is Iterator<unknown> {
  return typeof result === "object" && result !== null && "next" in result &&
    typeof result.next === "function";
}

/** Closes the descriptors that a call has opened. */
function dispose(name: string, result: unknown): void {
  if (result instanceof FdFile || result instanceof Dir) result[Symbol.dispose]();
  else if (
    typeof result === "object" && result !== null && "close" in result && typeof result.close === "function"
  ) {
    result.close();
  } else if (/take$|^compat33\.open$|^pycapsicum\.opendir$/.test(name)) libc.close(result as number);
}

/** Calls a function, waits for its result and releases it; returns the error that it throws. */
async function outcome(
  call: Call,
  args: readonly unknown[],
  target = call.target?.(),
): Promise<{ error: unknown; calls: number } | undefined> {
  try {
    const result = await call.call(args, target);
    if (isIterator(result)) {
      await result.next();
      await result.return?.();
    }
    dispose(call.name, result);
    return undefined;
  } catch (error) {
    return { error, calls: counted() };
  } finally {
    scene.closeAll();
  }
}

async function tried(call: Call, args: readonly unknown[], where: string): Promise<unknown> {
  const target = call.target?.(), before = counted();
  const thrown = await outcome(call, args, target);
  // What its function returns is wrong only once it has been called.
  if (thrown !== undefined && call.name !== "fdOf") judge(call, where, thrown.calls - before, thrown.error);
  return thrown?.error;
}

/** The arguments, with the options as they are. */
const plain = (args: readonly unknown[]) => args.map((arg) => arg instanceof Options ? arg.with() : arg);

/** Without options, or with empty options, these functions limit this process and so end the test. */
const limiting = ["sandbox", "limitOthers", "limitStdio"];
const isHarmful = (call: Call, name: string) =>
  limiting.includes(call.name) && ["undefined", "{}"].includes(name);

using scene = new Scene(Deno.args[0]!);
const names: string[] = [];
for (const call of everyCall(scene)) {
  names.push(call.name);
  const right = await outcome(call, plain(call.args()));
  // A release may lack a call.
  if (right !== undefined && !(right.error instanceof Deno.errors.NotSupported)) {
    complaints.push(`${call.name}() with right arguments: ${right.error}`);
  }
  for (const [at] of call.args().entries()) {
    for (const [name, value] of wrongValues) {
      if (isHarmful(call, name)) continue;
      await tried(call, plain(call.args()).with(at, value), `${call.name}() with ${name} as argument ${at}`);
    }
    const args = call.args(), options = args[at];
    if (!(options instanceof Options) || call.foreign) continue;
    const refuses = async (wrong: Record<string, unknown>, what: string) => {
      const where = `${call.name}() with ${what}`;
      const given = call.args();
      const error = await tried(call, plain(given).with(at, (given[at] as Options).with(wrong)), where);
      if (!(error instanceof TypeError || error instanceof RangeError)) {
        complaints.push(`${where}: ${error === undefined ? "passes" : error}`);
      }
    };
    await refuses({ nonsense: 1 }, "an unknown option");
    for (const member of options.names) {
      for (const value of [Symbol("s"), null, NaN]) {
        await refuses({ [member]: value }, `${member}: ${String(value)}`);
      }
      for (const [name, value] of wrongValues) {
        const given = call.args();
        if (
          limiting.includes(call.name) && [undefined, "[]"].includes(value === undefined ? undefined : name)
        ) continue;
        await tried(
          call,
          plain(given).with(at, (given[at] as Options).with({ [member]: value })),
          `${call.name}() with ${member}: ${name}`,
        );
      }
    }
  }
}
console.log(JSON.stringify({ complaints, names }));
Deno.exit();
