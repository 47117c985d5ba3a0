/** Preloaded, it makes the system another one, that of the first argument, before the library asks for it. */
Object.defineProperty(Deno, "build", { value: { ...Deno.build, os: Deno.args[0] } });
