/**
 * The second process of a broker, which root starts. It loads all modules and then becomes the user `nobody`, who may not be
 * permitted to read them.
 *
 * @module
 */
import "../../../compat/broker/child/resolver.ts";
import { main } from "../../../compat/broker/child/child.ts";
import { kernel } from "../../_kernel.ts";
import { dropRoot } from "../../_unprivileged.ts";
import { seesItself } from "../../escapes/_linux.ts";

dropRoot();
if (!kernel.hasCapsicum || kernel.simulated) seesItself();
await main(Deno.args);
