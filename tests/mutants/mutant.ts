/**
 * Small faults for the library: each is a text in a file, its replacement, and the tests that must detect the fault.
 *
 * @module
 */
import type { Place } from "../run/places.ts";

/** A test that must fail. */
export interface Concern {
  /** The cheapest kernel on which the test can detect the fault. */
  on: Place;
  /** The file, below tests/. */
  test: string;
  /** A part of the names of the tests, or an expression between slashes, as `--filter` takes it. Default: all. */
  filter?: string;
}

export interface Mutant {
  /** A description of the fault. */
  what: string;
  file: string;
  /** A text that occurs once in the file, and its replacement. */
  search: string;
  replace: string;
  /** The tests to run, in order, until one fails. */
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
