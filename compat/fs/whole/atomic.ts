/** Replaces a file as a whole: a process that opens it finds either the old content or the new content. */
import type { FdLike } from "../../../ffi/check.ts";
import * as libc from "../../../ffi/libc/mod.ts";
import { bytesOf } from "./data.ts";
import type { FdFile } from "../file.ts";
import { checkHolds, mayHaveAcl, modeAfter, rightsOf, statIfThere, statOf } from "../descriptor.ts";
import { aMode, checkOptions } from "../options.ts";
import { on, Place } from "../path/place.ts";
import { named, told } from "../path/told.ts";
import { codeOf } from "../path/resolve.ts";
import { SUCCEEDING, Successor } from "./successor.ts";

/** The options of `Dir.writeFileAtomic`. */
export interface AtomicWriteOptions {
  /**
   * The mode of the file; the umask does not apply. Default: the permission bits of the file that is replaced. A new
   * file gets 0o666 less the umask.
   */
  mode?: number;
}

/** Without one of these rights the call would fail halfway, or leave the new file under its hidden name. */
const NEEDS = [...SUCCEEDING, "FSYNC"] as const;

export function writeAtomicSync(
  dir: FdLike,
  path: string,
  data: Uint8Array | string,
  options?: AtomicWriteOptions,
): void {
  const bytes = bytesOf("Dir.writeFileAtomicSync()", data);
  for (const file of succeeding("Dir.writeFileAtomicSync()", dir, path, options)) {
    const { fd } = file;
    try {
      file.writeAllSync(bytes);
      file.syncSync();
    } catch (error) {
      throw told(error, fd, named(dir, path));
    }
  }
}

export async function writeAtomic(
  dir: FdLike,
  path: string,
  data: Uint8Array | string,
  options?: AtomicWriteOptions,
): Promise<void> {
  const bytes = bytesOf("Dir.writeFileAtomic()", data);
  const name = named(dir, path);
  for (const file of succeeding("Dir.writeFileAtomic()", dir, path, options)) {
    const { fd } = file;
    try {
      await file.writeAll(bytes);
      await file.sync();
    } catch (error) {
      throw told(error, fd, name);
    }
  }
}

/** Yields the new file, which the caller fills and flushes to the disk. Then the file takes its place. */
function* succeeding(
  call: string,
  dir: FdLike,
  path: string,
  options?: AtomicWriteOptions,
): Generator<FdFile, void, undefined> {
  checkOptions(call, options, { mode: aMode });
  using place = new Place(dir, path, "renameat");
  checkHolds(place.told, NEEDS);
  const old = on(place, statIfThere);
  const isReplaced = old?.isFile === true, hasList = isReplaced && on(place, mayHaveAcl);
  const mode = options?.mode ?? (isReplaced ? undefined : modeOfNew(place));
  using next = new Successor(place);
  yield next.file;
  if (isReplaced) keepOwner(next.file, old);
  next.publish(mode === undefined ? modeAfter(old!, hasList, next.file.fd) : mode & 0o7777);
}

/** The permission bits that a new file gets in the directory: by the umask, or by an access control list. */
function modeOfNew(place: Place): number {
  using probe = new Successor(place, 0o666);
  const mode = statOf(probe.file.fd).mode! & 0o777;
  probe.discard();
  return mode;
}

/** Gives a file the owner and the group of the file that it replaces, as far as that is permitted. */
function keepOwner(file: FdFile, { uid, gid }: Deno.FileInfo): void {
  const now = statOf(file.fd);
  if (now.uid === uid && now.gid === gid || !rightsOf(file.fd).has("FCHOWN")) return;
  if (!gives(file, uid!, gid!)) gives(file, -1, gid!);
}

function gives(file: FdFile, uid: number, gid: number): boolean {
  try {
    libc.fchown(file, uid, gid);
    return true;
  } catch (error) {
    // Linux reports EINVAL for an owner that is not mapped in the user namespace.
    if (codeOf(error) !== "EPERM" && codeOf(error) !== "EINVAL") throw error;
    return false;
  }
}
