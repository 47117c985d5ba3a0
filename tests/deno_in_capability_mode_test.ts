import { assert, assertEquals } from "@std/assert";
import { places } from "../ffi/linux/glibc.ts";
import { runModule } from "./_child.ts";
import { type Probe, probes } from "./_deno_probes.ts";
import { Fixture } from "./_fixture.ts";
import { kernel } from "./_kernel.ts";
import { moduleDoc, rowsOf, sectionOf } from "./_snippets.ts";
import { test } from "./_test.ts";

const rows = rowsOf(sectionOf(moduleDoc("compat/sandbox/mod.ts"), "Deno in capability mode")) as [
  what: string,
  works: string,
  why: string,
  instead: string,
  known: string,
][];

/** The reason why Deno's own calls can't be tested here; false if they can. */
const skip = kernel.simulated
  ? "needs FreeBSD or Linux itself: the stand-in does not see Deno's own calls"
  : Deno.build.os === "linux" && Deno.build.arch !== "x86_64" &&
    "needs FreeBSD, or Linux on x86_64, whose calls the filter knows";

/** What a probe does, in a process that is confined or not. */
async function outcome({ before = "", after, flags = [] }: Probe, isConfined: boolean): Promise<string> {
  const directory = Deno.build.os === "linux"
    ? /(.*)\//.exec(places[Deno.build.arch]!.find(exists)!)![1]
    : "/lib";
  const library = ["libm.so.6", "libm.so.5"].map((name) => `${directory}/${name}`).find(exists)!;
  using fixture = new Fixture({
    file: "text",
    "module.ts": "export const a: number = 1;",
    "worker.ts": "postMessage(1 as number);",
    library: Deno.readFileSync(library),
  });
  const means = Deno.build.os === "linux" ? ["refuse", "./_capmode_filter.ts"] : ["enter", "../mod.ts"];
  fixture.write(
    "main.ts",
    `import { ${means[0]} as confine } from ${JSON.stringify(new URL(means[1]!, import.meta.url).href)};
     const place = ${JSON.stringify(fixture.path)};
     ${before}
     ${isConfined ? "confine();" : ""}
     let result = "works";
     try {
       const given = await (async () => { ${after} })();
       if (given !== undefined && !given) result = "gives " + given;
     } catch (error) {
       result = "fails: " + error;
     }
     console.log(result);
     Deno.exit();`,
  );
  const { code, stdout } = await runModule(fixture.at("main.ts"), { flags, stdin: "input", timeout: 20_000 });
  return stdout.trim().split("\n").at(-1) || `ends with code ${code}`;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

for (const [what, { yes = [], no = [] }] of Object.entries(probes)) {
  test(`Deno in capability mode: ${what}`, async () => {
    for (
      const [probe, works] of [
        ...yes.map((one) => [one, true] as const),
        ...no.map((one) => [one, false] as const),
      ]
    ) {
      if (probe.skip) {
        console.log(`skipped: ${probe.after}: ${probe.skip}`);
        continue;
      }
      const [confined, free] = await Promise.all([outcome(probe, true), outcome(probe, false)]);
      assertEquals(free, "works", `unconfined: ${probe.after}`);
      assertEquals(confined === "works", works, `${probe.after}: ${confined}`);
    }
  }, { skip });
}

test("compat/sandbox/mod.ts has the result of each probe and its reason, and an alternative", () => {
  assert(rows.length > 35, `only ${rows.length} rows`);
  assertEquals(rows.map(([what]) => what).filter((what, i, all) => all.indexOf(what) !== i), []);
  for (const [what, works, why, instead, known] of rows) {
    const { yes = [], no = [] } = probes[what] ?? {};
    assert(["run", "derived"].includes(known), `${what}: ${known}`);
    assertEquals(yes.length + no.length > 0, known === "run", what);
    assert(/^(yes|no|if [^|]+ before)$/.test(works), `${what}: ${works}`);
    assert(why.length > 0 && (works === "yes" || instead.length > 0), what);
    if (known === "derived") continue;
    assertEquals([yes.length > 0, no.length > 0], [works !== "no", works !== "yes"], what);
    if (works.startsWith("if")) assert(yes.every(({ before }) => before !== undefined), what);
  }
  assertEquals(Object.keys(probes).filter((what) => !rows.some(([row]) => row === what)), []);
});
