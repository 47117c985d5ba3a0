/**
 * Which parts of Deno work in capability mode: a probe for each row of the table in compat/sandbox/mod.ts.
 *
 * @module
 */

/** Code that runs in a separate process. It succeeds if it does not throw, and returns nothing or a truthy value. */
export interface Probe {
  /** What runs before the process enters. */
  before?: string;
  /** What runs afterwards. */
  after: string;
  /** Further flags of Deno. */
  flags?: string[];
  /** Why it is left out with the Deno that runs here. */
  skip?: string | false;
}

/** By rows: what works, what works if something was done `before`, what does not. */
export interface Probes {
  yes?: Probe[];
  no?: Probe[];
}

/** Results of the oldest supported Deno that differ from the table, which describes the newest. */
export const isOldest = Deno.version.deno.startsWith("2.7.");
export const withoutWorkers =
  "needs Deno 2.9: each Worker of Deno 2.7 starts with getcwd(2), which is refused";

const connected = `
  const accept = async (listener) => { for await (const one of listener) one.write(new Uint8Array([7])).then(() => one.close()); };
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });`;
const datagram = `const [socket, other] = [0, 0].map((port) =>
  Deno.listenDatagram({ port, hostname: "127.0.0.1", transport: "udp" }));`;
const answer = "const bytes = new Uint8Array(1); await connection.read(bytes); return bytes[0] === 7;";

export const probes: Record<string, Probes> = {
  "timers, `queueMicrotask`, `AbortSignal.timeout`": {
    yes: [
      { after: "await new Promise((resolve) => setTimeout(resolve, 5));" },
      {
        after:
          "return await new Promise((resolve) => { AbortSignal.timeout(5).onabort = () => resolve(true); });",
      },
    ],
  },
  "`performance`, `Date.now`": {
    yes: [{
      after: "return performance.now() > 0 && Date.now() > 1e12 && performance.mark('a').name === 'a';",
    }],
  },
  "`crypto`": {
    yes: [
      {
        after:
          "return crypto.randomUUID().length === 36 && crypto.getRandomValues(new Uint8Array(9)).length === 9;",
      },
      { after: "return (await crypto.subtle.digest('SHA-256', new Uint8Array(1))).byteLength === 32;" },
      {
        after:
          "return await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign']);",
      },
    ],
  },
  "URL, text, streams, compression, `structuredClone`, `Blob`": {
    yes: [
      { after: "return new URL('http://é.example/').host;" },
      { after: "return new TextDecoder('shift_jis').decode(new Uint8Array([130, 160])) === 'あ';" },
      {
        after: `const stream = new Blob(["x"]).stream().pipeThrough(new CompressionStream("gzip"));
          return (await new Response(stream).bytes()).length > 10 && structuredClone({ a: 1 }).a === 1;`,
      },
    ],
  },
  "`WebAssembly`": {
    yes: [{ after: "return await WebAssembly.instantiate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));" }],
  },
  "`console`, `Deno.stdout`, `Deno.stderr`": {
    yes: [{
      after: "console.error('x', { a: [1] }); return await Deno.stderr.write(new Uint8Array([10])) === 1;",
    }],
  },
  "`Deno.stdin`": {
    yes: [{ after: "return await new Response(Deno.stdin.readable).text() === 'input';" }],
  },
  "`Intl`, `Temporal` and `Date` with a zone by name": {
    yes: [
      {
        after: `const at = new Date(0), timeZone = "Asia/Tokyo";
          return at.toLocaleString("de", { timeZone, timeStyle: "short" }) === "09:00" &&
            new Intl.NumberFormat("ar-EG").format(12) === "١٢" && new Intl.Segmenter("th").segment("ก").containing(0);`,
      },
    ],
  },
  "`Deno.FsFile` that is open": {
    yes: [{
      before: "const file = await Deno.open(place + '/file');",
      after: "return (await file.read(new Uint8Array(9))) === 4 && (await file.stat()).size === 4;",
    }],
  },
  "`Deno.*` on files by path, `Deno.watchFs`, `Deno.cwd`, `Deno.chdir`": {
    no: [
      "await Deno.open(place + '/file')",
      "await Deno.readTextFile(place + '/file')",
      "Deno.readTextFileSync(place + '/file')",
      "Deno.writeTextFileSync(place + '/new', '')",
      "Deno.statSync(place)",
      "await Array.fromAsync(Deno.readDir(place))",
      "Deno.mkdirSync(place + '/new')",
      "Deno.renameSync(place + '/file', place + '/new')",
      "Deno.removeSync(place + '/file')",
      "Deno.makeTempFileSync({ dir: place })",
      "Deno.realPathSync(place)",
      "Deno.watchFs(place)",
      "Deno.cwd()",
      "Deno.chdir(place)",
    ].map((after) => ({ after: `${after};` })),
  },
  "`node:fs` by path": {
    no: [{ before: "const fs = await import('node:fs');", after: "fs.readFileSync(place + '/file');" }],
  },
  "`node:` modules": {
    yes: [{
      before: "await import('node:events');",
      after: "return (await import('node:events')).EventEmitter;",
    }],
    no: [{
      after: "await import('node:' + 'fs');",
      skip: isOldest && "needs Deno 2.9, whose node:fs asks for the path of Deno" ||
        Deno.build.os === "freebsd" && "FreeBSD's port of Deno answers from its prefix",
    }],
  },
  "`import()` of what is loaded already, or of a `data:` address": {
    yes: [
      {
        before: "await import(place + '/module.ts');",
        after: "return (await import(place + '/module.ts')).a === 1;",
      },
      { after: "return (await import('data:text/javascript,export const a = 1')).a === 1;" },
      { after: "return (await import('data:application/typescript,export const a: number = 1')).a === 1;" },
    ],
  },
  "`import()` of anything else": {
    no: [{ after: "await import(place + '/module.ts');" }],
  },
  "`Worker` from a `data:` or `blob:` address": {
    yes: [
      "'data:text/javascript,postMessage(1)'",
      "URL.createObjectURL(new Blob(['postMessage(1)'], { type: 'text/javascript' }))",
    ].map((address) => ({
      after: worker(address),
      skip: isOldest && withoutWorkers,
    })),
  },
  "`Worker` from a file": {
    yes: [{
      before: `const started = await (async () => { ${worker("'file://' + place + '/worker.ts'")} })();`,
      after: "return started;",
    }],
    no: [{ after: worker("'file://' + place + '/worker.ts'") }],
  },
  "`BroadcastChannel`, `MessageChannel`": {
    yes: [{
      after: `const { port1, port2 } = new MessageChannel();
        const got = new Promise((resolve) => { port2.onmessage = resolve; });
        port1.postMessage(1);
        new BroadcastChannel("a").postMessage(1);
        return await got;`,
      flags: ["--unstable-broadcast-channel"],
    }],
  },
  "a listener, and what it accepts": {
    yes: [
      {
        before: `${connected} const connection = await Deno.connect(listener.addr);`,
        after: `accept(listener); ${answer}`,
      },
    ],
  },
  "`Deno.serve` that was called": {
    yes: [{
      before:
        `const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => new Response("hello"));
        const connection = await Deno.connect(server.addr);`,
      after: `await connection.write(new TextEncoder().encode("GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"));
        const bytes = new Uint8Array(999); const count = await connection.read(bytes);
        return new TextDecoder().decode(bytes.subarray(0, count)).endsWith("hello");`,
    }],
  },
  "connections that are open, `WebSocket` among them": {
    yes: [
      {
        before: `${connected} accept(listener); const connection = await Deno.connect(listener.addr);`,
        after: answer,
      },
      {
        before: `const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
            const { socket, response } = Deno.upgradeWebSocket(request);
            socket.onmessage = ({ data }) => socket.send(data + "!");
            return response;
          });
          const socket = new WebSocket("ws://127.0.0.1:" + server.addr.port);
          await new Promise((resolve) => { socket.onopen = resolve; });`,
        after: `socket.send("a");
          return await new Promise((resolve) => { socket.onmessage = ({ data }) => resolve(data === "a!"); });`,
      },
    ],
  },
  "an open `Deno.DatagramConn`: `receive`": {
    yes: [{
      before: `${datagram} await other.send(new Uint8Array([7]), socket.addr);`,
      after: "return (await socket.receive())[0][0] === 7;",
      flags: ["--unstable-net"],
    }],
  },
  "an open `Deno.DatagramConn`: `send`": {
    no: [{
      before: datagram,
      after: "return await socket.send(new Uint8Array([7]), other.addr) === 1;",
      flags: ["--unstable-net"],
    }],
  },
  "`Deno.listen`, `Deno.serve`, `Deno.listenDatagram`": {
    no: [
      "Deno.listen({ port: 0, hostname: '127.0.0.1' })",
      "Deno.listen({ path: place + '/socket', transport: 'unix' })",
      "Deno.serve({ port: 0, hostname: '127.0.0.1', onListen() {} }, () => new Response())",
      "Deno.listenDatagram({ port: 0, hostname: '127.0.0.1', transport: 'udp' })",
    ].map((after) => ({ after: `${after};`, flags: ["--unstable-net"] })),
  },
  "`Deno.connect`, `Deno.connectTls`, `new WebSocket`, `EventSource`, `fetch` over the network": {
    no: [
      { before: connected, after: "await Deno.connect(listener.addr);" },
      {
        before:
          'const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => new Response("hello"));',
        after: "return (await fetch('http://127.0.0.1:' + server.addr.port)).status === 200;",
      },
      {
        before: `const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) =>
            Deno.upgradeWebSocket(request).response);`,
        after: `const socket = new WebSocket("ws://127.0.0.1:" + server.addr.port);
          await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = () => reject(new Error("not open")); });`,
      },
    ],
  },
  "`fetch` of `data:` and `blob:` addresses": {
    yes: [
      { after: "return await (await fetch('data:,hello')).text() === 'hello';" },
      { after: "return await (await fetch(URL.createObjectURL(new Blob(['hello'])))).text() === 'hello';" },
    ],
  },
  "`fetch` of files": { no: [{ after: "return (await fetch('file://' + place + '/file')).ok;" }] },
  "`Deno.Command`": {
    no: [
      { after: "await new Deno.Command(Deno.execPath(), { args: ['--version'] }).output();" },
      { after: "new Deno.Command('/bin/sh', { args: ['-c', ':'], cwd: '/' }).outputSync();" },
    ],
  },
  "a child process that runs": {
    yes: [{
      before: "const child = new Deno.Command('cat', { stdin: 'piped', stdout: 'piped' }).spawn();",
      after: `await new Blob(["hello"]).stream().pipeTo(child.stdin);
        return await new Response(child.stdout).text() === "hello";`,
    }],
  },
  "signals: `Deno.addSignalListener`, `Deno.kill` of itself": {
    yes: [{
      after: `const got = new Promise((resolve) => Deno.addSignalListener("SIGUSR1", () => resolve(true)));
        Deno.kill(Deno.pid, "SIGUSR1");
        return await got;`,
    }],
  },
  "`Deno.kill` of another process": {
    no: [{
      before: "const child = new Deno.Command('cat', { stdin: 'piped' }).spawn();",
      after: "try { Deno.kill(child.pid, 'SIGCONT'); } finally { await child.stdin.close(); }",
    }],
  },
  "`localStorage`, `caches`, `Deno.openKv` of a file": {
    no: [
      { after: "localStorage.setItem('a', '1');" },
      { after: "await caches.open('a');" },
      { after: "await Deno.openKv(place + '/kv');", flags: ["--unstable-kv"] },
      { before: "await caches.open('b');", after: "await caches.open('c');" },
    ],
  },
  '`sessionStorage`, `Deno.openKv(":memory:")`': {
    yes: [
      { after: "sessionStorage.setItem('a', '1'); return sessionStorage.getItem('a') === '1';" },
      {
        after: "const kv = await Deno.openKv(':memory:'); return (await kv.set(['a'], 1)).ok;",
        flags: ["--unstable-kv"],
      },
    ],
  },
  "`Deno.permissions`: query, revoke": {
    yes: [{
      after: `await Deno.permissions.revoke({ name: "read" });
        return (await Deno.permissions.query({ name: "read" })).state !== "granted";`,
    }],
  },
  "`Deno.env`, `Deno.args`, `Deno.pid`, `Deno.exit`, `Deno.umask`": {
    yes: [
      {
        after:
          "Deno.env.set('A', '1'); return Deno.env.get('A') === '1' && Deno.pid > 0 && Deno.umask() >= 0;",
      },
    ],
  },
  "`Deno.dlopen` of what is not loaded yet": {
    no: [{ after: "Deno.dlopen(place + '/library', { cos: { parameters: ['f64'], result: 'f64' } });" }],
  },
  "functions that `Deno.dlopen` gave, `Deno.UnsafeCallback`": {
    yes: [{
      before:
        "const { symbols } = Deno.dlopen(place + '/library', { cos: { parameters: ['f64'], result: 'f64' } });",
      after: `new Deno.UnsafeCallback({ parameters: [], result: "void" }, () => {}).close();
        return symbols.cos(0) === 1;`,
    }],
  },
};

function worker(address: string): string {
  return `const worker = new Worker(${address}, { type: "module" });
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => { event.preventDefault(); reject(new Error(event.message)); };
    });`;
}
