import { cpuOfChildren, measureChildren, report } from "./_bench.ts";

const module = (name: string) => new URL(`startup/${name}.ts`, import.meta.url);
const entry = (path: string) => new URL(`../../${path}`, import.meta.url);

const { empty, imported, limited } = await measureChildren({
  empty: module("empty"),
  imported: module("import"),
  limited: module("limit"),
});
report("import of mod.ts", imported, "an empty file", empty, "ms", { more: 1.5 });
report("import and a first limit()", limited, "the import alone", imported, "ms", { more: 3 });

const directory = Deno.makeTempDirSync();
try {
  const all = entry("mod.ts"), core = entry("ffi/capsicum/mod.ts");
  const cpu = await measureChildren({
    empty: module("empty"),
    all,
    core,
    allBundled: await bundle(all, "all"),
    coreBundled: await bundle(core, "core"),
  }, { clock: cpuOfChildren(), kernel: false });
  const over = (name: Exclude<keyof typeof cpu, "empty">) => cpu[name] - cpu.empty;
  const cost = "CPU time over an empty file";
  report(`${cost}, import of "."`, over("all"), "its bundle", over("allBundled"), "ms", { ratio: 1.6 });
  report(`${cost}, import of "./core"`, over("core"), 'that of "."', over("all"), "ms", { ratio: 0.35 });
  report(`${cost}, import of "./core"`, over("core"), "its bundle", over("coreBundled"), "ms");
} finally {
  Deno.removeSync(directory, { recursive: true });
}

/** Bundles a module with everything that it imports to one file. */
async function bundle(module: URL, name: string): Promise<URL> {
  const path = `${directory}/${name}.js`;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--no-lock", `--output=${path}`, module.href],
    stdout: "null",
  }).output();
  if (!success) throw new Error(`deno bundle failed: ${new TextDecoder().decode(stderr)}`);
  return new URL(`file://${path}`);
}
