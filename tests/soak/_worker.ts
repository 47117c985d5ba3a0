/** Reads all files of a tree in a Worker. If simulated, its URL names the preload script. */
const preload = new URL(import.meta.url).searchParams.get("preload");
if (preload !== null) await import(preload);
const { openDirSync } = await import("../../mod.ts");

const worker = self as unknown as Worker;
worker.onmessage = async ({ data }: MessageEvent<string>) => {
  using dir = openDirSync(data);
  let files = 0;
  for await (const { path } of dir.walk("tree", { includeDirs: false })) {
    await dir.readTextFile(path);
    files++;
  }
  worker.postMessage(files);
};
worker.postMessage("ready");
