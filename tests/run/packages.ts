import { root } from "./deno.ts";

const timeLimit = 15_000;
const copies = ["tests/std/assert.ts", "tests/std/fs.ts", "tests/std/path.ts"];

/** The flags that make the tests' packages resolve: none if Deno gets them from JSR or already has them. */
export async function packageFlags(): Promise<string[]> {
  const { imports } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root)));
  if (await canLoad(Object.values<string>(imports))) return [];
  console.error("JSR can't be reached: the tests take @std from tests/std.");
  // Behind a proxy with a certificate of its own, npm knows that certificate and Deno needs it as an option.
  if (!Deno.env.has("DENO_TLS_CA_STORE") && !await canLoad(copies)) {
    Deno.env.set("DENO_TLS_CA_STORE", "mozilla,system");
  }
  return [`--import-map=${new URL("tests/std/import_map.json", root).href}`];
}

async function canLoad(modules: string[]): Promise<boolean> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--no-lock", "--quiet", ...modules],
    cwd: root,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    signal: AbortSignal.timeout(timeLimit),
  }).output();
  return success;
}
