import { walkSync } from "@std/fs";
import { type Case, type Cases, freshNames } from "./cases.ts";
import { deepPath, KiB, looked, MiB } from "./scene.ts";

const place = Deno.args[2]!;
const many = `${place}/many`, tree = `${place}/tree`, files = `${place}/files`;

function reads(path: string) {
  return (times: number) => {
    for (let i = 0; i < times; i++) keep(Deno.readFileSync(path));
  };
}

function writes(size: number): Case {
  const data = new Uint8Array(size), names = freshNames((name) => Deno.removeSync(`${files}/${name}`));
  return {
    run: (times) => {
      for (let i = 0; i < times; i++) Deno.writeFileSync(`${files}/${names.next()}`, data);
    },
    undo: names.undo,
  };
}

export let kept: unknown;
function keep(result: unknown): void {
  kept = result;
}

function lists(directory: string) {
  return (times: number) => {
    for (let i = 0; i < times; i++) {
      const names: string[] = [];
      for (const { name } of Deno.readDirSync(directory)) names.push(name);
      keep(names);
    }
  };
}

const read1K = () => reads(`${files}/1 KiB`),
  read64K = () => reads(`${files}/64 KiB`),
  read500M = () => reads(`${files}/500 MiB`);

export const cases: Cases = {
  names: () => lists(many),
  entries: () => (times) => {
    for (let i = 0; i < times; i++) keep([...Deno.readDirSync(many)]);
  },
  read1K,
  read64K,
  read500M,
  into1K: read1K,
  into64K: read64K,
  into500M: read500M,
  stat: () => {
    const paths = looked.map((name) => `${files}/${name}`);
    return (times) => {
      for (let i = 0; i < times; i++) keep(Deno.statSync(paths[i % paths.length]!));
    };
  },
  walk: () => (times) => {
    for (let i = 0; i < times; i++) keep([...walkSync(tree)]);
  },
  write1K: () => writes(KiB),
  write10M: () => writes(10 * MiB),
  list: (at) => lists(`${place}/lists/${at}`),
  read: (at) => reads(`${place}/sizes/${at}`),
  deep: (at) => (times) => {
    for (let i = 0, path = `${place}/deep/${deepPath(at)}`; i < times; i++) keep(Deno.statSync(path));
  },
  readAsync10M: () => async (times) => {
    for (let i = 0; i < times; i++) keep(await Deno.readFile(`${files}/10 MiB`));
  },
};
