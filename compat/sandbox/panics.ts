/** Panics of Deno on Linux: what it does at first use, and only while /proc can be read. */
import { readStack } from "../../ffi/failure.ts";
import * as libc from "../../ffi/libc/mod.ts";
import { readStackTraces } from "./warm_up.ts";

interface NodeProcess {
  readonly execPath: string;
  getBuiltinModule(name: string): { stripTypeScriptTypes?(source: string): string };
}

/**
 * Makes Deno do now what would end the program in a sandbox of Linux:
 *
 * - `globalThis.process` asks for the path of Deno, by /proc/self/exe, when it is first used.
 * - A stack trace through a module whose source map was not read makes Deno compile the module again. The parser measures the
 *   stack of the main thread, by /proc/self/maps, at its first `if`. It then remembers the size.
 */
export function avertPanics(): void {
  // Under another filter, or without /proc, it would panic now.
  if (!canReadProc()) return;
  // The name is banned in the library, which uses nothing of it.
  const node = Reflect.get(globalThis, "process") as NodeProcess;
  void node.execPath;
  const { stripTypeScriptTypes } = node.getBuiltinModule("node:module");
  if (stripTypeScriptTypes) return void stripTypeScriptTypes("if (0);");
  // Deno 2.7 has no way to run the parser, so all source maps are read, also those of the callers.
  readStackTraces();
  readStack(() => {
    throw new Error();
  });
}

function canReadProc(): boolean {
  try {
    libc.readlinkat(libc.AT_FDCWD, "/proc/self/exe", new Uint8Array(1));
    libc.close(libc.openat(libc.AT_FDCWD, "/proc/self/maps", libc.O_RDONLY | libc.O_CLOEXEC));
    return true;
  } catch {
    return false;
  }
}
