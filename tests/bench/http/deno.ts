/** A static file server written the obvious way over Deno's own file API. */
const [root] = Deno.args;

const types: Record<string, string> = { html: "text/html", txt: "text/plain" };

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
  const path = decodeURIComponent(new URL(request.url).pathname);
  if (path.split("/").includes("..")) return new Response("Not Found", { status: 404 });
  try {
    const file = await Deno.open(root + path);
    const { size, mtime, ino } = await file.stat();
    const tag = `"${ino}-${size}-${mtime!.getTime()}"`;
    if (request.headers.get("if-none-match") === tag) {
      file.close();
      return new Response(null, { status: 304, headers: { etag: tag } });
    }
    return new Response(file.readable, {
      headers: {
        "content-type": types[path.split(".").at(-1)!] ?? "application/octet-stream",
        "content-length": String(size),
        "last-modified": mtime!.toUTCString(),
        etag: tag,
      },
    });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return new Response("Not Found", { status: 404 });
  }
});
console.error(`port ${server.addr.port}, by Deno.open.`);
