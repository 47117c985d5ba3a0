/**
 * Hostile names and symlinks, and the paths by which an attacker would use them.
 *
 * @module
 */
import type { Tree } from "../../_fixture.ts";

/** A path to try. */
export interface Attempt {
  path: string;
  /** It must fail: "always", or "followed" where the method follows a last symlink. */
  leaves: "always" | "followed" | "no";
}

/** The directory that each `Dir` opens. It is next to "outside" in the fixture. */
export interface Place {
  /** The absolute path of their parent directory. */
  above: string;
  /** The name of the directory. */
  name: string;
  /**
   * Whether paths and symlinks may lead to places such as "/". True only if nothing is changed: all others lead to a place
   * in the fixture, so that a broken `Dir` does no harm.
   */
  anywhere: boolean;
}

const long = "n".repeat(255);

/** Names that are special in shells or other systems, but not for the kernel. Half of them are directories. */
const names: readonly string[] = [
  "...",
  "....",
  ".. ",
  " ..",
  "..\n",
  "\n..",
  "a\nb",
  "\t",
  " ",
  "-rf",
  "~",
  "~root",
  "$HOME",
  "$(id)",
  "`id`",
  "'",
  '"',
  "*",
  "?",
  "[a-z]",
  "{a,b}",
  "**",
  "!(a)",
  "%2e%2e",
  "%2e%2e%2foutside",
  "..%2foutside",
  "..%c0%af",
  "%00",
  "..\\outside",
  "\\..\\..",
  "C:",
  "nul",
  "file:",
  "..;",
  ";",
  "|",
  "&",
  "#",
  "\u2024\u2024",
  "\u2025",
  "\u2026",
  "\uff0e\uff0e",
  "..\u2215outside",
  "..\uff0foutside",
  "\u202e..",
  "\u200b..",
  "\ufeff..",
  "e\u0301",
  "\u00e9",
  "\u{10ffff}",
  "\x01",
  "\x7f",
  "\x1b[31m",
  "canonical",
  long,
  "ü".repeat(127),
  "constructor",
  "__proto__x",
];

/** Names that are not UTF-8, as the library spells them. Deno's own API can't create them. */
export const bytesNames: readonly string[] = [
  "\udcff",
  "..\udcff",
  "\udcc0\udcae\udcc0\udcae",
  "\udce2\udc80",
];

/** Targets of symlinks that leave the directory. */
function targets({ above, name, anywhere }: Place): string[] {
  const targets = [
    "..",
    "../",
    "../.",
    "../outside",
    "../outside/",
    "../outside/target",
    "./../outside",
    ".//..//outside//target",
    "nest/../../outside",
    "nest/deep/../../../outside/target",
    `../${name}/../outside`,
    "nest/../../outside/dir",
    "../missing",
    "../outside/missing",
    `../../${above.slice(above.lastIndexOf("/") + 1)}/outside`,
    `${above}/outside`,
    `${above}/outside/target`,
    `/${above}/outside/dir/`,
    `${above}/${name}/file`,
    `${above}/${name}`,
    `${above}/missing`,
    "up/../outside/target",
  ];
  if (!anywhere) return targets;
  return [
    ...targets,
    `${"../".repeat(40)}${above.slice(1)}/outside`,
    "/",
    "//",
    "/etc",
    "/proc/self/root",
    `/proc/self/root${above}/outside/target`,
    "/proc/self/cwd",
    "/dev/fd/0",
  ];
}

/** Paths that leave the directory, to places that not even a broken `Dir` may change. */
function pathsAnywhere({ above }: Place): string[] {
  return [
    `${"../".repeat(40)}${above.slice(1)}/outside/target`,
    "/",
    "//",
    "/.",
    "/etc",
    "/etc/passwd",
    "/new-of-capsicum",
    "/proc/self/root/etc/passwd",
    "/dev/fd/0",
  ];
}

/** The contents of each directory. Symlinks that leave the directory are in separate shapes. */
export function hostileTree(place: Place): Tree {
  const tree: Tree = {
    file: "inside",
    nest: { deep: { file: "inside" }, up: { link: ".." }, file: "inside" },
    up: { link: ".." },
    ok: { link: "nest/deep" },
    "ok-file": { link: "nest/up/file" },
    loop: { link: "loop" },
    "loop-a": { link: "loop-b" },
    "loop-b": { link: "./loop-a" },
    "loop-dir": { link: "loop-dir/.." },
  };
  const nest = tree.nest as Tree;
  for (const [i, target] of targets(place).entries()) {
    tree[`l${i}`] = { link: target };
    nest[`l${i}`] = { link: target.startsWith("/") ? target : `../${target}` };
    tree[`chain${i}`] = { link: `l${i}` };
    tree[`chain-nest${i}`] = { link: `nest/../nest/l${i}` };
    tree[`through${i}`] = { link: `chain${i}/target` };
  }
  for (let i = 0; i < 40; i++) tree[`far${i}`] = { link: i === 0 ? "../outside/target" : `far${i - 1}` };
  for (let i = 0; i < 30; i++) tree[`near${i}`] = { link: i === 0 ? "file" : `near${i - 1}` };
  for (const [i, name] of names.entries()) tree[name] = i % 2 === 0 ? "inside" : { target: "inside" };
  return tree;
}

/** Every path to try. The order matters: changes by a later one do not affect an earlier one. */
export function attemptsOn(place: Place): Attempt[] {
  const { above, name } = place, count = targets(place).length;
  const links = ["through", "chain-nest", "chain", "nest/l", "l"].flatMap((kind) =>
    Array.from({ length: count }, (_, i) => `${kind}${i}`)
  );
  const always = [
    "..",
    "../",
    "../.",
    "../..",
    "../outside",
    "../outside/target",
    "../new",
    "./../outside/target",
    ".//..//outside",
    "nest/../../outside/target",
    "nest/deep/../../../outside/target",
    "nest/up/../outside/target",
    "ok/../../../outside/target",
    "up/outside/target",
    "up/new",
    `up/${name}/file`,
    `../${name}/file`,
    `${"nest/../".repeat(100)}../outside/target`,
    `${"./".repeat(400)}../outside/target`,
    `${above}/outside/target`,
    `${above}/outside/new`,
    `/${above}/outside/dir`,
    `${above}/${name}/file`,
    `${above}/${name}`,
    ...(place.anywhere ? pathsAnywhere(place) : []),
    ...links.map((link) => `${link}/target`),
    ...["/new", "/.", "/..", "/../outside/target"].flatMap((end) =>
      links.filter((link) => !/^(through|chain)/.test(link)).map((link) => link + end)
    ),
    // Names that do not exist, or are too long, must fail too.
    "n".repeat(256),
    "n".repeat(5000),
    "\udcff/../../outside/target",
    "\0",
    "../outside/target\0",
    "",
    "loop/../../outside",
    "loop-dir/outside/target",
    "missing/../../outside/target",
    "file/../../outside/target",
  ].map((path) => ({ path, leaves: "always" as const }));
  // With a trailing slash, a symlink is either followed or used itself.
  const ends = links.map((link) => `${link}/`);
  const followed = [
    ...Array.from({ length: 40 }, (_, i) => `far${39 - i}`),
    ...ends,
    ...links,
    "nest/up/up",
    "up",
  ]
    .map((path) => ({ path, leaves: "followed" as const }));
  const allNames = [...names, ...bytesNames];
  const inside = [
    ...allNames.flatMap((name) => [`${name}/target`, `nest/../${name}`, `${name}/../file`, `${name}/`]),
    ...Array.from({ length: 30 }, (_, i) => `near${29 - i}`),
    "loop",
    "loop-a",
    "loop-b",
    "loop-dir",
    `${"nest/".repeat(100)}target`,
    "ok/file",
    "ok-file",
    "nest/../file",
    "new",
    "nest/new",
    ...allNames.map((name) => `${name.slice(0, 99)}.new`),
    ...allNames,
    "ok",
    "nest/up",
    "file",
    "nest/deep",
    "nest/",
    "nest",
    ".",
    "./",
  ].map((path) => ({ path, leaves: "no" as const }));
  return [...always, ...followed, ...inside];
}

/** Paths to a directory or a file that another process swaps with a symlink, or moves out and back. */
export const swappedPaths: readonly string[] = [
  "swap",
  "leaf",
  "swap/target",
  "swap/new",
  "swap/.",
  "swap/sub/target",
  "swap/sub/../target",
  "swap/../leaf",
  "deep/d",
  "deep/d/../target",
  "deep/d/e/../../target",
];
