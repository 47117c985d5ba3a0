import { ambient } from "../../compat/ambient/mod.ts";
import { openDirSync } from "../../mod.ts";
import { Fixture } from "../_fixture.ts";
import { measure, report } from "./_bench.ts";

using fixture = new Fixture({ f: "x".repeat(1024) });
using dir = openDirSync(fixture.path);
using _originals = ambient({ [fixture.path]: dir });
const path = fixture.at("f");

const ns = measure({
  ambient: (times) => {
    for (let i = 0; i < times; i++) Deno.readTextFileSync(path);
  },
  dir: (times) => {
    for (let i = 0; i < times; i++) dir.readTextFileSync("f");
  },
});
report("Deno.readTextFileSync() of 1 KiB by ambient()", ns.ambient, "Dir.readTextFileSync()", ns.dir, "ns", {
  ratio: 1.25,
});
