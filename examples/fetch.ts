/**
 * Fetches a URL like `curl -L`, in a sandbox. A broker connects it only to the hosts on its command line.
 *
 * deno run --allow-ffi=/lib/libc.so.7 --allow-run examples/fetch.ts URL
 */
import * as http from "node:http";
import * as https from "node:https";
import { connect } from "node:tls";
import { openSync } from "../mod.ts";
import { type Broker, broker, nodeSocket } from "../compat/broker/mod.ts";
import { Output } from "./_output.ts";
import { Tool } from "./_tool.ts";

const help = `usage: fetch.ts [-H HEADER]... [-X METHOD] [-d DATA] [OPTION...] URL

Sends an HTTP request and writes the body of the response to standard output. Progress goes to standard error if that
is a terminal. Up to ten redirects are followed, only to permitted hosts, and never from https: to http:.
-H, --header="NAME: VALUE": send this header. Can be repeated. A redirect to another origin gets no credentials.
-X, --method=METHOD: by default GET, or POST with -d.
-d, --data=DATA: send this text as the body, by default as application/x-www-form-urlencoded.
--allow-host=HOST:PORT: also permit redirects to this host. Can be repeated. A name may resolve only to public
  addresses: to reach a private address, permit the address too.
--cacert=FILE: trust only the certificates in this file.
--timeout=SECONDS: stop if nothing was received for this time; by default 60.
-v: print progress, and the status and headers of responses, even if standard error is not a terminal.
--unprotected: fetch without a sandbox if the system has none.
On Linux: deno run --allow-ffi=/lib/x86_64-linux-gnu/libc.so.6 --allow-run examples/fetch.ts URL
The exit code is 0 if the status is below 400, 3 if it is 400 or more, 1 if there was no complete response, and 2 if
the arguments are wrong. Requires Deno 2.9: node:tls and node:http of Deno 2.7 cannot use a descriptor.`;

const tool: Tool<"v" | "header" | "method" | "data" | "allow-host" | "cacert" | "timeout"> = new Tool(
  help,
  { v: "", header: "", method: "", data: "", "allow-host": "", cacert: "", timeout: "60" },
  { H: "header", X: "method", d: "data" },
);
const { operands: [operand, ...others], options, given } = tool;
if (operand === undefined || others.length > 0) tool.misused("name one URL");
const isWatched = options.v !== "" || Deno.stderr.isTerminal();

type Headers = Record<string, string[]>;
type Answer = http.IncomingMessage;

/** A request, and the URL to send it to. */
interface Sending {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string | undefined;
}

/** Parses a URL; undefined if it cannot be fetched. */
function urlOf(text: string, base?: URL): URL | undefined {
  const url = URL.parse(text, base?.href);
  const isKnown = url?.protocol === "https:" || url?.protocol === "http:";
  return isKnown && url.username + url.password === "" ? url : undefined;
}

const hostOf = (url: URL) => `${url.hostname}:${portOf(url)}`;
const portOf = ({ port, protocol }: URL) => port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);

function headersOf(lines: readonly string[], headers: Headers): Headers {
  const own: Headers = {};
  for (const line of lines) {
    const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? [];
    if (name === undefined) tool.misused(`${JSON.stringify(line)} is not a header`);
    if (/^(host|connection|content-length|transfer-encoding|upgrade|expect)$/i.test(name)) {
      tool.misused(`--header cannot set ${name}`);
    }
    (own[name.toLowerCase()] ??= []).push(value!);
  }
  return { ...headers, ...own };
}

function firstSending(): Sending {
  const url = urlOf(operand!), body = given.data?.join("&");
  if (url === undefined) {
    tool.misused(`${JSON.stringify(operand)} is not an http: or https: URL without a password`);
  }
  const method = options.method || (body === undefined ? "GET" : "POST");
  if (!/^[A-Z]+$/.test(method) || method === "CONNECT") {
    tool.misused(`${JSON.stringify(method)} is not a method`);
  }
  const type: Headers = body === undefined ? {} : { "content-type": ["application/x-www-form-urlencoded"] };
  const headers = headersOf(given.header ?? [], { accept: ["*/*"], "user-agent": ["fetch.ts"], ...type });
  return { url, method, headers, body };
}

/** Reads the file of --cacert. Must be called before entering. */
function certificates(): string | undefined {
  if (options.cacert === "") return undefined;
  try {
    using file = openSync(options.cacert);
    const text = new TextDecoder().decode(file.readAllSync({ maxLength: 2 ** 20 }));
    // Node would use the system's certificates instead of an empty list.
    if (!text.includes("-----BEGIN CERTIFICATE-----")) {
      throw new Error(`${options.cacert}: the file has no certificate.`);
    }
    return text;
  } catch (error) {
    tool.fail((error as Error).message, 1);
  }
}

/** Sends a request over a connection from the broker. Resolves when the headers of the answer have arrived. */
async function answerTo({ url, method, headers, body }: Sending, net: Broker): Promise<Answer> {
  const host = url.hostname.replace(/^\[|\]$/g, ""), isSecure = url.protocol === "https:";
  const timeout = 1000 * Number(options.timeout);
  const socket = nodeSocket(await net.connect({ hostname: host, port: portOf(url), timeout }));
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const isAddress = /:|^[\d.]+$/.test(host), name = isAddress ? { host } : { host, servername: host };
  const createConnection = () => isSecure ? connect({ socket, ...name, ...(ca && { ca }) }) : socket;
  const { request } = isSecure ? https : http;
  const sending = request(url, { method, headers, createConnection }, (answer) => {
    socket.setTimeout(timeout, () => answer.destroy(late));
    resolve(answer);
  });
  const late = new Error(`nothing was received for ${options.timeout} seconds.`);
  socket.setTimeout(timeout, () => sending.destroy(late));
  sending.on("error", reject);
  // After a status of 101, node:http reports neither a response nor an error.
  sending.on("close", () => reject(new Error("the connection ended without a response.")));
  sending.end(body);
  return await promise;
}

/** The next request of a redirect; undefined if the answer is not a redirect. */
function redirected({ url, method, headers, body }: Sending, answer: Answer): Sending | undefined {
  const { statusCode: status = 0, headers: { location } } = answer;
  if (location === undefined || ![301, 302, 303, 307, 308].includes(status)) return undefined;
  const next = urlOf(location, url), refused = `the redirect to ${JSON.stringify(location)} is refused`;
  if (next === undefined) {
    throw new Error(`${refused}: the target is not an http: or https: URL without a password.`);
  }
  if (next.protocol === "http:" && url.protocol === "https:") {
    throw new Error(`${refused}: it goes from https: to http:.`);
  }
  if (!hosts.includes(hostOf(next))) throw new Error(`${refused}; --allow-host=${hostOf(next)} permits it.`);
  const isGet = status === 303 ? method !== "HEAD" : status < 303 && method === "POST";
  const dropped = next.origin === url.origin ? [] : ["authorization", "cookie"];
  if (isGet) dropped.push("content-type");
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.includes(name)));
  return { url: next, headers: kept, ...(isGet ? { method: "GET", body: undefined } : { method, body }) };
}

/** Copies the body to standard output. */
async function copy(answer: Answer): Promise<void> {
  const output = new Output(({ message }) => tool.fail(`standard output: ${message}`, 1));
  const { "content-length": length } = answer.headers, total = length === undefined ? "" : ` of ${length}`;
  let count = 0, nextProgress = performance.now() + 1000;
  try {
    for await (const bytes of answer as AsyncIterable<Uint8Array>) {
      output.add(bytes);
      output.flush();
      count += bytes.length;
      if (!isWatched || performance.now() < nextProgress) continue;
      tool.say(`${count}${total} bytes`);
      nextProgress = performance.now() + 1000;
    }
  } catch (error) {
    // The message of node:http is "aborted".
    if ((error as { code?: string }).code !== "ECONNRESET") throw error;
  }
  if (!answer.complete) throw new Error("the response is not complete.");
  if (isWatched) tool.say(`${count} bytes`);
}

function permittedHost(text: string): string {
  const url = /^[^/?#@]+:\d+$/.test(text) ? URL.parse(`https://${text}`) : null;
  return url ? hostOf(url) : tool.misused(`--allow-host takes HOST:PORT, not ${JSON.stringify(text)}`);
}

const first = firstSending();
const hosts = [hostOf(first.url), ...(given["allow-host"] ?? []).map(permittedHost)];
if (!/^[1-9]\d{0,4}$/.test(options.timeout)) tool.misused("--timeout takes a number from 1 to 99999");
const ca = certificates();
let sending = first;
try {
  const net = await broker({ connect: hosts });
  tool.sandbox({ stdio: true, warmUp: { tls: true } });
  if (!("_connectionListener" in http)) {
    throw new Error("node:http of this version of Deno cannot use a descriptor.");
  }
  for (let redirects = 0;; redirects++) {
    const answer = await answerTo(sending, net), status = answer.statusCode!;
    if (options.v !== "") {
      tool.say(`${hostOf(sending.url)}: ${status} ${answer.statusMessage}`);
      for (const [name, value] of Object.entries(answer.headers)) tool.say(`${name}: ${value}`);
    }
    const next = redirected(sending, answer);
    if (next === undefined) {
      await copy(answer);
      Deno.exit(status < 400 ? 0 : 3);
    }
    if (redirects === 10) throw new Error("there are more than ten redirects.");
    answer.destroy();
    sending = next;
  }
} catch (error) {
  tool.fail(`${hostOf(sending.url)}: ${(error as Error).message}`, 1);
}
