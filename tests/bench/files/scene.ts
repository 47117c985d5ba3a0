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

/** The sizes of the cases that grow: entries of a directory, bytes of a file, components of a path. */
export const growth = {
  list: [10, 100, 1000, 10_000, 100_000],
  read: [KiB, 16 * KiB, 256 * KiB, 4 * MiB, 32 * MiB, 500 * MiB],
  deep: [1, 8, 64],
};

/** A path of that many components below `deep`. */
export function deepPath(components: number): string {
  return Array(components).fill("d").join("/");
}

/** Makes what the cases that grow read. */
export function growthScene(): Fixture {
  const fixture = new Fixture({ many: {}, tree: {}, files: {}, lists: {}, sizes: {}, deep: {} });
  const { path } = fixture;
  for (const count of growth.list) {
    Deno.mkdirSync(`${path}/lists/${count}`);
    for (let i = 0; i < count; i++) {
      Deno.writeFileSync(`${path}/lists/${count}/file${String(i).padStart(8, "0")}.txt`, none);
    }
  }
  for (const size of growth.read) writeSized(`${path}/sizes/${size}`, size);
  Deno.mkdirSync(`${path}/deep/${deepPath(Math.max(...growth.deep))}`, { recursive: true });
  return fixture;
}

/** Makes what the cases read: `many` entries in a directory, a tree, and files of several sizes. */
export function scene(): Fixture {
  const fixture = new Fixture({ many: {}, tree: {}, files: {}, lists: {}, sizes: {}, deep: {} });
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
  for (const [name, size] of Object.entries(files)) writeSized(`${path}/files/${name}`, size);
  return fixture;
}

function writeSized(path: string, size: number): void {
  using file = Deno.createSync(path);
  const chunk = new Uint8Array(Math.min(size, MiB)).map((_, i) => i);
  for (let written = 0; written < size; written += chunk.length) file.writeSync(chunk);
  file.syncSync();
}

const none = new Uint8Array();
