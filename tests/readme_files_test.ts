import { assert, assertEquals } from "@std/assert";
import * as mod from "../mod.ts";
import { denoOutput } from "./_child.ts";
import { moduleDoc, rowsOf, sectionOf } from "./_snippets.ts";
import { test } from "./_test.ts";

const doc = moduleDoc("compat/fs/mod.ts");
const deno = twinsOf("Twins of Deno's file functions"), std = twinsOf("Twins of the functions of @std/fs");
const types = await typesOfDeno();

interface Row {
  theirs: string[];
  ours: string[];
  /** Why there is none, or what is different. */
  note: string;
}

/** What `Deno` has that reaches no file, or none that the program names. */
const others = `
  addSignalListener bench bundle connect connectQuic connectTls consoleSize createHttpClient cron dlopen execPath exit
  gid hostname inspect kill listen listenDatagram listenTls loadavg memoryUsage networkInterfaces osRelease osUptime
  refTimer removeSignalListener resolveDns serve spawn spawnAndWait spawnAndWaitSync startTls systemMemoryInfo uid
  unrefTimer upgradeWebSocket upgradeWebTransport`.trim().split(/\s+/);

/** What the modules of @std/fs 1 export. */
const exportsOfStd = `
  CRLF CopyOptions EOL ExistsOptions ExpandGlobOptions LF MoveOptions WalkEntry WalkOptions copy copySync detect emptyDir
  emptyDirSync ensureDir ensureDirSync ensureFile ensureFileSync ensureLink ensureLinkSync ensureSymlink
  ensureSymlinkSync exists existsSync expandGlob expandGlobSync format move moveSync unstable-* walk walkSync`
  .trim()
  .split(/\s+/);

function twinsOf(heading: string): Row[] {
  const codes = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
  return rowsOf(sectionOf(doc, heading)).map(([theirs = "", ours = "", note = ""]) => ({
    theirs: codes(theirs),
    ours: ours === "none" ? [] : codes(ours),
    note,
  }));
}

/** What `deno types` declares: the functions and constants of the namespace, and the members of `FsFile`. */
async function typesOfDeno(): Promise<{ functions: string[]; constants: string[]; members: string[] }> {
  const spaces = (await denoOutput("types")).matchAll(/^declare namespace Deno \{\n([^]*?)^\}/gm);
  const text = [...spaces].map((match) => match[1]).join("");
  const found = (text: string, pattern: RegExp) => [
    ...new Set([...text.matchAll(pattern)].map((match) => match[1]!)),
  ];
  const file = /^ {2}export class FsFile [^{]*\{\n([^]*?)^ {2}\}/m.exec(text)![1]!;
  return {
    functions: found(text, /^ {2}export (?:async )?function (\w+)/gm),
    constants: found(text, /^ {2}export (?:const|var|let) (\w+)/gm),
    members: found(file, /^ {4}(?:readonly )?(\w+)[(:]/gm).filter((name) => name !== "constructor"),
  };
}

test("compat/fs/mod.ts has a row for each function of Deno that reaches files", () => {
  const named = new Set(deno.flatMap(({ theirs }) => theirs));
  const wanted = types.functions.filter((name) => !others.includes(name)).map((name) => `Deno.${name}`);
  assert(wanted.length > 50, `only ${wanted.length} functions were found`);
  assertEquals(wanted.filter((name) => !named.has(name)), []);
});

test("compat/fs/mod.ts has a row for each member of Deno.FsFile", () => {
  const named = new Set(deno.flatMap(({ theirs }) => theirs));
  assert(types.members.length > 20, `only ${types.members.length} members were found`);
  assertEquals(types.members.map((name) => `Deno.FsFile.${name}`).filter((name) => !named.has(name)), []);
});

test("compat/fs/mod.ts names only members of Deno that exist", () => {
  const { functions, constants, members } = types;
  const all = [...functions, ...constants, ...members.map((name) => `FsFile.${name}`)];
  const known = new Set(all.map((name) => `Deno.${name}`));
  assertEquals(deno.flatMap(({ theirs }) => theirs).filter((name) => !known.has(name)), []);
});

test("compat/fs/mod.ts has a row for each export of @std/fs, and no others", () => {
  assertEquals(std.flatMap(({ theirs }) => theirs).sort(), exportsOfStd.toSorted());
});

test("compat/fs/mod.ts has no twin that mod.ts lacks", () => {
  const modText = Deno.readTextFileSync(new URL("../mod.ts", import.meta.url));
  const owners: Record<string, object> = { dir: mod.Dir.prototype, file: mod.FdFile.prototype };
  let checked = 0;
  for (const { ours, theirs } of [...deno, ...std]) {
    for (const name of ours) {
      const [owner, member] = name.split(".") as [string, string?];
      if (member !== undefined) assert(Object.hasOwn(owners, owner) && member in owners[owner]!, name);
      else assert(owner in mod || new RegExp(`^export type .*\\b${owner}\\b`, "m").test(modText), name);
      checked++;
    }
    // A method that has both forms there has both here.
    const forms = (names: string[]) => new Set(names.map((name) => name.endsWith("Sync")));
    if (ours.length > 0) assertEquals(forms(ours), forms(theirs), ours.join());
  }
  assert(checked > 90, `only ${checked} twins were found`);
});

test("compat/fs/mod.ts gives the reason for each row without a twin", () => {
  const without = [...deno, ...std].filter(({ ours }) => ours.length === 0);
  assert(without.length > 0);
  for (const { theirs, note } of without) assert(note.length > 20, theirs.join());
  for (const { theirs } of [...deno, ...std]) assert(theirs.length > 0);
});
