/** Drives the whole of @std/fs in a sandbox, over a directory that is the argument, and prints what came of it. */
import * as std from "@std/fs";
import { ambient } from "../../../compat/ambient/mod.ts";
import { presets, sandbox } from "../../../mod.ts";

const [base] = Deno.args as [string];
const rights = [
  ...presets.dir.readWrite,
  "SYMLINKAT",
  "LINKAT_SOURCE",
  "LINKAT_TARGET",
  "FCHMOD",
  "FUTIMES",
] as const;
sandbox({
  dirs: { base: { path: base, rights } },
  ambient: (mounts) => ambient(mounts, { cwd: base }),
});

const namesOf = (entries: Iterable<{ path: string }>) => [...entries].map(({ path }) => path).sort();
const found = {
  ensured: [
    await std.ensureDir("made/by/name"),
    std.ensureDirSync(`${base}/made/sync`),
    await std.ensureFile("made/file"),
    std.ensureFileSync("made/by/other"),
    await std.ensureLink("a/f", "links/hard"),
    std.ensureLinkSync("a/f", "links/sync"),
    await std.ensureSymlink("../a/f", "links/soft"),
    std.ensureSymlinkSync("../a/f", "links/softsync"),
  ].length,
  exists: [
    await std.exists("a/f"),
    std.existsSync("a/f", { isFile: true, isReadable: true }),
    await std.exists("missing"),
    std.existsSync("a", { isFile: true }),
  ],
  copied: [
    await std.copy("a", "copy", { preserveTimestamps: true }),
    std.copySync("a/f", "copy/f", { overwrite: true }),
    Deno.readTextFileSync("copy/sub/g"),
  ].at(-1),
  moved: [await std.move("copy", "moved"), std.moveSync("moved/f", "moved/h"), await std.exists("copy")].at(
    -1,
  ),
  walked: namesOf(await Array.fromAsync(std.walk("moved"))),
  walkedSync: namesOf(std.walkSync("links", { includeDirs: false, followSymlinks: true })),
  globbed: namesOf(await Array.fromAsync(std.expandGlob("**/f"))),
  globbedSync: namesOf(std.expandGlobSync("made/*", { root: base })),
  emptied: [await std.emptyDir("moved"), std.emptyDirSync("fresh"), namesOf(std.walkSync("moved"))].at(-1),
};
console.log(JSON.stringify(found).replaceAll(base, "BASE"));
Deno.exit();
