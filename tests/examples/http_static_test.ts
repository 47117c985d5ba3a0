import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { openDirSync } from "../../mod.ts";
import { type ChildOptions, libcPath, runModule, RunningModule } from "../_child.ts";
import { Fixture, scaled } from "../_fixture.ts";
import { kernel } from "../_kernel.ts";
import { test } from "../_test.ts";
import { moduleOf, unprotected } from "./_example.ts";

/** A server for the directory "site" in a fixture. */
class Server implements AsyncDisposable {
  private constructor(readonly module: RunningModule, readonly port: number) {}

  static async start(fixture: Fixture, options: ChildOptions = {}): Promise<Server> {
    const module = new RunningModule(moduleOf("http_static"), {
      permissions: [`--allow-ffi=${libcPath}`, "--allow-net=127.0.0.1"],
      timeout: 300_000,
      ...options,
      args: [...unprotected, "--port=0", fixture.at("site")],
    });
    const [, port, how] = await module.said(/serving at 127\.0\.0\.1 port (\d+), (.*)\.\n/);
    assertMatch(how!, /^sandboxed by (capsicum|seccomp\+landlock)$/);
    return new Server(module, Number(port));
  }

  /** Returns a response, read to its end. */
  async get(path: string, init: RequestInit = {}): Promise<Response & { body: null; all: string }> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, { redirect: "manual", ...init });
    return Object.assign(response, { all: await response.text() }) as never;
  }

  /** Returns the response to a raw request line, which `fetch()` would normalize or refuse. */
  async raw(
    target: string,
    { method = "GET", host = "localhost", version = "1.1" }: Partial<
      Record<"method" | "host" | "version", string>
    > = {},
  ): Promise<string> {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    const request = `${method} ${target} HTTP/${version}\r\n${
      host && `Host: ${host}\r\n`
    }Connection: close\r\n\r\n`;
    await connection.write(Uint8Array.from(request, (sign) => sign.charCodeAt(0)));
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    for (let bytes = new Uint8Array(65536), count; (count = await connection.read(bytes)) !== null;) {
      chunks.push(bytes.slice(0, count));
    }
    return await new Blob(chunks).text();
  }

  /** Returns the open descriptors of regular files; undefined if they can't be listed. */
  openFiles(fixture: Fixture): string[] | undefined {
    if (Deno.build.os !== "linux") return undefined;
    const place = `/proc/${this.module.pid}/fd`;
    return [...Deno.readDirSync(place)].flatMap(({ name }) => {
      try {
        return [Deno.readLinkSync(`${place}/${name}`)];
      } catch {
        return [];
      }
    }).filter((path) => path.startsWith(fixture.at("site/")));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { code, stderr } = await this.module.stop();
    assertEquals(code, 0, stderr);
  }
}

const text = "0123456789", requests = scaled(kernel.simulated ? 500 : 2000);

test("http_static.ts serves files with their type, size and tag, only to GET and HEAD", async () => {
  using fixture = new Fixture({
    site: {
      "a.txt": text,
      "b.HTML": "<p>",
      "c.constructor": "c",
      "ü ?#%.css": "é",
      empty: "",
      "d.txt": { text, mode: 0o644 },
    },
  });
  await using server = await Server.start(fixture);
  const { status, headers, all } = await server.get("/a.txt");
  assertEquals([status, all, headers.get("content-length")], [200, text, "10"]);
  assertEquals(headers.get("content-type"), "text/plain; charset=utf-8");
  assertEquals([headers.get("x-content-type-options"), headers.get("accept-ranges")], ["nosniff", "bytes"]);
  assertEquals(headers.get("last-modified"), fixture.stat("site/a.txt").mtime!.toUTCString());
  assertMatch(headers.get("etag")!, /^"[\w-]+"$/);
  const types = { "/b.HTML": "text/html; charset=utf-8", "/c.constructor": "application/octet-stream" };
  for (const [path, type] of Object.entries(types)) {
    assertEquals((await server.get(path)).headers.get("content-type"), type);
  }
  assertEquals((await server.get(`/${encodeURIComponent("ü ?#%.css")}`)).all, "é");
  const empty = await server.get("/empty");
  assertEquals([empty.status, empty.all, empty.headers.get("content-length")], [200, "", "0"]);

  const head = await server.get("/a.txt", { method: "HEAD" });
  assertEquals([head.status, head.all, head.headers.get("content-length")], [200, "", "10"]);
  assertEquals(head.headers.get("etag"), headers.get("etag"));
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"]) {
    const { status, headers } = await server.get("/a.txt", { method });
    assertEquals([status, headers.get("allow")], [405, "GET, HEAD"], method);
  }
  assertEquals(fixture.read("site/a.txt"), text);
  for (const path of ["/none", "/a.txt/", "/a.txt/x", `/${"n".repeat(300)}`]) {
    assertEquals((await server.get(path)).status, 404, path);
  }
});

test("http_static.ts serves single ranges, and the whole file if If-Range does not match", async () => {
  using fixture = new Fixture({ site: { file: text, empty: "" } });
  const large = crypto.getRandomValues(new Uint8Array(60_000));
  const larger = new Uint8Array(1_000_000).map((_, i) => large[i % 60_000]! ^ i);
  fixture.write("site/large", larger);
  await using server = await Server.start(fixture);
  const get = (range: string, more: Record<string, string> = {}, path = "/file") =>
    server.get(path, { headers: { range, ...more } });
  const parts: [range: string, body: string, shown: string][] = [
    ["bytes=0-0", "0", "0-0"],
    ["bytes=2-4", "234", "2-4"],
    ["bytes=5-", "56789", "5-9"],
    ["bytes=5-99", "56789", "5-9"],
    ["bytes=-3", "789", "7-9"],
    ["bytes=-99", text, "0-9"],
    ["BYTES=9-9", "9", "9-9"],
  ];
  for (const [range, body, shown] of parts) {
    const { status, headers, all } = await get(range);
    assertEquals([status, all, headers.get("content-range")], [206, body, `bytes ${shown}/10`], range);
    assertEquals(headers.get("content-length"), String(body.length));
  }
  for (const range of ["bytes=10-", "bytes=10-20", "bytes=-0", `bytes=${"9".repeat(40)}-`]) {
    const { status, headers, all } = await get(range);
    assertEquals([status, all, headers.get("content-range")], [416, "", "bytes */10"], range);
  }
  assertEquals((await get("bytes=0-", {}, "/empty")).status, 416);
  for (
    const range of ["bytes=4-2", "bytes=-", "bytes=a-b", "bytes=0-1,3-4", "lines=1-2", "bytes", "bytes=0x1-2"]
  ) {
    const { status, all } = await get(range);
    assertEquals([status, all], [200, text], range);
  }
  const { headers } = await server.get("/file");
  const tag = headers.get("etag")!, date = headers.get("last-modified")!;
  for (const same of [tag, date]) assertEquals((await get("bytes=2-4", { "if-range": same })).status, 206);
  for (const other of ['"other"', `W/${tag}`, new Date(0).toUTCString()]) {
    const { status, all } = await get("bytes=2-4", { "if-range": other });
    assertEquals([status, all], [200, text], other);
  }
  const bytes = async (range?: string) => {
    const response = await fetch(
      `http://127.0.0.1:${server.port}/large`,
      range ? { headers: { range } } : {},
    );
    return new Uint8Array(await response.arrayBuffer());
  };
  assertEquals(await bytes("bytes=1000-899999"), larger.subarray(1000, 900_000));
  assertEquals(await bytes("bytes=-5"), larger.subarray(-5));
  assertEquals(await bytes(), larger);
});

test("http_static.ts answers 304 to a client that has the current file", async () => {
  using fixture = new Fixture({ site: { file: text } });
  await using server = await Server.start(fixture);
  const get = (headers: Record<string, string>) => server.get("/file", { headers });
  const { headers } = await get({});
  const tag = headers.get("etag")!, date = headers.get("last-modified")!;
  const having = [tag, `W/${tag}`, `"x", ${tag}`, "*"];
  for (const tags of having) {
    const { status, all, headers } = await get({ "if-none-match": tags });
    assertEquals([status, all, headers.get("etag")], [304, "", tag], tags);
  }
  assertEquals((await get({ "if-modified-since": date })).status, 304);
  assertEquals((await get({ "if-modified-since": new Date(0).toUTCString() })).status, 200);
  assertEquals((await get({ "if-modified-since": "never" })).status, 200);
  assertEquals((await get({ "if-none-match": '"x"', "if-modified-since": date })).status, 200);
  fixture.write("site/file", "9876543210");
  fixture.utime("site/file", new Date(), new Date(Date.now() - 5000));
  const { status, all } = await get({ "if-none-match": tag });
  assertEquals([status, all], [200, "9876543210"]);
});

const hostileNames = [
  "<script>alert(1)<",
  '"onclick="x',
  "'&amp;",
  "javascript:x",
  "%2e%2e",
  "a\\b",
  "back\nline",
  "...",
];

test("http_static.ts lists directories with a working link for each name, and escapes names in HTML", async () => {
  using fixture = new Fixture({ site: { sub: { deep: {} }, indexed: { "index.html": "<p>index" } } });
  fixture.add(Object.fromEntries(hostileNames.map((name) => [name, `of ${name}`])), "site");
  fixture.add({ evil: { x: "x" } }, "site");
  await using server = await Server.start(fixture);
  const page = await server.get("/");
  assertEquals(page.status, 200);
  assertEquals(page.headers.get("content-type"), "text/html; charset=utf-8");
  assertEquals(page.headers.get("content-security-policy"), "default-src 'none'");
  assert(!/<script|"onclick/.test(page.all), page.all);
  const links = [...page.all.matchAll(/<a href="([^"]*)">/g)].map((match) => match[1]!);
  assertEquals(links.length, hostileNames.length + 3);
  assert(links.every((link) => link.startsWith("./")), links.join());
  const decoded = (link: string) => link.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
  const answers = await Promise.all(
    links.filter((link) => !link.endsWith("/")).map(async (link) =>
      (await server.get(`/${decoded(link).slice(2)}`)).all
    ),
  );
  assertEquals(answers.sort(), hostileNames.map((name) => `of ${name}`).sort());
  assertStringIncludes((await server.get("/sub/")).all, '<a href="../">');
  assert(!page.all.includes("../"));
  assertEquals((await server.get("/indexed/")).all, "<p>index");
  for (const path of ["/sub", "//evil", "/.//evil", "/sub/..//evil"]) {
    const answer = await server.raw(path);
    assertMatch(answer, /^HTTP\/1\.1 308 /);
    assertMatch(answer, /^location: \/(sub|evil)\/\r$/im);
  }
});

const ways = [
  "/../secret",
  "/../../secret",
  "/./../secret",
  "/sub/../../secret",
  "/%2e%2e/secret",
  "/.%2e/secret",
  "/%2E./secret",
  "/%2e%2e%2fsecret",
  "/..%2fsecret",
  "/sub%2f..%2f..%2fsecret",
  "/%252e%252e/secret",
  "/%252e%252e%252fsecret",
  "/..%252fsecret",
  "/..\\secret",
  "/..%5csecret",
  "/%5c..%5csecret",
  "/%c0%ae%c0%ae/secret",
  "/%c0%ae%c0%ae%c0%afsecret",
  "/%e0%80%ae%e0%80%ae/secret",
  "/\xc0\xae\xc0\xae/secret",
  "/%ff/secret",
  "/..%00/secret",
  "/%00/../secret",
  "/file%00.html",
  "/..;/secret",
  "/%u002e%u002e/secret",
  "/%2e%2e%c0%afsecret",
  "/\uff0e\uff0e/secret".replace(/[^\0-\x7f]/g, encodeURIComponent),
  "//../secret",
  "/.../secret",
  "../secret",
  "secret",
  "http://localhost/../secret",
  "http://localhost/%2e%2e/secret",
  "/out",
  "/outdir/secret",
  "/outdir/",
  "/outdir",
  "/up/secret",
  "/up/",
  "/up/site/file",
  "/absolute",
  "/absolutedir/secret",
  "/sub/up2/secret",
  "/chain/secret",
  "/loop",
  "/%",
  "/%g0",
  "/%2",
];

test("http_static.ts serves no file outside of its directory for any names, encodings or symlinks", async () => {
  using fixture = new Fixture({ secret: "CANARY", outside: { secret: "CANARY" } });
  fixture.add({
    site: {
      file: "inside",
      sub: { file: "inside", up2: { link: "../.." } },
      out: { link: "../secret" },
      outdir: { link: "../outside" },
      up: { link: ".." },
      absolute: { link: fixture.at("secret") },
      absolutedir: { link: fixture.at("outside") },
      chain: { link: "outdir" },
      loop: { link: "loop" },
      within: { link: "sub/file" },
      subdir: { link: "sub" },
    },
  });
  for (
    const way of [fixture.at("secret"), `//${fixture.at("secret")}`, `/%2f${fixture.at("secret").slice(1)}`]
  ) {
    ways.push(way, way.replaceAll("/", "%2f"), `/.${way}`);
  }
  await using server = await Server.start(fixture);
  for (const way of ways) {
    for (const method of ["GET", "HEAD"]) {
      const answer = await server.raw(way, { method });
      assert(!answer.includes("CANARY"), `${way}: ${answer}`);
      assertMatch(answer, /^HTTP\/1\.1 40[04] /, way);
      assert(!answer.includes(fixture.path), way);
    }
  }
  for (const path of ["/file", "/within", "/subdir/file", "/sub/../file", "/sub/%2e%2e/file", "/./file"]) {
    assertMatch(await server.raw(path), /^HTTP\/1\.1 200 [^]*inside$/, path);
  }
});

test("http_static.ts continues when a name is a FIFO without a writer", async () => {
  using fixture = new Fixture({ site: { file: text } });
  using site = openDirSync(fixture.at("site"));
  site.mkfifoSync("fifo");
  await using server = await Server.start(fixture);
  assertEquals((await server.get("/fifo")).status, 404);
  assertEquals((await server.get("/file")).all, text);
});

test(`http_static.ts answers ${requests} requests, 64 at a time, without an error, and leaves no file open`, async () => {
  using fixture = new Fixture({ site: { small: text, sub: { "one.txt": "one" } } });
  const large = new Uint8Array(700_000).map((_, i) => i * 7 >> 3), words = new Uint32Array(large.buffer);
  fixture.write("site/large", large);
  await using server = await Server.start(fixture);
  const kinds: (() => Promise<boolean>)[] = [
    async () => (await server.get("/small")).all === text,
    async () => (await server.get("/sub/one.txt", { headers: { range: "bytes=1-1" } })).all === "n",
    async () => (await server.get("/sub/")).all.includes("one.txt"),
    async () => (await server.get("/none")).status === 404,
    async () => {
      const body = await (await fetch(`http://127.0.0.1:${server.port}/large`)).arrayBuffer();
      return body.byteLength === large.length && new Uint32Array(body).every((word, i) => word === words[i]);
    },
  ];
  let next = 0, right = 0;
  const work = async () => {
    while (next < requests) if (await kinds[next++ % kinds.length]!()) right++;
  };
  await Promise.all(Array.from({ length: 64 }, work));
  assertEquals(right, requests);
  assertEquals(await settled(() => server.openFiles(fixture)), []);
});

test("http_static.ts closes the file of a client that leaves early", async () => {
  using fixture = new Fixture({ site: { large: "" } });
  fixture.resize("site/large", 50_000_000);
  await using server = await Server.start(fixture);
  for (let i = 0; i < 20; i++) {
    const { body } = await fetch(`http://127.0.0.1:${server.port}/large`);
    const reader = body!.getReader();
    await reader.read();
    await reader.cancel();
  }
  assertEquals(await settled(() => server.openFiles(fixture)), []);
  assertEquals((await server.get("/large", { headers: { range: "bytes=-3" } })).all, "\0\0\0");
});

test("http_static.ts sends slow clients the requested bytes while it serves others", async () => {
  using fixture = new Fixture({ site: {} });
  const files = [1, 2, 3].map((file) => new Uint32Array(2_500_000).map((_, i) => file << 24 | i));
  for (const [i, words] of files.entries()) fixture.write(`site/${i}`, new Uint8Array(words.buffer));
  await using server = await Server.start(fixture);
  const ask = (i: number) => fetch(`http://127.0.0.1:${server.port}/${i}`);
  const isWhole = async (response: Response, i: number) => {
    const words = new Uint32Array(await response.arrayBuffer());
    return words.length === files[i]!.length && words.every((word, at) => word === files[i]![at]);
  };
  const slow = await Promise.all(files.map((_, i) => ask(i)));
  for (let round = 0; round < 3; round++) {
    const all = await Promise.all(files.map(async (_, i) => isWhole(await ask(i), i)));
    assertEquals(all, [true, true, true]);
  }
  assertEquals(await Promise.all(slow.map(isWhole)), [true, true, true]);
});

test("http_static.ts aborts a response when its file becomes shorter meanwhile, and continues", async () => {
  using fixture = new Fixture({ site: { large: "", small: text } });
  fixture.resize("site/large", 50_000_000);
  await using server = await Server.start(fixture);
  const response = await fetch(`http://127.0.0.1:${server.port}/large`);
  fixture.resize("site/large", 1000);
  await assertRejects(() => response.arrayBuffer());
  assertEquals((await server.get("/small")).all, text);
  assertEquals(await settled(() => server.openFiles(fixture)), []);
});

test("http_static.ts exits on a signal, even if a client does not read its response", async () => {
  using fixture = new Fixture({ site: { large: "" } });
  fixture.resize("site/large", 50_000_000);
  const server = await Server.start(fixture);
  const { body } = await fetch(`http://127.0.0.1:${server.port}/large`);
  const { code, signal } = await server.module.stop("SIGINT");
  assertEquals([code, signal], [0, null]);
  await body!.cancel().catch(() => {});
});

/** Returns the open files after the server has noticed that a connection was closed. */
async function settled(openFiles: () => string[] | undefined): Promise<string[]> {
  for (let tries = 0;; tries++) {
    const files = openFiles() ?? [];
    if (files.length === 0 || tries === 200) return files;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

test("http_static.ts exits with 1 and one line that names the port, if the port is in use", async () => {
  using fixture = new Fixture({ site: {} });
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const { code, stdout, stderr } = await runModule(moduleOf("http_static"), {
    args: [...unprotected, `--port=${port}`, fixture.at("site")],
    permissions: [`--allow-ffi=${libcPath}`, "--allow-net=127.0.0.1"],
  });
  const line =
    `http_static: 127.0.0.1 port ${port} is in use: pass another --port, or --port=0 for a free one.\n`;
  assertEquals([code, stdout, stderr], [1, "", line]);
});

test("http_static.ts exits with 1 and one line that names the address, if this machine does not have it", async () => {
  using fixture = new Fixture({ site: {} });
  const { code, stdout, stderr } = await runModule(moduleOf("http_static"), {
    args: [...unprotected, "--host=192.0.2.1", "--port=8000", fixture.at("site")],
    permissions: [`--allow-ffi=${libcPath}`, "--allow-net=192.0.2.1"],
  });
  const line = "http_static: this machine does not have the address 192.0.2.1: pass another --host.\n";
  assertEquals([code, stdout, stderr], [1, "", line]);
});

test("http_static.ts answers 400 to a missing or invalid Host and URL", async () => {
  using fixture = new Fixture({ site: { file: text } });
  await using server = await Server.start(fixture);
  const status = async (...args: Parameters<Server["raw"]>) =>
    Number((await server.raw(...args)).split(" ")[1]);
  for (const host of ["localhost", "a.b_c-d:80", "127.0.0.1:", "[::1]:8000", "ex%41mple"]) {
    assertEquals(await status("/file", { host }), 200, host);
  }
  for (
    const host of [
      "",
      " ",
      "a b",
      "a/b",
      "a@b",
      "a?b",
      "a#b",
      "[::1",
      "::1",
      "a:b",
      "a:99999",
      "a,b/c",
      "\xe9",
      "a\\b",
      "<",
    ]
  ) {
    assertEquals(await status("/file", { host }), 400, host);
  }
  assertEquals(await status("/file", { version: "1.0" }), 200);
  assertEquals(await status("http://other:80/file"), 200);
  for (
    const target of [
      "http://a%20b/file",
      "http://u@other/file",
      "ftp://other/file",
      "https://other/file",
      "http://[/x",
    ]
  ) {
    assertEquals(await status(target), 400, target);
  }
  for (const target of ["/%", "/%2", "/%zz", "/file%", "/file%00", "/%00", "/a%2Fb", "/%2f", "/\xff"]) {
    assertEquals(await status(target), 400, target);
  }
  for (const method of ["OPTIONS", "TRACE", "CONNECT", "get", "HEAD2"]) {
    assertMatch(
      await server.raw(method === "CONNECT" ? "a:80" : "/file", { method }),
      /^HTTP\/1\.1 405 [^]*\r\nallow: GET, HEAD\r\n/,
    );
  }
});

test("http_static.ts answers HEAD with the headers of GET and no body, for every kind of file", async () => {
  using fixture = new Fixture({ site: { file: text, sub: {}, indexed: { "index.html": "<p>" } } });
  await using server = await Server.start(fixture);
  for (const path of ["/file", "/", "/sub", "/sub/", "/indexed/", "/none", "/%", "/file/"]) {
    const [get, head] = [await server.raw(path), await server.raw(path, { method: "HEAD" })].map((answer) => {
      // Deno 2.7 itself adds vary to what it could compress, and a HEAD has no content.
      const [headers, body] = answer.replace(/^(date|vary): .*\r\n/gm, "").split("\r\n\r\n");
      return { headers, body };
    });
    assertEquals(head, { headers: get!.headers, body: "" }, path);
    assertMatch(get!.headers!, new RegExp(`^content-length: ${get!.body!.length}$`, "m"));
  }
  const file = await server.raw("/file", { method: "HEAD" });
  assertMatch(file, /^content-length: 10\r$/m);
});

test("http_static.ts serves and links names that are not UTF-8", async () => {
  using fixture = new Fixture({ site: {} });
  using site = openDirSync(fixture.at("site"));
  site.writeTextFileSync("caf\udce9", "bytes");
  site.writeTextFileSync("café", "text");
  site.mkdirSync("d\udcff");
  site.writeTextFileSync("d\udcff/\udc80 %41", "deep");
  await using server = await Server.start(fixture);
  assertEquals([(await server.get("/caf%E9")).all, (await server.get("/caf%e9")).all], ["bytes", "bytes"]);
  assertEquals((await server.get("/caf%C3%A9")).all, "text");
  const { all } = await server.get("/");
  for (const link of ["./caf%e9", "./caf%C3%A9", "./d%ff/"]) assertStringIncludes(all, `<a href="${link}">`);
  assertEquals((await server.get("/d%FF?q")).headers.get("location"), "/d%ff/?q");
  assertStringIncludes((await server.get("/d%ff/")).all, '<a href="./%80%20%2541">');
  assertEquals((await server.get("/d%ff/%80%20%2541")).all, "deep");
  assertEquals((await server.get("/%C3%A9%E9")).status, 404);
});

test("http_static.ts keeps the query of a redirect, and redirects to no other host", async () => {
  using fixture = new Fixture({ site: { sub: { deep: {} } } });
  await using server = await Server.start(fixture);
  const targets: Record<string, string> = {
    "/sub?a=b&c=/d?e": "/sub/?a=b&c=/d?e",
    "/sub?": "/sub/",
    "//sub": "/sub/",
    "///sub/deep?//x": "/sub/deep/?//x",
    "/\\sub": "/sub/",
    "/.//sub": "/sub/",
    "http://evil.example//sub": "/sub/",
  };
  for (const [target, location] of Object.entries(targets)) {
    const answer = await server.raw(target);
    assertEquals(/^HTTP\/1\.1 308 [^]*^location: (.*)\r$/m.exec(answer)?.[1], location, target);
  }
});

test("http_static.ts answers 404 if a name is neither a file nor a directory", async () => {
  using fixture = new Fixture({ site: { file: text } });
  using site = openDirSync(fixture.at("site"));
  site.mkfifoSync("fifo");
  site.symlinkSync("fifo", "link");
  const cwd = Deno.cwd();
  Deno.chdir(fixture.at("site"));
  using _socket = Deno.listen({ transport: "unix", path: "socket" });
  Deno.chdir(cwd);
  await using server = await Server.start(fixture);
  for (const path of ["/socket", "/fifo", "/link", "/socket/", "/fifo/x", "/file/", `/${"n".repeat(256)}`]) {
    for (const method of ["GET", "HEAD"]) {
      assertEquals((await server.get(path, { method })).status, 404, path);
    }
  }
  assertEquals((await server.get("/file")).all, text);
});

test("http_static.ts sends no date in the future, and answers 412 if a condition does not hold", async () => {
  using fixture = new Fixture({ site: { file: text, past: text } });
  fixture.utime("site/file", new Date(), new Date("2099-01-01"));
  fixture.utime("site/past", new Date(), new Date("2001-02-03T04:05:06.789Z"));
  await using server = await Server.start(fixture);
  const future = await server.get("/file");
  assert(Date.parse(future.headers.get("last-modified")!) <= Date.parse(future.headers.get("date")!));
  const { headers } = await server.get("/past");
  assertEquals(headers.get("last-modified"), "Sat, 03 Feb 2001 04:05:06 GMT");
  const get = (headers: Record<string, string>) => server.get("/past", { headers });
  const failed = await get({ "if-match": '"x"', range: "bytes=1-2" });
  assertEquals([failed.status, failed.all, failed.headers.get("etag")], [412, "", headers.get("etag")]);
  assertEquals((await get({ "if-match": headers.get("etag")!, range: "bytes=1-2" })).all, "12");
  assertEquals((await get({ "if-unmodified-since": "Sat, 03 Feb 2001 04:05:05 GMT" })).status, 412);
  assertEquals((await get({ "if-unmodified-since": "Saturday, 03-Feb-01 04:05:06 GMT" })).status, 200);
  assertEquals((await get({ "if-modified-since": "Sat Feb  3 04:05:06 2001" })).status, 304);
  assertEquals((await get({ "if-modified-since": "2050" })).status, 200);
  const page = await server.get("/", { headers: { "if-match": '"x"' } });
  assertEquals(page.status, 412);
});

test("http_static.ts limits its listener to the rights to accept and answer", async () => {
  using fixture = new Fixture({ site: { file: text } });
  fixture.write(
    "rights.ts",
    `import { getRights } from ${JSON.stringify(new URL("../../mod.ts", import.meta.url).href)};
     const real = Deno.addSignalListener;
     Deno.addSignalListener = (...args) => {
       let count = 0;
       for (let fd = 3; fd < 64; fd++) {
         try {
           const rights = getRights(fd);
           if (rights.has("ACCEPT") && !rights.has("BIND") && !rights.has("CONNECT")) count++;
         } catch {
           // It is not open.
         }
       }
       console.error("listeners:", count);
       Deno.addSignalListener = real;
       return real(...args);
     };`,
  );
  await using server = await Server.start(fixture, { flags: [`--preload=${fixture.at("rights.ts")}`] });
  assertEquals((await server.get("/file")).all, text);
  const [, count] = await server.module.said(/^listeners: (.*)\n/m);
  assertEquals(count, "1");
}, { skip: !kernel.hasCapsicum && "needs Capsicum: FreeBSD, or the stand-in" });
