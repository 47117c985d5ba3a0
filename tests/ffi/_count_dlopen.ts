/** Counts how often the modules imported after this one open a library. */
const { dlopen } = Deno;
let count = 0;

Object.defineProperty(Deno, "dlopen", {
  value: (...args: Parameters<typeof dlopen>) => {
    count++;
    return dlopen(...args);
  },
  configurable: true,
  enumerable: true,
  writable: true,
});

export function dlopenCalls(): number {
  return count;
}
