import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Plan } from "../../../mod.ts";
import { inChild, libcPath } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";

const skip = kernel.hasCapsicum && "needs Linux itself, natively";
const it = (name: string, body: () => void | Promise<void>) => test(name, body, { skip });
const preload = (name: string) => `--preload=${new URL(`../../${name}`, import.meta.url).href}`;
const tree = { data: { one: "1" }, other: { two: "2" } };

it("a dry run lists the calls of a plan with directories, also if these are already open", async () => {
  using fixture = new Fixture(tree);
  const found = await inChild(({ openDirSync, sandbox }, path) => {
    using dir = openDirSync(path);
    const verdictOf = (fd: number | undefined) => {
      const fds = fd === undefined ? {} : { data: { fd, rights: ["READ", "LOOKUP"] as const } };
      const { mechanism, calls } = sandbox({ fds, dryRun: true });
      return [mechanism, calls!.find(({ name }) => name === "openat")!.verdict];
    };
    return [verdictOf(dir.fd), verdictOf(undefined)];
  }, fixture.at("data"));
  assertEquals(found, [["seccomp+landlock", "if"], ["seccomp", "refuse"]]);
});

it("box.mechanism names what enforces the plan, and sandboxed() is true in a Worker and for a second copy", async () => {
  using fixture = new Fixture(tree);
  const library = new URL("../../../mod.ts", import.meta.url).href;
  for (const [hasDirs, mechanism] of [[true, "seccomp+landlock"], [false, "seccomp"]] as const) {
    const result = await inChild(
      async ({ sandbox, sandboxed, isSupported }, { base, library, hasDirs }) => {
        const copy: { sandboxed(): boolean } = await import(`${library}?copy`);
        const before = [sandboxed(), copy.sandboxed()];
        const source = `import { sandboxed } from ${JSON.stringify(library)};
          onmessage = () => postMessage(sandboxed()); postMessage(sandboxed());`;
        const url = `data:text/javascript,${encodeURIComponent(source)}`;
        const worker = new Worker(url, { type: "module" });
        const next = () => new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
        const inWorker = [await next()];
        const box = sandbox({
          ...(hasDirs ? { dirs: { data: { path: `${base}/data` } } } : {}),
          permissions: { revoke: [] },
        });
        worker.postMessage(0);
        inWorker.push(await next());
        worker.terminate();
        return [box.mechanism, before, inWorker, [sandboxed(), copy.sandboxed(), isSupported()]];
      },
      { base: fixture.path, library, hasDirs },
    );
    assertEquals(result as unknown, [mechanism, [false, false], [false, true], [true, true, false]]);
  }
});

it("sandboxed() is false under another filter of seccomp", async () => {
  const answer = await inChild(({ sandboxed }) => sandboxed(), undefined, {
    flags: [preload("_no_seccomp.ts")],
  });
  assertEquals(answer, false);
});

it("a thread that has another filter is an error, and the process is not sandboxed", async () => {
  const result = await inChild(async ({ sandbox, sandboxed, caught }, seccomp) => {
    const source = `import { ALLOW, glibc, install, RETURN } from ${JSON.stringify(seccomp)};
      install([[RETURN, 0, 0, ALLOW]], glibc, "this thread"); postMessage(0);`;
    const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, { type: "module" });
    await new Promise((resolve) => worker.onmessage = resolve);
    const error = caught(() => sandbox({}));
    worker.terminate();
    return [error?.class, error?.code, sandboxed()];
  }, new URL("../../_seccomp.ts", import.meta.url).href);
  assertEquals(result as unknown, ["SandboxError", "EBUSY", false]);
});

it("enforce throws NotSupported and names seccomp where it is refused, and opens without it if allowed", async () => {
  using fixture = new Fixture(tree);
  const [error, box] = await inChild(
    ({ sandbox, sandboxed, caught }, base) => {
      const plan = { dirs: { data: { path: `${base}/data` } } };
      const error = caught(() => sandbox(plan));
      const { dirs, sandboxed: isSandboxed, mechanism } = sandbox({ ...plan, enforce: "if-supported" });
      const { state } = Deno.permissions.querySync({ name: "ffi" });
      return [error, [dirs.data.listSync(), isSandboxed, mechanism, sandboxed(), state]];
    },
    fixture.path,
    { flags: [preload("_no_seccomp.ts")] },
  );
  assertEquals((error as { class: string }).class, "NotSupported");
  assertStringIncludes((error as { message: string }).message, "seccomp(2)");
  assertEquals(box as unknown, [["one"], false, "none", false, "granted"]);
});

it("a plan with directories needs Landlock, and one without works without it", async () => {
  const result = await inChild(
    ({ sandbox, sandboxed, caught }) => {
      const refused = caught(() => sandbox({ dirs: { etc: { path: "/etc" } } }));
      const none = sandbox({ dirs: { etc: { path: "/etc" } }, enforce: "if-supported" });
      const before = [refused?.class, none.sandboxed, none.mechanism, sandboxed()];
      return { before, message: refused?.message ?? "", after: [sandbox({}).mechanism, sandboxed()] };
    },
    undefined,
    { flags: [preload("_no_seccomp.ts")], env: { CAPSICUM_TEST_MISSING: "landlock" } },
  );
  assertStringIncludes(result.message, "lacks Landlock");
  assertEquals(result.before as unknown, ["NotSupported", false, "none", false]);
  assertEquals(result.after as unknown, ["seccomp", true]);
});

it("copies and atomic writes without the rights to rename are done in place or refused, and leave no new file", async () => {
  using fixture = new Fixture({
    create: { from: "new", to: "old", sub: { to: "old" } },
    all: { from: "new", to: "old", sub: { to: "old" } },
  });
  const result = await inChild(
    ({ sandbox, caught, presets }, base) => {
      const { dirs } = sandbox({
        dirs: {
          create: { path: `${base}/create`, rights: [...presets.dir.read, ...presets.dir.create] },
          all: { path: `${base}/all`, rights: "readWrite" },
        },
        stdio: true,
      });
      return [dirs.create, dirs.all].map((dir) => {
        using sub = dir.openDirSync("sub");
        dir.copyFileSync("from", "to");
        dir.copyFileSync("from", "copy");
        dir.copySync("sub", "tree");
        dir.copyFileSync("from", sub, "copy");
        const errors = [dir, sub].map((one) => {
          const { class: name, code, message } = caught(() => one.writeFileAtomicSync("to", "atomic")) ?? {};
          return [name, code, message?.replace(/^.*: /, "")];
        });
        return { errors, texts: ["to", "sub/to"].map((path) => dir.readTextFileSync(path)) };
      });
    },
    fixture.path,
  );
  const refused = [
    "PermissionDenied",
    "EACCES",
    "the plan must also grant RENAMEAT_SOURCE, RENAMEAT_TARGET, UNLINKAT (EACCES).",
  ];
  const none = [null, null, null];
  assertEquals(result as unknown, [
    { errors: [refused, refused], texts: ["new", "old"] },
    { errors: [none, none], texts: ["atomic", "atomic"] },
  ]);
  for (const dir of ["create", "all"]) {
    assertEquals(fixture.list(dir).sort(), ["copy", "from", "sub", "to", "tree"]);
    assertEquals(fixture.list(`${dir}/sub`).sort(), ["copy", "to"]);
  }
});

it("a dry run warns of entries that sandbox() refuses or does not limit, and leaves nothing open", async () => {
  using fixture = new Fixture({ a: { in: {}, other: "" }, link: { link: "a/in" }, b: {} });
  const results = await inChild(
    ({ sandbox, SandboxError, openSync, openDescriptors }, base) => {
      const file = openSync(`${base}/a/other`), wide = { path: `${base}/a`, rights: "readWrite" } as const;
      const plans: Plan[] = [
        { dirs: { wide, inner: { path: `${base}/link` } }, limitOthers: true },
        { fds: { file: { fd: file, rights: ["READ"] } }, limitOthers: true },
        { dirs: { wide, same: { path: `${base}/a/in`, rights: "readWrite" }, b: { path: `${base}/b` } } },
        {
          files: { log: { path: `${base}/a/other` } },
          fds: { file: { fd: file, rights: [], unlimited: "allow" } },
        },
      ];
      return plans.map((plan) => {
        const before = openDescriptors().length;
        const warnings = (["required", "if-supported"] as const).map((enforce) =>
          sandbox({ ...plan, enforce, dryRun: true }).steps.flatMap(({ entry, step, warning }) =>
            warning === undefined ? [] : [`${entry ?? step}: ${warning}`]
          )
        );
        const left = openDescriptors().length - before;
        // Only plans that fail: the others would sandbox this process.
        if (!plan.limitOthers) return [left, ...warnings];
        try {
          sandbox(plan);
        } catch (error) {
          if (!(error instanceof SandboxError)) throw error;
          return [
            left,
            ...warnings,
            `${error.entry}: sandbox() throws here: ${(error.cause as Error).message}`,
          ];
        }
        throw new Error("it worked");
      });
    },
    fixture.path,
  );
  const [nested, unlimitable, ...permitted] = results as [number, string[], string[], string?][];
  for (const [left, required, supported, thrown] of [nested!, unlimitable!]) {
    assertEquals([left, required], [0, [thrown!]]);
    assertEquals(supported, [thrown!.replace("sandbox() throws here", "Linux does not limit it")]);
  }
  assertStringIncludes(nested![1][0]!, "dirs.inner: sandbox() throws here: it is in dirs.wide or");
  const open = "enter: Without limitOthers, other open descriptors keep their rights.";
  const file = "files.log: Linux limits a file only by the options that open it, not by rights.";
  const lenient = [file, "fds.file: Linux does not limit it.", open];
  assertEquals(permitted, [[0, [open], [open]], [0, lenient, lenient]]);
});

it("a dry run warns of what the system lacks", async () => {
  const steps = await inChild(
    ({ sandbox }) =>
      (["required", "if-supported"] as const).map((enforce) =>
        sandbox({ dirs: { etc: { path: "/etc" } }, limitOthers: true, enforce, dryRun: true }).steps
          .flatMap(({ warning = [] }) => warning)
      ),
    undefined,
    { flags: [preload("_no_seccomp.ts")], env: { CAPSICUM_TEST_MISSING: "landlock" } },
  );
  const lack = "This system lacks Landlock, which this kernel does not have or does not enable";
  assertEquals(steps, [[`${lack}: sandbox() throws.`], [`${lack}: sandbox() only opens.`]]);
});

it("a directory keeps what its rights say, and others can't be reached by any path", async () => {
  using fixture = new Fixture({ ...tree, out: {}, link: { link: "other/two" } });
  const result = await inChild(
    async ({ sandbox, caught, libc, openDirSync, isCapModeViolation, isNotCapable }, base) => {
      using before = openDirSync(`${base}/other`);
      const open = () =>
        Array.from({ length: 100 }, (_, fd) => caught(() => libc.fcntl(fd, libc.F_GETFD))).filter((error) =>
          error === undefined
        ).length;
      const opened = open();
      const { dirs: { data, out } } = sandbox({
        dirs: {
          data: { path: `${base}/data`, rights: "read" },
          out: { path: `${base}/out`, rights: "create" },
        },
      });
      const more = open() - opened;
      out.writeTextFileSync("new", data.readTextFileSync("one"));
      await out.writeTextFile("newer", await data.readTextFile("one"));
      const test = (call: () => unknown) => caught(call)?.code;
      const flags = (call: () => unknown) => {
        try {
          call();
          return [];
        } catch (error) {
          return [isCapModeViolation(error), isNotCapable(error)];
        }
      };
      return [
        more,
        test(() => data.writeTextFileSync("one", "2")),
        test(() => data.removeSync("one")),
        test(() => data.mkdirSync("sub")),
        test(() => out.readTextFileSync("new")),
        test(() => out.removeSync("new")),
        test(() => before.readTextFileSync("two")),
        test(() => libc.openat(data, `${base}/other/two`, libc.O_RDONLY)),
        test(() => libc.fstatat(data, `${base}/other/two`, new Uint8Array(256), 0)),
        test(() => libc.readlinkat(data, `${base}/link`, new Uint8Array(99))),
        test(() => libc.fchmodat(data, `${base}/other/two`, 0o777, 0)),
        test(() => libc.openat(data, `${base}/other/two`, libc.O_PATH)),
        flags(() => openDirSync("/etc")),
        flags(() => data.readTextFileSync("../other/two")),
      ];
    },
    fixture.path,
    { permissions: [`--allow-ffi=${libcPath}`] },
  );
  const escape = ["ENOTCAPABLE", "ENOTCAPABLE", "ENOTCAPABLE", "ENOTCAPABLE", "ENOTCAPABLE"];
  assertEquals(result as unknown, [
    2,
    ...["EACCES", "EACCES", "EACCES", "EACCES", "EACCES", "EACCES"],
    ...escape,
    ...[[true, false], [false, true]],
  ]);
  assertEquals(fixture.list("out"), ["new", "newer"]);
});

it("an error in a sandbox names the rights that the plan must have, and none outside of a sandbox", async () => {
  using fixture = new Fixture({ in: { one: "1", sub: {} }, out: {}, locked: { file: "" } });
  const [before, result] = await inChild(
    ({ sandbox, caught, libc, openDirSync }, base) => {
      const adviceOf = (call: () => unknown) => {
        const { message = "", code = "" } = caught(call) ?? {};
        return [code, message.length <= 300 && message.split(/ \([A-Z]+\)\. ?/)[1]];
      };
      using outside = openDirSync(base);
      // A hard link to a directory is EPERM everywhere, and one to another file system EXDEV.
      const unconfined = [
        adviceOf(() => outside.linkSync("in", "other")),
        adviceOf(() => libc.linkat(outside, "in/one", openDirSync("/dev"), "other", 0)),
      ];
      const { dirs: { in: dir, out, locked } } = sandbox({
        dirs: {
          in: { path: `${base}/in`, rights: ["LOOKUP", "READ", "FSTAT", "LINKAT_SOURCE"] },
          out: { path: `${base}/out`, rights: "create" },
          locked: { path: `${base}/locked`, rights: ["LOOKUP", "FCHMOD"] },
        },
        stdio: true,
      });
      const long = "n".repeat(250);
      out.writeTextFileSync("new", "2");
      const confined = {
        write: adviceOf(() => dir.writeTextFileSync("one", "2")),
        append: adviceOf(() => dir.openSync("one", { append: true })),
        read: adviceOf(() => out.readTextFileSync("new")),
        list: adviceOf(() => out.listSync()),
        mkdir: adviceOf(() => dir.mkdirSync("new")),
        remove: adviceOf(() => dir.removeSync("one")),
        rename: adviceOf(() => dir.renameSync("one", out, long)),
        link: adviceOf(() => dir.linkSync("one", out, "two")),
        chmod: adviceOf(() => locked.chmodSync("file", 0o777)),
        chown: adviceOf(() => libc.fchown(libc.openat(dir, "one", libc.O_RDONLY), 1, 1)),
        close: adviceOf(() => libc.close(1)),
      };
      return [unconfined, confined] as const;
    },
    fixture.path,
  );
  assertEquals(before as unknown, [["EPERM", ""], ["EXDEV", ""]]);
  const needs = (...rights: string[]) =>
    `If the sandbox is the reason, the plan must grant ${rights.join(", ")}.`;
  assertEquals(result as unknown, {
    write: ["EACCES", needs("WRITE", "CREATE", "FTRUNCATE")],
    append: ["EACCES", needs("WRITE")],
    read: ["EACCES", needs("READ")],
    list: ["EACCES", needs("READ")],
    mkdir: ["EACCES", needs("MKDIRAT")],
    remove: ["EACCES", needs("UNLINKAT")],
    rename: ["EACCES", needs("RENAMEAT_SOURCE", "RENAMEAT_TARGET")],
    link: ["EXDEV", needs("LINKAT_SOURCE", "LINKAT_TARGET")],
    chmod: ["EACCES", needs("READ", "FCHMOD")],
    chown: ["EPERM", needs("FCHOWN")],
    close: ["EPERM", "The sandbox may not permit this call."],
  });
});

it("a descriptor that Linux can't limit is an error that names its entry, unless it is allowed", async () => {
  using fixture = new Fixture(tree);
  const result = await inChild(
    ({ sandbox, sandboxed, openSync, SandboxError }, base) => {
      using file = openSync(`${base}/data/one`);
      const fds = { one: { fd: file, rights: ["READ"] as const } };
      let failed: unknown;
      try {
        sandbox({ fds });
      } catch (error) {
        if (!(error instanceof SandboxError)) throw error;
        failed = [error.step, error.entry, (error.cause as Error).constructor.name, sandboxed()];
      }
      const box = sandbox({ fds: { one: { ...fds.one, unlimited: "allow" } } });
      return [failed, box.unlimited, box.sandboxed, file.readAllSync().length];
    },
    fixture.path,
  );
  assertEquals(result as unknown, [["limit", "fds.one", "NotSupported", false], ["fds.one"], true, 1]);
});

it("stdio and limitOthers limit the standard streams, Deno's copies of them and its files", async () => {
  using fixture = new Fixture({ ...tree, in: "input" });
  const result = await inChild(
    ({ sandbox, caught, libc, openDescriptors, openSync }, base) => {
      const forgotten = openSync(`${base}/data/one`);
      const before = openDescriptors();
      const { mechanism } = sandbox({ stdio: true, limitOthers: true });
      const test = (call: () => unknown) => caught(call)?.code ?? "done";
      const bytes = new Uint8Array(1), files = before.filter(({ fd, kind }) => fd > 2 && kind === "file");
      console.log("it still prints");
      return {
        mechanism,
        input: [
          test(() => libc.read(0, bytes)),
          test(() => libc.write(0, bytes)),
          test(() => libc.ftruncate(0, 0)),
          test(() => libc.fchmod(0, 0o777)),
          test(() => libc.dup(0)),
          test(() => libc.fcntl(0, libc.F_DUPFD_CLOEXEC, 3)),
          test(() => libc.close(0)),
          test(() => libc.fcntl(0, libc.F_GETFL)),
          test(() => libc.fstat(0, new Uint8Array(256))),
        ],
        output: [test(() => libc.read(1, bytes)), test(() => libc.fchmod(1, 0o777))],
        files: [...new Set(files.map(({ fd }) => test(() => libc.pwrite(fd, bytes, 1, 0))))].sort(),
        locks: test(() => libc.flock(forgotten, 8)),
        more: files.length > 0,
      };
    },
    fixture.path,
    { shell: `exec 0<>'${fixture.at("in")}'; exec "$@"`, exits: true },
  );
  assertEquals(result as unknown, {
    mechanism: "seccomp",
    input: ["done", "EPERM", "EPERM", "EPERM", "EPERM", "EPERM", "EPERM", "done", "done"],
    // The end of the pipe is not open for reading.
    output: ["EBADF", "EPERM"],
    // Those that are open for reading only refuse it anyway.
    files: ["EBADF", "EPERM"],
    locks: "done",
    more: true,
  });
});

it("stdio and limitOthers limit 200 open files too, and the directories still work", async () => {
  using fixture = new Fixture(tree);
  const result = await inChild(
    async ({ sandbox, sandboxed, caught }, base) => {
      const files = Array.from({ length: 200 }, () => Deno.openSync(`${base}/other/two`));
      const { dirs: { data } } = sandbox({
        dirs: { data: { path: `${base}/data`, rights: "readWrite" } },
        stdio: true,
        limitOthers: true,
      });
      const refused = files.filter((file) => caught(() => file.readSync(new Uint8Array(1)))).length;
      data.writeTextFileSync("new", "new");
      await data.writeTextFile("newer", data.readTextFileSync("new"));
      return [sandboxed(), refused];
    },
    fixture.path,
    { exits: true },
  );
  assertEquals(result as unknown, [true, 200]);
  assertEquals(fixture.list("data"), ["new", "newer", "one"]);
});

for (const enforce of ["required", "if-supported"] as const) {
  it(`with more limits than a filter can hold and enforce: "${enforce}", nothing is confined`, async () => {
    using fixture = new Fixture(tree);
    const result = await inChild(
      async ({ sandbox, sandboxed, SandboxError }, { base, enforce }) => {
        // Each second number stays open.
        const files = Array.from({ length: 400 }, () => Deno.openSync(`${base}/other/two`));
        for (const [i, file] of files.entries()) if (i % 2) file.close();
        let failed: unknown;
        try {
          sandbox({ dirs: { data: { path: `${base}/data` } }, stdio: true, limitOthers: true, enforce });
        } catch (error) {
          if (!(error instanceof SandboxError)) throw error;
          failed = [error.step, error.message.includes("at most 4096 steps"), error.message.length <= 300];
        }
        const read = Deno.readTextFileSync(`${base}/other/two`) +
          await Deno.readTextFile(`${base}/other/two`);
        const status = Deno.readTextFileSync("/proc/self/status");
        return [failed, sandboxed(), read, /^Seccomp:\t(\d)/m.exec(status)?.[1]];
      },
      { base: fixture.path, enforce },
      { exits: true },
    );
    assertEquals(result as unknown, [["enter", true, true], false, "22", "0"]);
  });
}

for (const [rights, expected] of [["read", "EPERM"], ["readWrite", "done"]] as const) {
  it(`mode and times below a directory with rights: "${rights}": ${expected}`, async () => {
    using fixture = new Fixture({ ...tree, data: { one: "1", link: { link: "one" } } });
    const before = fixture.stat("data/one");
    const result = await inChild(
      ({ sandbox, caught, libc }, { base, rights }) => {
        const { dirs: { data } } = sandbox({
          dirs: { data: { path: `${base}/data`, rights } },
          files: { one: { path: `${base}/data/one` } },
        });
        const test = (call: () => unknown) => {
          const error = caught(call);
          return error === undefined ? "done" : [error.class, error.code].join(" ");
        };
        using one = data.openSync("one");
        return [
          [
            test(() => data.chmodSync("one", 0o600)),
            test(() => data.utimeSync("one", 1, 1)),
            test(() => one.utimeSync(1, 1)),
            test(() => libc.fchmod(one, 0o600)),
            test(() => libc.futimens(one, null)),
          ],
          [
            test(() => data.chownSync("one", 0, 0)),
            test(() => libc.fchown(one, -1, -1)),
            test(() => libc.fchmodat(data, "link", 0o600, libc.AT_SYMLINK_NOFOLLOW)),
          ],
        ];
      },
      { base: fixture.path, rights },
    );
    const refused = "PermissionDenied EPERM", outcome = expected === "EPERM" ? refused : expected;
    // No preset has FCHOWN, and the mode of a symlink itself can't be set.
    assertEquals(result as unknown, [Array(5).fill(outcome), [refused, refused, refused]]);
    const { mode, mtime } = fixture.stat("data/one");
    assertEquals(
      [mode, mtime?.getTime()].join() === [before.mode, before.mtime?.getTime()].join(),
      rights === "read",
    );
  });
}

it("with FCHOWN among the rights of an entry, chown is permitted", async () => {
  using fixture = new Fixture(tree);
  const result = await inChild(
    ({ sandbox, presets, caught }, base) => {
      const rights = [...presets.dir.readWrite, "FCHOWN"] as const;
      const { dirs: { data } } = sandbox({
        dirs: { data: { path: `${base}/data`, rights }, other: { path: `${base}/other` } },
      });
      return caught(() => data.chownSync("one", Deno.uid()!, Deno.gid()!))?.code ?? "done";
    },
    fixture.path,
  );
  assertEquals(result, "done");
});

it("a directory in another one that has more rights, or the same directory, is an error that names both", async () => {
  using fixture = new Fixture({ a: { in: { b: { file: "1" } } }, link: { link: "a/in" }, ab: {} });
  const result = await inChild(
    ({ sandbox, sandboxed, SandboxError, openDirSync }, base) => {
      using inner = openDirSync(`${base}/a/in/b`);
      const paths = (outer: string, innerPath: string) =>
        ({ outer: { path: outer, rights: "readWrite" }, inner: { path: innerPath } }) as const;
      const plans: Plan[] = [
        { dirs: paths(`${base}/a`, `${base}/a/in/b`) },
        { dirs: paths(`${base}/link`, `${base}/a/in/b`) },
        { dirs: paths(`${base}/a`, `${base}/a`) },
        { dirs: { outer: { path: `${base}/a` } }, fds: { inner: { fd: inner.fd, rights: ["LOOKUP"] } } },
      ];
      const errors = plans.map((plan) => {
        try {
          sandbox(plan);
          return [];
        } catch (error) {
          if (!(error instanceof SandboxError)) throw error;
          const { step, entry, cause, message } = error;
          return [
            step,
            entry,
            (cause as Error).constructor.name,
            message.includes("dirs.outer"),
            message.length <= 300,
          ];
        }
      });
      // Permitted: siblings, a name that is a prefix, an inner directory with more rights, and equal rights.
      const { dirs, unlimited, mechanism } = sandbox({
        dirs: {
          outer: { path: `${base}/a` },
          same: { path: `${base}/a`, rights: "list" },
          inner: { path: `${base}/a/in/b`, rights: "readWrite" },
          sibling: { path: `${base}/ab`, rights: "readWrite" },
        },
      });
      dirs.inner.writeTextFileSync("file", "2");
      return [errors, unlimited, mechanism, sandboxed(), dirs.outer.readTextFileSync("in/b/file")];
    },
    fixture.path,
  );
  const entry = (name: string) => ["limit", name, "NotSupported", true, true];
  assertEquals(result as unknown, [
    [entry("dirs.inner"), entry("dirs.inner"), entry("dirs.inner"), entry("fds.inner")],
    ...[[], "seccomp+landlock", true, "2"],
  ]);
});

it('with enforce: "if-supported", a directory with the rights of another one is in box.unlimited', async () => {
  using fixture = new Fixture({ a: { b: {} } });
  const unlimited = await inChild(
    ({ sandbox }, base) =>
      sandbox({
        dirs: { outer: { path: `${base}/a`, rights: "readWrite" }, inner: { path: `${base}/a/b` } },
        enforce: "if-supported",
      }).unlimited,
    fixture.path,
  );
  assertEquals(unlimited, ["dirs.inner"]);
});

it("a Worker that already runs can import no raw function of C after sandbox()", async () => {
  using fixture = new Fixture(tree);
  const library = new URL("../../../", import.meta.url).href;
  const result = await inChild(
    async ({ sandbox }, { base, library }) => {
      const source = `import { openDirSync } from "${library}mod.ts";
        openDirSync(${JSON.stringify(base)}).listSync();
        const ask = async () => {
          try {
            return typeof (await import("${library}ffi/linux/beneath.ts")).rawLookups().openRelative;
          } catch (error) {
            return error.message;
          }
        };
        // A function that is bound as one of FreeBSD's could get the table as "this".
        const bind = async () => {
          let got = "nothing";
          const { bindAll } = await import("${library}ffi/symbols.ts");
          const symbols = { memcpy() {}, __error() { got = typeof this; return {}; } };
          Object.defineProperty(Deno, "build", { value: { ...Deno.build, os: "freebsd" } });
          Deno.dlopen = () => ({ symbols });
          try {
            bindAll();
          } catch {
            // Refused.
          }
          return got;
        };
        onmessage = async () => postMessage([await ask(), await bind()]);
        postMessage(await ask());`;
      const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, { type: "module" });
      const next = () => new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
      const before = await next();
      sandbox({ dirs: { data: { path: `${base}/data` } } });
      worker.postMessage("");
      return [before, await next()];
    },
    { base: fixture.path, library },
    { exits: true },
  );
  const refused = "This module calls C functions, and the process is sandboxed: import it before entering.";
  assertEquals(result as unknown, ["function", [refused, "nothing"]]);
});

it("in a Worker, a plan with directories needs a Landlock that confines all threads", async () => {
  using fixture = new Fixture(tree);
  const library = new URL("../../../mod.ts", import.meta.url).href;
  const [abi, refused, opened, without] = await inChild(
    async ({ sandboxed }, { base, library }) => {
      const { symbols } = Deno.dlopen("libc.so.6", {
        syscall: { parameters: ["i64", "buffer", "usize", "u32"], result: "i32" },
      });
      const abi = symbols.syscall(444n, null, 0n, 1);
      const ask = (plan: unknown): Promise<unknown> => {
        const source = `import { sandbox } from ${JSON.stringify(library)};
          try {
            const { mechanism, sandboxed } = sandbox(${JSON.stringify(plan)});
            postMessage([mechanism, sandboxed]);
          } catch (error) {
            postMessage([error.constructor.name, error.message]);
          }`;
        const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, { type: "module" });
        return new Promise((resolve) => worker.onmessage = ({ data }) => (worker.terminate(), resolve(data)));
      };
      const dirs = { data: { path: `${base}/data` } };
      const refused = await ask({ dirs }), opened = await ask({ dirs, enforce: "if-supported" });
      const before = sandboxed();
      return [abi, [refused, before], opened, [await ask({}), sandboxed()]] as const;
    },
    { base: fixture.path, library },
    { exits: true },
  );
  if (abi >= 8) {
    assertEquals(refused as unknown, [["seccomp+landlock", true], true]);
    return;
  }
  const [[name, message], before] = refused as [[string, string], boolean];
  assertEquals([name, before], ["NotSupported", false]);
  assertStringIncludes(message, "call sandbox() on the main thread");
  assert(message.length <= 300, message);
  assertEquals(opened as unknown, ["none", false]);
  // The filter is on all threads.
  assertEquals(without as unknown, [["seccomp", true], true]);
});

it("Landlock covers the pool's threads, old and new, during signals too, except one that is in a call", async () => {
  using fixture = new Fixture(tree);
  const result = await inChild(
    async ({ sandbox }, base) => {
      const { openat, read } = Deno.dlopen("libc.so.6", {
        openat: { parameters: ["i32", "buffer", "i32"], result: "i32", nonblocking: true },
        read: { parameters: ["i32", "buffer", "usize"], result: "i32", nonblocking: true },
      }).symbols;
      const pipe = Deno.dlopen("libc.so.6", { pipe: { parameters: ["buffer"], result: "i32" } }).symbols.pipe;
      const path = new TextEncoder().encode(`${base}/other/two\0`), AT_FDCWD = -100;
      const countOpened = async (fd: number, count: number) => {
        const fds = await Promise.all(Array.from({ length: count }, () => openat(fd, path, 0)));
        return fds.filter((fd) => fd >= 0).length;
      };
      const ends = new Int32Array(2);
      if (pipe(ends) === -1) throw new Error("no pipe");
      void read(ends[0]!, new Uint8Array(1), 1n);
      const before = await countOpened(AT_FDCWD, 20);
      Deno.addSignalListener("SIGWINCH", () => {});
      const signals = `postMessage(0); for (;;) try { Deno.kill(Deno.pid, "SIGWINCH"); } catch {}`;
      const worker = new Worker(`data:text/javascript,${encodeURIComponent(signals)}`, { type: "module" });
      await new Promise((resolve) => worker.onmessage = resolve);
      const reads = Array.from({ length: 64 }, () => Deno.readTextFile(`${base}/other/two`).catch(() => ""));
      const { dirs: { data }, mechanism } = sandbox({ dirs: { data: { path: `${base}/data` } } });
      const during = await countOpened(data.fd, 128);
      await Promise.all(reads);
      worker.terminate();
      return [mechanism, before, during];
    },
    fixture.path,
    { exits: true },
  );
  assertEquals(result as unknown, ["seccomp+landlock", 20, 0]);
});

it("if permissions can't be revoked, the error names that step, and the process is sandboxed", async () => {
  const result = await inChild(({ sandbox, sandboxed, SandboxError }) => {
    Deno.permissions.revokeSync = () => {
      throw new Error("refused");
    };
    try {
      sandbox({});
      return [];
    } catch (error) {
      return [error instanceof SandboxError && error.step, sandboxed()];
    }
  });
  assertEquals(result as unknown, ["revoke", true]);
});

it("Deno goes on living: timers, requests, streams, Workers, crypto, Intl, WebAssembly and garbage", async () => {
  using fixture = new Fixture(tree);
  const result = await inChild(
    async ({ sandbox }, base) => {
      let requests = 0;
      const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
        requests++;
        return new Response("hello");
      });
      const connections = await Promise.all(
        Array.from({ length: 10 }, () => Deno.connect({ hostname: "127.0.0.1", port: server.addr.port })),
      );
      sandbox({ dirs: { data: { path: `${base}/data` } } });
      const request = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await Promise.all(connections.map(async (connection) => {
        const bytes = new Uint8Array(4096);
        for (let i = 0; i < 100; i++) {
          await connection.write(request);
          for (let text = ""; !text.endsWith("hello");) {
            text += new TextDecoder().decode(bytes.subarray(0, await connection.read(bytes) ?? 0));
          }
        }
        connection.close();
      }));
      await server.shutdown();
      await new Promise((resolve) => setTimeout(resolve, 1));
      let inWorker: unknown = 36;
      // A Worker of Deno 2.7 asks for the working directory.
      if (!Deno.version.deno.startsWith("2.7.")) {
        const source = "data:text/javascript,postMessage(crypto.randomUUID().length)";
        const worker = new Worker(source, { type: "module" });
        inWorker = await new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
        worker.terminate();
      }
      const key = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
      const gzip = new Blob(["x".repeat(1e6)]).stream().pipeThrough(new CompressionStream("gzip"));
      const size = (await new Response(gzip.pipeThrough(new DecompressionStream("gzip"))).bytes()).length;
      const code = [
        0,
        97,
        115,
        109,
        1,
        0,
        0,
        0,
        1,
        5,
        1,
        96,
        0,
        1,
        127,
        3,
        2,
        1,
        0,
        7,
        5,
        1,
        1,
        102,
        0,
        0,
        10,
        6,
        1,
        4,
      ];
      const { instance } = await WebAssembly.instantiate(new Uint8Array([...code, 0, 65, 42, 11]));
      let garbage: unknown[] = [];
      for (let i = 0; i < 2e6; i++) if (garbage.push({ i }) > 1e5) garbage = [];
      const text = new Intl.DateTimeFormat("de", { timeZone: "Asia/Tokyo" }).format(0);
      const { f } = instance.exports as { f(): number };
      return [requests, inWorker, "privateKey" in key, size, f(), text];
    },
    fixture.path,
  );
  assertEquals(result as unknown, [1000, 36, true, 1_000_000, 42, "1.1.1970"]);
});

it("permissions.revoke ends permissions of Deno, by default ffi and run", async () => {
  const states = async (revoke: readonly ("read" | "net")[] | "all" | undefined) =>
    await inChild(
      ({ sandbox }, revoke) => {
        sandbox(revoke === undefined ? {} : { permissions: { revoke } });
        const names = ["ffi", "run", "read", "net"] as const;
        return names.filter((name) => Deno.permissions.querySync({ name }).state === "granted");
      },
      revoke as "all",
    );
  assertEquals(await states(undefined), ["read", "net"]);
  assertEquals(await states(["read"]), ["ffi", "run", "net"]);
  assertEquals(await states("all"), []);
});

it("a second sandbox() in the same process opens nothing, and stays sandboxed", async () => {
  const result = await inChild(({ sandbox, caught }) => {
    const first = sandbox({}), second = sandbox({});
    const opening = caught(() => sandbox({ dirs: { etc: { path: "/etc" } } }));
    const limiting = caught(() => sandbox({ stdio: true }));
    return [first.sandboxed, second.sandboxed, second.mechanism, opening?.code, limiting?.class];
  });
  assertEquals(result as unknown, [true, true, "seccomp", "ECAPMODE", "SandboxError"]);
  assert(result !== undefined);
});

it("pipes and FIFOs are read and written without waiting, the standard streams too", async () => {
  using fixture = new Fixture({});
  const result = await inChild(
    async ({ sandbox, openDirSync, FdFile }, base) => {
      openDirSync(base).mkfifoSync("fifo");
      const { files: { fifo } } = sandbox({
        files: { fifo: { path: `${base}/fifo`, read: true, write: true } },
        stdio: true,
        limitOthers: true,
      });
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      const bytes = new Uint8Array(10);
      const input = await FdFile.fromFd(0).read(bytes);
      const first = text(bytes.subarray(0, input ?? 0));
      await fifo.write(new TextEncoder().encode("ab"));
      const second = await fifo.read(bytes);
      let started: unknown = 1;
      if (!Deno.version.deno.startsWith("2.7.")) {
        const worker = new Worker("data:text/javascript,postMessage(1)", { type: "module" });
        started = await new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
        worker.terminate();
      }
      return [first, text(bytes.subarray(0, second ?? 0)), started];
    },
    fixture.path,
    { stdin: "hello", exits: true },
  );
  assertEquals(result as unknown, ["hello", "ab", 1]);
});
