/**
 * Finds the directories of a plan that Linux would give more rights than their entries say.
 *
 * @module
 */
import { accessFor, type AllowedDirectory } from "../../ffi/linux/confine/confine.ts";
import { shortened, visible } from "../../ffi/errors.ts";
import { identifiedAt, identityOf } from "../fs/descriptor.ts";

/** A directory of the plan, with the name of its entry. */
export interface NamedDirectory extends AllowedDirectory {
  readonly name: string;
}

/** Why Landlock would give a directory more rights: it adds those of each directory around it. Else undefined. */
export function widened({ fd, rights }: NamedDirectory, all: readonly NamedDirectory[]): string | undefined {
  const wider = all.filter((dir) => (accessFor(dir.rights) & ~accessFor(rights)) !== 0);
  if (wider.length === 0) return undefined;
  const around = identitiesAround(fd), outer = wider.find((dir) => around.has(identityOf(dir.fd)));
  return outer &&
    `it is in ${
        shortened(visible(outer.name), 60)
      } or the same directory, and Landlock gives it the rights of that too. ` +
      "Give both the same rights, or leave one out.";
}

/** The identities of a directory and of all that it is in. It asks the kernel, because a mount can hide a path. */
function identitiesAround(fd: number): ReadonlySet<string> {
  const all: string[] = [];
  // The parent of the root is the root; but a directory can also be mounted in itself, a few times.
  const isRoot = () => all.length > 8 && new Set(all.slice(-8)).size === 1;
  for (let path = "."; !isRoot(); path += "/..") all.push(identifiedAt(fd, path).identity);
  return new Set(all);
}
