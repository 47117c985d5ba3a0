/**
 * Generates archives with hostile and damaged members, for the parser of examples/untar.ts and for the program.
 *
 * @module
 */
import { Bytes, CutOff } from "../../examples/_bytes.ts";
import { entries } from "../../examples/_tar.ts";
import { runModule } from "../_child.ts";
import { treeOf } from "../compat/fs/_tree.ts";
import { end, joined, type Member, member, records } from "../examples/_tar.ts";
import { Fixture } from "../_fixture.ts";
import type { Random } from "../_random.ts";
import type { Target } from "./_fuzz.ts";

/** A member of an archive, with bytes that are changed or removed. */
interface Step {
  member: Member;
  changes: readonly (readonly [at: number, byte: number])[];
  /** The number of bytes that remain; undefined for all. */
  length?: number;
}

/** "@" stands for the path of the fixture: no path reaches anything else outside. */
const names = [
  ...[
    "f",
    "d/",
    "d/f",
    "./f",
    "a/b/c",
    "..",
    "../out/new",
    "d/../../out/new",
    "@/out/new",
    "link/new",
    "link/x/y",
    "",
    ".",
  ],
  ...["d//f", "link", "up", "up/new", "f/", "n".repeat(100), "\xff", "a\0b", "\n", "d/./f", "hard", "hard/f"],
];
const links = [
  "..",
  "../out",
  "../out/secret",
  "@/out",
  "f",
  "d",
  "d/../..",
  "link",
  "link/..",
  ".",
  "",
  "up/../..",
];
const types = [..."\0" + "0123456756755222111xgLKDSVZ"];
const sizes = [
  "77777777777\0",
  "00000000000\0",
  "\x80" + "\xff".repeat(11),
  "-1",
  " 12 ",
  "00000001000\0",
  "8",
];

function memberOf(random: Random): Member {
  const name = random.pick(names), link = random.pick(links), type = random.pick(types);
  const isPax = "xg".includes(type);
  const pax = random.options({
    path: names,
    linkpath: links,
    size: ["0", "5", "-1", "99999999999999999999", "1e3"],
    mtime: ["1", "-1.5", "1e99", "nan"],
    "GNU.sparse.map": ["0,1", "5,0,3", "a", "0,5,2,9"],
    "GNU.sparse.size": ["3", "99999999"],
    "GNU.sparse.major": ["1"],
    "GNU.sparse.minor": ["0"],
    "GNU.sparse.realsize": ["10"],
    "GNU.sparse.name": names,
    hdrcharset: ["BINARY"],
  }) as Record<string, string>;
  const text = random.pick(["", "text", "x".repeat(600), "9999999999999 path=x\n", "5 a=\n", "1\n0\n5\n"]);
  return {
    name,
    link,
    type,
    data: isPax && random.chance(80) ? records(pax) : "LK".includes(type) ? `${random.pick(names)}\0` : text,
    // The fixture is removed at the end, without privileges.
    mode: random.pick([0o755, 0o700, 0o7777]),
    ...(random.chance(10) ? { size: random.pick(sizes) } : {}),
    ...(random.chance(10) ? { magic: random.pick(["ustar  \0", "", "ustar\x0000"]) } : {}),
    ...(random.chance(10) ? { prefix: random.pick([...names, "../.."]) } : {}),
  };
}

/** The most bytes that an archive of a few blocks may unpack to in the parser: it yields only what is there. */
const mostSteps = 10_000;
const engines =
  /Cannot |is not a function|undefined|not iterable|Maximum call stack|Invalid (array|typed array) length|is not defined/;

export class TarTarget implements Target<Step> {
  readonly name = "tar";
  readonly unit = "members";
  readonly #fixture = new Fixture({ out: { secret: "CANARY" } });
  #before = this.#outside();

  #outside(): string {
    return [...treeOf(this.#fixture.at("out"))].map(([path, { mode, text, mtime }]) =>
      [path, mode, text, mtime].join(" ")
    )
      .join("\n") + this.#fixture.list().filter((name) => name !== "in").join(" ");
  }

  generate(random: Random): Step[] {
    return Array.from({ length: 1 + random.below(8) }, () => {
      const { name, link, ...rest } = memberOf(random), { path } = this.#fixture;
      const at = (name: string) => name.replace("@", path);
      const step: Step = { member: { ...rest, name: at(name), link: at(link!) }, changes: [] };
      if (random.chance(80)) return step;
      const changes = Array.from(
        { length: 1 + random.below(4) },
        () => [random.below(512), random.below(256)] as const,
      );
      return { ...step, changes, ...(random.chance(20) ? { length: random.below(1024) } : {}) };
    });
  }

  count(program: readonly Step[]): number {
    return program.length;
  }

  show({ member, changes, length }: Step): string {
    return JSON.stringify({ ...member, changes, length });
  }

  simpler(step: Step): readonly Step[] {
    const { member: { name, type = "0" } } = step;
    return [{ ...step, changes: [] }, { ...step, member: { ...step.member, data: "" } }, {
      changes: [],
      member: { name, type },
    }];
  }

  async run(program: readonly Step[]): Promise<string | undefined> {
    const archive = joined([...program.map(bytesOf), end]);
    let steps = 0;
    const read = async () => {
      for await (
        const { path, link, data, kind } of entries(new Bytes(chunks(archive)), { fault() {}, warn() {} })
      ) {
        if (typeof path !== "string" || typeof link !== "string" || kind === undefined) {
          return "an entry lacks a member";
        }
        for await (const { at, bytes } of data()) {
          if (++steps > mostSteps) return "it does not end";
          if (!(at >= 0) || bytes.length > archive.length) return `it yields ${bytes.length} bytes at ${at}`;
        }
        if (++steps > mostSteps) return "it does not end";
      }
      return undefined;
    };
    try {
      return await read();
    } catch (error) {
      const { constructor, message } = error as Error;
      if ((constructor === Error || constructor === CutOff) && !engines.test(message)) return undefined;
      return `it throws ${Deno.inspect(error)}`;
    }
  }

  /** Unpacks the members with the program itself, and checks that nothing outside has changed. */
  async check(programs: readonly (readonly Step[])[]): Promise<string | undefined> {
    if (this.#fixture.exists("in")) this.#fixture.remove("in");
    this.#fixture.add({ in: {} });
    const members = programs.filter((program) => program.every(isWhole)).flat();
    const stdin = joined([...members.map(bytesOf), end]);
    const { code, signal, stderr } = await runModule(new URL("../../examples/untar.ts", import.meta.url), {
      args: ["--unprotected", this.#fixture.at("in")],
      stdin,
    });
    if (signal !== null || code > 1 || engines.test(stderr)) {
      return `untar.ts ends with ${code}, ${signal}: ${stderr.slice(0, 2000)}`;
    }
    const after = this.#outside();
    if (after === this.#before) return undefined;
    this.#fixture.remove("out");
    this.#fixture.add({ out: { secret: "CANARY" } });
    this.#before = this.#outside();
    return `untar.ts has changed what is outside:\n${after}`;
  }

  [Symbol.dispose](): void {
    this.#fixture[Symbol.dispose]();
  }
}

/** Whether the program can continue after a member. After a member with a wrong size, the rest is lost or has one name. */
function isWhole({ changes, member: { size, type, data } }: Step): boolean {
  return changes.length === 0 && size === undefined && !"gSV".includes(type!) &&
    !/size|sparse/.test(String(data));
}

function bytesOf({ member: one, changes, length }: Step): Uint8Array {
  const bytes = member(one);
  for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
  return length === undefined ? bytes : bytes.subarray(0, length);
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700);
}
