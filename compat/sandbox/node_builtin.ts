/**
 * Node's API, loaded at its first use: a static import would load it with the library.
 *
 * @module
 */

/** Loads a built-in module of Node. It opens no file. */
export function builtin<Module>(name: `node:${string}`): Module {
  return nodeProcess().getBuiltinModule(name) as Module;
}

interface NodeProcess {
  readonly execPath: string;
  getBuiltinModule(name: string): unknown;
}

/** Its name is banned in the library, except where it stands for Node. */
export function nodeProcess(): NodeProcess {
  return Reflect.get(globalThis, "process");
}
