/**
 * Serves the files of one directory over HTTP, in a sandbox that holds only that directory and the listener.
 *
 * deno run --allow-ffi=/lib/libc.so.7 --allow-net=127.0.0.1:8000 examples/http_static.ts DIRECTORY
 */
import { CapsicumError, decodeName, type Dir, type FdFile, fdOf, libc, presets } from "../mod.ts";
import { statusOf } from "./_http_conditions.ts";
import { sendFile } from "./_http_file.ts";
import { Tool } from "./_tool.ts";

const help = `usage: http_static.ts [--host=ADDRESS] [--port=PORT] [--unprotected] DIRECTORY

Serves the files of DIRECTORY over HTTP, by default at 127.0.0.1:8000. Port 0 selects a free port.
Conditional requests and ranges follow RFC 9110. A request for several ranges gets the whole file. Every request
needs a Host header, also in HTTP/1.0.
--unprotected: serve without a sandbox if the system has none.
On Linux: deno run --allow-ffi=/lib/x86_64-linux-gnu/libc.so.6 --allow-net=127.0.0.1:8000 \\
  examples/http_static.ts DIRECTORY`;

/** The request is not a valid request for a file. */
class BadRequest extends Error {}

/** RFC 9110, section 7.2: a name or an address, and an optional port. */
const validHost = /^(?:\[[\da-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})+)(?::\d*)?$/i;

/** Returns the URL of a request. The request target can also be an absolute URL. */
function urlOf(request: Request): URL {
  if (!validHost.test(request.headers.get("host") ?? "")) {
    throw new BadRequest("The Host header is missing or wrong.");
  }
  const url = URL.parse(request.url);
  if (url === null || url.protocol !== "http:" || url.username + url.password !== "") {
    throw new BadRequest("This server has no such URL.");
  }
  return url;
}

/** Returns the path components of the requested file. */
function namesOf(pathname: string): string[] {
  if (/%(?![\da-f]{2})/i.test(pathname)) {
    throw new BadRequest("A percent sign in the path is not followed by two hexadecimal digits.");
  }
  const names = pathname.split("/").filter((name) => name !== "").map(decoded);
  if (names.some((name) => name === "." || name === ".." || /[/\0]/.test(name))) {
    throw new BadRequest("This is not the path of a file.");
  }
  return names;
}

/** Decodes a name from a URL; its bytes need not be UTF-8. */
function decoded(name: string): string {
  if (!name.includes("%")) return name;
  const bytes = name.replace(/%(..)/g, (_, digits) => String.fromCharCode(parseInt(digits, 16)));
  return decodeName(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
}

/** Encodes a name for a URL; the inverse of `decoded()`. */
function encoded(name: string): string {
  return name.replace(/[\udc80-\udcff]|[^\udc80-\udcff]+/gu, (part) => {
    return part.isWellFormed() ? encodeURIComponent(part) : `%${(part.charCodeAt(0) - 0xdc00).toString(16)}`;
  });
}

function text(status: number, message: string, headers: Record<string, string> = {}): Response {
  return new Response(`${message}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff", ...headers },
  });
}

const escaped = (text: string) =>
  text.toWellFormed().replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

function sendDirectory(request: Request, root: Dir, path: string, names: string[]): Response {
  const status = statusOf(request.headers, {});
  if (status !== 200) return new Response(null, { status });
  const title = escaped(["", ...names, ""].join("/"));
  const up = path === "." ? "" : '<li><a href="../">../</a>';
  const entries = [...root.readDirSync(path)].sort((a, b) => a.name < b.name ? -1 : 1);
  const items = entries.map(({ name, isDirectory }) => {
    const end = isDirectory ? "/" : "";
    return `<li><a href="./${escaped(encoded(name))}${end}">${escaped(name)}${end}</a>`;
  });
  const page = `<!doctype html><meta charset="utf-8"><title>${title}</title><h1>${title}</h1><ul>${up}`;
  return new Response(`${[page, ...items].join("\n")}\n</ul>\n`, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": "default-src 'none'",
      "x-content-type-options": "nosniff",
    },
  });
}

function find(request: Request, root: Dir): Response {
  const { pathname, search } = urlOf(request), names = namesOf(pathname);
  const path = names.join("/") || ".", isSlashed = pathname.endsWith("/");
  // Only regular files are opened: opening a FIFO or a device can have side effects.
  const { isFile, isDirectory } = root.statSync(path);
  if (isFile && !isSlashed) return sendOpened(request, root, path);
  if (!isDirectory) return text(404, "There is no such file.");
  if (!isSlashed) {
    return text(308, "It is a directory.", { location: `/${names.map(encoded).join("/")}/${search}` });
  }
  const index = `${path}/index.html`;
  if (root.existsSync(index, { isFile: true })) return sendOpened(request, root, index);
  return sendDirectory(request, root, path, names);
}

function sendOpened(request: Request, root: Dir, path: string): Response {
  // The file may have been replaced by a FIFO, where open(2) without O_NONBLOCK waits for a writer.
  const file: FdFile = root.openSync(path, { read: true, customFlags: libc.O_NONBLOCK });
  try {
    return sendFile(request, file, path.slice(path.lastIndexOf("/") + 1));
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}

const none = ["NotFound", "NotADirectory", "FilesystemLoop", "ENAMETOOLONG", "ENXIO", "EOPNOTSUPP"];
function answer(request: Request, root: Dir): Response {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return text(405, "Only GET and HEAD are answered.", { allow: "GET, HEAD" });
  }
  try {
    return find(request, root);
  } catch (error) {
    if (error instanceof BadRequest) return text(400, error.message);
    if (error instanceof Deno.errors.PermissionDenied) return text(403, "It may not be read.");
    const isEscape = error instanceof CapsicumError && error.reason === "escape";
    const reason = error instanceof CapsicumError ? error.code : (error as Error).name;
    if (isEscape || none.includes(reason)) return text(404, "There is no such file.");
    return failed(error);
  }
}

function failed(error: unknown): Response {
  tool.say((error as Error).message);
  return text(500, "It could not be read.");
}

const tool: Tool<"host" | "port"> = new Tool(help, { host: "127.0.0.1", port: "8000" });
const { operands: [path, ...others], options: { host, port } } = tool;
if (path === undefined || others.length > 0) tool.misused("name one directory to serve");
if (Number(port) > 65_535) tool.misused("--port must be at most 65535");

try {
  const options = { hostname: host, port: Number(port), onListen: () => {}, onError: failed };
  let server!: Deno.HttpServer<Deno.NetAddr>;
  const listener: number = fdOf(() =>
    server = Deno.serve(options, (request) => answer(request, box.dirs.root))
  );
  // It enters in the same turn of the event loop, so before it answers any request.
  const box = tool.sandbox({
    dirs: { root: { path, unconfined: "allow" } },
    fds: { listener: { fd: listener, rights: presets.socket.listener, unlimited: "allow" } },
    stdio: true,
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      void server.shutdown();
      // A request that never ends must not keep the server running.
      setTimeout(Deno.exit, 2000, 0);
    });
  }
  const how = box.sandboxed ? `sandboxed by ${box.mechanism}` : "UNPROTECTED";
  tool.say(`serving at ${host} port ${server.addr.port}, ${how}.`);
  await server.finished;
  Deno.exit();
} catch (error) {
  const why = error instanceof Deno.errors.AddrInUse
    ? `${host} port ${port} is in use: pass another --port, or --port=0 for a free one.`
    : error instanceof Deno.errors.AddrNotAvailable
    ? `this machine does not have the address ${host}: pass another --host.`
    : (error as Error).message;
  tool.fail(why, 1);
}
