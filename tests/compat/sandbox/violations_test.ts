import { assertEquals } from "@std/assert";
import { inChild, runModule } from "../../_child.ts";
import { test } from "../../_test.ts";

const library = new URL("../../../mod.ts", import.meta.url).href;

function program(trap: string, violation: string) {
  const source = `
    import * as c from ${JSON.stringify(library)};
    const file = c.openSync("/dev/null");
    file.limit(["FSTAT"]);
    ${trap}
    c.enter();
    try { ${violation} } catch (error) { console.log(error.code); }
    console.log("alive");
    // At a normal exit, Deno opens its caches by path.
    Deno.exit();`;
  return runModule(`data:text/javascript,${encodeURIComponent(source)}`);
}

test.capsicum("with trapViolations() only a violation ends the process by SIGTRAP", async () => {
  const violations = ['c.openSync("/dev/null")', "file.readSync(new Uint8Array(1))"];
  for (const [i, violation] of violations.entries()) {
    const { signal, stdout } = await program("c.trapViolations();", violation);
    assertEquals([signal, stdout], ["SIGTRAP", ""], violation);
    const free = await program("", violation);
    assertEquals([free.code, free.stdout], [0, `${["ECAPMODE", "ENOTCAPABLE"][i]}\nalive\n`]);
  }
  const harmless = await program("c.trapViolations();", "file.statSync()");
  assertEquals([harmless.code, harmless.stdout], [0, "alive\n"]);
  const ceased = await program("c.trapViolations(); c.trapViolations(false);", violations[0]!);
  assertEquals([ceased.code, ceased.stdout], [0, "ECAPMODE\nalive\n"]);
});

test.capsicum("violationsAreTrapped() returns the setting, and both functions are refused in capability mode", async () => {
  const result = await inChild(({ trapViolations, violationsAreTrapped, enter, caught }) => {
    const reported = [violationsAreTrapped()];
    trapViolations();
    reported.push(violationsAreTrapped());
    trapViolations(false);
    reported.push(violationsAreTrapped());
    enter();
    return [reported, caught(() => trapViolations())?.code, caught(() => violationsAreTrapped())?.code];
  });
  assertEquals(result as unknown, [[false, true, false], "ECAPMODE", "ECAPMODE"]);
});
