/** What the host of plug-ins reads and prints, and when it stops a plug-in: no kernel changes that. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { libcPath, runModule } from "../_child.ts";
import { Fixture } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import { test } from "../_test.ts";
import { moduleOf, runTool } from "./_example.ts";
import { deno, run, stopped } from "./_plugin_host.ts";

test("plugin_host.ts refuses a plug-in that is not a file, or too long", async () => {
  using fixture = new Fixture({ directory: {}, long: "/".repeat(10_000_000) });
  for (const path of [fixture.at("directory"), fixture.at("long"), "/dev/zero"]) {
    const { code, stdout, stderr } = await runModule(moduleOf("plugin_host"), {
      args: [path],
      permissions: ["--allow-read", "--allow-run"],
    });
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^plugin_host: \S+ (?:is not a file|has more than 1048576 characters)\.\n$/);
  }
});

test("plugin_host.ts runs a plug-in that imports modules of Node", async () => {
  const source = `import process from "node:process";
    import { gzipSync } from "node:zlib"; import path from "node:path";
    export default (x) => [typeof process.version, gzipSync(x).length > 0, path.basename(x)];`;
  const { code, stdout, stderr } = await run(source, ["a/b"]);
  assertEquals([code, stdout, stderr], [0, '{"result":["string",true,"b"]}\n', ""]);
});

test("plugin_host.ts prints no escape sequences for a plug-in that can't be loaded", async () => {
  const { code, stderr } = await run('import "./other.js";', [], [], "plugin.js", { NO_COLOR: "" });
  assertEquals(code, 1);
  assertMatch(stderr, /^plugin_host: the plug-in does not run: "TypeError: [^\n]*plugin\.js/);
  assert(!/u001b/.test(stderr), stderr);
});

test("plugin_host.ts stops a plug-in that takes too long to load, to answer, or to exit", async () => {
  const limit = ["--time=400"];
  for (const loop of ["while (true);", "await new Promise(() => {});", "self.close();"]) {
    stopped(
      await run(`export default async () => { ${loop} };`, [1], limit),
      /took more than 400 ms\.\n$/,
    );
  }
  stopped(
    await run("while (true);\nexport default () => 1;", [1], limit),
    /took more than 5400 ms to be loaded\.\n$/,
  );
});

test("plugin_host.ts limits a call by --time, but not the start of the Deno process or the plug-in", async () => {
  const loading = "const end = Date.now() + 3000; while (Date.now() < end);";
  const { code, stdout, stderr } = await run(`${loading} export default (x) => x;`, [1, 2], [
    "--time",
    "2000",
  ]);
  assertEquals([code, stdout, stderr], [0, '{"result":1}\n{"result":2}\n', ""]);
});

/** The body of a plug-in, and the line that is printed for it. */
const oddities: [does: string, line: string | RegExp][] = [
  ["throw Object.create(null)", '{"error":"a value that has no text"}'],
  ["throw { toString() { throw 1; } }", '{"error":"a value that has no text"}'],
  ["throw { [Symbol.toPrimitive]: () => ({}) }", '{"error":"a value that has no text"}'],
  ["throw new Proxy({}, { get() { throw 1; } })", '{"error":"a value that has no text"}'],
  ["throw Object.assign(new Error(), { get message() { throw 1; } })", /^{"error":"Error|^{"error":"1"/],
  [
    "throw Object.defineProperty(new Error(), 'message', { get() { throw 1; } })",
    '{"error":"a value that has no text"}',
  ],
  ["throw null", '{"error":"null"}'],
  ["throw undefined", '{"error":"undefined"}'],
  ["throw 'a text\\nof two lines\\ud800'", '{"error":"a text\\nof two lines\\ud800"}'],
  ["throw Symbol('s')", '{"error":"Symbol(s)"}'],
  ["throw 1n", '{"error":"1"}'],
  ["throw () => 1", '{"error":"() => 1"}'],
  ["throw 'x'.repeat(1e7)", `{"error":"${"x".repeat(10_000)}"}`],
  ["return", '{"result":null}'],
  ["return null", '{"result":null}'],
  ["return -0", '{"result":0}'],
  ["return NaN", '{"result":null}'],
  [
    "return Symbol('s')",
    /^{"error":"TypeError: It returned a value of type symbol, which JSON does not have\."}$/,
  ],
  ["return () => 1", /^{"error":"TypeError: It returned a value of type function, /],
  ["return { toJSON() {} }", /^{"error":"TypeError: It returned a value of type object, /],
  ["return { toJSON: () => ({ failure: 1 }) }", '{"result":{"failure":1}}'],
  ["return { toJSON() { throw null; } }", '{"error":"null"}'],
  ["return 1n", /^{"error":"TypeError: .*BigInt/],
  ["const a = []; a.push(a); return a", /^{"error":"TypeError: .*circular/],
  ["return { get a() { throw new RangeError('got'); } }", '{"error":"RangeError: got"}'],
  ["return new Proxy({}, { ownKeys() { throw 'keys'; } })", '{"error":"keys"}'],
  [
    "const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy",
    /^{"error":"TypeError: .*revoked/,
  ],
  ["return { then(resolve) { resolve('then'); } }", '{"result":"then"}'],
  ["return { then() { throw 'then'; } }", '{"error":"then"}'],
  ["return { get then() { throw 'then'; } }", '{"error":"then"}'],
  ["return Promise.reject(Object.create(null))", '{"error":"a value that has no text"}'],
  ["return 'x'.repeat(1e6)", `{"result":"${"x".repeat(1e6)}"}`],
  ["return '\\u20ac'.repeat(1e6)", `{"result":"${"\u20ac".repeat(1e6)}"}`],
  [
    "return 'x'.repeat(1 << 20)",
    /^{"error":"RangeError: It returned more than 1048576 characters of JSON\."}$/,
  ],
  [
    "let deep = []; for (let i = 0; i < 1e5; i++) deep = [deep]; return deep",
    /^{"error":"RangeError: |^{"result":\[\[/,
  ],
  [
    "return { __proto__: null, a: new Date(0), b: new Map([[1, 2]]), c: [undefined] }",
    '{"result":{"a":"1970-01-01T00:00:00.000Z","b":{},"c":[null]}}',
  ],
  ["JSON.stringify = String = () => 'no'; JSON.parse = () => 0; return 'still'", '{"result":"still"}'],
  ["return 'the last one'", '{"result":"the last one"}'],
];

test("plugin_host.ts prints a line for any value that a plug-in throws or returns, and continues", async () => {
  const source = `const all = [${oddities.map(([does]) => `() => { ${does}; }`).join(",\n")}];
    export default (i) => all[i]();`;
  const { code, stdout, stderr } = await run(source, oddities.map((_, i) => i), ["--time=50000"]);
  assertEquals([code, stderr], [1, ""]);
  const lines = stdout.split("\n");
  assertEquals(lines.pop(), "");
  for (const [i, [does, expected]] of oddities.entries()) {
    if (typeof expected === "string") assertEquals(lines[i], expected, does);
    else assertMatch(lines[i] ?? "no line", expected, does);
  }
  assertEquals(lines.length, oddities.length);
});

test("plugin_host.ts stops a plug-in with a message when it throws any value outside of a call", async () => {
  const never = "new Promise(() => {})";
  for (
    const [source, failure] of [
      ["throw Object.create(null);", "a value that has no text"],
      ["throw null;", "null"],
      ["await Promise.reject({ toString() { throw 1; } });", "a value that has no text"],
      ["setTimeout(() => { throw Object.create(null); });", "a value that has no text"],
      ["setTimeout(() => { throw new RangeError('late'); });", "RangeError: late"],
      ["setTimeout(() => Promise.reject(Symbol('late')));", "Symbol(late)"],
      ["setTimeout(() => postMessage({ a: 1 }));", "it posted a message of its own"],
      ["setTimeout(() => postMessage(Object.create(null)));", "it posted a message of its own"],
      [`setTimeout(() => postMessage('{"result":1}'));`, "it posted a message of its own"],
    ]
  ) {
    const result = await run(`${source}\nexport default () => ${never};`, [1], ["--time=50000"]);
    stopped(result, /^plugin_host: the plug-in does not run: "[^\n]*"\n$/);
    assertStringIncludes(result.stderr, JSON.stringify(failure));
  }
});

/** Runs a plug-in that returns its input, with bytes as input. */
async function echo(stdin: Uint8Array | string, source = "export default (x) => x;") {
  using fixture = new Fixture({ "plugin.js": source });
  const args = [`--libc=${libcPath}`, ...deno, "--time", "50000", fixture.at("plugin.js")];
  return await runTool("plugin_host", args, {
    permissions: ["--allow-read", "--allow-run", ...(kernel.simulated ? ["--allow-env"] : [])],
    stdin,
  });
}

test("plugin_host.ts prints a line for each input line, valid or not, and continues", async () => {
  const long = JSON.stringify("y".repeat(3 << 20)), deep = "[".repeat(100_000) + "]".repeat(100_000);
  const input: [line: string | Uint8Array, answer: RegExp | null][] = [
    ["1\r", /^{"result":1}$/],
    ["", null],
    [" \t\r", null],
    ["not JSON", /^{"error":"the line is not JSON: \\"not JSON\\""}$/],
    ["\0", /^{"error":"the line is not JSON: /],
    ['{"a":1} 2', /^{"error":"the line is not JSON: /],
    [new Uint8Array([34, 255, 34]), /^{"error":"the line is not UTF-8"}$/],
    ['"\\ud800"', /^{"result":"\\ud800"}$/],
    ['{"__proto__":{"a":1}}', /^{"result":{"__proto__":{"a":1}}}$/],
    [long, /^{"error":"the line has more than 1048576 bytes"}$/],
    [deep, /^{"(result|error)":/],
    ["3", /^{"result":3}$/],
  ];
  const encoder = new TextEncoder();
  const bytes = input.flatMap((
    [line],
  ) => [...[typeof line === "string" ? encoder.encode(line) : line], new Uint8Array([10])]);
  const parts = bytes.slice(0, -1), all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) all.set(part, at), at += part.length;
  const { code, stdout, stderr } = await echo(all);
  const lines = stdout.split("\n"), expected = input.flatMap(([, answer]) => answer ?? []);
  assertEquals([code, lines.pop(), lines.length], [1, "", expected.length], stderr);
  for (const [i, answer] of expected.entries()) assertMatch(lines[i]!.slice(0, 1000), answer);
  assertEquals(
    stderr.match(/^plugin_host: line \d+ (?:is not JSON|is not UTF-8|has more than).*\.$/gm)?.length,
    5,
  );
  assertEquals(stderr.trimEnd().split("\n").length, 5, stderr);
});

test("plugin_host.ts exits with 0 for empty input, but only if the plug-in loads", async () => {
  assertEquals((await echo("")).code, 0);
  assertEquals((await echo("\n\n")).code, 0);
  const { code, stderr } = await echo("", "export default 1;");
  assertEquals([code, stderr.split("\n").length], [1, 2]);
});

test("plugin_host.ts stops a plug-in that takes too much memory, on V8's heap or outside of it", async () => {
  const limit = ["--memory=160", "--time=20000"];
  const heap = "const all = []; while (true) all.push(new Array(1000).fill(all.length));";
  stopped(
    await run(`export default () => { ${heap} };`, [1], limit),
    /the plug-in took more than 160 MB|ended, by SIG/,
  );
  const buffers = `const all = [];
    for (;;) { all.push(new Uint8Array(4e6).fill(1)); await new Promise((resolve) => setTimeout(resolve, 2)); }`;
  stopped(
    await run(`export default async () => { ${buffers} };`, [1], limit),
    /the plug-in took more than 160 MB|ended, by SIG/,
  );
});

test("plugin_host.ts stops a plug-in if ps can't report its memory, but not one that exits", async () => {
  const inert = "export default () => new Promise(() => {});";
  // In Deno 2.7, a program needs a permission even to kill itself.
  const ending = "Deno.kill(Deno.pid, 'SIGKILL');", ended = /ended, by SIGKILL|Requires run access/;
  const withoutPs = { PATH: "/nowhere" };
  stopped(
    await run(inert, [1], ["--time=20000"], "plugin.js", withoutPs),
    /ps does not report how much memory the plug-in takes\.\n$/,
  );
  stopped(await run(ending, [1], ["--time=20000"], "plugin.js", withoutPs), ended);
  stopped(await run(ending, [1], ["--time=20000"]), ended);
});

test("plugin_host.ts stops a plug-in that answers endlessly, or not in JSON", async () => {
  const write = (text: string) => `Deno.stdout.writeSync(new TextEncoder().encode(${text}))`;
  stopped(
    await run(`export default () => { for (;;) ${write('"x".repeat(9999)')}; };`, [1]),
    /answer is not valid: a line has no end/,
  );
  stopped(
    await run(`export default () => { ${write('"no JSON\\n"')}; return 1; };`, [1]),
    /answer is not valid: /,
  );
  stopped(
    await run(`export default () => { ${write('"3\\n"')}; return 1; };`, [1]),
    /answer is not valid: it is not an object/,
  );
  const { code, stdout } = await run("export default () => 1n;", [1]);
  assertEquals(code, 1);
  assertStringIncludes(stdout, '{"error":"TypeError: ');
});

test("plugin_host.ts reports which plug-in does not run", async () => {
  stopped(await run("export default 1;", [1]), /does not run: .*not a function/);
  stopped(await run("export const a = 1;", [1]), /does not run: .*not a function/);
  stopped(await run("throw new Error('at once');", [1]), /does not run: .*at once/);
  const refused = await run(`this is no JavaScript\n${"// a comment\n".repeat(1000)}`, [1]);
  stopped(refused, /does not run: .*\/plugin\.js:1:/);
  assert(refused.stderr.length < 2000, `${refused.stderr.length}`);
  const { code, stderr } = await runModule(moduleOf("plugin_host"), { args: ["/absent.js"] });
  assertEquals(code, 1);
  assertMatch(stderr, /^plugin_host: [^\n]*\n$/);
});
