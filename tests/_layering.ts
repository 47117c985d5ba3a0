/**
 * The rules about what a file may import and mention.
 *
 * Each rule gets the sources by their path from the project's root, and returns one sentence for each violation.
 *
 * @module
 */

/** Texts by their paths from the project's root, as "ffi/enter.ts". */
export type Sources = ReadonlyMap<string, string>;
export type Rule = (sources: Sources) => string[];

/** From the lowest: a layer may import itself and those before it. */
const layers = [
  "rights/",
  "ffi/",
  "compat/fs/",
  "compat/sandbox/",
  "compat/ambient/",
  "compat/broker/",
  "compat/python/",
  "mod.ts",
];
const facades = "compat/python/";
/** Stands for Deno's and Node's own API. */
const standsIn = "compat/ambient/";
/** A second process, which only programs that ask for it load. */
const secondProcess = "compat/broker/";
/** Deno's own API neither asks /etc/hosts for a name, nor makes a socket of a descriptor. */
const usesNode = /^compat\/broker\/(child\/resolver|node_socket|node_stream)\.ts$/;
const facade = /^compat\/python\/pycapsicum(cffi)?\.ts$/;

// What attacks a sandbox calls all of Deno.
const startsChildren =
  /^tests\/(compat\/sandbox\/_linux_attack_child\.ts|_child\.ts|_test\.ts|run\.ts|run\/.*|(?:mutants|soak)\/run\.ts|standin\/build\.ts|bench\/.*)$/;
const writesFiles =
  /^tests\/(compat\/sandbox\/_linux_attack_child\.ts|_test\.ts|_fixture\.ts|_mounts\.ts|_deno_reference\.ts|compat\/ambient\/.*|std\/fs\.ts|run\.ts|run\/.*|(?:mutants|soak)\/run\.ts|standin\/build\.ts|bench\/.*)$/;
const writes = new RegExp(
  "\\bDeno\\.(?:" +
    "(?:write(?:Text)?File|create|mkdir|makeTemp(?:Dir|File)|remove|rename|link|symlink|truncate|chmod|chown|" +
    "copyFile|utime)(?:Sync)?\\b" +
    "|open(?:Sync)?\\([^;]*\\b(?:write|append|truncate|create|createNew): true" +
    ")",
);

const exactPackage = /^npm:(@[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+$/;

/**
 * Imports go only to the same layer or a lower one; examples import each other, of the library mod.ts and facades, and
 * npm packages of one version.
 */
export const layering: Rule = (sources) =>
  importsOf(sources).flatMap(({ from, specifier, to }) => {
    if (isExample(from)) {
      const path = to ?? "";
      if (needsNode(from, specifier)) return [];
      if (
        path === "mod.ts" || path === `${standsIn}mod.ts` || path === `${secondProcess}mod.ts` ||
        facade.test(path) || isExample(path)
      ) {
        return [];
      }
      if (specifier.startsWith("@std/") || exactPackage.test(specifier)) return [];
      if (specifier.startsWith("npm:")) return [`${from}: imports "${specifier}" without an exact version.`];
      return [`${from}: imports "${specifier}", which is neither ../mod.ts nor a facade nor of @std.`];
    }
    if (!isLibrary(from) || specifier.startsWith("node:") && usesNode.test(from)) return [];
    if (to === undefined) return [`${from}: imports "${specifier}", which is no file of the library.`];
    if (!isLibrary(to)) return [`${from}: imports ${to}, which is outside of the library.`];
    if (layerOf(to) > layerOf(from)) return [`${from}: imports ${to}, which is in a higher layer.`];
    const ends = [facades, standsIn, secondProcess].some((folder) =>
      to.startsWith(folder) && !from.startsWith(folder)
    );
    return ends ? [`${from}: imports ${to}, which nothing imports.`] : [];
  });

/** A file whose name starts with "_" is imported only inside its own folder and below it; tests may import any. */
export const privacy: Rule = (sources) =>
  importsOf(sources).filter(({ from, to }) =>
    to !== undefined && isLibrary(to) && /(^|\/)_[^/]*$/.test(to) && (isLibrary(from) || isExample(from)) &&
    !`${folderOf(from)}/`.startsWith(`${folderOf(to)}/`)
  ).map(({ from, to }) => `${from}: imports ${to}, which is private to its folder.`);

const mostFiles = 12, mostLines = 15;
/** Names that more than one folder may have. */
const shared = /^(mod\.ts|README\.md)$/, twins = /^ffi\/(freebsd|linux)\//;

/** A folder has few files and documents its contents; a file name is unique. */
export const rooms: Rule = (sources) => {
  const files = [...sources.keys()].filter((path) => /^(rights|ffi|compat)\//.test(path));
  const folders = Map.groupBy(files, folderOf), names = Map.groupBy(files, nameOf);
  const crowded = [...folders].filter(([, files]) => files.length > mostFiles)
    .map(([folder, files]) => `${folder}: has ${files.length} files, more than ${mostFiles}.`);
  const silent = [...folders].filter(([, files]) => !files.some((path) => shared.test(nameOf(path))))
    .map(([folder]) => `${folder}: has neither a mod.ts nor a README.md.`);
  const long = files.filter((path) =>
    nameOf(path) === "README.md" && sources.get(path)!.trimEnd().split("\n").length > mostLines
  ).map((path) => `${path}: has more than ${mostLines} lines.`);
  const double = [...names].filter(([name, paths]) =>
    paths.length > 1 && !shared.test(name) && !paths.every((path) => twins.test(path))
  ).map(([name, paths]) => `${name}: is the name of ${paths.join(" and ")}.`);
  return [...crowded, ...silent, ...long, ...double];
};

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** No file imports itself, however many files lie between, types included. */
export const acyclicity: Rule = (sources) => {
  const graph = Map.groupBy(importsOf(sources), ({ from }) => from);
  const done = new Set<string>();
  const complaints: string[] = [];
  const visit = (path: string, trail: string[]) => {
    if (trail.includes(path)) {
      complaints.push(`${[...trail.slice(trail.indexOf(path)), path].join(" -> ")}: a cycle.`);
    } else if (!done.has(path)) {
      for (const { to } of graph.get(path) ?? []) if (to !== undefined) visit(to, [...trail, path]);
      done.add(path);
    }
  };
  for (const path of graph.keys()) visit(path, []);
  return complaints;
};

/** The most modules that an entry point loads; those that enforce the Linux sandbox come on top. */
const most: Readonly<Record<string, number>> = { "mod.ts": 45, "ffi/capsicum/mod.ts": 15 };
const enforcement = "ffi/linux/confine/", MOST_OF_ENFORCEMENT = 3;

/** An entry point loads few modules, because each of them costs at every start. */
export const size: Rule = (sources) =>
  Object.entries(most).flatMap(([entry, most]) => {
    const loaded = new Set<string>();
    const load = (path: string) => {
      if (loaded.has(path) || !sources.has(path)) return;
      loaded.add(path);
      const source = sources.get(path)!.replaceAll(/\b(?:import|export) type \{[^}]*\} from "[^"]+";/g, "");
      for (const { to } of importsOf(new Map([[path, source]]))) if (to !== undefined) load(to);
    };
    load(entry);
    loaded.delete(entry);
    const enforcing = [...loaded].filter((path) => path.startsWith(enforcement)).length;
    const others = loaded.size - enforcing;
    return [
      ...(others > most ? [`${entry}: loads ${others} modules.`] : []),
      ...(enforcing > MOST_OF_ENFORCEMENT ? [`${entry}: loads ${enforcing} modules of ${enforcement}.`] : []),
    ];
  });

/** Only ffi/ opens libraries; no file uses raw pointers, or Node's API unless it stands for it; rights/ runs anywhere. */
export const vocabulary: Rule = (sources) =>
  [...sources].filter(([path]) => path.endsWith(".ts") && (isLibrary(path) || isExample(path))).flatMap(
    ([path, source]) => {
      const code = withoutStrings(source);
      const banned: [RegExp, boolean][] = [
        [/\bdlopen\b/, !path.startsWith("ffi/")],
        [/\bUnsafe\w*/, true],
        [/\bBuffer\b/, !path.startsWith(standsIn)],
        [/\bprocess\b/, !path.startsWith(standsIn)],
        [/\bDeno\b/, path.startsWith("rights/")],
      ];
      const words = banned.flatMap(([word, here]) => here ? word.exec(code)?.[0] ?? [] : []);
      const node = imports(source).filter((specifier) =>
        specifier.startsWith("node:") && !needsNode(path, specifier) && !usesNode.test(path) ||
        specifier.startsWith("npm:") && isLibrary(path)
      );
      return [...words, ...node].map((word) => `${path}: uses ${word}.`);
    },
  );

/** Deno has no other API that reports the end of a gzip member, or that sends HTTP and TLS over a descriptor. */
function needsNode(path: string, specifier: string): boolean {
  return isExample(path) && /^node:(zlib|http|https|tls)$/.test(specifier);
}

/** A mod.ts documents its purpose, lists its exports one by one, except constants, and does nothing else. */
export const exportList: Rule = (sources) =>
  [...sources].filter(([path]) => isLibrary(path) && nameOf(path) === "mod.ts").flatMap(([path, source]) => {
    const listed =
      /\b(?:import|export)\s+(?:type\s+)?(?:\{[^}]*\}|\*\s+as\s+\w+)(?:\s+from\s+"[^"]*")?\s*;|\bexport \* from "[./\w]*\/constants\.ts";/g;
    const rest = withoutComments(source).replaceAll(listed, "").trim();
    return [
      ...(/^\/\*\*[^]*?^ \* @module\n \*\/\n/m.test(source)
        ? []
        : [`${path}: has no documentation of the module.`]),
      ...(rest === "" ? [] : [`${path}: has more than an export list: ${rest.split("\n")[0]}`]),
    ];
  });

/** Tests are registered, started and given their files by one module each. */
export const testing: Rule = (sources) =>
  [...sources].filter(([path]) => path.startsWith("tests/") && path.endsWith(".ts")).flatMap(
    ([path, source]) => {
      const code = withoutStrings(source);
      return [
        ...(path !== "tests/_test.ts" && /\bDeno\.test\b/.test(code) ? [`${path}: uses Deno.test.`] : []),
        ...(!startsChildren.test(path) && /\bDeno\.Command\b/.test(code)
          ? [`${path}: uses Deno.Command.`]
          : []),
        ...(writesFiles.test(path) ? [] : writes.exec(code) ?? []).map((word) => `${path}: uses ${word}.`),
      ];
    },
  );

const registries = [["jsr", "io"], ["npmjs", "org"], ["npmjs", "com"]].map((parts) => parts.join("."));

/** No file names the source of its packages or the machine that it was written on. */
export const anonymity: Rule = (sources) =>
  [...sources].flatMap(([path, source]) => {
    const hosts = registries.filter((host) => source.includes(host));
    const paths = source.match(/(?<![\w.*-])\/(?:work|root)\/[\w.]*/g) ?? [];
    return [...hosts, ...paths].map((word) => `${path}: mentions ${word}.`);
  });

interface Import {
  from: string;
  specifier: string;
  /** The file that a relative specifier means. */
  to: string | undefined;
}

function importsOf(sources: Sources): Import[] {
  return [...sources].filter(([path]) => path.endsWith(".ts")).flatMap(([from, source]) =>
    imports(source).map((specifier) => ({ from, specifier, to: resolve(from, specifier) }))
  );
}

function imports(source: string): string[] {
  const forms =
    /\b(?:import|export)\b(?:[\w$\s{},*]+\bfrom)?\s*"(?<written>[^"\n]+)"|\bimport\s*\(\s*["'`](?<dynamic>[^"'`\n]+)["'`]/g;
  return [...withoutComments(source).matchAll(forms)].map(({ groups = {} }) =>
    groups.written ?? groups.dynamic ?? ""
  );
}

function resolve(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  const base = "file:///project/";
  const { href } = new URL(specifier, base + from);
  return href.startsWith(base) ? href.slice(base.length) : href;
}

function layerOf(path: string): number {
  return layers.findIndex((layer) => path === layer || layer.endsWith("/") && path.startsWith(layer));
}

function isLibrary(path: string): boolean {
  return layerOf(path) >= 0;
}

function isExample(path: string): boolean {
  return path.startsWith("examples/");
}

const token =
  /(?<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|(?<=(?:[(,=:[!&|?{;]|\breturn)\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/)|\/\/.*|\/\*[^]*?\*\//g;

function withoutComments(source: string): string {
  return source.replaceAll(token, (found, string?: string) => string === undefined ? " " : found);
}

function withoutStrings(source: string): string {
  return source.replaceAll(token, (_found, string?: string) => string === undefined ? " " : '""');
}
