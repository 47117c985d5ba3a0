import { assert, assertEquals } from "@std/assert";
import { walkSync } from "@std/fs";
import { fromFileUrl, relative } from "@std/path";
import * as mod from "../mod.ts";
import { blocksOf, complaintsOf, failuresOf } from "./_snippets.ts";
import { kernel } from "./_kernel.ts";
import { test } from "./_test.ts";

const root = fromFileUrl(new URL("..", import.meta.url));
const sources = new Map(
  ["rights", "ffi", "compat"].flatMap((
    layer,
  ) => [...walkSync(`${root}${layer}`, { includeDirs: false, exts: [".ts"] })])
    .map(({ path }) => relative(root, path)).concat("mod.ts").sort()
    .map((path) => [path, Deno.readTextFileSync(`${root}${path}`)]),
);

/** A comment and the line that it stands before. */
interface Doc {
  title: string;
  text: string;
  examples: string[];
}

const docs: Doc[] = [...sources].flatMap(([path, source]) =>
  [...source.matchAll(/^( *)\/\*\*([^]*?)\*\/\n(.*)/gm)].map(([, indent, comment, line]) => {
    const text = comment!.replace(new RegExp(`^${indent} \\* ?`, "gm"), "");
    const what = text.includes("@module") ? "@module" : line!.trim();
    return { title: `${path}: ${what}`, text, examples: blocksOf(text) };
  })
);
const examples = docs.flatMap(({ title, examples }) => examples.map((code) => ({ title, code })));
const enters = (code: string) => /\b(cap_)?enter\(\)|\bsandbox\(/.test(code);
const listens = (code: string) => code.includes("Deno.listen(");
/** The second process of an example must reach the same kernel, which is the stand-in only for children of the tests. */
const starts = (code: string) => code.includes("await broker(");

/** The comment before a declaration, with those of its overloads. */
function docOf(name: string, declared: RegExp): Doc {
  const found = docs.filter(({ title }) => declared.test(title));
  const files = new Set(found.map(({ title }) => title.split(":")[0]));
  assert(files.size === 1, `${name} has comments in ${files.size} files: ${[...files]}`);
  return {
    title: found[0]!.title,
    text: found.map(({ text }) => text).join("\n"),
    examples: found.flatMap(({ examples }) => examples),
  };
}

const functions = Object.entries({ ...mod, ...mod.libc })
  .filter(([, value]) => typeof value === "function" && !/^[A-Z]/.test(value.name)).map(([name]) => name);
const classes = Object.entries(mod).filter(([name, value]) =>
  typeof value === "function" && /^[A-Z]/.test(name)
);
// The facades have names of their own for what they pass on.
const notPython = "(?!compat/python/)";
const functionDocs = functions.flatMap((name) => {
  // A name may have two meanings, such as ioctl(): of the library, and of C.
  const isTwice = Object.hasOwn(mod, name) && Object.hasOwn(mod.libc, name);
  const places = isTwice ? ["(?:rights|compat/fs)", "ffi"] : [`${notPython}\\w+`];
  // The documentation of fooSync() is that of foo() too.
  if (functions.includes(`${name}Sync`)) places.shift();
  return places.map((place) => ({
    name,
    doc: docOf(name, new RegExp(`^${place}/(.*/)?[a-z]\\w*\\.ts: export (async )?function \\*?${name}[(<]`)),
  }));
});
const declared = /^(compat\/python\/[a-z]\w*\.ts: export function )(\w+)/;
const facadeDocs = [...new Set(docs.flatMap(({ title }) => declared.exec(title)?.[0] ?? []))].map((
  start,
) => ({
  name: start.replace(declared, "$2"),
  doc: docOf(start, new RegExp(`^${start}\\(`)),
}));
functionDocs.push(...facadeDocs);
const classDocs = classes.map(([name]) => ({
  name,
  doc: docOf(name, new RegExp(`^${notPython}.*: export (abstract )?class ${name}\\b`)),
}));

/** The methods and getters of a class itself, but those with symbols for names. */
const methodDocs = classes.filter(([, Class]) =>
  [mod.FdFile, mod.Dir, mod.Descriptor].includes(Class as never)
)
  .flatMap(([name, Class]) => {
    const { prototype } = Class as { prototype: object };
    const members = [
      ...Object.keys(Object.getOwnPropertyDescriptors(prototype)),
      ...Object.getOwnPropertyNames(Class),
    ];
    const file = { FdFile: "file", Dir: "dir", Descriptor: "descriptor" }[name];
    // The documentation of fooSync() is that of foo() too.
    const isTwin = (member: string) => members.includes(`${member}Sync`);
    return members.filter((member) =>
      !["constructor", "prototype", "length", "name"].includes(member) && !isTwin(member)
    )
      .map((member) => ({
        name: `${name}.${member}`,
        doc: docOf(
          `${name}.${member}`,
          new RegExp(`/${file}\\.ts: (static |get |override |async |\\*)*${member}\\(`),
        ),
      }));
  });

test("every example of the documentation passes the type checker", async () => {
  assert(examples.length > 80, `only ${examples.length} examples were found`);
  const complaints = await complaintsOf(examples.map(({ code }) => code));
  assertEquals(complaints.replace(/file:\S*\/(\d+)\.ts:/g, (_, i) => `${examples[i]!.title}: `), "");
});

test("every example of the documentation runs with only libc's permission, and leaves nothing open", async () => {
  const quiet = examples.filter(({ code }) => !enters(code) && !listens(code) && !starts(code));
  const failures = await failuresOf(quiet.map(({ code }) => code));
  assertEquals(failures.map((line) => line.replace(/^\d+/, (i) => quiet[Number(i)]!.title)), []);
});

for (const { title, code } of examples.filter(({ code }) => enters(code) || listens(code) || starts(code))) {
  const skip = starts(code) && kernel.simulated &&
    "needs FreeBSD or Linux itself: a second process does not reach the stand-in";
  test(`the example of ${title.replace(/\(.*/, "")} runs in a separate process`, async () => {
    const permissions = [
      ...(listens(code) ? ["--allow-net=127.0.0.1"] : []),
      ...(starts(code) ? [`--allow-run=${Deno.execPath()}`] : []),
    ];
    assertEquals(await failuresOf([code], permissions), []);
  }, { skip });
}

test("every module passes the type checker with Deno's default options, as a program that imports a checkout needs", async () => {
  const imports = [...sources.keys()].map((path) => `import ${JSON.stringify(`${root}${path}`)};\n`);
  assertEquals(await complaintsOf(imports, ["--no-config"]), "");
});

test("an example that throws, or leaves a descriptor open, is a failure", async () => {
  // Three, since one may get the number of a descriptor that Deno has just closed.
  const leak =
    'import { openSync } from "jsr:@capsicum/capsicum";\nfor (let i = 0; i < 3; i++) openSync("/dev/null");\n';
  const failures = await failuresOf(['throw new Error("on purpose");\n', leak, "export {};\n"]);
  assertEquals(failures.map((line) => line.replace(/[\d,]+$/, "N")), [
    "0: Error: on purpose",
    "1: left open: N",
  ]);
});

test("only tags follow an example, because any other text would belong to it", () => {
  const after = (text: string) => {
    const [, ...parts] = text.replace(/^```[^]*?^```$/gm, "").split(/^@example.*$/m);
    return parts.some((part) => /^(?!@|```)\S/.test(part.trim()));
  };
  assert(after("@example One\n```ts\n1;\n```\n## Rights\n"));
  assertEquals(docs.filter(({ text }) => after(text)).map(({ title }) => title), []);
});

test("every example asserts", () => {
  const silent = examples.filter(({ code }) => !/\bassert\w*\(/.test(code));
  assertEquals(silent.map(({ title }) => title), []);
});

const isOwn = ({ name }: { name: string }) => name.startsWith("Descriptor.");
const ofClasses = methodDocs.filter((method) => !isOwn(method));
const isCall = ({ name, doc }: { name: string; doc: Doc }) =>
  doc.title.startsWith("ffi/libc/") || doc.title.startsWith("ffi/capsicum/") && /^(__)?cap_/.test(name);

test("every exported function and class except libc's, and every method of Descriptor, has an example", () => {
  const lacking = [...functionDocs.filter((of) => !isCall(of)), ...classDocs, ...methodDocs.filter(isOwn)]
    .filter(({ doc }) => doc.examples.length === 0);
  assertEquals(lacking.map(({ name }) => name), []);
});

test("every method of FdFile and Dir, and every function of libc, is used in an example of its file", () => {
  assert(ofClasses.length > 55, `only ${ofClasses.length} methods were found`);
  const behind = "__cap_rights_get";
  const lacking = [...ofClasses, ...functionDocs.filter(isCall)].filter(({ name, doc }) => {
    const used = new RegExp(`\\.${name.split(".").at(-1)}\\b`), file = doc.title.split(":")[0]!;
    return !examples.some(({ title, code }) => title.startsWith(`${file}:`) && used.test(code));
  }).filter(({ name }) => name !== behind);
  assertEquals(lacking.map(({ name }) => name), []);
});

test("every exported function except the facades', and every method of FdFile and Dir, describes each parameter", () => {
  const ours = functionDocs.filter((of) => !facadeDocs.includes(of));
  const lacking = [...ofClasses, ...ours].flatMap(({ name, doc: { title, text } }) => {
    const [, list = ""] = /\w+\((.*)\)(: .*)? \{$/.exec(title) ?? [];
    const parameters = [...list.matchAll(/(?:^|, )(?:\.\.\.)?(\w+)\??(?=[:=]| =)/g)].map(([, parameter]) =>
      parameter!
    );
    return parameters.filter((parameter) => !text.includes(`@param ${parameter} `))
      .map((parameter) => `${name}: ${parameter}`);
  });
  assertEquals(lacking, []);
});

// The module of the function says what all of them throw, and which permission they need.
const isInModule = ({ doc }: { doc: Doc }) => /^ffi\/(libc|capsicum)\//.test(doc.title);
const neverThrow = ["isCapModeViolation", "isNotCapable"];
const callNothing = ["cacheTimezone", "decodeName", "encodeName", "rightsFor", "warmUp"];

test("the functions of the facades are covered by the tests below", () => {
  const names = new Set(facadeDocs.map(({ name }) => name));
  const wanted = ["fcntls_limit", "fdopen", "getmode", "ioctls_get", "limit", "openat", "opendir"];
  assertEquals(wanted.filter((name) => !names.has(name)), []);
});

test("every exported function and every method of Descriptor documents what it throws, FdFile and Dir once for the class", () => {
  const whole = classDocs.filter(({ name }) => ["Dir", "FdFile"].includes(name));
  const lacking = [...functionDocs, ...methodDocs.filter(isOwn), ...whole].filter((of) =>
    !isInModule(of) && !/^@throws \{[\w.]+\} \S/m.test(of.doc.text)
  );
  assertEquals(lacking.map(({ name }) => name), neverThrow);
});

test("every exported function that calls libc names the permission and NotCapable", () => {
  const calling = functionDocs.filter(({ name, doc }) =>
    !doc.title.startsWith("rights/") && !neverThrow.includes(name) && !callNothing.includes(name)
  );
  assert(calling.length > 55, `only ${calling.length} functions were found`);
  const lacking = calling.filter((of) => !isInModule(of)).filter(({ doc: { text } }) =>
    !/^(?=.*Requires\s`--allow-ffi`\spermission)(?=.*@throws \{Deno\.errors\.NotCapable\})/s.test(text)
  );
  assertEquals(lacking.map(({ name }) => name), []);
});

test("the modules ./core and ./ffi name the permission and what their functions throw", () => {
  const classes = ["TypeError", "RangeError", "BadResource", "CapsicumError", "NotSupported", "NotCapable"];
  for (const folder of ["libc", "capsicum"]) {
    const { text } = docs.find(({ title }) => title === `ffi/${folder}/mod.ts: @module`)!;
    assertEquals(classes.filter((name) => !new RegExp(`^[-|] .*\\b${name}\\b`, "m").test(text)), []);
    assert(text.includes("Requires `--allow-ffi` permission"));
  }
});

test("every class whose methods call libc names the permission, once or for each method", () => {
  const whole = classDocs.filter(({ doc }) =>
    /All\smethods\srequire\s`--allow-ffi`\spermission/.test(doc.text)
  );
  assertEquals(whole.map(({ name }) => name).sort(), ["Dir", "FdFile"]);
  const lacking = methodDocs.filter(isOwn).filter(({ doc }) =>
    !doc.text.includes("Requires `--allow-ffi` permission.")
  );
  assertEquals(lacking.map(({ name }) => name), ["Descriptor.fd", "Descriptor.take"]);
});

test("every exported function that calls one libc function names its man page", () => {
  const calling = functionDocs.filter(isCall);
  const lacking = calling.filter(({ doc }) => !/Stands for\s[^]*\b\w+\([23]\)/.test(doc.text));
  assertEquals(lacking.map(({ name }) => name), []);
});
