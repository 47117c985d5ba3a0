/**
 * Puts the stand-in (see `standin.h`) in the place of FreeBSD's libc: `Deno.build.os` reads "freebsd", and
 * `Deno.dlopen("/lib/libc.so.7")` opens the library that `build.ts` compiled. It needs no permission of its own; the
 * program needs `--allow-ffi=` with the stand-in's path. A Worker has a `Deno` of its own and must import this itself.
 *
 * On x86_64, who enters capability mode is refused by Linux what Deno calls by itself, too.
 *
 * @module
 */
import { refuse } from "../_capmode_filter.ts";

const library = "/lib/libc.so.7";
const standin = decodeURIComponent(new URL("./build/libc.so.7", import.meta.url).pathname);

if (Deno.build.os !== "freebsd") {
  const dlopen = Deno.dlopen;
  let isRefused = false;

  /** The library, whose cap_enter() holds Deno's own calls too. The stand-in makes all of its by glibc's syscall(). */
  const refusing = <Symbols extends Deno.ForeignLibraryInterface>(
    library: Deno.DynamicLibrary<Symbols>,
  ): Deno.DynamicLibrary<Symbols> => {
    const symbols = library.symbols as Record<string, unknown>, enter = symbols["cap_enter"];
    if (typeof enter !== "function" || Deno.build.arch !== "x86_64") return library;
    const cap_enter = () => {
      const result = enter();
      if (result === 0 && !isRefused) {
        isRefused = true;
        const { dlsym } = dlopen(standin, {
          // void *dlsym(void *handle, const char *symbol)
          dlsym: { parameters: ["pointer", "buffer"], result: "u64" },
        }).symbols;
        try {
          refuse(standin, { syscall: dlsym(null, new TextEncoder().encode("syscall\0")) });
        } catch {
          // Some containers forbid seccomp(2). There, a test of enter() fails and reports it.
        }
      }
      return result;
    };
    return { symbols: { ...symbols, cap_enter }, close: () => library.close() } as typeof library;
  };

  Object.defineProperty(Deno, "build", {
    value: Object.freeze({ ...Deno.build, os: "freebsd" }),
    configurable: true,
    enumerable: true,
    writable: true,
  });
  Object.defineProperty(Deno, "dlopen", {
    value: (path: string | URL, symbols: Deno.ForeignLibraryInterface) =>
      String(path).replace(/^file:\/\//, "") === library
        ? refusing(dlopen(standin, symbols))
        : dlopen(path, symbols),
    configurable: true,
    enumerable: true,
    writable: true,
  });
}
