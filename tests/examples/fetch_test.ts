import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import * as http from "node:http";
import { type ChildOptions, type ChildResult, libcPath, runModule } from "../_child.ts";
import { Fixture, scaled } from "../_fixture.ts";
import { test } from "../_test.ts";
import { moduleOf, onFreeBSD, runTool, testUsage, unprotected, withoutSandbox } from "./_example.ts";

testUsage("fetch", {
  wrong: [
    [[], /^fetch: name one URL; see --help\.$/m],
    [
      ["http://a:b@localhost/"],
      /"http:\/\/a:b@localhost\/" is not an http: or https: URL without a password/,
    ],
    [["-H", "no colon", "http://localhost/"], /"no colon" is not a header/],
    [["-HHost: x", "http://localhost/"], /--header cannot set Host/],
    [["--allow-host=localhost", "http://localhost/"], /--allow-host takes HOST:PORT, not "localhost"/],
  ],
  right: ["http://localhost:1/"],
  failure: 1,
});

const skip = !("_connectionListener" in http) && "needs Deno 2.9, whose node:http can use a descriptor";
const data = new URL("../data/tls/", import.meta.url);
const trusting = `--cacert=${fromFileUrl(new URL("authority.pem", data))}`;
const permissions = [`--allow-ffi=${libcPath}`, `--allow-run=${Deno.execPath()}`];

function run(...args: string[]): Promise<ChildResult> {
  return runTool("fetch", args, { permissions });
}

type Received = Pick<Request, "method" | "url" | "headers">;

/** A server with the certificate of localhost, or without TLS. */
class Server implements AsyncDisposable {
  readonly requests: Received[] = [];
  readonly origin: string;
  readonly port: number;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(answer: (url: URL, request: Request) => Response | Promise<Response>, isSecure = true) {
    const [cert, key] = ["server.pem", "server.key"].map((name) =>
      Deno.readTextFileSync(new URL(name, data))
    );
    const options = {
      hostname: "127.0.0.1",
      port: 0,
      onListen() {},
      ...(isSecure && { cert: cert!, key: key! }),
    };
    this.#server = Deno.serve(options, (request) => {
      const { method, url, headers } = request;
      this.requests.push({ method, url, headers: new Headers(headers) });
      return answer(new URL(request.url), request);
    });
    this.port = this.#server.addr.port;
    this.origin = `http${isSecure ? "s" : ""}://localhost:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

test("fetch.ts writes exactly the body, over TLS", async () => {
  const body = new Uint8Array(scaled(10 * 1024 * 1024));
  const part = crypto.getRandomValues(new Uint8Array(60_000));
  for (let at = 0; at < body.length; at += part.length) body.set(part.subarray(0, body.length - at), at);
  await using server = new Server(() => new Response(body));
  const { code, stderr, bytes } = await run(trusting, `${server.origin}/`);
  assertEquals([code, stderr, bytes.length], [0, "", body.length]);
  assertEquals(new Uint8Array(bytes), body);
}, { skip });

test(
  "fetch.ts sends the method, headers and data, prints the response headers with -v, and exits with 3 for status 404",
  async () => {
    await using server = new Server(async (_url, request) =>
      new Response(await request.text(), { status: 404 })
    );
    const args = ["-v", "-X", "PUT", "-H", "X-One: 1", "--header=x-one: 2", "-d", "a=b", "-dc=ü"];
    const { code, stdout, stderr } = await run(trusting, ...args, `${server.origin}/path?q#f`);
    const [{ method, url, headers }] = server.requests as [Received];
    assertEquals([code, stdout, method, url], [3, "a=b&c=ü", "PUT", `${server.origin}/path?q`]);
    assertEquals([headers.get("x-one"), headers.get("accept")], ["1, 2", "*/*"]);
    assertEquals(headers.get("content-type"), "application/x-www-form-urlencoded");
    assertMatch(stderr, /^fetch: localhost:\d+: 404 Not Found\n(fetch: [\w-]+: .*\n)*fetch: 8 bytes\n$/);
  },
  { skip },
);

test("fetch.ts refuses a certificate for another name, and one from an unknown authority", async () => {
  await using server = new Server(() => new Response("secret"));
  const [other, unknown] = await Promise.all([
    run(trusting, `https://127.0.0.1:${server.port}/`),
    run(`${server.origin}/`),
  ]);
  assertEquals([other.code, other.stdout, unknown.code, unknown.stdout], [1, "", 1, ""]);
  assertMatch(
    other.stderr,
    /^fetch: 127\.0\.0\.1:\d+: Hostname\/IP does not match certificate's altnames: .*\n$/,
  );
  assertMatch(unknown.stderr, /^fetch: localhost:\d+: unable to verify the first certificate\n$/);
  assertEquals(server.requests.length, 0);
}, { skip });

test(
  "fetch.ts follows redirects only to permitted hosts, and sends credentials only to the first host",
  async () => {
    await using target = new Server(() => new Response("target"), false);
    const elsewhere = `http://127.0.0.1:${target.port}`;
    const redirects: Record<string, string> = {
      "/start": "/next",
      "/next": `${elsewhere}/`,
      "/loop": "/loop",
      "/file": "file:///etc/passwd",
    };
    const redirecting = ({ pathname }: URL) =>
      new Response(null, { status: 302, headers: { location: redirects[pathname]! } });
    await using plain = new Server(redirecting, false);
    await using secure = new Server(redirecting);
    const secret = ["-H", "Authorization: secret", "-H", "Cookie: secret", "-H", "X-Other: 1", "-d", "a"];
    const [followed, refused, looping, downgraded, local] = await Promise.all([
      run(...secret, `--allow-host=127.0.0.1:${target.port}`, `${plain.origin}/start`),
      run(`${plain.origin}/start`),
      run(`${plain.origin}/loop`),
      run(trusting, `--allow-host=127.0.0.1:${target.port}`, `${secure.origin}/next`),
      run(`${plain.origin}/file`),
    ]);
    assertEquals([followed.code, followed.stdout, followed.stderr], [0, "target", ""]);
    const [{ method, headers }, ...more] = target.requests as [Received, ...Received[]];
    assertEquals([method, more.length], ["GET", 0]);
    assertEquals(["authorization", "cookie", "content-type"].map((name) => headers.get(name)), [
      null,
      null,
      null,
    ]);
    assertEquals(headers.get("x-other"), "1");
    const post = plain.requests.find(({ method }) => method === "POST")!;
    assertEquals(post.headers.get("authorization"), "secret");
    const failed = [refused, looping, downgraded, local];
    assertEquals(failed.map(({ code, stdout }) => [code, stdout]), failed.map(() => [1, ""]));
    const permits = `--allow-host=127\\.0\\.0\\.1:${target.port} permits it\\.\n$`;
    assertMatch(
      refused.stderr,
      new RegExp(`^fetch: localhost:\\d+: the redirect to "${elsewhere}/" is refused; ${permits}`),
    );
    assertMatch(looping.stderr, /there are more than ten redirects\.\n$/);
    assertMatch(downgraded.stderr, /is refused: it goes from https: to http:\.\n$/);
    assertMatch(
      local.stderr,
      /"file:\/\/\/etc\/passwd" is refused: the target is not an http: or https: URL/,
    );
  },
  { skip },
);

/** Answers each connection with the same bytes, and ends it. */
async function answering(text: string, body: (origin: string) => Promise<void>, ends = true): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open: Deno.Conn[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      open.push(connection);
      await connection.read(new Uint8Array(4096));
      await connection.write(new TextEncoder().encode(text));
      if (ends) await connection.closeWrite();
    }
  })();
  try {
    await body(`http://localhost:${listener.addr.port}`);
  } finally {
    listener.close();
    await serving;
    for (const connection of open) connection.close();
  }
}

test("fetch.ts exits with 1 and one line if there is no complete answer", async () => {
  const cases: [answer: string, ends: boolean, complaint: RegExp, body: string][] = [
    [
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
      true,
      /the response is not complete\.\n$/,
      "short",
    ],
    ["HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", true, /without a response/, ""],
    [
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nstill",
      false,
      /nothing was received for 3 seconds\./,
      "still",
    ],
    ["220 smtp.example.org\r\n", true, /Parse Error/, ""],
  ];
  await Promise.all(cases.map(([answer, ends, complaint, body]) =>
    answering(answer, async (origin) => {
      const { code, stdout, stderr } = await run(...(ends ? [] : ["--timeout=3"]), `${origin}/`);
      assertEquals([code, stdout], [1, body], answer);
      assertMatch(stderr, complaint);
      assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
    }, ends)
  ));
}, { skip });

test("fetch.ts does not take port 0 for the default port", async () => {
  const { code, stdout, stderr } = await run("http://127.0.0.1:0/");
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /^fetch: 127\.0\.0\.1:0: .*The port must be a number from 1 to 65535\.\n$/);
}, { skip });

/** A preload script whose attempts run in the tool, once the answer to its request is there. */
const attack = (port: number, path: string) => `
  import { IncomingMessage } from "node:http";
  const attempts = {
    "read a file": () => Deno.readTextFileSync(${JSON.stringify(path)}),
    "write a file": () => Deno.writeTextFileSync(${JSON.stringify(`${path}.new`)}, "x"),
    "connect": () => Deno.connect({ hostname: "127.0.0.1", port: ${port} }).then((socket) => socket.close()),
    "fetch": () => fetch("http://127.0.0.1:${port}/").then((response) => response.text()),
    "start a program": () => new Deno.Command("true").output(),
  };
  const iterate = IncomingMessage.prototype[Symbol.asyncIterator];
  IncomingMessage.prototype[Symbol.asyncIterator] = async function* () {
    const done = [];
    for (const [name, attempt] of Object.entries(attempts)) {
      await Promise.resolve().then(attempt).then(() => done.push(name), () => {});
    }
    console.error("done: " + done.join());
    yield* iterate.call(this);
  };`;

/** Runs the tool with these attempts. Returns its code and output, and which attempts succeeded. */
async function attacked(fixture: Fixture, options: ChildOptions) {
  await using server = new Server(() => new Response("body"), false);
  fixture.write("attack.ts", attack(server.port, fixture.at("file")));
  const { code, stdout, stderr } = await runModule(moduleOf("fetch"), {
    ...options,
    args: [...options.args ?? [], `${server.origin}/`],
    flags: [...options.flags ?? [], `--preload=${fixture.at("attack.ts")}`],
  });
  return { code, stdout, done: /done: (.*)\n$/.exec(stderr)?.[1] ?? stderr };
}

test(
  "fetch.ts can open no file, make no connection and start no program while it reads the answer",
  async () => {
    using fixture = new Fixture({ file: "text" });
    assertEquals(await attacked(fixture, { args: unprotected }), { code: 0, stdout: "body", done: "" });
    assert(!fixture.exists("file.new"));
  },
  { skip },
);

test("fetch.ts without a sandbox succeeds in each of these attempts", async () => {
  using fixture = new Fixture({ file: "text" });
  const { done } = await attacked(fixture, { ...withoutSandbox, args: ["--unprotected"] });
  assertEquals(done, "read a file,write a file,connect,fetch,start a program");
}, { skip: skip || onFreeBSD });
