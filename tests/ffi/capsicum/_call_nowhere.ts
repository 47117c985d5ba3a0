/** Calls every exported function on an unsupported system, and prints the result or error of each. */
import { callExport, calls } from "../_calls.ts";
import { nowhere } from "../_place.ts";

const outcomes = Object.entries(calls).map(([name, args]) => {
  try {
    return [name, String(callExport(name, args.map(({ good }) => good(nowhere))))];
  } catch (error) {
    return [name, String(error)];
  }
});
console.log(JSON.stringify(Object.fromEntries(outcomes)));
