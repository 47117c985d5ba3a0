import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Dir, openDirSync } from "../../../mod.ts";
import { Fixture } from "../../_fixture.ts";
import { test } from "../../_test.ts";

/** A byte of a name as the library spells it: U+DC00 + byte if it is not UTF-8. */
const spelled = (byte: number) => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte);

const everyByte = Array.from({ length: 255 }, (_, i) => i + 1).filter((byte) => byte !== 0x2f);

/** Each byte alone, in the middle of text, and before and after a character of several bytes. */
const names = everyByte.flatMap((byte) => {
  const unit = spelled(byte);
  // "." alone is the directory itself.
  return [...(unit === "." ? [] : [unit]), `a${unit}b`, `ü${unit}€`, `${unit}${unit}x`];
});

function useNames(body: (dir: Dir, fixture: Fixture) => void): void {
  using fixture = new Fixture({ all: {} });
  using dir = openDirSync(fixture.at("all"));
  body(dir, fixture);
}

/** Creates a file with each name; its contents are the index of the name. */
function makeFiles(dir: Dir): void {
  for (const [i, name] of names.entries()) dir.writeTextFileSync(name, `${i}`, { createNew: true });
}

const sorted = (names: Iterable<string>) => [...names].sort();

test("Dir lists names with each byte as they were written", () =>
  useNames((dir) => {
    makeFiles(dir);
    assertEquals(sorted(dir.listSync()), sorted(names));
    assertEquals(sorted([...dir.readDirSync()].map(({ name }) => name)), sorted(names));
    const walked = [...dir.walkSync(".", { includeDirs: false })];
    assertEquals(sorted(walked.map(({ path }) => path)), sorted(names));
    assertEquals(sorted(walked.map(({ name }) => name)), sorted(names));
  }));

test("Dir lists names with each byte as they were written, asynchronously", async () => {
  using fixture = new Fixture();
  using dir = openDirSync(fixture.path);
  makeFiles(dir);
  assertEquals(sorted(await dir.list()), sorted(names));
  assertEquals(sorted((await Array.fromAsync(dir.readDir())).map(({ name }) => name)), sorted(names));
  const walked = await Array.fromAsync(dir.walk(".", { includeDirs: false }));
  assertEquals(sorted(walked.map(({ path }) => path)), sorted(names));
});

test("Dir writes each byte of a name to the disk unchanged", () =>
  useNames((dir, fixture) => {
    makeFiles(dir);
    // Deno's own API lists only UTF-8 names exactly. It lists other names with U+FFFD or, in Deno 2.7, not at all.
    for (const [i, name] of names.entries()) {
      if (name.isWellFormed()) assertEquals(fixture.read(`all/${name}`), `${i}`);
    }
    const listed = fixture.list("all"), lossy = new Set(listed);
    const reported = listed.length < names.length ? names.filter((name) => name.isWellFormed()) : names;
    for (const name of reported) assert(lossy.has(name.toWellFormed()), JSON.stringify(name));
    assertEquals(listed.length, reported.length);
  }));

test("Dir opens, reads, stats and finds each listed name", () =>
  useNames((dir) => {
    makeFiles(dir);
    for (const name of dir.listSync()) {
      const text = `${names.indexOf(name)}`;
      using file = dir.openSync(name);
      assertEquals(new TextDecoder().decode(file.readAllSync()), text);
      assertEquals(dir.readTextFileSync(name), text);
      assertEquals(dir.statSync(name).size, text.length);
      assertEquals(dir.lstatSync(`./${name}`).size, text.length);
      assertEquals(dir.existsSync(name), true);
      assertEquals(dir.realPathSync(name), name);
    }
  }));

test("Dir renames, links, changes and removes each listed name", () =>
  useNames((dir) => {
    makeFiles(dir);
    for (const name of dir.listSync()) {
      dir.renameSync(name, `${name}.old`);
      dir.linkSync(`${name}.old`, name);
      dir.chmodSync(name, 0o601);
      dir.truncateSync(name);
      dir.utimeSync(name, 1, 2);
      const { nlink, mode, mtime, size } = dir.statSync(`${name}.old`);
      assertEquals([nlink, mode! & 0o777, Number(mtime), size], [2, 0o601, 2000, 0]);
      dir.removeSync(`${name}.old`);
    }
    assertEquals(sorted(dir.listSync()), sorted(names));
    for (const name of dir.listSync()) dir.removeSync(name);
    assertEquals(dir.listSync(), []);
  }));

test("Dir copies each listed name", () =>
  useNames((dir) => {
    dir.mkdirSync("from");
    using from = dir.openDirSync("from");
    makeFiles(from);
    dir.copySync("from", "to");
    assertEquals(sorted(dir.listSync("to")), sorted(names));
    dir.mkdirSync("files");
    using files = dir.openDirSync("files");
    for (const [i, name] of names.entries()) {
      assertEquals(dir.readTextFileSync(`to/${name}`), `${i}`);
      from.copyFileSync(name, files, name);
      files.writeFileAtomicSync(name, `new ${i}`);
      assertEquals(files.readTextFileSync(name), `new ${i}`);
    }
    assertEquals(sorted(files.listSync()), sorted(names));
  }));

test("Dir opens files below directories with each name", () =>
  useNames((dir) => {
    for (const name of names) dir.mkdirSync(`${name}/${name}`, { recursive: true });
    for (const name of names) {
      dir.writeTextFileSync(`${name}/${name}/file`, name.toWellFormed());
      assertEquals(dir.listSync(name), [name]);
      using below = dir.openDirSync(`${name}/../${name}/${name}`);
      assertEquals(below.readTextFileSync("file"), name.toWellFormed());
      assertEquals(dir.realPathSync(`${name}/./${name}/file`), `${name}/${name}/file`);
    }
    const files = [...dir.walkSync(".", { includeDirs: false })].map(({ path }) => path);
    assertEquals(sorted(files), sorted(names.map((name) => `${name}/${name}/file`)));
    for (const name of names.slice(0, 100)) dir.emptyDirSync(name);
    dir.removeSync(names[0]!);
    for (const name of names.slice(1)) dir.removeSync(name, { recursive: true });
    assertEquals(dir.listSync(), []);
  }));

test("Dir keeps each byte in the target of a symlink, and follows it", () =>
  useNames((dir) => {
    dir.mkdirSync("files");
    using files = dir.openDirSync("files");
    makeFiles(files);
    for (const [i, name] of names.entries()) {
      dir.symlinkSync(`files/${name}`, `link${i}`);
      assertEquals(dir.readLinkSync(`link${i}`), `files/${name}`);
      assertEquals(dir.readTextFileSync(`link${i}`), `${i}`);
      assertEquals(dir.realPathSync(`link${i}`), `files/${name}`);
      dir.copySync(`link${i}`, `copy${i}`);
      assertEquals(dir.readLinkSync(`copy${i}`), `files/${name}`);
    }
  }));

test("Dir.makeTempFileSync() returns each byte of its prefix and suffix", () =>
  useNames((dir) => {
    for (const byte of everyByte) {
      const path = dir.makeTempFileSync({ prefix: `p${spelled(byte)}`, suffix: spelled(byte) });
      assert(path.startsWith(`p${spelled(byte)}`) && path.endsWith(spelled(byte)));
      dir.removeSync(path);
    }
  }));

test("Dir accepts valid UTF-8 only as text, and refuses surrogates that do not stand for a byte", () =>
  useNames((dir) => {
    dir.writeTextFileSync("ü", "");
    // The same bytes in the spelling for bytes: a second string for the same name.
    assertEquals(dir.existsSync("\udcc3\udcbc"), true);
    assertEquals(dir.listSync(), ["ü"]);
    for (const unit of ["\ud800", "\udbff", "\udc00", "\udc7f", "\udd00", "\udfff"]) {
      assertThrows(() => dir.statSync(`a${unit}`), TypeError, "lone surrogate");
      assertThrows(() => dir.statSync(`sub/${unit}/a`), TypeError, "lone surrogate");
    }
    assertThrows(() => dir.symlinkSync("\udc00", "link"), TypeError, "lone surrogate");
  }));
