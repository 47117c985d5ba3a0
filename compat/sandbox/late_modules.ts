/**
 * Loads modules that a program imports late, without running them.
 *
 * ES modules load and link their whole graph before any of it runs. So a generated module imports first what throws, and
 * then the module: all of that is in memory, and none of it has run. A later `import()` runs it, and opens no file.
 *
 * @module
 */
import { MOST, quoted, shortened } from "../../ffi/errors.ts";

/** What the first import throws, as the sign that everything was loaded. */
const loaded = Symbol.for("@capsicum/capsicum: loaded, and not run");
const thrower = dataUrl(`throw Symbol.for(${JSON.stringify(loaded.description)});`);

/** Loads and links a module and what it imports, by its address or a path relative to the main module. */
export async function loadWithoutRunning(module: string | URL): Promise<void> {
  const address = /^\.{0,2}\//.test(String(module)) ? new URL(module, Deno.mainModule).href : String(module);
  const wrong = (why: string, options?: ErrorOptions) => {
    const call = `warmUp(): the module ${quoted(address, 120)}`;
    return new Error(`${call} ${shortened(why, MOST - call.length - 1)}`, options);
  };
  try {
    await import(dataUrl(`import ${JSON.stringify(thrower)};\nimport ${JSON.stringify(address)};`));
  } catch (cause) {
    if (cause === loaded) return;
    throw wrong(`can't be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  throw wrong("was run, and not only loaded: this version of Deno does not stop at an import that throws.");
}

function dataUrl(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}
