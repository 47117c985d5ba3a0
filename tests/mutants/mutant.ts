/**
 * Small faults for the library: each is a place in a file, and the test that must see it.
 *
 * @module
 */
import type { Place } from "../run/places.ts";

/** A test that must fail. */
export interface Concern {
  /** The cheapest kernel on which it can see the fault. */
  on: Place;
  /** The file, below tests/. */
  test: string;
  /** A part of the names of the tests, or an expression between slashes, as `--filter` takes it. Default: all. */
  filter?: string;
}

export interface Mutant {
  /** What is wrong. */
  what: string;
  file: string;
  /** A text that the file has once, and what stands there instead. */
  search: string;
  replace: string;
  /** The first of them that fails is enough. */
  concerns: Concern[];
}

/** The source with the fault. */
export function mutated(source: string, { what, file, search, replace }: Mutant): string {
  const parts = source.split(search);
  if (parts.length !== 2) {
    throw new Error(`${file} has the text of the mutant "${what}" ${parts.length - 1} times, and not once.`);
  }
  if (search === replace) throw new Error(`The mutant "${what}" changes nothing.`);
  return parts.join(replace);
}
