import { assert, assertEquals } from "@std/assert";
import * as p from "../../../compat/python/pycapsicum.ts";
import * as cap from "../../../compat/python/pycapsicumcffi.ts";
import * as mod from "../../../mod.ts";
import { denoOutput } from "../../_child.ts";
import { test } from "../../_test.ts";

/** What the names in a table stand for, by what they begin with. */
const owners: Record<string, object> = {
  cap,
  p,
  CapRights: p.CapRights.prototype,
  PythonFile: cap.PythonFile.prototype,
  dir: mod.Dir.prototype,
  file: mod.FdFile.prototype,
  rights: mod.Rights.prototype,
  ...mod,
};

/** The rows of the table in a module's documentation: the code in each of its three columns. */
function tableOf(module: string): string[][][] {
  const source = Deno.readTextFileSync(new URL(`../../../compat/python/${module}.ts`, import.meta.url));
  const rows = [...source.matchAll(/^ \* \| (.*) \|$/gm)].slice(2).map(([, row]) => row!.split(" | "));
  return rows.map((cells) => cells.map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code!)));
}

/** The names that a piece of code uses, as "cap.limit", without its arguments. */
function namesOf(code: string): string[] {
  return /^"/.test(code) ? [] : [/^(?:new )?([\w.]+)/.exec(code)![1]!];
}

function has(path: string): boolean {
  const [first, ...rest] = path.split(".");
  const last = rest.pop();
  let owner: unknown = owners[first!];
  for (const name of rest) owner = (owner as Record<string, unknown> | undefined)?.[name];
  return last === undefined ? owner !== undefined : last in Object(owner);
}

/** The names that the ancestors' documentation has. */
const documented: Record<string, string[]> = {
  pycapsicumcffi:
    `cap.enter cap.sandboxed cap.openat cap.compat33.open cap.compat33.listdir cap.fcntl.GETFL SETFL GETOWN
    SETOWN cap.Fcntls cap.fcntls_limit cap.Ioctls cap.ioctls_limit cap.READ cap.WRITE cap.Rights cap.right.READ
    cap.limit cap.ENOTCAPABLE cap.ECAPMODE cap.right.NONE cap.right.ALL`.split(/\s+/),
  pycapsicum:
    `p.enter p.sandboxed p.getmode p.ioctls_limit p.ioctls_get p.fcntls_limit p.fcntls_get p.openat p.opendir
    p.CAP_FCNTL_GETFL CAP_FCNTL_SETFL CAP_FCNTL_GETOWN CAP_FCNTL_SETOWN CAP_FCNTL_ALL p.CapRights CapRights.caps
    CapRights.set CapRights.clear CapRights.is_set CapRights.is_valid CapRights.merge CapRights.remove
    CapRights.contains CapRights.limit CapRights.get`.split(/\s+/),
};

for (const [module, names] of Object.entries(documented)) {
  test(`the table of ${module} has every name of its documentation with its twins, and only twins that exist`, () => {
    const rows = tableOf(module);
    assert(rows.length > 20, `only ${rows.length} rows were found`);
    const theirs = rows.flatMap(([theirs]) => theirs!).flatMap(namesOf);
    assertEquals(names.filter((name) => !theirs.includes(name)), []);
    for (const [theirs, ...ours] of rows) {
      assertEquals(ours.length, 2, `${theirs}`);
      for (const name of ours.flat().flatMap(namesOf)) assert(has(name), `${theirs}: ${name}`);
    }
  });
}

test("has() distinguishes names that exist from names that do not", () => {
  for (const name of ["cap.right.READ", "libc.O_RDWR", "file.fd", "CapRights.caps", "limit"]) {
    assert(has(name), name);
  }
  for (const name of ["cap.nope", "libc.nope", "file.nope", "nope", "cap.limit.nope"]) {
    assert(!has(name), name);
  }
});

test("importing mod.ts does not load the facades, and the facades load no second FFI", async () => {
  const loaded = async (path: string): Promise<string[]> => {
    const file = new URL(`../../../${path}`, import.meta.url).href;
    const { modules } = JSON.parse(await denoOutput("info", "--json", "--no-lock", file)) as {
      modules: { specifier: string }[];
    };
    const root = new URL("../../../", import.meta.url).href;
    return modules.map(({ specifier }) => specifier.replace(root, ""));
  };
  const main = await loaded("mod.ts");
  assert(main.includes("ffi/libc/mod.ts") && main.length > 20, `${main}`);
  assertEquals(main.filter((path) => path.startsWith("compat/python/")), []);
  for (const facade of ["pycapsicum", "pycapsicumcffi"]) {
    const own = (await loaded(`compat/python/${facade}.ts`)).filter((path) => !main.includes(path));
    assert(own.length > 3);
    assertEquals(own.filter((path) => !path.startsWith("compat/python/")), []);
  }
});
