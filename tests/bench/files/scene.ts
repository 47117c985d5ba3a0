import { Fixture } from "../../_fixture.ts";

export const KiB = 1024, MiB = 1024 * KiB;

/** How many entries the large directory and the tree have. */
export const many = 100_000, inTree = 50_000;

const files: Record<string, number> = {
  "1 KiB": KiB,
  "64 KiB": 64 * KiB,
  "10 MiB": 10 * MiB,
  "500 MiB": 500 * MiB,
};

/** The names that are looked at by stat, one after the other. */
export const looked: string[] = Array.from({ length: 1000 }, (_, i) => `file${i}`);

/** Makes what the cases read: `many` entries in a directory, a tree, and files of several sizes. */
export function scene(): Fixture {
  const fixture = new Fixture({ many: {}, tree: {}, files: {} });
  const { path } = fixture;
  for (let i = 0; i < many; i++) {
    Deno.writeFileSync(`${path}/many/file${String(i).padStart(8, "0")}.txt`, none);
  }
  for (let i = 0; i < inTree; i++) {
    const above = `${path}/tree/${Math.floor(i / 1000)}`, below = `${above}/${Math.floor(i / 100)}`;
    if (i % 1000 === 0) Deno.mkdirSync(above);
    if (i % 100 === 0) Deno.mkdirSync(below);
    Deno.writeFileSync(`${below}/file${i}.txt`, none);
  }
  for (const name of looked) Deno.writeFileSync(`${path}/files/${name}`, none);
  for (const [name, size] of Object.entries(files)) {
    using file = Deno.createSync(`${path}/files/${name}`);
    const chunk = new Uint8Array(Math.min(size, MiB)).map((_, i) => i);
    for (let written = 0; written < size; written += chunk.length) file.writeSync(chunk);
    file.syncSync();
  }
  return fixture;
}

const none = new Uint8Array();
