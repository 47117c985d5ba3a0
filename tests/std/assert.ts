// Types for the part of @std/assert that the tests use, over its npm copy, for machines without JSR.
// deno-lint-ignore-file no-explicit-any no-import-prefix
import * as std from "npm:deno-std@1.4.0/assert/mod.js";

type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

const untyped = std as Record<string, any>;

export const AssertionError: typeof Error = untyped.AssertionError;
export const assert: (expr: unknown, msg?: string) => asserts expr = untyped.assert;
export const assertFalse: (expr: unknown, msg?: string) => void = untyped.assertFalse;
export const assertEquals: <T>(actual: T, expected: T, msg?: string) => void = untyped.assertEquals;
export const assertNotEquals: <T>(actual: T, expected: T, msg?: string) => void = untyped.assertNotEquals;
export const assertStrictEquals: <T>(actual: unknown, expected: T, msg?: string) => asserts actual is T =
  untyped.assertStrictEquals;
export const assertExists: <T>(actual: T, msg?: string) => asserts actual is NonNullable<T> =
  untyped.assertExists;
export const assertStringIncludes: (actual: string, expected: string, msg?: string) => void =
  untyped.assertStringIncludes;
export const assertMatch: (actual: string, expected: RegExp, msg?: string) => void = untyped.assertMatch;
export const assertNotMatch: (actual: string, expected: RegExp, msg?: string) => void =
  untyped.assertNotMatch;
export const assertGreater: <T>(actual: T, expected: T, msg?: string) => void = untyped.assertGreater;
export const assertLess: <T>(actual: T, expected: T, msg?: string) => void = untyped.assertLess;
export const assertInstanceOf: <T extends abstract new (...args: any[]) => any>(
  actual: unknown,
  expected: T,
  msg?: string,
) => asserts actual is InstanceType<T> = untyped.assertInstanceOf;
export const assertThrows: <E extends Error = Error>(
  fn: () => unknown,
  ErrorClass?: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
) => E = untyped.assertThrows;
export const assertRejects: <E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass?: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
) => Promise<E> = untyped.assertRejects;
export const fail: (msg?: string) => never = untyped.fail;
