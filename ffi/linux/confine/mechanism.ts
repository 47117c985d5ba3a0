import { errnoAt, glibc, memcpy } from "../glibc.ts";

/** What confines the process. */
export type Mechanism = "seccomp+landlock" | "seccomp" | "none";

/** The option of prctl(2) that only the filter of `sandbox()` answers: "Caps". */
export const QUESTION = 0x43617073;

/** The errno of the answer. The greatest that Linux has is 133, and a filter can pass 4095. */
export const answers = { seccomp: 3237, "seccomp+landlock": 3238 } as const;

let prctl: ReturnType<typeof glibc<"prctl">> | undefined;
const number = new Int32Array(1);

/** What confines this process, by a call that only the filter answers in this way. */
export function mechanism(): Mechanism {
  const result = (prctl ??= glibc("prctl"))(QUESTION, 0n, 0n, 0n, 0n);
  if (result !== -1) return "none";
  memcpy(number, errnoAt, 4n);
  if (number[0] === answers["seccomp+landlock"]) return "seccomp+landlock";
  return number[0] === answers.seccomp ? "seccomp" : "none";
}

let confined = false;

/** Whether this process is confined. It asks until it is, because another thread may confine it. */
export function isConfined(): boolean {
  return confined ||= mechanism() !== "none";
}
