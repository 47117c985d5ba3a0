/** A Worker whose calls wait for the descriptors in a message. If simulated, its URL names the preload script. */
const preload = new URL(import.meta.url).searchParams.get("preload");
if (preload !== null) await import(preload);
const { FdFile } = await import("../../../mod.ts");

const worker = self as unknown as Worker;
worker.onmessage = ({ data }: MessageEvent<number[]>) => {
  for (const fd of data) FdFile.fromFd(fd).read(new Uint8Array(100_000));
  setTimeout(() => worker.postMessage("waiting"), 20);
};
worker.postMessage("ready");
