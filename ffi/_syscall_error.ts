import { Fcntls, type RightName, Rights } from "../rights/mod.ts";
import { bind, bound, errno } from "./_bind.ts";
import { notSupported } from "./_not_supported.ts";
import { abi } from "./abi/abi.ts";
import { AT_FDCWD, O_NOFOLLOW } from "./abi/freebsd_constants.ts";
import { CapsicumError, type SyscallError, type SyscallErrorInit } from "./errors.ts";
import { type Operation, rightsNeeded, rightsToOpen } from "./needs.ts";

/** What a failed call was given. */
export interface Call {
  fd?: number;
  path?: string;
  /** The second descriptor and path of linkat and renameat. */
  toFd?: number;
  toPath?: string;
  /** The flags of open and openat. */
  flags?: number;
  /** The row of the table of needs, where it has several for this call. */
  operation?: Operation | undefined;
  /** Why the kernel said ENOTCAPABLE or EINVAL, where it is not for the rights of a descriptor. */
  reason?: (code: string) => string | undefined;
  /** The rights that cap_rights_limit was asked for. */
  wanted?: Rights;
}

const { errors } = Deno;
const classes: Readonly<Record<string, new (message: string, options?: ErrorOptions) => Error>> = {
  EACCES: errors.PermissionDenied,
  EAGAIN: errors.WouldBlock,
  EBADF: errors.BadResource,
  EBUSY: errors.Busy,
  ECONNABORTED: errors.ConnectionAborted,
  ECONNREFUSED: errors.ConnectionRefused,
  ECONNRESET: errors.ConnectionReset,
  EEXIST: errors.AlreadyExists,
  EINTR: errors.Interrupted,
  EISDIR: errors.IsADirectory,
  ELOOP: errors.FilesystemLoop,
  ENOENT: errors.NotFound,
  ENOTCONN: errors.NotConnected,
  ENOTDIR: errors.NotADirectory,
  EOPNOTSUPP: errors.NotSupported,
  EPERM: errors.PermissionDenied,
  EPIPE: errors.BrokenPipe,
  ETIMEDOUT: errors.TimedOut,
};

/** The error for the errno that stands in `errno`. */
export function syscallError(syscall: string, call: Call): SyscallError {
  const number = errno[0]!;
  const [code, text] = abi().errno[number] ?? [`errno ${number}`, "Unknown error"];
  const init: SyscallErrorInit = { code, errno: Math.abs(number), syscall, path: call.path, fd: call.fd };
  if (code === "ENOTCAPABLE") return notCapable(init, call);
  if (code === "ECAPMODE") return new CapsicumError(`${where(syscall, call)}: ${capModeAdvice(init)}`, init);

  const reason = call.reason?.(code);
  const message = `${where(syscall, call)}: ${text} (${code}).${reason ? ` ${reason}` : ""}`;
  if (code === "ENOSYS") {
    const cause = new CapsicumError(message, init);
    return fields(notSupported(`The kernel of this system has no ${syscall}(2).`, cause), init);
  }
  // Of all calls only a lookup with O_NOFOLLOW means a symlink by EMLINK.
  const isSymlink = code === "EMLINK" && ((call.flags ?? 0) & O_NOFOLLOW) !== 0;
  const Class = isSymlink ? errors.FilesystemLoop : classes[code];
  return Class ? fields(new Class(message), init) : new CapsicumError(message, init);
}

function fields(error: Error, { code, errno, syscall, path, fd }: SyscallErrorInit): SyscallError {
  const known = { code, errno, syscall };
  return Object.assign(error, known, path === undefined ? {} : { path }, fd === undefined ? {} : { fd });
}

/** The call as its man page writes it: `openat "a.txt" on fd 5`. */
function where(syscall: string, { fd, path, toFd, toPath }: Call): string {
  const place = (path?: string, fd?: number) =>
    (path === undefined ? "" : ` ${JSON.stringify(path)}`) +
    (fd === undefined ? "" : fd === AT_FDCWD ? " on the working directory" : ` on fd ${fd}`);
  const to = toFd === undefined && toPath === undefined ? "" : ` to${place(toPath, toFd)}`;
  return syscall + place(path, fd) + to;
}

function notCapable(init: SyscallErrorInit, call: Call): CapsicumError {
  const { syscall } = init;
  const what = where(syscall, call);
  const reason = call.reason?.("ENOTCAPABLE");
  const ends: { fd: number; needs: readonly RightName[] }[] = [];
  if (call.fd !== undefined && call.fd !== AT_FDCWD) {
    const needs = syscall === "openat"
      ? rightsToOpen(call.flags ?? 0, osreldate)
      : rightsNeeded(call.operation ?? syscall);
    ends.push({ fd: call.fd, needs: call.wanted?.names() ?? needs });
  }
  if (call.toFd !== undefined && call.toFd !== AT_FDCWD) {
    ends.push({ fd: call.toFd, needs: rightsNeeded(`${syscall} to`) });
    // With every other right there, the target exists, unless one of the paths leaves its directory.
    if (syscall === "renameat" && !leaves(call.path) && !leaves(call.toPath)) {
      ends.push({ fd: call.toFd, needs: rightsNeeded("renameat over") });
    }
  }
  let held: Rights | undefined;
  for (const { fd, needs } of ends) {
    const holds = heldRights(fd);
    if (holds === undefined) continue;
    held ??= holds;
    const lacks = needs.filter((right) => !holds.has(right));
    if (lacks.length === 0) continue;
    const advice = call.wanted
      ? "Rights can only shrink: limit it to a subset of what it holds."
      : "Rights never grow again: open it anew, or keep these when limiting it.";
    return new CapsicumError(
      `${what}: missing ${lacks.join(", ")} (held: ${holds.names().join(", ") || "none"}). ${advice}`,
      { ...init, fd, held: holds, missing: new Rights(lacks) },
    );
  }
  const message = reason ??
    (call.path === undefined
      ? "the kernel refuses this for the descriptor (ENOTCAPABLE)."
      : `the path leaves the directory, by "..", a leading "/" or a symlink. ` +
        `Use a path that stays in it, or a descriptor of the directory that it leads to.`);
  return new CapsicumError(`${what}: ${message}`, { ...init, held });
}

/** Whether the text of a path alone shows that it may lead out of its directory. */
function leaves(path: string | undefined): boolean {
  return path !== undefined && (path.startsWith("/") || path.split("/").includes(".."));
}

function osreldate(): number {
  return (bound.getosreldate ?? bind("getosreldate"))();
}

/** The rights of a descriptor, or undefined where it has been closed meanwhile, and where there are none. */
function heldRights(fd: number): Rights | undefined {
  if (!abi().hasCapsicum) return undefined;
  const rights = new Uint8Array(16);
  const get = bound.__cap_rights_get ?? bind("__cap_rights_get");
  return get(0, fd, rights) === -1 ? undefined : Rights.fromBytes(rights);
}

/** The fcntls that a descriptor is limited to, or undefined where it has been closed meanwhile. */
export function heldFcntls(fd: number): Fcntls | undefined {
  const mask = new Uint32Array(1);
  const get = bound.cap_fcntls_get ?? bind("cap_fcntls_get");
  return get(fd, mask) === -1 ? undefined : Fcntls.fromMask(mask[0]!);
}

function capModeAdvice({ syscall, path, fd }: SyscallErrorInit): string {
  const text = "not permitted in capability mode, where no global name works (ECAPMODE). ";
  if (fd === AT_FDCWD) {
    return `${text}Pass the descriptor of a directory that was opened before enter() in place of AT_FDCWD.`;
  }
  if (path !== undefined) {
    return `${text}Open the directory before enter(), by openDirSync(), and then the path within it, ` +
      `by dir.openSync() or openAtSync().`;
  }
  return `${text}Call ${syscall} before enter().`;
}
