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
  /** A preset of `presets.dir`, or a set of rights. Default: `"read"`. */
  rights?: keyof Presets["dir"] | RightsLike;
  /** Make it if it is missing; its parent must exist. It stays if a later step fails. Default: false. */
  create?: boolean;
  /** Accept a directory that the kernel does not confine: see `Dir.confined`. Default: it is refused. */
  unconfined?: "allow";
}

/** A file that `sandbox()` opens, by the options of `openSync()`. A file that it creates stays if a later step fails. */
export interface FilePlan extends Omit<OpenOptions, "limit"> {
  /** An ambient path. */
  path: string | URL;
  /** A preset of `presets.file`, or a set of rights. Default: those that the options need. */
  rights?: keyof Presets["file"] | RightsLike;
  /** The ioctls that a device keeps; they need IOCTL among the rights. */
  ioctls?: IoctlsLike;
  /** The fcntls that it keeps; they need FCNTL among the rights. */
  fcntls?: FcntlsLike;
}

/** A descriptor that is already open, which `sandbox()` limits and does not close. */
export interface DescriptorPlan {
  /**
   * Its number, an object with `fd`, or `Deno.stdin`, `Deno.stdout` or `Deno.stderr`. Other objects of Deno 2 do not expose
   * their descriptor: `fdOf()` finds it while Deno opens it.
   */
  fd: FdLike | typeof Deno.stdin | typeof Deno.stdout | typeof Deno.stderr;
  /** A preset of `presets.stream` or `presets.socket`, or a set of rights. */
  rights: keyof Presets["stream"] | keyof Presets["socket"] | RightsLike;
  /** The ioctls that it keeps. Default: with a preset of a stream those of `limitStream()`. */
  ioctls?: IoctlsLike;
  /** The fcntls that it keeps. Default: with a preset of a stream GETFL. */
  fcntls?: FcntlsLike;
}

/** Everything that a program needs from outside, for `sandbox()`. */
export interface Plan {
  /** Directories to open, by their names in the result. */
  dirs?: Readonly<Record<string, DirPlan>>;
  /** Files to open, by their names in the result. */
  files?: Readonly<Record<string, FilePlan>>;
  /** Descriptors that are already open, by their names in errors. */
  fds?: Readonly<Record<string, DescriptorPlan>>;
  /** Limit standard input, output and error, as `limitStdio()` does. Default: false. */
  stdio?: boolean | StreamOptions;
  /**
   * Remove all rights except FLOCK from every other file and directory that the process has open, as `limitOthers()` does.
   * Default: false.
   */
  limitOthers?: boolean;
  /** Make Deno open files now that it would open after entering, as `warmUp()` does. Default: false. */
  warmUp?: boolean | WarmUpOptions;
  /**
   * What to do without Capsicum. `"required"` throws. `"if-supported"` opens the same files, without limits and without
   * entering, and sets `sandboxed` to false. Default: `"required"`.
   */
  enforce?: "required" | "if-supported";
  /** Whether to carry nothing out: true only in a {@link DryRunPlan}. Default: false. */
  dryRun?: false;
}

/** A plan that `sandbox()` does not carry out: it returns what it would do. Write `{ ...plan, dryRun: true }`. */
export interface DryRunPlan<Dry extends boolean = true> extends Omit<Plan, "dryRun"> {
  /** Carry nothing out, and return the steps. */
  dryRun: Dry;
}
