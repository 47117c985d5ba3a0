import type { Mutant } from "./mutant.ts";
import { brokerMutants } from "./broker.ts";
import { filesMutants } from "./files.ts";
import { ioMutants } from "./io.ts";
import { libcMutants } from "./libc.ts";
import { linuxMutants } from "./linux.ts";
import { rightsMutants } from "./rights.ts";
import { sandboxMutants } from "./sandbox.ts";

/** Every mutant. */
export const mutants: readonly Mutant[] = [
  ...rightsMutants,
  ...libcMutants,
  ...linuxMutants,
  ...filesMutants,
  ...ioMutants,
  ...sandboxMutants,
  ...brokerMutants,
];
