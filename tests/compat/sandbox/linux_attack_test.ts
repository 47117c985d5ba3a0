import { assert, assertEquals, assertMatch } from "@std/assert";
import { compileLibrary, runModule } from "../../_child.ts";
import { Fixture } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";

const skip = kernel.hasCapsicum && "needs Linux itself, natively";
const tree = () => ({
  inside: { file: "inside", out: { link: "../outside/secret" } },
  outside: { secret: "CANARY" },
});

for (const [kind, mechanism] of [["dirs", "seccomp+landlock"], ["none", "seccomp"]] as const) {
  test(`a sandbox by ${mechanism} refuses every attack, and permits each twin`, async () => {
    using fixture = new Fixture(tree());
    const library = fixture.at("attack.so");
    await compileLibrary(new URL("_linux_attack.c", import.meta.url), library);
    fixture.copyFile("attack.so", "inside/late.so");
    fixture.giveAway();
    const { code, stdout, stderr } = await runModule(new URL("_linux_attack_child.ts", import.meta.url), {
      args: [fixture.path, kind, library],
    });
    assertEquals([code, stderr], [0, ""]);
    const report = JSON.parse(stdout) as {
      mechanism: string;
      before: { typed: string; opened: string; i386: boolean };
      results: Record<string, string>;
    };
    assertEquals(report.mechanism, mechanism);
    // Before entering, every thread opens the file, and typing is at most refused as outdated (EIO), not as an ioctl.
    const opened = Number(report.before.opened), threads = Math.floor(opened / 1000);
    assert(threads > 5 && opened % 1000 === threads, report.before.opened);
    // A kernel may have no entry of i386.
    if (!report.before.i386) console.log("this kernel has no calls of i386");
    assertMatch(report.before.typed, /^(0|-5)$/);
    const names = Object.entries(report.results);
    assert(names.length > 180, `${names.length}`);
    const twins = names.filter(([name]) => name.startsWith("twin: "));
    assertEquals(twins.filter(([, result]) => result !== "done"), []);
    // EPERM and ENOSYS of the filter, EACCES and EXDEV of Landlock, and what Deno makes of them: node:net of Deno 2.7 makes ECONNREFUSED.
    const refusals =
      /^errno (1|13|18|38)$|^PermissionDenied: |[Oo]peration not permitted|^Error: connect E(ACCES|CONNREFUSED) |^TypeError: (fetch failed|error sending)/;
    assertEquals(names.filter(([name, result]) => !name.startsWith("twin: ") && !refusals.test(result)), []);
    assertEquals(fixture.list("outside"), ["secret"]);
    assertEquals(fixture.read("outside/secret"), "CANARY");
    assertEquals(fixture.stat("outside/secret").mode! & 0o777, 0o644);
  }, { skip });
}
