import { assertEquals, assertStringIncludes } from "@std/assert";
import { symbols } from "../../../ffi/symbols.ts";
import { getMode, isSupported, sandboxed } from "../../../mod.ts";
import { inChild, otherSystem, runModule } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel, needsCapsicum } from "../../_kernel.ts";
import { needsStandin, workerURL } from "../../_standin.ts";
import { test } from "../../_test.ts";

const standin = new URL("../../_standin.ts", import.meta.url).href;
const ENOSYS = 78;

test("isSupported() is true here, while sandboxed() and getMode() are false before enter()", () => {
  assertEquals([isSupported(), sandboxed(), getMode()], [true, false, false]);
});

test("enter() makes sandboxed() and getMode() true", async () => {
  const answers = await inChild(({ enter, sandboxed, getMode, isSupported }) => {
    const ask = () => [sandboxed(), getMode(), isSupported()];
    return [ask(), enter() === undefined, ask()];
  });
  assertEquals(answers, [[false, false, true], true, [true, true, true]]);
});

test("enter() twice does no harm", async () => {
  const answers = await inChild(({ enter, libc, sandboxed }) => {
    enter();
    enter();
    return [sandboxed(), libc.cap_enter(), sandboxed()];
  });
  assertEquals(answers, [true, 0, true]);
});

test("enter() makes paths fail, but not descriptors and files below them", async () => {
  using fixture = new Fixture({ "a.txt": "hello" });
  const { before, refusal, text, again } = await inChild(
    ({ caught, enter, openDirSync, openSync }, path) => {
      const before = caught(() => openSync(`${path}/a.txt`).close());
      using dir = openDirSync(path);
      using open = openSync(`${path}/a.txt`);
      enter();
      const refusal = caught(() => openSync(`${path}/a.txt`).close());
      using file = dir.openSync("a.txt");
      const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      return { before, refusal, text: decode(file.readAllSync()), again: decode(open.readAllSync()) };
    },
    fixture.path,
  );
  assertEquals(before, undefined);
  assertEquals(refusal?.code, "ECAPMODE");
  assertEquals([text, again], ["hello", "hello"]);
});

test("enter() in a Worker applies to the whole process", async () => {
  const url = workerURL(new URL("_enter_worker.ts", import.meta.url));
  const answers = await inChild(async ({ sandboxed, getMode }, url) => {
    const worker = new Worker(url, { type: "module" });
    const message = () =>
      new Promise<unknown>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = reject;
      });
    const before = [await message(), sandboxed()];
    worker.postMessage(undefined);
    const after = [await message(), sandboxed(), getMode()];
    worker.terminate();
    return [before, after];
  }, url.href);
  assertEquals(answers, [[false, false], [true, true, true]]);
});

test(
  "after enter() Deno's own calls fail too: its file API, and listening",
  async () => {
    const failed = await inChild(async ({ enter }) => {
      const calls: (() => unknown)[] = [
        () => Deno.statSync("/dev/null"),
        () => Deno.openSync("/dev/null").close(),
        () => Deno.cwd(),
        () => Deno.listen({ hostname: "127.0.0.1", port: 0 }).close(),
        () => [...Deno.readDirSync("/dev")],
      ];
      const failures = async () => {
        const failed: boolean[] = [];
        for (const call of calls) {
          failed.push(await Promise.resolve().then(call).then(() => false, () => true));
        }
        return failed;
      };
      const before = await failures();
      enter();
      return [before, await failures()];
    });
    assertEquals(failed, [Array(5).fill(false), Array(5).fill(true)]);
  },
  {
    skip: needsCapsicum ||
      kernel.simulated && Deno.build.arch !== "x86_64" &&
        "needs FreeBSD, or Linux on x86_64, whose calls the filter knows",
  },
);

test(
  "enter() throws NotSupported with its cause on a kernel without Capsicum, and enters nothing",
  async () => {
    const { error, cause, entered } = await inChild(
      async ({ enter, sandboxed }, { standin, ENOSYS }) => {
        const { failNext } = await import(standin);
        failNext("cap_enter", ENOSYS);
        try {
          enter();
          return { entered: sandboxed() };
        } catch (error) {
          const { name, message, code, errno, syscall, cause } = error as Error & Record<string, unknown>;
          const { name: className, message: text } = cause as Error;
          return {
            error: { name, message, code, errno, syscall },
            cause: [className, text],
            entered: sandboxed(),
          };
        }
      },
      { standin, ENOSYS },
    );
    assertEquals(error, {
      name: "NotSupported",
      message: "cap_enter: the kernel of this system has no cap_enter(2) (ENOSYS).",
      code: "ENOSYS",
      errno: ENOSYS,
      syscall: "cap_enter",
    });
    assertEquals(cause, ["CapsicumError", "cap_enter: Function not implemented (ENOSYS)."]);
    assertEquals(entered, false);
  },
  { skip: needsStandin },
);

test("isSupported() is false and getMode() throws NotSupported on a kernel without Capsicum", async () => {
  const { supported, refusal, otherFailure } = await inChild(
    async ({ isSupported, getMode, caught }, { standin, ENOSYS }) => {
      const { failNext } = await import(standin);
      const failing = (errno: number) => failNext("cap_getmode", errno);
      failing(ENOSYS);
      const supported = [isSupported(), isSupported()];
      failing(ENOSYS);
      const refusal = caught(getMode);
      const EFAULT = 14;
      failing(EFAULT);
      return { supported, refusal, otherFailure: caught(isSupported) };
    },
    { standin, ENOSYS },
  );
  assertEquals(supported, [false, true]);
  assertEquals([refusal?.class, refusal?.code], ["NotSupported", "ENOSYS"]);
  // What can't be known is not answered.
  assertEquals([otherFailure?.class, otherFailure?.code], ["CapsicumError", "EFAULT"]);
}, { skip: needsStandin });

/** Runs enter() in a child whose libc has another function under the name of cap_enter. */
function enterByAnother(replacement: string) {
  return inChild(({ caught, enter, isSupported, sandboxed }, replacement) => {
    const dlopen = Deno.dlopen as (path: string, symbols: Record<string, object>) => unknown;
    Object.assign(Deno, {
      dlopen: (path: string, symbols: Record<string, object>) =>
        dlopen(
          path,
          "cap_enter" in symbols
            ? { ...symbols, cap_enter: { ...symbols.cap_enter, name: replacement } }
            : symbols,
        ),
    });
    return { error: caught(enter), answers: [isSupported(), sandboxed()] };
  }, replacement);
}

test("enter() throws NotSupported if libc has no cap_enter", async () => {
  const { error, answers } = await enterByAnother("cap_enter_of_nobody");
  assertEquals(error?.class, "NotSupported");
  assertStringIncludes(error?.message ?? "", "cap_enter() is not in");
  assertEquals(answers, [true, false]);
  assertEquals((await enterByAnother("cap_enter")).error, undefined);
});

test(
  "enter() enters if libc lacks other symbols, and a call of one reports which release has it",
  async () => {
    const lacking = Object.entries(symbols).filter(([name]) =>
      !["cap_enter", "cap_getmode", "cap_sandboxed", "__error", "memcpy"].includes(name)
    ).map(([name]) => name);
    for (const lacked of [["flock", "renameat2", "fdatasync"], lacking]) {
      const { entered, error } = await inChild(
        ({ caught, enter, libc, sandboxed }, lacked) => {
          const dlopen = Deno.dlopen as (path: string, symbols: Record<string, object>) => unknown;
          const without = (name: string, symbol: object) =>
            lacked.includes(name) ? { ...symbol, name: "of_nobody" } : symbol;
          Object.assign(Deno, {
            dlopen: (path: string, symbols: Record<string, object>) =>
              dlopen(
                path,
                Object.fromEntries(Object.entries(symbols).map(([name, of]) => [name, without(name, of)])),
              ),
          });
          enter();
          return { entered: sandboxed(), error: caught(() => libc.flock(0, libc.LOCK_SH)) };
        },
        lacked,
        { exits: true },
      );
      assertEquals([entered, error?.class, error?.code], [true, "NotSupported", undefined]);
      assertStringIncludes(error?.message ?? "", "flock() is not in");
      assertStringIncludes(error?.message ?? "", "FreeBSD");
    }
  },
  { skip: needsCapsicum },
);

test(
  "isSupported(), sandboxed() and enter() throw while libc can't be opened, and work afterwards",
  async () => {
    for (const name of ["isSupported", "sandboxed", "enter"] as const) {
      const { refusal, answer } = await inChild(
        (library, name) => {
          const full: Deno.FsFile[] = [];
          try {
            for (;;) full.push(Deno.openSync("/dev/null"));
          } catch {
            // No descriptor is left.
          }
          const dlopen = Deno.dlopen;
          // libc is loaded already on FreeBSD, and opening it takes no descriptor there.
          Object.assign(Deno, {
            dlopen: () => {
              throw new Error("Could not open library: libc.so.7: Cannot allocate memory");
            },
          });
          const refusal = library.caught(library[name]);
          Object.assign(Deno, { dlopen });
          for (const file of full) file.close();
          library[name]();
          return { refusal, answer: [library.isSupported(), library.sandboxed()] };
        },
        name,
        { exits: true },
      );
      assertEquals([refusal?.class, refusal?.code], ["Error", undefined]);
      assertStringIncludes(refusal?.message ?? "", "cannot be opened to call");
      assertEquals(answer, [true, name === "enter"]);
    }
  },
  { skip: needsCapsicum },
);

test(
  "isSupported(), sandboxed() and enter() throw when no descriptor is left to open the stand-in",
  async () => {
    for (const name of ["isSupported", "sandboxed", "enter"] as const) {
      const { refusal, supported } = await inChild((library, name) => {
        const full: Deno.FsFile[] = [];
        try {
          for (;;) full.push(Deno.openSync("/dev/null"));
        } catch {
          // No descriptor is left.
        }
        const refusal = library.caught(library[name]);
        for (const file of full) file.close();
        return { refusal, supported: library.isSupported() };
      }, name);
      assertEquals([refusal?.class, supported], ["Error", true]);
      assertStringIncludes(refusal?.message ?? "", "Too many open files");
    }
  },
  { skip: needsStandin },
);

test("isSupported() and sandboxed() throw on any errno but ENOSYS", async () => {
  const errors = await inChild(async ({ caught, isSupported }, { standin }) => {
    const { failNext } = await import(standin);
    // EPERM, ENOMEM, EMFILE and EOPNOTSUPP, for which Deno has the class NotSupported.
    return [1, 12, 24, 45].map((errno) => {
      failNext("cap_getmode", errno);
      return caught(isSupported)?.code;
    });
  }, { standin });
  assertEquals(errors, ["EPERM", "ENOMEM", "EMFILE", "EOPNOTSUPP"]);
}, { skip: needsStandin });

test("enter() throws if cap_enter succeeds but the process is not in capability mode", async () => {
  const { error, answers } = await enterByAnother("getpid");
  assertStringIncludes(error?.message ?? "", "not in capability mode");
  assertEquals(answers, [true, false]);
});

test(
  "off FreeBSD isSupported() is false and Rights work without any permission, and sandboxed() does not guess",
  async () => {
    const answers = await inChild(
      ({ Rights, caught, isSupported, sandboxed }) => {
        const rights = new Rights(["READ", "SEEK"]), refused = caught(sandboxed)?.class;
        return { os: Deno.build.os, supported: isSupported(), refused, names: rights.names() };
      },
      undefined,
      { kernel: false, permissions: [] },
    );
    assertEquals(answers, { os: "linux", supported: false, refused: "NotCapable", names: ["PREAD"] });
  },
  { skip: offFreeBSD() },
);

test(
  "off FreeBSD and Linux every other function that would call the kernel throws NotSupported",
  async () => {
    const { code, stdout, stderr } = await runModule(new URL("_call_nowhere.ts", import.meta.url), {
      kernel: false,
      ...otherSystem("darwin"),
    });
    assertEquals([code, stderr], [0, ""]);
    // The plan of sandbox() is for a dry run there, which calls nothing.
    const { sandbox = "", ...rest } = JSON.parse(stdout) as Record<string, string>;
    assertStringIncludes(sandbox, "sandbox() would do this");
    const outcomes = Object.entries(rest);
    const others = outcomes.filter(([, outcome]) => !outcome.startsWith("NotSupported: "));
    assertEquals(Object.fromEntries(others), { isSupported: "false", sandboxed: "false" });
    for (const [, outcome] of outcomes) {
      if (outcome !== "false") assertStringIncludes(outcome, "this system is darwin");
    }
  },
  { skip: offFreeBSD() },
);

function offFreeBSD(): string | false {
  return kernel.simulated ? false : "needs the stand-in: this system is FreeBSD";
}
