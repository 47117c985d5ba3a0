/**
 * Puts the stand-in (see `standin.h`) in the place of FreeBSD's libc: `Deno.build.os` reads "freebsd", and
 * `Deno.dlopen("/lib/libc.so.7")` opens the library that `build.ts` compiled. It needs no permission of its own; the
 * program needs `--allow-ffi=` with the stand-in's path. A Worker has a `Deno` of its own and must import this itself.
 *
 * @module
 */
const library = "/lib/libc.so.7";
const standin = decodeURIComponent(new URL("./build/libc.so.7", import.meta.url).pathname);

if (Deno.build.os !== "freebsd") {
  const dlopen = Deno.dlopen;
  Object.defineProperty(Deno, "build", {
    value: Object.freeze({ ...Deno.build, os: "freebsd" }),
    configurable: true,
    enumerable: true,
    writable: true,
  });
  Object.defineProperty(Deno, "dlopen", {
    value: (path: string | URL, symbols: Deno.ForeignLibraryInterface) =>
      dlopen(String(path).replace(/^file:\/\//, "") === library ? standin : path, symbols),
    configurable: true,
    enumerable: true,
    writable: true,
  });
}
