/**
 * The Deno process for a plug-in, started by plugin_host.ts. It starts a Worker, enters capability mode and revokes its
 * permissions. Only then does the Worker load the plug-in. The first line of standard input is the URL of the module;
 * each further line is an argument for one call.
 *
 * @module
 */
import { sandbox } from "../mod.ts";
import { linesOf, longest, longestAnswer, printLine, textOf } from "./_plugin_lines.ts";

/** Revokes all permissions; only the one to use libc was granted. The Worker runs a copy of this function's source. */
async function giveUp(libc: string): Promise<void> {
  const names = ["read", "write", "net", "env", "run", "sys", "ffi", "import"] as const;
  for (const name of names) await Deno.permissions.revoke({ name });
  for (const permission of [...names.map((name) => ({ name })), { name: "ffi", path: libc } as const]) {
    const { state, partial } = await Deno.permissions.query(permission);
    if (state === "granted" || partial) throw new Error(`it keeps ${Deno.inspect(permission)}`);
  }
}

/** Characters of an error outside of a call. It can contain the module's URL, which is three times as long as the module. */
const longestFailure = Math.floor(3.2 * longest);

/**
 * The source of the Worker. It saves the built-in functions that it needs, because a plug-in can replace JSON or String.
 * It turns every thrown or returned value into a string: each answer is a string.
 */
const starter = `
  // A module of node: asks for this path when it is imported; in a sandbox on Linux that ends Deno 2.9 by a panic.
  void process.execPath;
  const giveUp = ${giveUp};
  const { parse, stringify } = JSON, text = String;
  // The plug-in has no access to this port, so it can't answer in the host's place.
  const { port1: port, port2 } = new MessageChannel(), post = port.postMessage.bind(port);
  const describe = (thrown, most) => {
    try {
      return text(thrown).slice(0, most);
    } catch {
      return "a value that has no text";
    }
  };
  const fail = (thrown) => post(stringify({ failure: describe(thrown, ${longestFailure}) }));
  addEventListener("error", (event) => (event.preventDefault(), fail(event.error)));
  addEventListener("unhandledrejection", (event) => (event.preventDefault(), fail(event.reason)));
  const jsonOf = (value) => {
    const json = value === undefined ? "null" : stringify(value);
    if (json === undefined) throw new TypeError("It returned a value of type " + typeof value + ", which JSON does not have.");
    if (json.length > ${longest}) throw new RangeError("It returned more than ${longest} characters of JSON.");
    return json;
  };
  const answer = async (plugin, line) => {
    try {
      return '{"result":' + jsonOf(await plugin(parse(line))) + "}";
    } catch (error) {
      return stringify({ error: describe(error, 10_000) });
    }
  };
  const load = async ({ data: address }) => {
    // Standard output is reserved for answers, and most of these methods write to it.
    for (const name of Reflect.ownKeys(console)) {
      if (typeof console[name] === "function") console[name] = () => {};
    }
    try {
      const { default: plugin } = await import(address);
      if (typeof plugin !== "function") throw new TypeError("Its default export is not a function.");
      onmessage = async ({ data }) => post(await answer(plugin, data));
      post('{"isLoaded":true}');
    } catch (error) {
      fail(error);
    }
  };
  onmessage = async ({ data: libc }) => {
    try {
      await giveUp(libc);
      onmessage = load;
      post('{"isReady":true}');
    } catch (error) {
      fail(error);
    }
  };
  postMessage("", [port2]);`;

async function run(libc: string): Promise<never> {
  // Deno 2.7 can't start a Worker in capability mode: each Worker asks for the working directory.
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(starter)}`, { type: "module" });
  const port = await new Promise<MessagePort>((resolve) =>
    worker.onmessage = ({ ports }) => resolve(ports[0]!)
  );
  const { sandboxed } = sandbox({ stdio: true, limitOthers: true, enforce: "if-supported" });
  await giveUp(libc);
  printLine(JSON.stringify({ sandboxed }));

  const fail = (failure: string) => printLine(JSON.stringify({ failure }));
  port.onmessage = ({ data }) => {
    if (data.length < longestAnswer) printLine(data);
    else fail("its answer is too long");
  };
  worker.onmessage = worker.onmessageerror = () => fail("it posted a message of its own");
  worker.onerror = (event) => {
    event.preventDefault();
    fail(String(event.message));
  };
  worker.postMessage(libc);
  for await (const line of linesOf(Deno.stdin.readable, Infinity)) worker.postMessage(textOf(line!));
  Deno.exit();
}

try {
  await run(Deno.args[0]!);
} catch (error) {
  printLine(JSON.stringify({ failure: (error as Error).message }));
  Deno.exit(1);
}
