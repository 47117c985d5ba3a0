import * as fs from "node:fs";
import { type Case, type Cases, freshNames } from "./cases.ts";
import { deepPath, KiB, looked, MiB } from "./scene.ts";

const place = Deno.args[2]!;
const many = `${place}/many`, files = `${place}/files`;

function reads(path: string) {
  return (times: number) => {
    for (let i = 0; i < times; i++) keep(fs.readFileSync(path));
  };
}

function readsInto(name: string, size: number) {
  const buffer = new Uint8Array(size), path = `${files}/${name}`;
  return (times: number) => {
    for (let i = 0; i < times; i++) {
      const fd = fs.openSync(path, "r");
      keep(fs.readSync(fd, buffer));
      fs.closeSync(fd);
    }
  };
}

function writes(size: number): Case {
  const data = new Uint8Array(size), names = freshNames((name) => fs.unlinkSync(`${files}/${name}`));
  return {
    run: (times) => {
      for (let i = 0; i < times; i++) fs.writeFileSync(`${files}/${names.next()}`, data);
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
    for (let i = 0; i < times; i++) keep(fs.readdirSync(many));
  },
  entries: () => (times) => {
    for (let i = 0; i < times; i++) keep(fs.readdirSync(many, { withFileTypes: true }));
  },
  read1K: () => reads(`${files}/1 KiB`),
  read64K: () => reads(`${files}/64 KiB`),
  read500M: () => reads(`${files}/500 MiB`),
  into1K: () => readsInto("1 KiB", KiB),
  into64K: () => readsInto("64 KiB", 64 * KiB),
  into500M: () => readsInto("500 MiB", 500 * MiB),
  stat: () => {
    const paths = looked.map((name) => `${files}/${name}`);
    return (times) => {
      for (let i = 0; i < times; i++) keep(fs.statSync(paths[i % paths.length]!));
    };
  },
  write1K: () => writes(KiB),
  write10M: () => writes(10 * MiB),
  list: (at) => (times) => {
    for (let i = 0; i < times; i++) keep(fs.readdirSync(`${place}/lists/${at}`));
  },
  read: (at) => reads(`${place}/sizes/${at}`),
  deep: (at) => (times) => {
    for (let i = 0, path = `${place}/deep/${deepPath(at)}`; i < times; i++) keep(fs.statSync(path));
  },
  readAsync10M: () => async (times) => {
    for (let i = 0; i < times; i++) keep(await fs.promises.readFile(`${files}/10 MiB`));
  },
};
