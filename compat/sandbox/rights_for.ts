import { listed, shown } from "../../ffi/message.ts";
import { needs, type Operation, rightsToOpen } from "../../ffi/capsicum/needs.ts";
import { Rights } from "../../rights/mod.ts";
import { openFlags, type OpenOptions, openOptions } from "../fs/open_options.ts";
import { checkOptions } from "../fs/options.ts";

/**
 * The rights that a call needs on its descriptor, by its C name; or that opening a file needs on the directory, by the
 * options of `dir.openSync()`.
 *
 * Exactly these suffice, and without any one of them the call fails with ENOTCAPABLE. The calls are those of the table
 * {@link needs}, by which error messages name missing rights too. If a call has two descriptors, its name alone is for the
 * first. For the second there are `"linkat to"`, `"renameat to"` and, if the new name exists, `"renameat over"`. Some
 * calls have a row for each use, such as `"mmap PROT_READ"`, `"fcntl F_SETLK"`, `"sendto with an address"`. A file that was
 * opened through a directory has the directory's rights, so what it is used for later must be among them too.
 *
 * Calls nothing and needs no permission.
 *
 * @throws {TypeError} If the argument is neither name nor options, or the options contradict each other.
 * @throws {RangeError} If the name is not that of a call in the table.
 *
 * @example
 * ```ts
 * import { rightsFor } from "jsr:@capsicum/capsicum";
 * import { assert, assertEquals } from "jsr:@std/assert";
 *
 * assertEquals(rightsFor("pread").names(), ["PREAD"]);
 * assert(rightsFor({ write: true, append: true }).equals(["LOOKUP", "WRITE"]));
 * const all = rightsFor({ read: true }).union(rightsFor("fstat"));
 * assertEquals(all.names(), ["READ", "FSTATAT"]);
 * ```
 */
export function rightsFor(operation: Operation | OpenOptions): Rights {
  if (typeof operation === "object" && operation !== null) {
    checkOptions("rightsFor()", operation, openOptions);
    return new Rights(rightsToOpen(openFlags(operation)));
  }
  if (typeof operation !== "string") {
    throw new TypeError(
      `${shown(operation)} is no operation: expected the C name of a call, or the options of openSync().`,
    );
  }
  if (!Object.hasOwn(needs, operation)) {
    const [call] = operation.split(" ");
    const near = Object.keys(needs).filter((name) => name.split(" ")[0] === call).map((name) => `"${name}"`);
    throw new RangeError(
      `${shown(operation)} is not among the calls whose rights are known, which \`needs\` lists. ` +
        (near.length > 0
          ? `Of this call it has ${listed(near, 100)}.`
          : "What opening needs is told by options, as in rightsFor({ read: true })."),
    );
  }
  return new Rights(needs[operation]);
}
