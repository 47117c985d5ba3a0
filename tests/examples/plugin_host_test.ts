import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { type ChildResult, libcPath, runModule } from "../_child.ts";
import { Fixture } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import { needsStandin } from "../_standin.ts";
import { test } from "../_test.ts";
import { moduleOf, onFreeBSD, runTool, testUsage, withoutSandbox } from "./_example.ts";

const host = fromFileUrl(moduleOf("plugin_host"));

testUsage("plugin_host", {
  wrong: [
    [[], /^plugin_host: name one plug-in; see --help\.$/m],
    [["one", "two"], /name one plug-in/],
    [["--time=soon", "a"], /--time takes a number/],
    [["--libc=", "a"], /--libc needs a value/],
    [["a", "--deno"], /--deno needs a value/],
    [["--time=2147483648", "a"], /--time is at most 2000000000/],
    [["--memory", "1", "a"], /--time must be at least 1, and --memory at least 64/],
    [["--allow-all", "a"], /there is no option "--allow-all"/],
  ],
  right: [host],
  failure: 1,
});

/** The flags by which the plug-in's Deno process uses the same kernel. */
const flags: string[] = JSON.parse(Deno.env.get("CAPSICUM_TEST_FLAGS") ?? "[]");
const deno = flags.filter((flag) => flag.startsWith("--preload=")).map((flag) => `--deno=${flag}`);

/** Runs a plug-in next to a secret file, and returns its answer to each input. */
async function run(
  source: string,
  inputs: unknown[],
  args: string[] = [],
  name = "plugin.js",
  env: Record<string, string> = {},
) {
  using fixture = new Fixture({
    [name]: source.replaceAll("$LIBRARY", new URL("../../mod.ts", import.meta.url).href),
  });
  fixture.write("secret", "CANARY");
  fixture.write("secret.js", "export default 'CANARY';");
  const result = await runTool("plugin_host", [`--libc=${libcPath}`, ...deno, ...args, fixture.at(name)], {
    permissions: ["--allow-read", "--allow-run", ...(kernel.simulated ? ["--allow-env"] : [])],
    env,
    stdin: inputs.map((input) => `${JSON.stringify(input)}\n`).join("").replaceAll("$PLACE", fixture.path),
  });
  const answers = result.stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  assertEquals(fixture.list(), [name, "secret", "secret.js"].sort());
  assert(!/CANARY/.test(result.stdout + result.stderr), result.stdout + result.stderr);
  return { ...result, answers };
}

test("plugin_host.ts calls an honest plug-in with each line, in JavaScript or TypeScript", async () => {
  const { code, stderr, answers } = await run(
    `let calls = 0;
     console.log("loading");
     export default async (input) => {
       for (const name of Object.keys(console)) {
         if (typeof console[name] === "function" && !/profile/i.test(name)) console[name]([{ a: 1 }]);
       }
       if (input.fail) throw new RangeError("no " + input.fail);
       await new Promise((resolve) => setTimeout(resolve, 5));
       return { calls: ++calls, sum: input.numbers?.reduce((a, b) => a + b, 0), text: "é\\u009b" };
     };`,
    [{ numbers: [1, 2] }, { fail: "luck" }, { numbers: [3] }],
  );
  assertEquals([code, stderr], [1, ""]);
  assertEquals(answers, [
    { result: { calls: 1, sum: 3, text: "é\u009b" } },
    { error: "RangeError: no luck" },
    { result: { calls: 2, sum: 3, text: "é\u009b" } },
  ]);
  const typed = "interface A { b: number }\nexport default ({ b }: A): number => b satisfies number;";
  const { code: right, stdout } = await run(typed, [{ b: 1 }, { b: 2 }], [], "plugin.ts");
  assertEquals([right, stdout], [0, '{"result":1}\n{"result":2}\n']);
});

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

test("plugin_host.ts prints no escape sequences for a plug-in that can't be loaded", async () => {
  const { code, stderr } = await run('import "./other.js";', [], [], "plugin.js", { NO_COLOR: "" });
  assertEquals(code, 1);
  assertMatch(stderr, /^plugin_host: the plug-in does not run: "TypeError: [^\n]*plugin\.js/);
  assert(!/u001b/.test(stderr), stderr);
});

/**
 * Attacks by a plug-in, as bodies of a function that gets the path of a secret; each must throw. `Deno.execPath()` is left
 * out: in capability mode it ends the plug-in's Deno process by a panic.
 */
const attempts: Record<string, string> = {
  "read the secret": "return Deno.readTextFileSync(place + '/secret');",
  "read it in another way": "return await (await fetch('file://' + place + '/secret')).text();",
  "read what it came from": "return Deno.readTextFileSync(place + '/plugin.js');",
  "import the secret": "return (await import('file://' + place + '/secret.js')).default;",
  "import the secret by another module":
    "return (await import('data:text/javascript,import s from \"file://' + place + '/secret.js\"; export default s')).default;",
  "list the directory": "return [...Deno.readDirSync(place)].length;",
  "write a file": "return Deno.writeTextFileSync(place + '/new', 'x');",
  "make a temporary file": "return Deno.makeTempFileSync({ dir: place });",
  "read the environment": "return Deno.env.toObject();",
  "listen": "return Deno.listen({ port: 0 }).addr;",
  "connect": "return (await Deno.connect({ port: 9 })).remoteAddr;",
  "fetch": "return (await fetch('http://127.0.0.1:9999/')).status;",
  "look up a name": "return await Deno.resolveDns('localhost', 'A');",
  "import over the network": "return await import('https://deno.land/std@0.224.0/version.ts');",
  "import a package": "return await import('npm:left-pad');",
  "start a process": "return new Deno.Command('true').outputSync().code;",
  "start Deno": "return new Deno.Command('deno', { args: ['--version'] }).outputSync().code;",
  "kill a process": "return Deno.kill(Deno.ppid, 'SIGCONT') ?? 'sent';",
  "load libc": "return Deno.dlopen('/lib/libc.so.7', { getpid: { parameters: [], result: 'i32' } });",
  "load any library": "return Deno.dlopen('./x.so', {});",
  "load the library that its Deno has loaded":
    "return (await import('$LIBRARY')).libc.open(place + '/secret', 0);",
  "make a pointer": "return Deno.UnsafePointer.create(4096n);",
  "have a permission":
    "return (await Deno.permissions.request({ name: 'read' })).state === 'granted' || fail();",
  "have the permission to use libc":
    "return (await Deno.permissions.query({ name: 'ffi', path: '/lib/libc.so.7' })).state === 'granted' || fail();",
  "open a database": "return await Deno.openKv(place + '/db');",
  "ask who it is": "return [Deno.uid(), Deno.hostname()];",
  "do it in a Worker of its own": `
    const source = "postMessage(Deno.readTextFileSync('" + place + "/secret'))";
    const worker = new Worker("data:text/javascript," + encodeURIComponent(source), { type: "module" });
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => (event.preventDefault(), reject(new Error(event.message)));
    });`,
};

const tryAll = `
  const fail = () => { throw new Error("nothing"); };
  const attempts = {${
  Object.entries(attempts).map(([what, body]) => `${JSON.stringify(what)}: async (place) => {${body}}`).join()
}};
  const tried = async (place) => {
    const results = {};
    for (const [what, attempt] of Object.entries(attempts)) {
      try { results[what] = { got: String(await attempt(place)) }; } catch (error) { results[what] = error.name; }
    }
    return results;
  };
  const whenLoaded = await tried("$PLACE");
  export default async (place) => place === null ? whenLoaded : await tried(place);`;

for (
  const permissions of [
    "",
    "--allow-read --allow-net=127.0.0.1 --allow-env=HOME",
    "--allow-read --allow-write --allow-net --allow-env --allow-run --allow-sys --allow-import",
  ]
) {
  const given = permissions === "" ? "" : `, though it was started with ${permissions}`;
  test(`plugin_host.ts gives a plug-in no access, neither when it is loaded nor when it is called${given}`, async () => {
    using fixture = new Fixture({ secret: "CANARY" });
    const flags = [...deno.map((flag) => flag.slice("--deno=".length)), permissions].join(" ").trim();
    const args = flags === "" ? [] : [`--deno=${flags}`];
    const source = tryAll.replaceAll("$PLACE", fixture.path);
    const { answers, stderr } = await run(source, [null, "$PLACE"], args);
    assertEquals([answers.length, stderr], [2, ""]);
    for (const { result } of answers) {
      assertEquals(Object.keys(result), Object.keys(attempts));
      for (const [what, outcome] of Object.entries(result)) {
        assertEquals(typeof outcome, "string", `${what}: ${Deno.inspect(outcome)}`);
      }
    }
  });
}

test("plugin_host.ts: the operations that a plug-in is refused work without confinement", async () => {
  using fixture = new Fixture({ secret: "SECRET", "twin.js": "" });
  fixture.write(
    "twin.js",
    `console.log(Deno.readTextFileSync(${
      JSON.stringify(fixture.at("secret"))
    }), (await new Deno.Command(Deno.execPath(), { args: ["--version"] }).output()).code);`,
  );
  const { stdout } = await runModule(fixture.at("twin.js"), { kernel: false });
  assertEquals(stdout, "SECRET 0\n");
});

const stopped = (result: ChildResult & { answers: unknown[] }, why: RegExp) => {
  assertEquals([result.code, result.answers], [1, []], result.stderr);
  assertMatch(result.stderr, why);
};

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
  const { code, stderr } = await runModule(host, { args: ["/absent.js"] });
  assertEquals(code, 1);
  assertMatch(stderr, /^plugin_host: [^\n]*\n$/);
});

const telltale = "Deno.stdout.writeSync(new Uint8Array([65, 10]));\nexport default () => 1;";

test("plugin_host.ts reports in a message which of Deno's permissions it lacks", async () => {
  using fixture = new Fixture({ "plugin.js": "" });
  for (const [permissions, lacks] of [[[], "read"], [["--allow-read"], "run"]] as const) {
    const { code, stdout, stderr } = await runModule(moduleOf("plugin_host"), {
      permissions: [...permissions],
      args: [fixture.at("plugin.js")],
      kernel: false,
    });
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, new RegExp(`^plugin_host: Requires ${lacks} access to [^\\n]*\\n$`));
  }
});

test("plugin_host.ts runs no line of a plug-in where the system has no sandbox", async () => {
  using fixture = new Fixture({ "plugin.js": telltale });
  const { code, stdout, stderr } = await runModule(host, {
    args: [fixture.at("plugin.js")],
    ...withoutSandbox,
    stdin: "1\n",
  });
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /^plugin_host: this system can't sandbox it; /);
}, { skip: onFreeBSD });

test("plugin_host.ts runs no line of a plug-in if its Deno process can't enter capability mode", async () => {
  const preload = fromFileUrl(new URL("_failing_enter.ts", import.meta.url));
  stopped(
    await run(telltale, [1], [`--deno=--preload=${preload}`]),
    /does not run: "sandbox\(\): to enter failed: /,
  );
}, { skip: needsStandin });
