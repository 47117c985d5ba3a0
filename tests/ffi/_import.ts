/** Prints how often the import of the module opens a library, and what of Deno it asks for that needs a permission. */
import { dlopenCalls } from "./_count_dlopen.ts";
import * as library from "../../mod.ts";

console.log(JSON.stringify([Object.keys(library).length > 0, dlopenCalls()]));
