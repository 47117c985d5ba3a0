import { assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { runModule } from "../_child.ts";
import { Fixture } from "../_fixture.ts";
import { needsStandin } from "../_standin.ts";
import { test } from "../_test.ts";
import { moduleOf, onFreeBSD, withoutSandbox } from "./_example.ts";
import { deno, run, stopped } from "./_plugin_host.ts";

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
  const { code, stdout, stderr } = await runModule(moduleOf("plugin_host"), {
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
