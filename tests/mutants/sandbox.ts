/** Faults in `compat/sandbox/` and `compat/ambient/`. */
import type { Place } from "../run/places.ts";
import type { Concern, Mutant } from "./mutant.ts";

const of = (on: Place, test: string, filter?: string): Concern[] => [
  { on, test: `compat/${test}`, ...(filter === undefined ? {} : { filter }) },
];
const onLinux = (filter?: string) => of("native", "sandbox/linux_sandbox_test.ts", filter);
const sandbox = "compat/sandbox/sandbox.ts", limits = "compat/sandbox/limit_by_need.ts";
const plan = "compat/sandbox/plan.ts", mounts = "compat/ambient/mounts.ts";

export const sandboxMutants: Mutant[] = [
  {
    file: sandbox,
    what: "capability mode is entered before descriptors are limited",
    search: '    const present = existing.filter((entry) => this.step("limit"',
    replace: '    this.step("enter", undefined, enterOnce);\n' +
      '    const present = existing.filter((entry) => this.step("limit"',
    concerns: of("15.1", "sandbox/sandbox_test.ts", "the mode is not entered"),
  },
  {
    file: sandbox,
    what: "descriptors that sandbox() opened are not limited",
    search: 'this.step("limit", name, () => applyLimits(opened, limits));',
    replace: "void [name, opened, limits];",
    concerns: of("15.1", "sandbox/sandbox_test.ts", "sandbox() opens, limits, enters"),
  },
  {
    file: sandbox,
    what: "sandbox() continues if cap_enter() fails",
    search: "    if (!sandboxed()) throw error;\n",
    replace: "    void error;\n",
    concerns: of("15.1", "sandbox/faults_test.ts"),
  },
  {
    file: sandbox,
    what: "limits are not tried on a duplicate first",
    search: 'this.step("limit", entry.name, () => tryOut(entry))',
    replace: 'this.step("limit", entry.name, () => tryOut({ ...entry, limits: { rights: Rights.NONE } }))',
    concerns: of("15.1", "sandbox/sandbox_test.ts", "an error names its step"),
  },
  {
    file: sandbox,
    what: "permissions are not revoked",
    search: 'if (isEnforced) run.step("revoke"',
    replace: 'if (false) run.step("revoke"',
    concerns: [...onLinux("permissions.revoke ends")],
  },
  {
    file: sandbox,
    what: "descriptors that sandbox() opened stay open if it fails",
    search: "    run.closeQuietly();\n    throw error;",
    replace: "    throw error;",
    concerns: of("15.1", "sandbox/sandbox_test.ts", "an error names its step"),
  },
  {
    file: sandbox,
    what: "directories that the kernel does not confine are accepted",
    search: "if (mayBeUnconfined || opened[key]!.confined) return;",
    replace: "if (mayBeUnconfined || opened[key]) return;",
    concerns: of("15.1", "sandbox/sandbox_test.ts", "does not confine"),
  },
  {
    file: sandbox,
    what: "by default a plan is not enforced",
    search: 'plan.enforce !== "if-supported"',
    replace: 'plan.enforce === "required"',
    concerns: of("native", "sandbox/sandbox_test.ts", "can't enforce a plan"),
  },
  {
    file: sandbox,
    what: "a descriptor that Linux cannot limit is accepted",
    search: "if (isRequired && !isAllowed) throw new Deno.errors.NotSupported(why);",
    replace: "",
    concerns: onLinux("a descriptor that Linux can't limit"),
  },
  {
    file: sandbox,
    what: "only rights that all entries have count as rights of the plan",
    search: "all.union(limits.rights), Rights.NONE)",
    replace: "all.intersection(limits.rights), Rights.all())",
    concerns: onLinux("with FCHOWN"),
  },
  {
    file: sandbox,
    what: "the standard streams are not limited on Linux",
    search: "          descriptors.push(limitOn(fd, limits));\n",
    replace: "",
    concerns: onLinux("stdio and limitOthers limit the standard"),
  },
  {
    file: sandbox,
    what: "a limited descriptor may be duplicated",
    search: "mayBeDuplicated: isOneWay || rdev === DEV_NULL,",
    replace: "mayBeDuplicated: fd >= 0 || isOneWay || rdev === DEV_NULL,",
    concerns: onLinux("stdio and limitOthers limit the standard"),
  },
  {
    file: "compat/sandbox/plan.ts",
    what: "a directory silently gets the wider rights of an enclosing one",
    search: "outer = wider.find((dir) => around.has(identityOf(dir.fd)));",
    replace: "outer = wider.find((dir) => around.has(identityOf(dir.fd)) && dir.fd < 0);",
    concerns: onLinux("is an error that names both"),
  },
  {
    file: limits,
    what: "ioctls are not limited",
    search:
      "  if (ioctls) limitIoctls(fd, ioctls);\n  if (fcntls) limitFcntls(fd, fcntls);\n}\n\n/** Removes",
    replace: "  if (fcntls) limitFcntls(fd, fcntls);\n}\n\n/** Removes",
    concerns: of("15.1", "sandbox/stdio_test.ts"),
  },
  {
    file: limits,
    what: "limitOthers() fails on a descriptor with fewer rights",
    search: "limit(fd, getRights(fd).intersection(rights));",
    replace: "limit(fd, rights);",
    concerns: of("15.1", "sandbox/open_descriptors_test.ts"),
  },
  {
    file: limits,
    what: "limitOthers() does not limit directories",
    search: "return isDirectory ? { rights: Rights.NONE } : undefined;",
    replace: "return isDirectory ? undefined : undefined;",
    concerns: of("15.1", "sandbox/open_descriptors_test.ts", "removes all rights except FLOCK"),
  },
  {
    file: limits,
    what: "limitOthers() does not limit files",
    search: 'if (kind === "file") return { rights: new Rights(["FLOCK"]) };',
    replace: 'if (kind === "file") return undefined;',
    concerns: of("15.1", "sandbox/open_descriptors_test.ts", "removes all rights except FLOCK"),
  },
  {
    file: limits,
    what: "the preset for reading permits writing",
    search: 'const read = [...list, "SEEK", "EVENT"] as const;',
    replace: 'const read = [...list, "SEEK", "EVENT", "WRITE"] as const;',
    concerns: of("15.1", "sandbox/presets_test.ts"),
  },
  {
    file: limits,
    what: "a terminal may be set without the option raw",
    search: "raw ? [...asking, ...setting] : asking",
    replace: "raw ? [...asking, ...setting] : [...asking, ...setting]",
    concerns: of("15.1", "sandbox/stdio_test.ts"),
  },
  {
    file: limits,
    what: "the presets of the standard streams are swapped",
    search: 'const uses = { read: "stdin", write: "stdout"',
    replace: 'const uses = { read: "stdout", write: "stdin"',
    concerns: of("15.1", "sandbox/stdio_test.ts", "limitStream() leaves the rights"),
  },
  {
    file: plan,
    what: "an entry of a plan may have unknown members",
    search: "    checkOptions(call, plan, known[part]);\n",
    replace: "",
    concerns: [...of("15.1", "sandbox/sandbox_test.ts"), ...of("native", "sandbox/sandbox_test.ts")],
  },
  {
    file: plan,
    what: "two entries may limit one descriptor",
    search: "    if (other === undefined) continue;\n",
    replace: "    if (other !== undefined || i >= 0) continue;\n",
    concerns: [...of("15.1", "sandbox/sandbox_test.ts"), ...of("native", "sandbox/sandbox_test.ts")],
  },
  {
    file: plan,
    what: "undefined rights are treated as the empty set",
    search:
      '    if (rights === undefined) throw new TypeError("the rights are undefined: to permit none, pass [].");\n',
    replace: "",
    concerns: [...of("15.1", "sandbox/sandbox_test.ts"), ...of("native", "sandbox/sandbox_test.ts")],
  },
  {
    file: plan,
    what: "a property of every object counts as a preset",
    search: "  if (!Object.hasOwn(known, rights)) {\n    throw new RangeError(",
    replace: "  if (!(rights in known)) {\n    throw new RangeError(",
    concerns: [...of("15.1", "sandbox/sandbox_test.ts"), ...of("native", "sandbox/sandbox_test.ts")],
  },
  {
    file: mounts,
    what: "a path counts as below a directory if it only starts with the same characters",
    search: "const isBelow = whole.startsWith(prefix);",
    replace: "const isBelow = whole.startsWith(nameOf(prefix));",
    concerns: of("native", "ambient/ambient_test.ts", "finds the longest mount"),
  },
  {
    file: mounts,
    what: "the shortest mount wins",
    search: "other.length - one.length",
    replace: "one.length - other.length",
    concerns: of("native", "ambient/ambient_test.ts", "finds the longest mount"),
  },
  {
    file: mounts,
    what: '".." is not resolved before the mount is chosen',
    search: '    if (name === "..") names.pop();\n    else if',
    replace: "    if",
    concerns: of("native", "ambient/ambient_test.ts", "finds the longest mount"),
  },
  {
    file: mounts,
    what: "in a sandbox, a path of no mount goes to Deno",
    search: "    if (!sandboxed()) return undefined;\n",
    replace: "    if (sandboxed() || true) return undefined;\n",
    concerns: of("native", "ambient/ambient_test.ts", "names the path, the mounts"),
  },
  {
    file: "ffi/libc/process.ts",
    what: "a descriptor whose flags cannot be read counts as closed, and is not limited",
    search: '  if (errnoTable()[errno[0]!]?.[0] === "EBADF") return undefined;\n',
    replace: "  if (errnoTable()[errno[0]!] !== undefined) return undefined;\n",
    concerns: of("15.1", "sandbox/open_descriptors_test.ts", "cannot be read"),
  },
];
