import { openDirSync } from "../../../mod.ts";
import { type Case, type Cases, freshNames } from "./cases.ts";
import { deepPath, KiB, looked, MiB } from "./scene.ts";

const place = Deno.args[2]!;
const many = openDirSync(`${place}/many`),
  tree = openDirSync(`${place}/tree`),
  files = openDirSync(`${place}/files`);
const lists = openDirSync(`${place}/lists`),
  sizes = openDirSync(`${place}/sizes`),
  deep = openDirSync(`${place}/deep`);

function reads(name: string, dir = files) {
  return (times: number) => {
    for (let i = 0; i < times; i++) keep(dir.readFileSync(name));
  };
}

function readsInto(name: string, size: number) {
  const buffer = new Uint8Array(size);
  return (times: number) => {
    for (let i = 0; i < times; i++) {
      using file = files.openSync(name);
      keep(file.readIntoSync(buffer));
    }
  };
}

function writes(size: number): Case {
  const data = new Uint8Array(size), names = freshNames((name) => files.removeSync(name));
  return {
    run: (times) => {
      for (let i = 0; i < times; i++) files.writeFileSync(names.next(), data);
    },
    undo: names.undo,
  };
}

export let kept: unknown;
function keep(result: unknown): void {
  kept = result;
}

export const cases: Cases = {
  names: () => (times) => {
    for (let i = 0; i < times; i++) keep(many.listSync());
  },
  entries: () => (times) => {
    for (let i = 0; i < times; i++) keep([...many.readDirSync()]);
  },
  read1K: () => reads("1 KiB"),
  read64K: () => reads("64 KiB"),
  read500M: () => reads("500 MiB"),
  into1K: () => readsInto("1 KiB", KiB),
  into64K: () => readsInto("64 KiB", 64 * KiB),
  into500M: () => readsInto("500 MiB", 500 * MiB),
  stat: () => (times) => {
    for (let i = 0; i < times; i++) keep(files.statSync(looked[i % looked.length]!));
  },
  walk: () => (times) => {
    for (let i = 0; i < times; i++) keep([...tree.walkSync()]);
  },
  write1K: () => writes(KiB),
  write10M: () => writes(10 * MiB),
  list: (at) => (times) => {
    for (let i = 0; i < times; i++) keep(lists.listSync(`${at}`));
  },
  read: (at) => reads(`${at}`, sizes),
  deep: (at) => (times) => {
    for (let i = 0, path = deepPath(at); i < times; i++) keep(deep.statSync(path));
  },
  readAsync10M: () => async (times) => {
    for (let i = 0; i < times; i++) keep(await files.readFile("10 MiB"));
  },
};
