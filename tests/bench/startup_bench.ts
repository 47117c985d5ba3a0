import { measureChildren, report } from "./_bench.ts";

const module = (name: string) => new URL(`startup/${name}.ts`, import.meta.url);

const { empty, imported, limited } = await measureChildren({
  empty: module("empty"),
  imported: module("import"),
  limited: module("limit"),
});
report("import of mod.ts", imported, "an empty file", empty, "ms", { more: 1.5 });
report("import and a first limit()", limited, "the import alone", imported, "ms", { more: 3 });
