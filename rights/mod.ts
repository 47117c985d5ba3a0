/**
 * The rights of FreeBSD's capsicum(4) as immutable sets: in pure TypeScript, on any system, with no permission.
 *
 * {@linkcode Rights} are what a descriptor may be used for, {@linkcode Fcntls} which fcntl(2) commands and
 * {@linkcode Ioctls} which ioctl(2) requests. {@linkcode Right}, {@linkcode Fcntl} and {@linkcode Ioctl} have their values.
 *
 * The three sets have the methods of the language's own `Set` but those that change it, so that these take them, too;
 * each method gives a new set. They can be written as JSON and read back by `fromJSON`.
 *
 * @example What may a file be used for?
 * ```ts
 * import { Rights } from "jsr:@capsicum/capsicum/rights";
 * import { assert, assertEquals } from "jsr:@std/assert";
 *
 * const rights = new Rights(["READ", "SEEK", "FSTAT"]);
 * assert(rights.has("PREAD"));
 * assert(!rights.has("WRITE"));
 * assertEquals(new Set(["WRITE"]).isDisjointFrom(rights), true);
 * ```
 *
 * @module
 */
export { Right, type RightName } from "./right.ts";
export { Rights, type RightsLike } from "./rights.ts";
export { Fcntl, type FcntlName, Fcntls, type FcntlsLike } from "./fcntls.ts";
export { Ioctl, ioctl, type IoctlDirection, type IoctlName } from "./ioctl.ts";
export { Ioctls, type IoctlsLike } from "./ioctls.ts";
