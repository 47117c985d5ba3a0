// Types for the part of @std/path that the tests use, over its npm copy, for machines without JSR.
// deno-lint-ignore-file no-explicit-any no-import-prefix
import * as std from "npm:deno-std@1.4.0/path/mod.js";

const untyped = std as Record<string, any>;

export const basename: (path: string, suffix?: string) => string = untyped.basename;
export const dirname: (path: string) => string = untyped.dirname;
export const fromFileUrl: (url: string | URL) => string = untyped.fromFileUrl;
export const globToRegExp: (
  glob: string,
  options?: { extended?: boolean; globstar?: boolean; caseInsensitive?: boolean },
) => RegExp = untyped.globToRegExp;
export const join: (...paths: string[]) => string = untyped.join;
export const normalize: (path: string) => string = untyped.normalize;
export const relative: (from: string, to: string) => string = untyped.relative;
export const resolve: (...paths: string[]) => string = untyped.resolve;
export const toFileUrl: (path: string) => URL = untyped.toFileUrl;
