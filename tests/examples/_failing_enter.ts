/** A preload script that makes the stand-in's cap_enter() fail with EPERM. */
import "../standin/preload.ts";

const { standin_fail } = Deno.dlopen("/lib/libc.so.7", {
  // int standin_fail(const char *call, int nth, int errno)
  standin_fail: { parameters: ["buffer", "i32", "i32"], result: "i32" },
}).symbols;
const EPERM = 1;
if (standin_fail(new TextEncoder().encode("cap_enter\0"), 1, EPERM) !== 0) throw new Error("it can't fail");
