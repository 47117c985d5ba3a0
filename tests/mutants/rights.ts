/** Faults in `rights/`. */
import type { Mutant } from "./mutant.ts";

const tables = [{ on: "15.1", test: "rights/right_table_test.ts" }] as const;
const sets = [{ on: "15.1", test: "rights/rights_test.ts" }] as const;
const ofRights = { file: "rights/rights.ts" };

export const rightsMutants: Mutant[] = [
  {
    ...ofRights,
    what: "SEEK lacks a bit, so that no set of rights permits lseek()",
    search: "  SEEK: 0x020000000000000cn",
    replace: "  SEEK: 0x0200000000000008n",
    concerns: [...tables],
  },
  {
    ...ofRights,
    what: "FSTAT has the bit of FSCK",
    search: "  FSTAT: 0x0200000000080000n",
    replace: "  FSTAT: 0x0200000000040000n",
    concerns: [...tables],
  },
  {
    ...ofRights,
    what: "UNLINKAT does not contain LOOKUP",
    search: "  UNLINKAT: 0x0200000010000400n",
    replace: "  UNLINKAT: 0x0200000010000000n",
    concerns: [...tables],
  },
  {
    ...ofRights,
    what: "IOCTL is in the wrong word",
    search: "  IOCTL: 0x0400000000000080n",
    replace: "  IOCTL: 0x0200000000000080n",
    concerns: [...tables],
  },
  {
    ...ofRights,
    what: "CAP_ALL of FreeBSD 15 lacks FCHROOT",
    search: "15: [0x02000fffffffffffn",
    replace: "15: [0x020007ffffffffffn",
    concerns: [...tables, ...sets],
  },
  {
    ...ofRights,
    what: "union() intersects one half of a word",
    search: "this.#low1 | o.#low1",
    replace: "this.#low1 & o.#low1",
    concerns: [...sets],
  },
  {
    ...ofRights,
    what: "intersection() unites one half of a word",
    search: "this.#high0 & o.#high0",
    replace: "this.#high0 | o.#high0",
    concerns: [...sets],
  },
  {
    ...ofRights,
    what: "difference() intersects",
    search: "this.#low0 & ~o.#low0",
    replace: "this.#low0 & o.#low0",
    concerns: [...sets],
  },
  {
    ...ofRights,
    what: "isSubsetOf() is isSupersetOf()",
    search: "return this.#within(Rights.#from(other));",
    replace: "return Rights.#from(other).#within(this);",
    concerns: [...sets],
  },
  {
    ...ofRights,
    what: "a value loses its highest bit",
    search: "return Rights.#of(low, high & 0x1ffffff, 0, 0);",
    replace: "return Rights.#of(low, high & 0xffffff, 0, 0);",
    concerns: [...sets],
  },
  {
    ...ofRights,
    what: "a second word with the index of the first is accepted",
    search: "if (high1 >>> 25 !== 2) badWord(1, low1, high1);",
    replace: "",
    concerns: [...sets],
  },
  {
    ...ofRights,
    what: "a set of rights can be changed",
    search: "    Object.freeze(this);",
    replace: "",
    concerns: [...sets],
  },
  {
    file: "rights/fcntls.ts",
    what: "GETFL has the bit of SETFL",
    search: "GETFL: 8,",
    replace: "GETFL: 16,",
    concerns: [{ on: "15.1", test: "rights/fcntls_test.ts" }],
  },
  {
    file: "rights/fcntls.ts",
    what: "the intersection of fcntls is their union",
    search: "this.#mask & Fcntls.#from(other).#mask);",
    replace: "this.#mask | Fcntls.#from(other).#mask);",
    concerns: [{ on: "15.1", test: "rights/fcntls_test.ts" }],
  },
  {
    file: "rights/ioctls.ts",
    what: "TIOCSTI, which types into a terminal, stands for TIOCGWINSZ",
    search: "TIOCGWINSZ: 0x40087468n",
    replace: "TIOCGWINSZ: 0x80017472n",
    concerns: [{ on: "15.1", test: "rights/ioctl_test.ts" }],
  },
  {
    file: "rights/ioctls.ts",
    what: "the size of an ioctl is shifted by one bit too many",
    search: "BigInt(bytes << 16 | code << 8",
    replace: "BigInt(bytes << 17 | code << 8",
    concerns: [{ on: "15.1", test: "rights/ioctl_test.ts" }],
  },
];
