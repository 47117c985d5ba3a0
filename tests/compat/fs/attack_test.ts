import { assert, assertEquals } from "@std/assert";
import { existsSync } from "@std/fs";
import { Dir } from "../../../mod.ts";
import { runModule } from "../../_child.ts";
import { Fixture, type Tree } from "../../_fixture.ts";
import { kernel } from "../../_kernel.ts";
import { needsMounts } from "../../_mounts.ts";
import { test } from "../../_test.ts";
import { attemptsOf, directoryOf, methodOf, type Outside, placeOf, uses } from "./_attack_calls.ts";
import type { Report, Task } from "./_attack_child.ts";
import { bytesNames, hostileTree, swappedPaths } from "./_attack_shapes.ts";
import { treeOf } from "./_tree.ts";

const outsideTree: Tree = {
  target: "CANARY",
  dir: { target: "CANARY", "canary-dir": "CANARY" },
  "canary-file": { text: "CANARY", mode: 0o640 },
  "canary-link": { link: "target" },
};

const longAgo = new Date(1000);

/** The files outside the directory, and a check that they were neither read nor changed. */
class Canary {
  readonly outside: Outside;
  readonly #fixture: Fixture;
  readonly #before: string;
  readonly #places = [
    "outside",
    "outside/dir",
    "outside/target",
    "outside/dir/target",
    "outside/canary-file",
  ];
  /** Whether this file system records the time of a read. */
  readonly #notesReads: boolean;

  constructor(fixture: Fixture) {
    this.#fixture = fixture;
    fixture.add({ outside: outsideTree, elsewhere: { target: "CANARY" }, leaf: "CANARY", probe: "" });
    fixture.giveAway();
    const system = ["/", "/etc", "/proc"].filter((path) => existsSync(path));
    const places = [...system, ...["", ...this.#places].map((place) => fixture.at(place))];
    this.outside = {
      ids: places.map((place) => {
        const { dev, ino } = Deno.statSync(place);
        return `${dev}:${ino}`;
      }),
    };
    fixture.utime("probe", longAgo, longAgo);
    fixture.bytes("probe");
    fixture.list();
    this.#notesReads = +fixture.stat("probe").atime! > 1000;
    this.#before = this.#digest();
    // Long ago, so that any read changes it.
    for (const place of this.#places) fixture.utime(place, longAgo, fixture.stat(place).mtime!);
  }

  /** Fails if anything was read, listed or changed. */
  check(): void {
    const read = this.#places.filter((place) => +this.#fixture.stat(place).atime! > 1000);
    if (this.#notesReads) assertEquals(read, [], "what was read or listed");
    assertEquals(this.#digest(), this.#before);
  }

  #digest(): string {
    return ["outside", "elsewhere/target", "leaf"].flatMap((place) =>
      [...treeOf(this.#fixture.at(place))].map(([path, { type, mode, text, mtime }]) =>
        [place, path, type, mode, text, mtime].join(" ")
      )
    ).join("\n");
  }
}

/** Fails if a directory contains a file from outside. */
function checkInside(path: string, { ids }: Outside): void {
  for (const [name, { text }] of treeOf(path)) {
    assert(!/CANARY/.test(text ?? ""), `${path}: ${name} holds ${text}`);
    const { dev, ino } = Deno.lstatSync(`${path}/${name}`);
    assert(!ids.includes(`${dev}:${ino}`), `${path}: ${name} is what is outside`);
  }
}

/** Seconds for which another process swaps during the calls where the library walks paths; a fifth of them in the other ways. */
const seconds = Number(Deno.env.get("CAPSICUM_TEST_ATTACK_SECONDS") ?? 10);

/** Whether openat2(2) is forbidden here. */
const isForbidden = Deno.env.has("CAPSICUM_TEST_OPENAT2");

/** The tries that must happen during swaps, and the swaps meanwhile: fewer would show nothing. */
const enough = { worked: 500, refused: 100 }, enoughSwaps = 500;

async function runChild(task: Task): Promise<Report> {
  const child = new URL("_attack_child.ts", import.meta.url);
  const { code, signal, stdout, stderr } = await runModule(child, {
    args: [JSON.stringify(task)],
    timeout: 400_000,
  });
  assert(code === 0 && signal === null, `code ${code}, signal ${signal}\n${stdout}${stderr}`);
  return JSON.parse(stdout);
}

interface Way {
  title: string;
  mode: Task["mode"];
  atMountRoot: boolean;
  /** Whether the library walks paths, because the kernel does not confine them. */
  walks: boolean;
  /** Of how many paths each method tries one. The others are for the next methods: every path and every method is tried. */
  every: number;
}

const ways: Way[] = [{
  title: "a directory",
  mode: "plain",
  atMountRoot: false,
  walks: isForbidden,
  every: 1,
}];
if (kernel.hasCapsicum) {
  const title = "a directory in capability mode";
  ways.push({ title, mode: "capability mode", atMountRoot: false, walks: false, every: 3 });
}
if (kernel.hasCapsicum) {
  // Before 15, the root of a mount is confined as any other directory.
  const walks = kernel.major >= 15, atMountRoot = true;
  ways.push(
    { title: "the root of a mount", mode: "plain", atMountRoot, walks, every: walks ? 1 : 3 },
    { title: "the limited root of a mount", mode: "limited", atMountRoot, walks, every: 3 },
    {
      title: "the root of a mount in capability mode",
      mode: "capability mode",
      atMountRoot,
      walks,
      every: 3,
    },
  );
}

test("the attacks call every method of Dir", () => {
  const methods = Object.getOwnPropertyNames(Dir.prototype).filter((name) =>
    name !== "constructor" && name !== "confined"
  ).map((name) => name.replace(/Sync$/, ""));
  assertEquals([...new Set(uses.map(methodOf))].sort(), [...new Set(methods)].sort());
});

for (const way of ways) {
  const { title, mode, atMountRoot, every } = way;
  test(`Dir refuses hostile names and symlinks that leave ${title}`, async () => {
    using fixture = new Fixture();
    const canary = new Canary(fixture);
    const places = new Map(uses.map((_, i) => [directoryOf(i), placeOf(fixture.path, i)]));
    for (const place of places.values()) {
      fixture.add({ [place.name]: hostileTree(place) });
      const shapes = treeOf(fixture.at(place.name)).size + bytesNames.length;
      assert(shapes >= 200, `${shapes} names`);
      fixture.giveAway(place.name);
    }
    const roots = [...places.keys()];
    if (atMountRoot) fixture.mount(...roots);
    const report = await runChild({ above: fixture.path, outside: canary.outside, mode, every });
    assertEquals(report.findings, []);
    assertEquals(report.descriptors, 0);
    assertEquals(fixture.list(), ["elsewhere", "leaf", "outside", "probe", ...roots].sort());
    canary.check();
    for (const name of roots) checkInside(fixture.at(name), canary.outside);
    assertEquals(report.confined, !way.walks);
    for (const [i, { name }] of uses.entries()) {
      const tries = attemptsOf(fixture.path, i, every).length;
      const { worked, refused, failed } = report.uses[name]!;
      assertEquals(worked + refused + failed, tries, name);
      const isEnough = worked * every >= 5 && refused * every >= 100;
      assert(isEnough, `${name}: ${worked} worked, ${refused} were refused`);
    }
  }, { skip: atMountRoot && needsMounts() });

  test(`Dir does not leave ${title} while another process swaps directories and symlinks`, async () => {
    using fixture = new Fixture();
    const canary = new Canary(fixture);
    fixture.add({ root: {} });
    fixture.giveAway("root");
    if (atMountRoot) fixture.mount("root");
    const swapper = runModule(new URL("_attack_swapper.ts", import.meta.url), {
      args: [fixture.path, String(enoughSwaps)],
      timeout: 500_000,
    });
    let report: Report;
    try {
      for (let tries = 0; tries < 2000 && !fixture.exists("root/deep/d/e/target"); tries++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const milliseconds = (mode === "plain" && way.walks ? 1 : 0.2) * seconds * 1000;
      const swapped = { paths: [...swappedPaths], milliseconds, ...enough };
      report = await runChild({ above: fixture.path, outside: canary.outside, mode, every, swapped });
    } finally {
      fixture.write("stop", "");
      await swapper;
    }
    const { stdout, stderr, code } = await swapper;
    assertEquals(code, 0, stderr);
    assertEquals(report.findings, []);
    assertEquals(report.descriptors, 0);
    assertEquals(fixture.list(), ["elsewhere", "enough", "leaf", "outside", "probe", "root", "stop"]);
    canary.check();
    checkInside(fixture.at("root"), canary.outside);
    const sum = (what: "worked" | "refused") =>
      Object.values(report.uses).reduce((sum, counts) => sum + counts[what], 0);
    const counts = `${sum("worked")} worked, ${sum("refused")} were refused, ${stdout.trim()} swaps`;
    assertEquals(Object.keys(report.uses).length, uses.length);
    assert(
      sum("worked") >= enough.worked && sum("refused") >= enough.refused && Number(stdout) >= enoughSwaps,
      counts,
    );
  }, { skip: atMountRoot && needsMounts() });
}
