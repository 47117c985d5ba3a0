/**
 * The recorded facts about rights, and a model of sets of them in two bigints that shares no code with the library.
 *
 * @module
 */
import type { RightName } from "../../rights/rights.ts";

export interface RecordedRight {
  name: string;
  value: string;
  kind: "single" | "composite" | "alias";
  since: string;
  lastIn?: string;
}

interface Recorded {
  releases: Record<string, { CAP_ALL: [string, string] }>;
  fcntls: Record<string, number>;
  rights: RecordedRight[];
}

export function data<T>(name: string): T {
  return JSON.parse(Deno.readTextFileSync(new URL(`../data/${name}`, import.meta.url)));
}

export const recorded: Recorded = data("rights.json");

/** The rights of every release since 11, in the order of sys/capsicum.h. */
export const current: RecordedRight[] = recorded.rights.filter(({ lastIn }) => lastIn === undefined);

export type Words = [bigint, bigint];

export const empty: Words = [0x0200000000000000n, 0x0400000000000000n];

export function or(a: Words, b: Words): Words {
  return [a[0] | b[0], a[1] | b[1]];
}

export function and(a: Words, b: Words): Words {
  return [a[0] & b[0], a[1] & b[1]];
}

export function minus(a: Words, b: Words): Words {
  return or([a[0] & ~b[0], a[1] & ~b[1]], empty);
}

export function within(a: Words, b: Words): boolean {
  return (a[0] & ~b[0]) === 0n && (a[1] & ~b[1]) === 0n;
}

/** The words of one `CAP_*` value. */
export function wordsOf(value: bigint): Words {
  return value >> 57n === 1n ? [value, empty[1]] : [empty[0], value];
}

export const modelOf: ReadonlyMap<RightName, Words> = new Map(
  current.map(({ name, value }) => [name as RightName, wordsOf(BigInt(value))]),
);

/** Words made of random names and, every other time, of random bits of the payload, known and unknown. */
export function randomWords(random: () => number): Words {
  let words = empty;
  for (const of of modelOf.values()) if (random() < 0.08) words = or(words, of);
  if (random() < 0.5) return words;
  const bits = () =>
    BigInt(Math.trunc(random() * 2 ** 28)) << BigInt(Math.trunc(random() * 30)) & (1n << 57n) - 1n;
  return or(words, [bits(), bits()]);
}

/** The same numbers from 0 to 1 for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  return () => {
    seed = seed + 0x6d2b79f5 | 0;
    let t = Math.imul(seed ^ seed >>> 15, 1 | seed);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}
