/**
 * From a program to a sandboxed one: plans, rights by need, and what is already open.
 *
 * {@link sandbox} opens what a plan names, limits each descriptor to what it is for, and enters capability mode, all or
 * nothing. {@link presets}, {@link rightsFor} and {@link needs} name rights by need. {@link openDescriptors} lists what
 * the process has open; {@link limitStdio} and {@link limitOthers} limit it. {@link warmUp} opens what Deno would open too
 * late. {@link trapViolations} finds what was forgotten.
 *
 * Requires `--allow-ffi` permission; `--allow-ffi=/lib/libc.so.7` is enough.
 *
 * @example A plan, entered where there is Capsicum
 * ```ts
 * import { sandbox } from "jsr:@capsicum/capsicum/sandbox";
 * import { assert } from "jsr:@std/assert";
 *
 * using box = sandbox({
 *   dirs: { dev: { path: "/dev", rights: "read" } },
 *   enforce: "if-supported",
 * });
 * assert(box.dirs.dev.listSync().includes("null"));
 * ```
 *
 * @module
 */
export { sandbox } from "./sandbox.ts";
export type { PlanNames, Sandbox } from "./sandbox.ts";
export type { DescriptorPlan, DirPlan, DryRunPlan, FilePlan, Plan } from "./plan.ts";
export type { DryRun, PlannedStep } from "./dry_run.ts";
export { SandboxError } from "./sandbox_error.ts";
export type { SandboxErrorInit, SandboxStep } from "./sandbox_error.ts";
export { presets } from "./presets.ts";
export type { Presets } from "./presets.ts";
export { rightsFor } from "./rights_for.ts";
export { needs } from "../../ffi/capsicum/needs.ts";
export type { Operation } from "../../ffi/capsicum/needs.ts";
export { fdOf } from "./descriptors/fd_of.ts";
export { limitOthers } from "./descriptors/limit_others.ts";
export type { LimitOthersOptions } from "./descriptors/limit_others.ts";
export { openDescriptors } from "./descriptors/open_descriptors.ts";
export type { DescriptorKind, OpenDescriptor } from "./descriptors/open_descriptors.ts";
export { limitStdio, limitStream } from "./descriptors/stdio.ts";
export type { LimitStreamOptions, StreamOptions, StreamUse } from "./descriptors/stdio.ts";
export { cacheTimezone, warmUp } from "./warm_up/warm_up.ts";
export type { WarmUpOptions } from "./warm_up/warm_up.ts";
export { trapViolations, violationsAreTrapped } from "./violations.ts";
