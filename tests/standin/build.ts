/**
 * Compiles the stand-in (see `standin.h`) when a source is newer than the library.
 *
 * @module
 */
const sources = new URL("./", import.meta.url);
const built = new URL("./build/libc.so.7", import.meta.url);
const flags = [
  "-shared",
  "-fPIC",
  "-O2",
  "-Wall",
  "-Wextra",
  "-fvisibility=hidden",
  "-Wl,-Bsymbolic",
  "-Wl,-z,nodelete",
];

const pathOf = (url: URL): string => decodeURIComponent(url.pathname);

/** The absolute path of the stand-in library, compiled by `$CC` or `cc` where it is missing or out of date. */
export async function buildStandin(): Promise<string> {
  const target = pathOf(built);
  const files = [...Deno.readDirSync(sources)].map((entry) => entry.name).filter((name) =>
    /\.[ch]$/.test(name)
  );
  if (isCurrent(files)) return target;
  const compiler = Deno.env.get("CC") ?? "cc";
  Deno.mkdirSync(new URL("./build/", import.meta.url), { recursive: true });
  // Concurrent builds each rename a finished library into place.
  const unfinished = Deno.makeTempFileSync({
    dir: pathOf(new URL("./build/", import.meta.url)),
    suffix: ".so",
  });
  try {
    const inputs = files.filter((name) => name.endsWith(".c")).sort().map((name) =>
      pathOf(new URL(name, sources))
    );
    await compile(compiler, [...flags, "-o", unfinished, ...inputs, "-lpthread"]);
    Deno.chmodSync(unfinished, 0o755);
    Deno.renameSync(unfinished, target);
  } catch (error) {
    Deno.removeSync(unfinished);
    throw error;
  }
  return target;
}

function isCurrent(files: string[]): boolean {
  try {
    const made = modified(built);
    return ["build.ts", ...files].every((name) => modified(new URL(name, sources)) < made);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function modified(file: URL): number {
  return Deno.statSync(file).mtime?.getTime() ?? Infinity;
}

async function compile(compiler: string, args: string[]): Promise<void> {
  let result: Deno.CommandOutput;
  try {
    result = await new Deno.Command(compiler, { args, stdin: "null" }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      `The tests need a C compiler to build their stand-in for FreeBSD's libc, and "${compiler}" was not found. ` +
        `Install the Debian packages gcc and libc6-dev, or name another compiler in the variable CC.`,
      { cause: error },
    );
  }
  if (result.success) return;
  const text = new TextDecoder();
  throw new Error(
    `The C compiler "${compiler}" could not build the tests' stand-in for FreeBSD's libc. It needs the headers of ` +
      `glibc (Debian package libc6-dev).\n${text.decode(result.stdout)}${text.decode(result.stderr)}`,
  );
}

if (import.meta.main) console.log(await buildStandin());
