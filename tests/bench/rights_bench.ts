import { Rights } from "../../mod.ts";
import { measure, report } from "./_bench.ts";

type Name = "READ" | "SEEK" | "FSTAT" | "WRITE";

const names: Name[] = ["READ", "SEEK", "FSTAT"];
const a = new Rights(names);
const b = new Rights(["WRITE", "SEEK"]);
const setA = new Set<Name>(names);
const setB = new Set<Name>(["WRITE", "SEEK"]);
const most = 1000;
let kept: unknown;

const ns = measure({
  construct: (times) => {
    for (let i = 0; i < times; i++) kept = new Rights(names);
  },
  constructSet: (times) => {
    for (let i = 0; i < times; i++) kept = new Set(names);
  },
  union: (times) => {
    for (let i = 0; i < times; i++) kept = a.union(b);
  },
  unionSet: (times) => {
    for (let i = 0; i < times; i++) kept = setA.union(setB);
  },
  isSubsetOf: (times) => {
    let count = 0;
    for (let i = 0; i < times; i++) count += Number((i & 1 ? a : b).isSubsetOf(a));
    return count;
  },
  isSubsetOfSet: (times) => {
    let count = 0;
    for (let i = 0; i < times; i++) count += Number((i & 1 ? setA : setB).isSubsetOf(setA));
    return count;
  },
});
report("new Rights() of three names", ns.construct, "new Set() of them", ns.constructSet, "ns", { most });
report("Rights.union()", ns.union, "Set.union()", ns.unionSet, "ns", { most });
report("Rights.isSubsetOf()", ns.isSubsetOf, "Set.isSubsetOf()", ns.isSubsetOfSet, "ns", { most });
if (kept === undefined) throw new Error("nothing ran");
