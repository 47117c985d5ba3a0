import type { FdLike } from "../../ffi/fd_like.ts";
import type { FcntlsLike, IoctlsLike, RightsLike } from "../../rights/mod.ts";
import type { OpenOptions } from "../fs/open_options.ts";
import type { Presets } from "./presets.ts";
import type { StreamOptions } from "./descriptors/stdio.ts";
import type { WarmUpOptions } from "./warm_up/warm_up_options.ts";

/** A directory that `sandbox()` opens. */
export interface DirPlan {
  /** An ambient path. */
  path: string | URL;
  /** A preset of `presets.dir`, or a set; by default `"read"`. */
  rights?: keyof Presets["dir"] | RightsLike;
  /** Make it where it is missing; what it is in must exist. It stays when a later step fails. By default false. */
  create?: boolean;
  /** Take it also where the kernel does not keep lookups in it: see `Dir.confined`. By default that is refused. */
  unconfined?: "allow";
}

/** A file that `sandbox()` opens, by the options of `openSync()`. What it makes stays when a later step fails. */
export interface FilePlan extends Omit<OpenOptions, "limit"> {
  /** An ambient path. */
  path: string | URL;
  /** A preset of `presets.file`, or a set; by default what the options ask for: reading, writing, appending. */
  rights?: keyof Presets["file"] | RightsLike;
  /** The ioctls that are left, of a device; they need IOCTL among the rights. */
  ioctls?: IoctlsLike;
  /** The fcntls that are left; they need FCNTL among the rights. */
  fcntls?: FcntlsLike;
}

/** A descriptor that is open already, which `sandbox()` limits and does not close. */
export interface DescriptorPlan {
  /**
   * Its number, or an object with `fd`, or `Deno.stdin`, `Deno.stdout` or `Deno.stderr`. No other object of Deno 2 tells
   * its descriptor: `openDescriptors()` before and after it was made does.
   */
  fd: FdLike | typeof Deno.stdin | typeof Deno.stdout | typeof Deno.stderr;
  /** A preset of `presets.stream` or `presets.socket`, or a set. */
  rights: keyof Presets["stream"] | keyof Presets["socket"] | RightsLike;
  /** The ioctls that are left; by default those of `limitStream()` with a stream's preset. */
  ioctls?: IoctlsLike;
  /** The fcntls that are left; by default GETFL with a stream's preset. */
  fcntls?: FcntlsLike;
}

/** All that a program needs from outside, for `sandbox()`. */
export interface Plan {
  /** Directories to open, by the names that the result has. */
  dirs?: Readonly<Record<string, DirPlan>>;
  /** Files to open, by the names that the result has. */
  files?: Readonly<Record<string, FilePlan>>;
  /** Descriptors that are open already, by the names that errors have. */
  fds?: Readonly<Record<string, DescriptorPlan>>;
  /** Limit standard input, output and error, as `limitStdio()` does. By default false. */
  stdio?: boolean | StreamOptions;
  /**
   * Take all rights from every other file and directory that the process has open, as `limitOthers()` does, which leaves
   * files the right to be locked. By default false.
   */
  limitOthers?: boolean;
  /** Make Deno open first what it would open later, as `warmUp()` does. By default false. */
  warmUp?: boolean | WarmUpOptions;
  /**
   * `"required"`, the default: throw where there is no Capsicum. `"if-supported"`: open the same there, without limits
   * and without entering, and say so in `sandboxed`.
   */
  enforce?: "required" | "if-supported";
  /** Carry the plan out, as by default; a {@link DryRunPlan} has `true` here. */
  dryRun?: false;
}

/** A plan of which `sandbox()` carries out nothing, but returns what it would do: `{ ...plan, dryRun: true }`. */
export interface DryRunPlan<Dry extends boolean = true> extends Omit<Plan, "dryRun"> {
  /** Do nothing, and return what would be done. */
  dryRun: Dry;
}
