/** A Worker that enters capability mode when it gets a message. Where simulated, its URL names the preload script. */
const preload = new URL(import.meta.url).searchParams.get("preload");
if (preload !== null) await import(preload);
const { enter, sandboxed } = await import("../../../mod.ts");

const worker = self as unknown as Worker;
worker.onmessage = () => {
  enter();
  worker.postMessage(sandboxed());
};
worker.postMessage(sandboxed());
