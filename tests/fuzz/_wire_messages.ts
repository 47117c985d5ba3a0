/**
 * Generates messages from a seed, as hostile code might send them to the broker's process: valid, mutated and random ones.
 *
 * @module
 */
import { encode, MOST_BYTES, type Request } from "../../compat/broker/wire.ts";
import type { Random } from "../_random.ts";

/** The parts of messages. */
export interface Words {
  readonly hosts: readonly string[];
  readonly ports: readonly number[];
  readonly paths: readonly string[];
}

type Loose = Record<string, unknown>;

/** One message with its length before it. */
export function message(random: Random, id: number, words: Words): Uint8Array<ArrayBuffer> {
  const request = requestOf(random, id, words);
  const kind = random.below(20);
  if (kind < 8) return encode(request as unknown as Request);
  if (kind < 13) return encode(mutated(random, request, words) as unknown as Request);
  if (kind === 13) return framed(Uint8Array.from({ length: random.below(300) }, () => random.below(256)));
  if (kind === 14) return tooLong(random);
  const bytes = encode(request as unknown as Request), body = bytes.subarray(4);
  if (kind === 15) return framed(body.subarray(0, random.below(body.length)));
  if (kind === 16) return framed(new Uint8Array([...body, ...body.subarray(random.below(body.length))]));
  for (let count = 1 + random.below(4); count > 0; count--) {
    body[random.below(body.length)] = random.below(256);
  }
  return bytes;
}

function requestOf(random: Random, id: number, { hosts, ports, paths }: Words): Loose {
  const path = random.pick(paths), hostname = random.pick(hosts), port = random.pick(ports);
  switch (random.below(10)) {
    case 0:
      return { id, call: "connect", hostname, port };
    case 1:
      return { id, call: "connectPath", path, timeout: random.below(50) };
    case 2:
      return { id, call: "listen", hostname, port };
    case 3:
      return { id, call: "resolve", name: hostname, family: random.pick([4, 6]) };
    case 4:
      return { id: random.below(id + 2), call: "cancel" };
    case 5:
      return {
        id,
        call: "limit",
        policy: { connect: [`${hostname}:${port}`], resolve: ["*"], listen: [], read: [path], write: ["/"] },
      };
    default:
      return {
        id,
        call: "open",
        path,
        options: random.pick([{}, { read: true }, { write: true }, { noFollow: true }, {
          append: true,
          create: true,
        }]),
      };
  }
}

const values: readonly unknown[] = [
  ...[null, true, -1, 0, 1.5, 2 ** 53, 1e308, "", "x", "..", "/", "\0", "\u{1f600}", "\udcff", "__proto__"],
  ...[[], {}, [[]], [["a"]], { __proto__: null, toString: 1 }, { length: 1e9 }, "x".repeat(3000)],
];

function mutated(random: Random, request: Loose, { paths }: Words): Loose {
  const copy = structuredClone(request), names = Object.keys(copy), name = random.pick(names);
  switch (random.below(7)) {
    case 0:
      delete copy[name];
      return copy;
    case 1:
      return {
        ...copy,
        [random.pick(["__proto__", "constructor", "extra", "fds", "call ", "ID"])]: random.pick(values),
      };
    case 2:
      return {
        ...copy,
        call: random.pick(["start", "stop", "Open", "", "toString", "hasOwnProperty", "exec"]),
      };
    case 3:
      return {
        ...copy,
        options: {
          [random.pick(["customFlags", "directory", "mode", "limit", "sync", "read"])]: random.pick(values),
        },
      };
    case 4:
      return {
        ...copy,
        path: `${random.pick(paths)}/${random.pick(["..", ".", "", "../..", "a\0b", "x".repeat(300)])}/${
          random.pick(paths)
        }`,
      };
    case 5:
      return {
        ...copy,
        path: random.pick(paths).replaceAll("/", random.pick(["//", "/./", "/../", "\\", "%2f"])),
      };
    default:
      return { ...copy, [name]: random.pick(values) };
  }
}

function framed(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 + body.length);
  new DataView(bytes.buffer).setUint32(0, body.length, true);
  bytes.set(body, 4);
  return bytes;
}

/** Rarely too long: its bytes are sent too. */
function tooLong(random: Random): Uint8Array<ArrayBuffer> {
  if (random.below(40) > 0) return framed(new TextEncoder().encode("[".repeat(random.below(500))));
  return framed(new Uint8Array(MOST_BYTES + 1 + random.below(1000)).fill(0x20));
}
