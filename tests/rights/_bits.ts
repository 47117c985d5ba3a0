import type { Rights } from "../../mod.ts";

/** The bits of a set, each as a `CAP_*` value. */
export function bitsOf(rights: Rights): bigint[] {
  return rights.toWords().flatMap((word, index) =>
    Array.from({ length: 57 }, (_, bit) => 1n << BigInt(bit)).filter((bit) => word & bit)
      .map((bit) => bit | 1n << BigInt(57 + index))
  );
}
