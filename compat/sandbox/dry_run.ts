import { visible } from "../../ffi/message.ts";
import type { Entry, Steps } from "./_steps.ts";
import { wrapped } from "./wrap.ts";
import type { DryRunPlan, Plan } from "./plan.ts";
import { presets } from "./presets.ts";
import type { SandboxStep } from "./sandbox_error.ts";

/** One thing that `sandbox()` would do. */
export interface PlannedStep {
  /** What is done. */
  readonly step: SandboxStep;
  /** The entry of the plan, as `"dirs.data"`. */
  readonly entry?: string;
  /** What is opened. */
  readonly path?: string;
  /** More about it, for people. */
  readonly note?: string;
  /** The rights that are left, as `Rights.names()` has them. */
  readonly rights?: readonly string[];
  /** The ioctls that are left, where they are limited beside the rights. */
  readonly ioctls?: readonly string[];
  /** The fcntls that are left, where they are limited beside the rights. */
  readonly fcntls?: readonly string[];
}

/** The steps of `sandbox()`, in order. `String(steps)` formats them as text of at most 80 columns. */
export interface DryRun {
  /** What happens where there is no Capsicum. */
  readonly enforce: "required" | "if-supported";
  /** All that would be done. */
  readonly steps: readonly PlannedStep[];
  /** The text. */
  toString(): string;
}

/** Returns the steps of a plan. */
export function describe({ dirs, files, existing }: Steps, plan: Plan | DryRunPlan<boolean>): DryRun {
  const { enforce = "required", warmUp = false, limitOthers = false } = plan;
  const opened = [...dirs, ...files];
  const steps: PlannedStep[] = [
    { step: "find Capsicum" },
    ...(warmUp ? [{ step: "warm up" as const }] : []),
    ...opened.map(({ name, path, what }) => ({ step: "open" as const, entry: name, path, note: what })),
    ...dirs.filter(({ mayBeUnconfined }) => !mayBeUnconfined).map(({ name }) => ({
      step: "confine" as const,
      entry: name,
    })),
    ...[...opened, ...existing].map(limiting),
    ...(limitOthers && plan.stdio ? [copies] : []),
    ...(limitOthers ? others : []),
    { step: "enter" },
  ];
  const text = [
    enforce === "required"
      ? "sandbox() would do this, and throw where there is no Capsicum:"
      : "sandbox() would do this; without Capsicum it would only open:",
    ...steps.flatMap((step, i) =>
      wrapped(`${String(i + 1).padStart(3)}. `, visible(sentences[step.step](step)))
    ),
  ].join("\n");
  return { enforce, steps, toString: () => text };
}

const copies: PlannedStep = {
  step: "limit",
  note: "what else is open of the standard streams",
  rights: presets.stream.terminal,
};
const others: readonly PlannedStep[] = [
  { step: "limit", note: "every other directory", rights: [] },
  { step: "limit", note: "every other file", rights: ["FLOCK"] },
];

function limiting({ name, limits: { rights, ioctls, fcntls } }: Entry): PlannedStep {
  return {
    step: "limit",
    entry: name,
    rights: rights.toJSON(),
    ...(ioctls && { ioctls: String(ioctls).split(", ") }),
    ...(fcntls && { fcntls: [...fcntls] }),
  };
}

const sentences: Readonly<Record<SandboxStep, (step: PlannedStep) => string>> = {
  "find Capsicum": () => "find Capsicum: ask whether this system has it",
  "warm up": () => "warm up: make Deno open now what it would open later",
  open: ({ entry, path, note }) => `open ${entry}: ${path} (${note})`,
  confine: ({ entry }) => `confine ${entry}: refuse it where ".." leads out of it`,
  limit: ({ entry, note, rights = [], ioctls, fcntls }) =>
    `limit ${entry ?? note}: ${rights.join(", ") || "no rights"}` +
    (ioctls ? `; ioctls ${ioctls.join(", ")}` : "") +
    (fcntls ? `; fcntls ${fcntls.join(", ")}` : ""),
  enter: () => "enter capability mode",
};
