/** Unpacks archives by examples/untar.ts next to files that it must not reach. */
import { assert, assertEquals } from "@std/assert";
import { treeOf } from "../compat/fs/_tree.ts";
import { Fixture } from "../_fixture.ts";
import { runTool } from "./_example.ts";
import type { Member } from "./_tar.ts";

/** A fixture with "in", where archives are unpacked, and "out", where nothing may be unpacked. */
export class Place implements Disposable {
  readonly fixture: Fixture = new Fixture({ in: {}, out: { secret: "CANARY" }, secret: "CANARY" });
  readonly #outside = this.#look();

  #look(): string {
    const entries = [...treeOf(this.fixture.path)].filter(([path]) => !/^in(\/|$)/.test(path));
    return JSON.stringify(entries.map(([path, { mode, text, mtime }]) => [path, mode, text, path && mtime]));
  }

  /** Unpacks an archive, and fails if anything outside was read or changed. */
  async untar(input: Uint8Array, ...args: string[]): Promise<{ code: number; stderr: string }> {
    const { code, stdout, stderr } = await runTool("untar", [...args, this.fixture.at("in")], {
      stdin: input,
    });
    assertEquals(stdout, "");
    assertEquals(this.#look(), this.#outside);
    for (const [path, { text }] of this.tree) assert(!text?.includes("CANARY"), path);
    return { code, stderr };
  }

  get tree(): ReturnType<typeof treeOf> {
    return treeOf(this.fixture.at("in"));
  }

  /** The contents of files, the targets of symlinks, and "/" for directories. */
  get texts(): Record<string, string> {
    const entries = [...this.tree].filter(([path]) => path !== "");
    return Object.fromEntries(
      entries.map((
        [path, { type, text }],
      ) => [path, type === "directory" ? "/" : type === "symlink" ? `-> ${text}` : text ?? type]),
    );
  }

  [Symbol.dispose](): void {
    this.fixture[Symbol.dispose]();
  }
}

/** A valid archive. */
export const honest: Member[] = [
  { name: "./", type: "5", mode: 0o755 },
  { name: "dir/", type: "5", mode: 0o555 },
  { name: "dir/file", data: "text", mtime: 1_234_567_890 },
  { name: "dir/script", data: "#!", mode: 0o700 },
  { name: "empty" },
  { name: "made/on/the/way", data: "x".repeat(1500) },
  { name: "link", type: "2", link: "dir/file" },
  { name: "dir/up", type: "2", link: "../made/on" },
  { name: "hard", type: "1", link: "./dir/file" },
];
/** What it holds. */
export const unpacked = {
  dir: "/",
  "dir/file": "text",
  "dir/script": "#!",
  "dir/up": "-> ../made/on",
  empty: "",
  hard: "text",
  link: "-> dir/file",
  made: "/",
  "made/on": "/",
  "made/on/the": "/",
  "made/on/the/way": "x".repeat(1500),
};
