/**
 * pycapsicumcffi's module `cap`. TODO
 *
 * @module
 */
import { Right } from "../../rights/mod.ts";
import * as members from "./cap.ts";

export * from "./cap.ts";

/** The whole module `cap`, as `import cap` gives it in Python: its members, and each right by its name. */
const cap: Readonly<typeof Right & typeof members> = Object.freeze({ ...Right, ...members });
export default cap;
