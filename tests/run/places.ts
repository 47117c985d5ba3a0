import { root } from "./deno.ts";

/** The kernels that Linux offers to the tests. On FreeBSD every file runs on the system's own. */
export type Place = "15.1" | "13.2" | "native" | "native without openat2" | "native checked";

interface Rule {
  /** Files, or folders with all files in them. */
  paths: string[];
  places: Place[];
  why: string;
  /** Whether they have the same results with any version of Deno. */
  anyDeno?: true;
}

/** The rule of a file is the first one that names it or its folder. */
const rules: Rule[] = [
  {
    paths: [
      "tests/run",
      "tests/mutants",
      "tests/layering_test.ts",
      "tests/mod_test.ts",
      "tests/readme_files_test.ts",
    ],
    places: ["15.1"],
    why: "They read sources, documentation and data, and call no kernel.",
    anyDeno: true,
  },
  {
    paths: [
      "tests/compat/broker/policy_test.ts",
      "tests/compat/broker/wire_test.ts",
      "tests/compat/sandbox/plan_types_test.ts",
    ],
    places: ["15.1"],
    why: "They call no kernel, but Deno's parser of URLs, or its type checker.",
  },
  {
    paths: [
      "tests/ffi/values_test.ts",
      "tests/examples/http_conditions_test.ts",
      "tests/examples/line_search_test.ts",
      "tests/examples/tar_test.ts",
    ],
    places: ["15.1"],
    why: "Text, bytes and dates, which neither a kernel nor Deno changes.",
    anyDeno: true,
  },
  {
    paths: ["tests/standin", "tests/kernel_traces_test.ts"],
    places: ["15.1"],
    why: "They test the stand-in, and choose the simulated release of each case themselves.",
    anyDeno: true,
  },
  {
    paths: ["tests/ffi/replay_test.ts"],
    places: ["15.1"],
    why: "It replays calls of that release; other tests make each call by each Deno.",
    anyDeno: true,
  },
  {
    paths: ["tests/rights", "tests/ffi/freebsd", "tests/ffi/capsicum/header_test.ts"],
    places: ["15.1", "13.2"],
    why: "Tables by release of FreeBSD, in TypeScript alone.",
    anyDeno: true,
  },
  {
    paths: ["tests/fuzz/texts_test.ts"],
    places: ["native"],
    why: "Patterns and archives, which no kernel sees.",
    anyDeno: true,
  },
  {
    paths: [
      "tests/ffi/linux",
      "tests/deno_in_capability_mode_test.ts",
      "tests/compat/sandbox/deno_descriptors_test.ts",
    ],
    places: ["native"],
    why: "The stand-in does not see these calls.",
  },
  {
    paths: ["tests/check_test.ts"],
    places: ["native"],
    why: "The self-check knows the calls of Linux.",
  },
  {
    paths: ["tests/mistakes_test.ts"],
    places: ["15.1"],
    why: "Arguments that the library refuses itself, most of them of calls that need Capsicum.",
    anyDeno: true,
  },
  {
    paths: ["tests/examples/usage_test.ts"],
    places: ["native"],
    why:
      "Command lines, which the examples read themselves; a process without a sandbox starts fastest natively.",
    anyDeno: true,
  },
  {
    paths: ["tests/examples/untar_formats_test.ts"],
    places: ["15.1"],
    why: "Archives, which the example reads itself; the sandbox of Linux takes longer to start.",
    anyDeno: true,
  },
  {
    paths: ["tests/examples/plugin_answers_test.ts"],
    places: ["native"],
    why: "What passes between Deno's own processes and Workers, on each system alike.",
  },
  {
    paths: ["tests/examples_test.ts", "tests/readme_test.ts"],
    places: ["15.1"],
    why:
      "Whole programs, which start the other system themselves or need Capsicum; no call differs by release.",
  },
  {
    paths: ["tests/compat/broker/channel_test.ts"],
    places: ["native"],
    why: "Only Linux limits the descriptors in flight.",
  },
  {
    paths: ["tests/compat/broker/node_packages_test.ts", "tests/examples/fetch_test.ts"],
    places: ["native"],
    why: "Their broker runs a Deno without the stand-in.",
  },
  {
    paths: [
      "tests/docs_test.ts",
      "tests/examples",
      "tests/compat/ambient/ambient_parity_test.ts",
      "tests/compat/ambient/std_test.ts",
      "tests/compat/broker",
      "tests/compat/fs/fd_file_async_test.ts",
      "tests/compat/fs/io_test.ts",
      "tests/compat/fs/open_async_test.ts",
      "tests/compat/fs/parity_test.ts",
      "tests/compat/fs/streams_test.ts",
      "tests/compat/sandbox/warm_up_test.ts",
      "tests/faults/broker/broker_faults_test.ts",
      "tests/ffi/hostile_code_test.ts",
    ],
    places: ["15.1", "native"],
    why: "Programs, and comparisons with Deno: none of their calls differs between releases.",
  },
  {
    paths: [
      "tests/ffi/libc",
      "tests/ffi/bad_input_test.ts",
      "tests/ffi/capsicum",
      "tests/ffi/errors_test.ts",
      "tests/ffi/not_capable_test.ts",
      "tests/ffi/permission_test.ts",
      "tests/ffi/syscall_error_test.ts",
    ],
    places: ["15.1", "13.2"],
    why: "They need Capsicum, whose rights and calls differ by release.",
  },
  {
    paths: ["tests/ffi/errno_test.ts", "tests/faults/faults_test.ts"],
    places: ["15.1"],
    why: "They need Capsicum; errno does not differ by release.",
  },
  {
    paths: ["tests/faults/linux_faults_test.ts", "tests/soak"],
    places: ["native"],
    why: "They need the memory and the refusals of a kernel.",
  },
  {
    paths: ["tests/compat/fs/attack_test.ts"],
    places: ["15.1", "13.2", "native", "native without openat2", "native checked"],
    why:
      "Paths that must not leave a directory, by the library's own means and each kernel's, not by Deno's.",
    anyDeno: true,
  },
  {
    paths: ["tests/compat/fs/open_test.ts"],
    places: ["15.1", "13.2", "native", "native without openat2", "native checked"],
    why: "As the next ones; and a sample of the self-check, which can run all tests.",
  },
  {
    paths: [
      "tests/escapes",
      "tests/fuzz/kernels_test.ts",
      "tests/compat/fs/bytes_names_test.ts",
      "tests/compat/fs/dir_attributes_test.ts",
      "tests/compat/fs/dir_contents_test.ts",
      "tests/compat/fs/dir_names_test.ts",
      "tests/compat/fs/dir_test.ts",
      "tests/compat/fs/remove_test.ts",
      "tests/compat/fs/resolve_test.ts",
      "tests/compat/fs/walk_test.ts",
    ],
    places: ["15.1", "13.2", "native", "native without openat2"],
    why: "Paths, which the library itself walks if openat2(2) is forbidden.",
  },
];

/** Where a file runs that no rule names. */
const anywhere: readonly Place[] = ["15.1", "13.2", "native"];

/** The kernels on which a test file can have different results. */
export function placesOf(file: string): readonly Place[] {
  return ruleOf(file)?.places ?? anywhere;
}

/** Whether a test file can have different results with another version of Deno. */
export function dependsOnDeno(file: string): boolean {
  return ruleOf(file)?.anyDeno !== true;
}

function ruleOf(file: string): Rule | undefined {
  return rules.find(({ paths }) => paths.some((path) => file === path || file.startsWith(`${path}/`)));
}

/** The paths in the rules that do not exist. */
export function staleRules(): string[] {
  return rules.flatMap(({ paths }) => paths).filter((path) => !exists(path));
}

/** The test files among arguments of `deno test`, all if there are none, and the other arguments. */
export function splitArguments(args: readonly string[]): { files: string[]; others: string[] } {
  const given = args.filter((arg) => /^(\.\/)?tests(\/|$)/.test(arg));
  const lost = args.find((arg) =>
    given.includes(arg) ? !exists(arg) : arg.endsWith("_test.ts") && !arg.startsWith("-")
  );
  if (lost !== undefined) {
    throw new Error(`There is no test ${JSON.stringify(lost)}: name a file or folder in tests/.`);
  }
  const paths = given.length === 0 ? ["tests"] : given.map((path) => path.replace(/^\.\/|\/$/g, ""));
  return {
    files: [...new Set(paths.flatMap(testFiles))],
    others: args.filter((arg) => !given.includes(arg)),
  };
}

function testFiles(path: string): string[] {
  if (path.endsWith(".ts")) return [path];
  return [...Deno.readDirSync(new URL(path, root))].flatMap(({ name, isDirectory }) =>
    isDirectory ? testFiles(`${path}/${name}`) : name.endsWith("_test.ts") ? [`${path}/${name}`] : []
  ).sort();
}

function exists(path: string): boolean {
  try {
    Deno.statSync(new URL(path, root));
    return true;
  } catch {
    return false;
  }
}
