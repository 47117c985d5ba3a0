/**
 * Serves the files of one directory over HTTP, from a sandbox that holds nothing but that directory and the listener.
 *
 * deno run --allow-ffi=/lib/libc.so.7 --allow-net=127.0.0.1:8000 examples/http_static.ts DIRECTORY
 */
import { CapsicumError, type Dir, type FdFile, libc } from "../mod.ts";
import { Tool } from "./_tool.ts";

const help = `usage: http_static.ts [--host=ADDRESS] [--port=PORT] [--unprotected] DIRECTORY

Serves the files of DIRECTORY over HTTP, at 127.0.0.1:8000 unless told otherwise; port 0 is any free one.
--unprotected: serve without a sandbox where there is no Capsicum.
On Linux: deno run --allow-ffi=/lib/x86_64-linux-gnu/libc.so.6 --allow-net=127.0.0.1:8000 \\
  examples/http_static.ts --unprotected DIRECTORY`;

const types = new Map(
  `css:text/css csv:text/csv gif:image/gif html:text/html ico:image/vnd.microsoft.icon jpeg:image/jpeg jpg:image/jpeg
  js:text/javascript json:application/json md:text/markdown mjs:text/javascript mp4:video/mp4 pdf:application/pdf
  png:image/png svg:image/svg+xml txt:text/plain wasm:application/wasm webp:image/webp xml:application/xml`
    .split(/\s+/).map((pair) => pair.split(":") as [string, string]),
);
/** Bytes up to which a body is given as a whole, which copies it, and those of the pieces of a longer one. */
const small = 16 * 1024, piece = 64 * 1024;

/** The names on the way to what a request asks for. */
function namesOf(pathname: string): string[] {
  const names = pathname.split("/").map(decodeURIComponent).filter((name) => name !== "");
  if (names.some((name) => name === "." || name === ".." || /[/\0]/.test(name))) throw new URIError();
  return names;
}

/** The first and the last byte that a Range header asks for; null where it asks for none that there are. */
function rangeOf(header: string, size: number): [first: number, last: number] | null | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/i.exec(header.trim()) ?? [];
  if (first === undefined || last === undefined || first + last === "") return undefined;
  if (first === "") return last === "0" || size === 0 ? null : [Math.max(0, size - Number(last)), size - 1];
  if (last !== "" && Number(last) < Number(first)) return undefined;
  return Number(first) >= size ? null : [Number(first), Math.min(Number(last || Infinity), size - 1)];
}

function typeOf(name: string): string {
  const type = types.get(/\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? "") ?? "application/octet-stream";
  return type.startsWith("text/") ? `${type}; charset=utf-8` : type;
}

function isUnchanged({ headers }: Request, tag: string, modified: Date): boolean {
  const tags = headers.get("if-none-match"), since = headers.get("if-modified-since");
  if (tags !== null) return tags.split(/\s*,\s*/).some((one) => ["*", tag, `W/${tag}`].includes(one));
  return since !== null && Date.parse(since) >= Math.trunc(+modified / 1000) * 1000;
}

function text(status: number, message: string, headers: Record<string, string> = {}): Response {
  return new Response(`${message}\n`, { status, headers: { "content-type": typeOf(".txt"), ...headers } });
}

/** Some bytes of a file, which is closed when they are read or nobody wants them any more. */
function bodyOf(file: FdFile, first: number, length: number): BodyInit {
  const end = first + length, taken: ArrayBuffer[] = [];
  let at = first;
  const advance = (count: number | null) => {
    if (count === null) throw new Error("The file has become shorter than it was.");
    at += count;
  };
  if (length <= small) {
    using _closed = file;
    const bytes = new Uint8Array(length);
    while (at < end) advance(file.preadSync(bytes.subarray(at - first), at));
    return bytes;
  }
  // Nothing is read ahead: a pull means that the server has taken the last piece, with a hold of its own on the memory.
  return new ReadableStream({
    async pull(controller) {
      // By now the last piece but one is sent, as a rule: given up here, its memory serves the next one. The garbage
      // collector would be too late, and fresh memory for each piece take as much time as all the rest.
      while (taken.length > (at < end ? 1 : 0)) taken.shift()!.transfer(0);
      if (at === end) return controller.close();
      try {
        const bytes = new Uint8Array(Math.min(piece, end - at)), start = at;
        advance(await file.pread(bytes, at));
        controller.enqueue(bytes.subarray(0, at - start));
        taken.push(bytes.buffer);
        if (at === end) file.close();
      } catch (error) {
        file[Symbol.dispose]();
        throw error;
      }
    },
    cancel: () => file[Symbol.dispose](),
  }, { highWaterMark: 0 });
}

function sendFile(request: Request, file: FdFile, name: string): Response {
  const { size, mtime, ino } = file.statSync();
  const modified = mtime ?? new Date(0), tag = `"${ino}-${size}-${modified.getTime()}"`;
  const headers: Record<string, string> = {
    "content-type": typeOf(name),
    "last-modified": modified.toUTCString(),
    "accept-ranges": "bytes",
    "x-content-type-options": "nosniff",
    etag: tag,
  };
  const condition = request.headers.get("if-range") ?? tag;
  const isSame = request.method === "GET" && (condition === tag || condition === modified.toUTCString());
  const isKnown = isUnchanged(request, tag, modified);
  const range = isSame && !isKnown ? rangeOf(request.headers.get("range") ?? "", size) : undefined;
  const [first, last] = range ?? [0, size - 1];
  const status = isKnown ? 304 : range === null ? 416 : range ? 206 : 200;
  if (range !== undefined) headers["content-range"] = `bytes ${range?.join("-") ?? "*"}/${size}`;
  if (status <= 206) headers["content-length"] = String(last - first + 1);
  const hasBody = status <= 206 && request.method === "GET";
  if (!hasBody) file.close();
  return new Response(hasBody ? bodyOf(file, first, last - first + 1) : null, { status, headers });
}

const escaped = (text: string) =>
  text.toWellFormed().replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

function sendDirectory(root: Dir, path: string, names: string[]): Response {
  const title = escaped(["", ...names, ""].join("/"));
  const up = path === "." ? "" : '<li><a href="../">../</a>';
  const entries = [...root.readDirSync(path)].sort((a, b) => a.name < b.name ? -1 : 1);
  const items = entries.map(({ name, isDirectory }) => {
    const end = isDirectory ? "/" : "";
    if (!name.isWellFormed()) return `<li>${escaped(name)}${end}`; // It is not UTF-8, and has no address.
    return `<li><a href="./${escaped(encodeURIComponent(name))}${end}">${escaped(name)}${end}</a>`;
  });
  const page = `<!doctype html><meta charset="utf-8"><title>${title}</title><h1>${title}</h1><ul>${up}`;
  return new Response(`${[page, ...items].join("\n")}\n</ul>\n`, {
    headers: { "content-type": typeOf(".html"), "content-security-policy": "default-src 'none'" },
  });
}

function find(request: Request, root: Dir): Response {
  const { pathname } = new URL(request.url), names = namesOf(pathname);
  const path = names.join("/") || ".";
  // Without O_NONBLOCK a FIFO would stop everything until somebody writes to it.
  const open = (path: string) => root.openSync(path, { read: true, customFlags: libc.O_NONBLOCK });
  const file = open(path), { isFile, isDirectory } = file.statSync();
  if (isFile && !pathname.endsWith("/")) return sendFile(request, file, path);
  file.close();
  if (!isDirectory) return text(404, "There is no such file.");
  if (!pathname.endsWith("/")) {
    return text(308, "It is a directory.", { location: `/${names.map(encodeURIComponent).join("/")}/` });
  }
  if (root.existsSync(`${path}/index.html`, { isFile: true })) {
    return sendFile(request, open(`${path}/index.html`), "index.html");
  }
  return sendDirectory(root, path, names);
}

const none = ["NotFound", "NotADirectory", "FilesystemLoop", "ENOTCAPABLE", "ENAMETOOLONG"];
function answer(request: Request, root: Dir): Response {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return text(405, "Only GET and HEAD are answered.", { allow: "GET, HEAD" });
  }
  try {
    return find(request, root);
  } catch (error) {
    if (error instanceof URIError) return text(400, "It is no path of a file.");
    if (error instanceof Deno.errors.PermissionDenied) return text(403, "It may not be read.");
    const reason = error instanceof CapsicumError ? error.code : (error as Error).name;
    if (none.includes(reason)) return text(404, "There is no such file.");
    tool.say((error as Error).message);
    return text(500, "It could not be read.");
  }
}

const tool: Tool<"host" | "port"> = new Tool(help, { host: "127.0.0.1", port: "8000" });
const { operands: [path, ...others], options: { host, port } } = tool;
if (path === undefined || others.length > 0) tool.misused("name one directory to serve");
if (Number(port) > 65_535) tool.misused("the port is a number up to 65535");

try {
  const listen = { hostname: host, port: Number(port), onListen: () => {} };
  const server = Deno.serve(listen, (request) => answer(request, box.dirs.root));
  // It enters before this turn of the event loop ends, and so before any request is answered.
  const box = tool.sandbox({ dirs: { root: { path, unconfined: "allow" } }, stdio: true });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      void server.shutdown();
      // Nobody keeps it from ending by a request that has no end.
      setTimeout(Deno.exit, 2000, 0);
    });
  }
  const how = box.sandboxed ? "in capability mode" : "UNPROTECTED";
  tool.say(`serving at ${host} port ${server.addr.port}, ${how}.`);
  await server.finished;
  Deno.exit();
} catch (error) {
  tool.fail((error as Error).message, 1);
}
