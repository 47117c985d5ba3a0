/**
 * Paths that leave a directory, and paths that stay inside it, with the expected result of each.
 *
 * All paths that leave it end in the fixture, so that a broken library does no harm.
 *
 * @module
 */
import type { Tree } from "../_fixture.ts";

/** A kind of path, such as one through a symlink, with paths of this kind to the different targets. */
export interface Kind {
  name: string;
  /**
   * Whether the path leaves the directory: "always", or only if its last symlink is followed. The error is ENOTCAPABLE.
   * For paths that stay inside, the tree determines the result.
   */
  leaves: "always" | "followed" | "no";
  paths: readonly string[];
  /** Whether it leads to a directory itself, so that not all that writes could do something there. */
  isDirectory?: true;
}

/** "inside", where the `Dir` is opened, next to "outside". */
export function treeIn(above: string, fd: number): Tree {
  return {
    file: "inside",
    nest: {},
    sub: { file: "inside", deep: {}, up: { link: ".." }, out: { link: "../../outside" } },
    in: { link: "sub" },
    "in-file": { link: "sub/file" },
    up: { link: ".." },
    above: { link: above },
    chain1: { link: "up" },
    chain2: { link: "chain1" },
    chain3: { link: "sub/../chain2" },
    root: { link: `/proc/self/root${above}` },
    cwd: { link: "/proc/self/cwd" },
    fd: { link: `/dev/fd/${fd}` },
    "out-file": { link: "../outside/secret" },
    "out-dir": { link: "../outside/dir" },
    "out-new": { link: "../outside/new" },
    "abs-file": { link: `${above}/outside/secret` },
    "abs-dir": { link: `${above}/outside/dir` },
    "abs-new": { link: `${above}/outside/new` },
    "abs-in-file": { link: `${above}/inside/sub/file` },
    "abs-in-dir": { link: `${above}/inside/sub` },
    "abs-in-new": { link: `${above}/inside/new` },
    "chain-file": { link: "out-file" },
    "chain-dir": { link: "in/../out-dir" },
    "chain-new": { link: "out-new" },
    "root-file": { link: `/proc/self/root${above}/outside/secret` },
    "root-dir": { link: `/proc/self/root${above}/outside/dir` },
    "root-new": { link: `/proc/self/root${above}/outside/new` },
    "cwd-file": { link: "/proc/self/cwd/outside/secret" },
    "fd-dir": { link: `/dev/fd/${fd}/outside/dir` },
    dangling: { link: "missing" },
    loop: { link: "loop" },
    "loop-a": { link: "loop-b" },
    "loop-b": { link: "./loop-a" },
    "loop-dir": { link: "loop-dir/.." },
  };
}

export const outside: Tree = {
  secret: "CANARY",
  dir: { secret: "CANARY" },
  link: { link: "secret" },
};

/** What there is to reach, from the directory above. */
const goals = ["outside/secret", "outside/dir", "outside/new", "outside/link", "inside/file"];
/** The same from outside. */
const below = goals.filter((goal) => goal.startsWith("outside")).map((goal) => goal.slice("outside/".length));

const through = (name: string, way: string, more: Partial<Kind> = {}): Kind => ({
  name,
  leaves: "always",
  paths: goals.map((goal) => `${way}/${goal}`),
  ...more,
});

export function kindsOf(above: string): readonly Kind[] {
  return [
    through("..", ".."),
    {
      name: ".. alone",
      leaves: "always",
      isDirectory: true,
      paths: ["..", "../", "../.", "./..", "../..", "../outside/"],
    },
    through("./..", "./.."),
    through("a/../..", "sub/../.."),
    through("a/b/../../..", "sub/deep/../../.."),
    through("//..//", ".//sub//..//.."),
    through("../ and back", "../inside/.."),
    through("absolute", above),
    through("absolute with //", `/${above}`),
    through("absolute into the directory", `${above}/inside/..`),
    {
      name: "absolute to what is inside",
      leaves: "always",
      paths: ["file", "sub", "new", "in"].map((name) => `${above}/inside/${name}`),
    },
    through("symlink to ..", "up"),
    {
      name: "symlink to .. and nothing else",
      leaves: "always",
      isDirectory: true,
      paths: ["up/.", "up/./", "up/.."],
    },
    through("symlink to .. in a directory", "sub/up/.."),
    through("symlink/..", "out-dir/../.."),
    through("symlink to a directory inside, /../..", "in/../.."),
    { name: "symlink/", leaves: "always", paths: below.map((goal) => `sub/out/${goal}`) },
    {
      name: "symlink/.",
      leaves: "always",
      isDirectory: true,
      paths: ["sub/out/.", "out-dir/.", "abs-dir/.", "chain-dir/./"],
    },
    {
      name: "symlink/.. alone",
      leaves: "always",
      isDirectory: true,
      paths: ["sub/out/..", "out-dir/..", "abs-dir/..", "chain-dir/.."],
    },
    through("absolute symlink", "above"),
    through("chain of symlinks", "chain3"),
    through("/proc/self/root", "root"),
    through("/proc/self/cwd", "cwd"),
    through("/dev/fd", "fd"),
    { name: "last symlink", leaves: "followed", paths: ["out-file", "out-dir", "out-new"] },
    { name: "last symlink, absolute", leaves: "followed", paths: ["abs-file", "abs-dir", "abs-new"] },
    {
      name: "last symlink, absolute, to what is inside",
      leaves: "followed",
      paths: ["abs-in-file", "abs-in-dir", "abs-in-new"],
    },
    { name: "last symlink, a chain", leaves: "followed", paths: ["chain-file", "chain-dir", "chain-new"] },
    {
      name: "last symlink, after symlinks inside",
      leaves: "followed",
      paths: ["in/../out-file", "in/../out-dir", "in/../out-new"],
    },
    {
      name: "last symlink, /proc",
      leaves: "followed",
      paths: ["root-file", "root-dir", "root-new", "cwd-file", "fd-dir"],
    },
    {
      name: "last symlink and /",
      leaves: "followed",
      isDirectory: true,
      paths: ["out-dir/", "abs-dir//", "chain-dir/", "up/"],
    },
    { name: "inside", leaves: "no", paths: ["file", "in-file", "in/file", "new"] },
    { name: "inside, dots", leaves: "no", paths: [".", "sub/..", "in/../file"] },
    { name: "inside, slashes", leaves: "no", paths: ["sub/", "in/", "file/"] },
    { name: "inside, missing", leaves: "no", paths: ["missing/../../outside/secret", "dangling"] },
    { name: "inside, loops", leaves: "no", paths: ["loop", "loop/x", "loop-dir/../../outside"] },
  ];
}
