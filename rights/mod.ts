/**
 * The rights of FreeBSD's capsicum(4) as immutable sets: in pure TypeScript, on any system, with no permission.
 *
 * {@linkcode Rights} are the calls that a descriptor permits, {@linkcode Fcntls} the fcntl(2) commands and
 * {@linkcode Ioctls} the ioctl(2) requests. Their values are in {@linkcode Right}, {@linkcode Fcntl} and
 * {@linkcode Ioctl}.
 *
 * The three sets have all methods of `Set` except those that change it, so the methods of `Set` accept them too. Each
 * method returns a new set. The sets can be written as JSON and read back with `fromJSON`.
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
export { Right, type RightName, Rights, type RightsLike } from "./rights.ts";
export { Fcntl, type FcntlName, Fcntls, type FcntlsLike } from "./fcntls.ts";
export { Ioctl, ioctl, type IoctlDirection, type IoctlName, Ioctls, type IoctlsLike } from "./ioctls.ts";
