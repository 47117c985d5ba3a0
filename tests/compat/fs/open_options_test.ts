import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Dir, libc, openAtSync, openDirSync, type OpenOptions, openSync } from "../../../mod.ts";
import { openFlags } from "../../../compat/fs/open.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";
import { failureOf } from "./_failure.ts";

const switches = ["read", "write", "append", "truncate", "create", "createNew"] as const;

/** Every combination of switches that selects reading or writing. */
const choices: OpenOptions[] = Array.from({ length: 3 ** switches.length }, (_, number) => {
  const options: OpenOptions = {};
  for (const name of switches) {
    const state = number % 3;
    number = (number - state) / 3;
    if (state > 0) options[name] = state === 1;
  }
  return options;
}).filter(({ read, write, append }) => read !== undefined || write || append);

interface File {
  readSync(p: Uint8Array): number | null;
  writeSync(p: Uint8Array): number;
  seekSync(offset: number, whence: Deno.SeekMode): number;
  close(): void;
}

/** Returns the results of opening "file", which may be missing, writing one byte at its start and reading one. */
function outcome(fixture: Fixture, content: string | undefined, open: () => File): unknown[] {
  if (content === undefined) fixture.exists("file") && fixture.remove("file");
  else fixture.write("file", content);
  let file: File;
  try {
    file = open();
  } catch (error) {
    // Deno sometimes throws a plain Error for options that contradict each other.
    const { constructor } = error as Error;
    return [constructor === Error ? "TypeError" : constructor.name, fixture.exists("file")];
  }
  const opened = fixture.read("file");
  const byte = new TextEncoder().encode("W");
  const wrote = attempt(() => file.writeSync(byte));
  const at = file.seekSync(0, Deno.SeekMode.Current);
  file.seekSync(0, Deno.SeekMode.Start);
  const read = attempt(() => file.readSync(byte));
  file.close();
  return [opened, wrote, at, read, byte, fixture.read("file")];
}

function attempt(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    assert((error as { code?: string }).code === "EBADF", String(error));
    return "EBADF";
  }
}

for (const content of [undefined, "text"]) {
  const what = content === undefined ? "a new file" : "a file that exists";
  test(`openSync() and openAtSync() open ${what} as Deno.openSync() does, for all combinations of switches`, () => {
    using fixture = new Fixture();
    using dir = openDirSync(fixture.path);
    const path = fixture.at("file");
    let opened = 0;
    for (const options of choices) {
      const expected = outcome(fixture, content, () => Deno.openSync(path, options));
      assertEquals(outcome(fixture, content, () => openSync(path, options)), expected, Deno.inspect(options));
      assertEquals(outcome(fixture, content, () => openAtSync(dir, "file", options)), expected);
      opened += Number(expected.length > 2);
    }
    assert(opened > 20 && opened < choices.length);
  });
}

test("openFlags() reads by default", () => {
  const reading = libc.O_RDONLY | libc.O_CLOEXEC;
  for (const options of [{}, { mode: 0o600 }, { read: true }, { write: false, append: false }]) {
    assertEquals(openFlags(options), reading);
  }
  assertEquals(openFlags({ write: true }), libc.O_WRONLY | libc.O_CLOEXEC);
  assertEquals(openFlags({ read: true, append: true }), libc.O_RDWR | libc.O_APPEND | libc.O_CLOEXEC);
});

test("openFlags() adds the flag of each option", () => {
  const flags: [OpenOptions, number][] = [
    [{ noFollow: true }, libc.O_NOFOLLOW],
    [{ sync: true }, libc.O_SYNC],
    [{ directory: true }, libc.O_DIRECTORY],
    [{ customFlags: libc.O_NONBLOCK | libc.O_DIRECT }, libc.O_NONBLOCK | libc.O_DIRECT],
    [{ read: false, customFlags: libc.O_EXEC }, libc.O_EXEC],
  ];
  for (const [options, added] of flags) assertEquals(openFlags(options), added | libc.O_CLOEXEC);
  const off = { noFollow: false, exclusive: false, sync: false, directory: false, customFlags: 0 };
  assertEquals(openFlags(off), libc.O_RDONLY | libc.O_CLOEXEC);
  assertEquals(openFlags({ write: true, exclusive: true }), openFlags({ write: true, createNew: true }));
});

test("openFlags() throws TypeError for options that contradict each other, and accepts each of them alone", () => {
  const bad: [OpenOptions, RegExp, OpenOptions][] = [
    [{ read: false }, /read, write and append/, { read: true }],
    [{ create: true }, /create.* need write or append/, { create: true, append: true }],
    [{ exclusive: true }, /exclusive need write or append/, { exclusive: true, write: true }],
    [{ truncate: true }, /truncate needs write/, { truncate: true, write: true }],
    [{ truncate: true, append: true }, /truncate needs write/, { append: true }],
    [{ write: true, truncate: true, append: true }, /exclude each other/, { write: true, append: true }],
  ];
  for (const [options, message, permitted] of bad) {
    const error = assertThrows(() => openFlags(options), TypeError);
    assert(message.test(error.message), error.message);
    assert(openFlags(permitted) & libc.O_CLOEXEC);
  }
});

/** Functions that open by path and by directory. */
const ways: [string, (dir: Dir, fixture: Fixture, name: string, options: OpenOptions) => number][] = [
  ["openSync()", (_, fixture, name, options) => openSync(fixture.at(name), options).take()],
  ["openAtSync()", (dir, _, name, options) => openAtSync(dir, name, options).take()],
];

for (const [name, open] of ways) {
  test(`${name} creates with the given mode, or with 0666, less the umask`, () => {
    using fixture = new Fixture();
    using dir = openDirSync(fixture.path);
    const umask = Deno.umask();
    for (const [file, mode] of [["a", 0o640], ["b", 0o777], ["c", 0], ["d", undefined]] as const) {
      libc.close(
        open(dir, fixture, file, { write: true, createNew: true, ...(mode === undefined ? {} : { mode }) }),
      );
      assertEquals(fixture.stat(file).mode! & 0o7777, (mode ?? 0o666) & ~umask);
    }
    for (const mode of [-1, 1.5, 2 ** 32]) {
      assertThrows(
        () => open(dir, fixture, "e", { write: true, create: true, mode }),
        RangeError,
        `not ${mode}`,
      );
    }
    assertEquals(fixture.exists("e"), false);
  });

  test(`${name} with noFollow refuses a symlink only as the final component`, () => {
    using fixture = new Fixture({
      file: "",
      link: { link: "file" },
      sub: { file: "" },
      way: { link: "sub" },
    });
    using dir = openDirSync(fixture.path);
    const failure = failureOf(() => open(dir, fixture, "link", { noFollow: true }));
    const refusal = kernel.hasCapsicum ? ["EMLINK", 31] : ["ELOOP", 62];
    assertEquals([failure.class, failure.code, failure.errno], ["FilesystemLoop", ...refusal]);
    libc.close(open(dir, fixture, "link", { noFollow: false }));
    libc.close(open(dir, fixture, "file", { noFollow: true }));
    libc.close(open(dir, fixture, "way/file", { noFollow: true }));
  });

  test(`${name} with exclusive refuses an existing name and creates a new one`, () => {
    using fixture = new Fixture({ file: "text" });
    using dir = openDirSync(fixture.path);
    const failure = failureOf(() => open(dir, fixture, "file", { write: true, exclusive: true }));
    assertEquals([failure.class, failure.code, failure.errno], ["AlreadyExists", "EEXIST", 17]);
    libc.close(open(dir, fixture, "new", { write: true, exclusive: true }));
    assertEquals([fixture.read("file"), fixture.read("new")], ["text", ""]);
  });

  test(`${name} with directory refuses a file and opens a directory`, () => {
    using fixture = new Fixture({ file: "", sub: {} });
    using dir = openDirSync(fixture.path);
    const failure = failureOf(() => open(dir, fixture, "file", { directory: true }));
    assertEquals([failure.class, failure.code, failure.errno], ["NotADirectory", "ENOTDIR", 20]);
    libc.close(open(dir, fixture, "sub", { directory: true }));
    libc.close(open(dir, fixture, "file", {}));
  });

  test(`${name} passes sync and customFlags on to the kernel`, () => {
    using fixture = new Fixture({ file: "" });
    using dir = openDirSync(fixture.path);
    const status = (options: OpenOptions) => {
      const fd = open(dir, fixture, "file", options);
      const flags = libc.fcntl(fd, libc.F_GETFL);
      libc.close(fd);
      return flags & (libc.O_SYNC | libc.O_NONBLOCK | libc.O_APPEND);
    };
    assertEquals(status({ write: true }), 0);
    assertEquals(status({ write: true, sync: true }), libc.O_SYNC);
    assertEquals(status({ customFlags: libc.O_NONBLOCK }), libc.O_NONBLOCK);
    assertEquals(status({ write: true, customFlags: libc.O_APPEND }), libc.O_APPEND);
  });
}
