import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { inChild, runModule } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { needsStandin } from "../../_standin.ts";
import { test } from "../../_test.ts";
import { isWhole } from "../../faults/_errnos.ts";
import type { Report } from "./_faults.ts";

/** Calls whose failure does not prevent entering: here the mode is not entered only because cap_enter() fails too. */
const absorbed = ["cap_sandboxed", "__cap_rights_get", "close", "getpid", "sysctl"];

test(
  "when any libc call of sandbox() fails, the process is not sandboxed, nothing stays open, and the error names the entry",
  async () => {
    using fixture = new Fixture();
    const { code, stdout, stderr } = await runModule(new URL("_faults.ts", import.meta.url), {
      args: [fixture.path],
      timeout: 600_000,
    });
    if (code !== 0) throw new Error(`the faults ended with code ${code}\n${stdout}${stderr}`);
    const { faults, end }: Report = JSON.parse(stdout);

    for (
      const { call, nth, code, thrown, step, entry, message, stillLimited, limited, left, entered } of faults
    ) {
      const fault = `call ${nth} of ${call}(), ${code}: ${message}`;
      assertEquals([thrown, entered], ["SandboxError", false], fault);
      // The stand-in fails without closing the descriptor; FreeBSD closes it even if close(2) fails.
      assertEquals(left, call === "close" ? 1 : 0, fault);
      assertEquals(stillLimited.filter((name) => name.startsWith("fds.")), limited, fault);
      for (const name of stillLimited) assertStringIncludes(message, name);
      // The kernel confines a directory if it refuses "..".
      const isAnswer = call === "openat" && code === "ENOTCAPABLE";
      if (step === "enter" && call !== "cap_enter") assert(absorbed.includes(call) || isAnswer, fault);
      if (step !== "enter" && step !== "find Capsicum") {
        assertStringIncludes(message, `sandbox(): to ${step} ${entry} failed`);
        assertEquals(
          /^(dirs\.(data|out)|files\.log|fds\.(stream|socket)|stdio\.std(in|out|err))$/.test(entry!),
          true,
          fault,
        );
      }
    }
    if (isWhole) console.log(`${faults.length} faults`);
    // Every kind of call failed once, and every entry was named.
    const calls = new Set(faults.map(({ call }) => call));
    const expected = [
      "open",
      "openat",
      "mkdirat",
      "fcntl",
      "close",
      "getpid",
      "sysctl",
      "cap_enter",
      "cap_getmode",
      "cap_sandboxed",
    ];
    const limiting = ["cap_rights_limit", "cap_ioctls_limit", "cap_fcntls_limit", "__cap_rights_get"];
    assertEquals([...calls].sort(), [...expected, ...limiting].sort());
    assertEquals([...new Set(faults.map(({ entry }) => entry ?? ""))].sort(), [
      ...["", "dirs.data", "dirs.out", "fds.socket", "fds.stream", "files.log"],
      ...["stdio.stderr", "stdio.stdin", "stdio.stdout"],
    ]);
    assertEquals(end, { sandboxed: true, entered: true, names: ["data", "out", "log"] });
  },
  { skip: needsStandin },
);

test(
  "an error while limitOthers limits the other descriptors is reported too, and the mode is not entered",
  async () => {
    using fixture = new Fixture({ file: "text" });
    const result = await inChild(
      async ({ sandbox, SandboxError, sandboxed, openSync, openDescriptors }, { path, url }) => {
        const { failNext } = await import(url);
        using forgotten = openSync(path);
        const before = openDescriptors().length;
        // The plan limits nothing else, so this descriptor is not in the plan.
        failNext("cap_rights_limit", 5);
        try {
          sandbox({ limitOthers: true });
          throw new Error("it worked");
        } catch (error) {
          if (!(error instanceof SandboxError)) throw error;
          const { step, entry, code, stillLimited } = error;
          void forgotten;
          return [step, entry, code, stillLimited, sandboxed(), openDescriptors().length - before];
        }
      },
      { path: fixture.at("file"), url: new URL("../../_standin.ts", import.meta.url).href },
    );
    assertEquals(result as unknown, ["limit", "limitOthers", "EIO", ["limitOthers"], false, 0]);
  },
  { skip: needsStandin },
);
