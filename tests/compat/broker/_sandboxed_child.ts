/**
 * A program with a broker: it enters the sandbox, uses the broker for everything, and prints what happened. Its argument is
 * the task in JSON.
 *
 * @module
 */
import { broker, type FdListener } from "../../../compat/broker/mod.ts";
import { FdFile, fdOf, getRights, isSupported, libc, presets, sandbox } from "../../../mod.ts";
import { shortenQueue } from "./_broker.ts";

export interface Task {
  top: string;
  deno: string;
  /** "everything" runs to its end; "stays" waits for a connection that is never made, until it is killed. */
  mode: "everything" | "stays";
}

const { top, deno, mode }: Task = JSON.parse(Deno.args[0]!);
const results: Record<string, unknown> = {};
const text = new TextDecoder(), bytes = new TextEncoder();

/** What a call returns, or its error as data. */
async function outcome(call: () => Promise<unknown>): Promise<unknown> {
  try {
    const value = await call();
    if (value instanceof FdFile) value.close();
    return value instanceof FdFile ? "open" : value;
  } catch (error) {
    const { code, syscall, path } = error as { code?: string; syscall?: string; path?: string };
    return { class: (error as Error).constructor.name, code, syscall, path };
  }
}

// A server of the program itself, from before it enters.
const server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
void (async () => {
  for await (const connection of server) {
    void connection.readable.pipeTo(connection.writable).catch(() => {});
  }
})();
const { port } = server.addr as Deno.NetAddr;
const echoPath = `${top}/echo.sock`;
const unix = Deno.listen({ transport: "unix", path: echoPath });
void (async () => {
  for await (const connection of unix) {
    await connection.write(bytes.encode("unix"));
    connection.close();
  }
})();

// A descriptor that every child would inherit.
const inheritable = libc.dup(libc.open(top, libc.O_RDONLY | libc.O_DIRECTORY | libc.O_CLOEXEC));
const net = await broker({
  connect: [
    `127.0.0.1:${port}`,
    `localhost:${port}`,
    "127.0.0.1:1",
    `unix:${echoPath}`,
    `unix:${top}/full.sock`,
  ],
  resolve: ["localhost"],
  listen: ["127.0.0.1:0"],
  open: { read: [`${top}/docs`], write: [`${top}/out`] },
  denoPath: deno,
});

if (mode === "stays") {
  // Nothing is ever accepted here.
  let full!: Deno.UnixListener;
  shortenQueue(fdOf(() => full = Deno.listen({ transport: "unix", path: `${top}/full.sock` })));
  for (let i = 0; i < 3; i++) void net.connect({ path: `${top}/full.sock` }).catch(() => {});
  await net.open(`${top}/docs/a`);
  console.error("started");
  await new Promise((resolve) => setTimeout(resolve, 60_000));
  full.close();
}

libc.close(inheritable);
const box = sandbox({ stdio: true, limitOthers: true, permissions: { revoke: "all" } });
results["mechanism"] = box.mechanism;
results["alone"] = await outcome(() =>
  Promise.resolve(FdFile.fromFd(libc.open("/etc/hosts", libc.O_RDONLY)))
);
results["second broker"] = await outcome(() => broker({ resolve: ["localhost"], denoPath: deno }));

async function echo(hostname: string): Promise<string> {
  using connection = await net.connect({ hostname, port });
  await connection.writeAll(bytes.encode("hello"));
  const buffer = new Uint8Array(5);
  await connection.readInto(buffer);
  return text.decode(buffer);
}
results["echo"] = [await echo("127.0.0.1"), await echo("LOCALHOST."), await echo("0x7f.1")];
{
  using connection = await net.connect({ path: echoPath });
  results["unix"] = text.decode(await connection.readAll());
}
results["refused"] = await outcome(() => net.connect({ hostname: "127.0.0.1", port: 1 }));
results["other port"] = await outcome(() => net.connect({ hostname: "127.0.0.1", port: 2 }));
results["other name"] = await outcome(() => net.connect({ hostname: "example.com", port }));
results["other path"] = await outcome(() => net.connect({ path: `${top}/other.sock` }));
results["no socket"] = await outcome(() => net.connect({ path: `${top}/full.sock` }));
results["resolve"] = (await net.resolveDns("localhost", "A")).includes("127.0.0.1");
results["resolve other"] = await outcome(() => net.resolveDns("example.com", "AAAA"));

async function listen(): Promise<unknown> {
  using listener: FdListener = await net.listen({ hostname: "127.0.0.1", port: 0 });
  const { hostname, port } = listener.addr;
  const waiting = outcome(() => listener.accept());
  const rights = isSupported() ? getRights(listener).equals(presets.socket.listener) : true;
  listener.close();
  return [hostname, port > 0, rights, await waiting, await outcome(() => listener.accept())];
}
results["listen"] = await listen();
results["listen other"] = await outcome(() => net.listen({ hostname: "127.0.0.1", port: 80 }));

{
  using file = await net.open(new URL(`file://${top}/docs/a`));
  results["read"] = text.decode(await file.readAll());
  results["rights"] = isSupported() ? getRights(file).equals(presets.file.read) : true;
  results["write to it"] = await outcome(() => file.write(new Uint8Array(1)));
}
{
  using file = await net.open(`${top}/out/new`, { write: true, create: true });
  await file.writeAll(bytes.encode("written"));
}
results["symlink out"] = await outcome(() => net.open(`${top}/docs/link`));
results["up"] = await outcome(() => net.open(`${top}/docs/../secret`));
results["write docs"] = await outcome(() => net.open(`${top}/docs/a`, { write: true }));
results["missing"] = await outcome(() => net.open(`${top}/docs/none`));
results["mistake"] = await outcome(() => net.open(`${top}/docs/a`, { raed: true } as object));
results["aborted"] = await outcome(() =>
  net.connect({ hostname: "127.0.0.1", port, signal: AbortSignal.abort(new RangeError("mine")) })
);

await net.limit({ open: { read: [`${top}/docs/sub`] } });
results["limited"] = [
  await outcome(() => net.open(`${top}/docs/sub/b`)),
  await outcome(() => net.open(`${top}/docs/a`)),
  await outcome(() => net.connect({ hostname: "127.0.0.1", port })),
  await outcome(() => net.limit({ open: { read: [`${top}/docs`] } })),
];
const late = outcome(() => net.open(`${top}/docs/sub/b`));
net.close();
net.close();
results["closed"] = [await late, await outcome(() => net.open(`${top}/docs/sub/b`))];
console.log(JSON.stringify(results));
Deno.exit(0);
