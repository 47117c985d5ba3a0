/** Errors whose class or code differs from Deno's, and why. */
interface Difference {
  methods: readonly string[];
  /** The class and, if present, the code of the errors of `Deno.*` or `@std/fs`. */
  from: readonly string[];
  /** The class and code of the library's errors. */
  to: readonly string[];
  why: string;
  /** Whether it applies only if Deno runs on Linux and the library on the stand-in for FreeBSD. */
  simulated?: true;
}

const exists = "AlreadyExists EEXIST",
  isDirectory = "IsADirectory EISDIR",
  notDirectory = "NotADirectory ENOTDIR";
const notFound = "NotFound ENOENT", loop = "FilesystemLoop ELOOP", notPermitted = "PermissionDenied EPERM";

export const differences: readonly Difference[] = [
  {
    methods: ["file"],
    from: ["Error"],
    to: ["TypeError"],
    why: "options that contradict each other are a TypeError here",
  },
  {
    methods: ["readLink", "rename"],
    from: ["TypeError EINVAL"],
    to: ["Error EINVAL"],
    why: "EINVAL of the kernel is no TypeError here",
  },
  {
    methods: ["ensureDir", "ensureFile", "copy"],
    from: ["Error", notFound, loop, notDirectory],
    to: [exists],
    why: "what is there and something else is AlreadyExists here, a symlink to nothing too",
  },
  {
    methods: ["copy"],
    from: ["Error", "AlreadyExists"],
    to: ["TypeError", exists, notDirectory, notFound],
    why: "@std/fs throws plain Errors, also of what is missing, and lets two names of one file pass for two",
  },
  {
    methods: ["rename", "symlink", "link", "readLink"],
    from: [exists, notFound, loop, notDirectory, notPermitted, "TypeError EINVAL"],
    to: [notDirectory, notFound, loop],
    why: "whether a path with a last slash is a directory is found out here before the call",
  },
  {
    methods: ["link"],
    from: [exists],
    to: [notPermitted],
    why: "FreeBSD looks whether it is a directory before it looks for the new name",
    simulated: true,
  },
  {
    methods: ["rename"],
    from: ["Error ENOTEMPTY", "TypeError EINVAL"],
    to: [isDirectory, notDirectory],
    why: "Linux looks whether one is in the other before it looks at their types",
    simulated: true,
  },
  {
    methods: ["create", "file", "writeFile", "writeTextFile", "copyFile"],
    from: [isDirectory],
    to: [notFound, notDirectory, exists, loop],
    why: "Linux reports EISDIR for a new file whose path ends in a slash",
    simulated: true,
  },
];
