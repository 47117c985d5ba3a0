import type { FdLike } from "../../../ffi/fd_like.ts";
import {
  getFcntls,
  getIoctls,
  getRights,
  limit,
  limitFcntls,
  limitIoctls,
} from "../../../ffi/capsicum/limits.ts";
import {
  Fcntls,
  type FcntlsLike,
  Ioctls,
  type IoctlsLike,
  Rights,
  type RightsLike,
} from "../../../rights/mod.ts";

/** The limits that a descriptor can have. */
export interface Limits {
  readonly rights: Rights;
  readonly ioctls?: Ioctls;
  readonly fcntls?: Fcntls;
}

/**
 * Checks the limits for a descriptor.
 *
 * @throws {TypeError} If one has the wrong type, or ioctls or fcntls are given without their right.
 * @throws {RangeError} If one is unknown.
 */
export function limitsOf(rights: RightsLike, ioctls?: IoctlsLike, fcntls?: FcntlsLike): Limits {
  const set = new Rights(rights);
  const limits = {
    rights: set,
    ...(ioctls === undefined ? {} : { ioctls: ioctls instanceof Ioctls ? ioctls : new Ioctls(ioctls) }),
    ...(fcntls === undefined ? {} : { fcntls: new Fcntls(fcntls) }),
  };
  if (limits.ioctls && !limits.ioctls.isEmpty && !set.has("IOCTL")) {
    throw new TypeError("The ioctls need IOCTL among the rights.");
  }
  if (limits.fcntls && !limits.fcntls.isEmpty && !set.has("FCNTL")) {
    throw new TypeError("The fcntls need FCNTL among the rights.");
  }
  return limits;
}

/** Limits a descriptor permanently; `began` is called once the first limit is set. */
export function applyLimits(fd: FdLike, { rights, ioctls, fcntls }: Limits, began?: () => void): void {
  limit(fd, rights);
  began?.();
  if (ioctls) limitIoctls(fd, ioctls);
  if (fcntls) limitFcntls(fd, fcntls);
}

/** Removes everything beyond these limits from a descriptor; it may hold less. */
export function narrow(fd: FdLike, { rights, ioctls, fcntls }: Limits): void {
  limit(fd, getRights(fd).intersection(rights));
  if (ioctls) limitIoctls(fd, getIoctls(fd).intersection(ioctls));
  if (fcntls) limitFcntls(fd, getFcntls(fd).intersection(fcntls));
}
