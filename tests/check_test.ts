import { assert, assertEquals } from "@std/assert";
import { runModule } from "./_child.ts";
import { Fixture, type Tree } from "./_fixture.ts";
import { type Mutant, mutated } from "./mutants/mutant.ts";
import { test } from "./_test.ts";

const root = new URL("../", import.meta.url);

/** The sources of a folder. */
function sourcesIn(folder: string): Tree {
  const url = new URL(`${folder}/`, root);
  return Object.fromEntries(
    [...Deno.readDirSync(url)].filter(({ name, isDirectory }) => isDirectory || name.endsWith(".ts")).map((
      { name, isDirectory },
    ) => [name, isDirectory ? sourcesIn(`${folder}/${name}`) : Deno.readTextFileSync(new URL(name, url))]),
  );
}

/** Calls that stay in a directory, or are refused. */
const program = `import { openDirSync, sandbox } from "./mod.ts";
  const [base, where] = Deno.args, plan = { dirs: { inside: { path: base + "/inside", rights: "readWrite" } } };
  const dir = where === "sandbox"
    ? sandbox({ ...plan, enforce: "if-supported" }).dirs.inside
    : openDirSync(base + "/inside");
  for (
    const call of [
      () => dir.readTextFileSync("file"),
      () => dir.readTextFileSync("sub/deep/../file"),
      () => dir.readTextFileSync("link"),
      () => dir.readTextFileSync("../secret"),
      () => dir.readTextFileSync("escape"),
      () => dir.statSync("../secret"),
      () => dir.chmodSync("file", 0o600),
      () => dir.mkdirSync("../made"),
      () => dir.mkdirSync("made"),
      () => dir.renameSync("made", "sub/made"),
      () => dir.copySync("sub", "copy"),
      () => [...dir.walkSync(".", { followSymlinks: true })],
      () => dir.removeSync("copy", { recursive: true }),
    ]
  ) {
    try {
      call();
    } catch (error) {
      if (!["ENOTCAPABLE", "EACCES", "EPERM"].includes(error.code)) throw error;
    }
  }
  console.log("done");`;

/** A preload script in the place of a kernel that ignores RESOLVE_BENEATH. */
const lax = `const { dlopen } = Deno;
  Object.defineProperty(Deno, "dlopen", {
    value: (path, wanted) => {
      const { symbols, close } = dlopen(path, wanted), { openat2 } = symbols;
      const follow = (number, fd, path, how, size) => {
        const without = how.slice();
        without[4] = 0;
        return openat2(number, fd, path, without, size);
      };
      return { symbols: openat2 ? { ...symbols, openat2: follow } : symbols, close };
    },
    configurable: true,
    enumerable: true,
    writable: true,
  });`;

type Break = Omit<Mutant, "what" | "concerns">;

/** Faults of the library, each with the violation that the program then has. */
const breaks: Record<string, [violation: RegExp, fault: Break]> = {
  'a path with ".." passed to the kernel': [/^mkdirat gets the path "\.\.\/made"$/, {
    file: "compat/fs/path/components.ts",
    search: 'return path !== ".." && !path.includes("/");',
    replace: "return true;",
  }],
  "RESOLVE_BENEATH left out": [/^openat2 (may follow "file"|gets the path "sub\/deep\/\.\.\/file")$/, {
    file: "ffi/linux/beneath.ts",
    search: "linux.RESOLVE_BENEATH | linux.RESOLVE_NO_MAGICLINKS",
    replace: "linux.RESOLVE_NO_MAGICLINKS",
  }],
  "O_NOFOLLOW left out": [/^openat may follow "\w+"$/, {
    file: "compat/fs/tree/list.ts",
    search: "name, flags | libc.O_NOFOLLOW",
    replace: "name, flags",
  }],
  "AT_SYMLINK_NOFOLLOW left out": [/^statx may follow "\w+"$/, {
    file: "compat/fs/descriptor.ts",
    search: "flags: number = libc.AT_SYMLINK_NOFOLLOW",
    replace: "flags = 0",
  }],
  "the working directory in the place of the directory": [
    /^fchmodat gets the path "file", from no directory$/,
    {
      file: "ffi/linux/beneath.ts",
      search: "return atObject(fd, name, use);",
      replace: "return use(AT_FDCWD, name, follows);",
    },
  ],
  "a function that the check does not know": [/^mkdir is bound, which the check does not know$/, {
    file: "ffi/linux/glibc.ts",
    search: "mkdirat: { parameters: [int, string, unsigned]",
    replace: 'mkdirat: { name: "mkdir", parameters: [string, unsigned, int]',
  }],
};

/** The same where the library walks paths. */
const breaksOfWalk: typeof breaks = {
  "O_NOFOLLOW of a step left out": [/^openat may follow "sub"$/, {
    file: "compat/fs/path/components.ts",
    search: "DIRECTORY | libc.O_NOFOLLOW",
    replace: "DIRECTORY",
  }],
  '".." as the kernel finds it': [/^openat gets the path "\.\."$/, {
    file: "compat/fs/path/components.ts",
    search: 'if (name === "..") {',
    replace: "if (false) {",
  }],
};

const check = "tests/_check.ts", withoutOpenat2 = "tests/_no_openat2.ts";

/** A copy of the library and the check, and a program for it. */
class Copy extends Fixture {
  constructor() {
    const tests = ["_check.ts", "_no_openat2.ts", "_seccomp.ts"];
    super({
      ...Object.fromEntries(["ffi", "rights", "compat"].map((folder) => [folder, sourcesIn(folder)])),
      "mod.ts": Deno.readTextFileSync(new URL("mod.ts", root)),
      tests: Object.fromEntries(
        tests.map((name) => [name, Deno.readTextFileSync(new URL(name, import.meta.url))]),
      ),
      "program.js": program,
      "lax.js": lax,
      log: "",
    });
  }

  /** Runs the program, and returns its code, output and violation. */
  async run(preloads: string[], where = "no sandbox"): Promise<[number, string, string | undefined]> {
    const tree: Tree = { file: "", link: { link: "sub/file" }, escape: { link: "../secret" } };
    using place = new Fixture({ inside: { ...tree, sub: { file: "", deep: {} } }, secret: "CANARY" });
    this.write("log", "");
    const { code, stdout, stderr } = await runModule(this.at("program.js"), {
      kernel: false,
      flags: preloads.map((path) => `--preload=file://${this.at(path)}?log=${this.at("log")}`),
      args: [place.path, where],
      env: { CAPSICUM_TEST_OPENAT2: "1" },
    });
    // A violation is the last output, and logged.
    assertEquals(stderr, this.read("log"));
    return [code, stdout, /^CAPSICUM_CHECK: (.*)$/m.exec(stderr)?.[1]];
  }

  /** Fails unless the program finishes, and has the violation of each fault. */
  async expect(preloads: string[], faults: typeof breaks): Promise<void> {
    assertEquals(await this.run(preloads), [0, "done\n", undefined]);
    for (const [what, [violation, fault]] of Object.entries(faults)) {
      const source = this.read(fault.file);
      this.write(fault.file, mutated(source, { ...fault, what, concerns: [] }));
      const [code, stdout, found = "nothing"] = await this.run(preloads);
      assert(violation.test(found), `${what}: ${found}`);
      assertEquals([code, stdout], [86, ""], what);
      this.write(fault.file, source);
    }
  }
}

test("the self-check ends a process whose library breaks a rule, and lets any other finish", async () => {
  using copy = new Copy();
  await copy.expect([check], breaks);
});

test("the self-check ends a process whose library follows a step of a path that it walks", async () => {
  using copy = new Copy();
  await copy.expect([check, withoutOpenat2], breaksOfWalk);
}, { skip: Deno.build.arch !== "x86_64" && "needs Linux on x86_64, whose openat2(2) can be forbidden" });

for (const where of ["no sandbox", "sandbox"]) {
  test(
    `the self-check finds a descriptor from outside the directory by /proc, in ${
      where === "sandbox" ? "a" : "no"
    } sandbox`,
    async () => {
      using copy = new Copy();
      assertEquals(await copy.run([check], where), [0, "done\n", undefined]);
      assertEquals(await copy.run(["lax.js"], where), [0, "done\n", undefined]);
      const [code, stdout, found = "nothing"] = await copy.run(["lax.js", check], where);
      assert(/^openat2 of "\.\.\/secret" leads from \/.*\/inside to \/.*\/secret$/.test(found), found);
      assertEquals([code, stdout], [86, ""]);
    },
    {
      skip: where === "sandbox" && Deno.version.deno.startsWith("2.7.") &&
        "needs Deno 2.9: in a sandbox 2.7 panics when it is asked for a stack",
    },
  );
}
