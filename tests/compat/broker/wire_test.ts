import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  answerOf,
  encode,
  Frames,
  MalformedError,
  MOST_BYTES,
  type Request,
  requestOf,
} from "../../../compat/broker/wire.ts";
import { test } from "../../_test.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const policy = { connect: [], resolve: [], listen: [], read: ["/a"], write: [] };
const requests: Request[] = [
  { id: 0, call: "start", policy, isConfined: true },
  { id: 1, call: "limit", policy },
  { id: 2, call: "connect", hostname: "a", port: 1 },
  { id: 3, call: "connect", hostname: "a", port: 1, timeout: 5 },
  { id: 4, call: "connectPath", path: "/a" },
  { id: 5, call: "listen", hostname: "a", port: 0 },
  { id: 6, call: "resolve", name: "a", family: 4 },
  { id: 7, call: "open", path: "/caf\udce9", options: { write: true, mode: 0o600 } },
  { id: 2 ** 48, call: "cancel" },
];
const framed = requests.map((request) => encode(request));
const all = new Uint8Array(framed.reduce((sum, { length }) => sum + length, 0));
framed.reduce((at, bytes) => (all.set(bytes, at), at + bytes.length), 0);

test("messages are decoded unchanged, however their bytes are divided", () => {
  for (let size = 1; size <= 40; size++) {
    const frames = new Frames(), found: Request[] = [];
    for (let at = 0; at < all.length; at += size) {
      for (const message of frames.messages(all.subarray(at, at + size))) found.push(requestOf(message));
    }
    assertEquals(found, requests, `pieces of ${size} bytes`);
  }
});

test("a message that is too long is skipped, and the next one is read", () => {
  for (const length of [MOST_BYTES + 1, 3 * MOST_BYTES]) {
    const bytes = new Uint8Array(4 + length + framed[2]!.length).fill(0x20);
    new DataView(bytes.buffer).setUint32(0, length, true);
    bytes.set(framed[2]!, 4 + length);
    for (const size of [1000, 65536, bytes.length]) {
      const frames = new Frames(), found: (Uint8Array | undefined)[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        found.push(...frames.messages(bytes.subarray(at, at + size)));
      }
      assertEquals(found.length, 2);
      assertEquals(found[0], undefined);
      assertEquals(requestOf(found[1]), requests[2]);
    }
  }
  assertThrows(() => requestOf(undefined), MalformedError, "more than 65536 bytes");
});

test("a message of maximal length and an empty one are returned", () => {
  const text = `{"id":1,"call":"connectPath","path":"${"x".repeat(MOST_BYTES - 39)}"}`;
  assertEquals(bytesOf(text).length, MOST_BYTES);
  const bytes = new Uint8Array(8 + MOST_BYTES);
  new DataView(bytes.buffer).setUint32(4, MOST_BYTES, true);
  bytes.set(bytesOf(text), 8);
  const [none, most] = [...new Frames().messages(bytes)];
  assertEquals(none?.length, 0);
  assertEquals(requestOf(most).call, "connectPath");
  assertThrows(() => requestOf(none), MalformedError, "not JSON");
  assertThrows(
    () => encode({ id: 1, call: "connectPath", path: "x".repeat(MOST_BYTES) }),
    RangeError,
    "at most",
  );
});

test("requestOf() throws for every malformed request, with its id if it has one", () => {
  const wrong: [string, number | undefined][] = [
    ["", undefined],
    ["null", undefined],
    ["1", undefined],
    ["[]", undefined],
    ['{"call":"cancel"}', undefined],
    ['{"id":-1,"call":"cancel"}', undefined],
    ['{"id":1.5,"call":"cancel"}', undefined],
    ['{"id":"1","call":"cancel"}', undefined],
    [`{"id":${2 ** 48 + 1},"call":"cancel"}`, undefined],
    ['{"id":1}', 1],
    ['{"id":1,"call":"toString"}', 1],
    ['{"id":1,"call":"__proto__"}', 1],
    ['{"id":1,"call":["cancel"]}', 1],
    ['{"id":1,"call":"cancel","extra":1}', 1],
    ['{"id":1,"call":"cancel","__proto__":{}}', 1],
    ['{"id":1,"call":"connect","hostname":"a"}', 1],
    ['{"id":1,"call":"connect","hostname":"a","port":65536}', 1],
    ['{"id":1,"call":"connect","hostname":"a","port":"1"}', 1],
    ['{"id":1,"call":"connect","hostname":["a"],"port":1}', 1],
    ['{"id":1,"call":"connect","hostname":"a","port":1,"timeout":-1}', 1],
    ['{"id":1,"call":"connect","hostname":"a","port":1,"timeout":1e99}', 1],
    ['{"id":1,"call":"connect","hostname":"a","port":1,"path":"/a"}', 1],
    ['{"id":1,"call":"resolve","name":"a","family":0}', 1],
    ['{"id":1,"call":"open","path":"/a"}', 1],
    ['{"id":1,"call":"open","path":"/a","options":null}', 1],
    ['{"id":1,"call":"open","path":"/a","options":{"customFlags":1}}', 1],
    ['{"id":1,"call":"open","path":"/a","options":{"mode":-1}}', 1],
    ['{"id":1,"call":"open","path":"/a","options":{"read":1}}', 1],
    ['{"id":1,"call":"open","path":"/a","options":{"__proto__":{"write":true}}}', 1],
    ['{"id":1,"call":"limit","policy":{}}', 1],
    ['{"id":1,"call":"limit","policy":{"connect":[1],"resolve":[],"listen":[],"read":[],"write":[]}}', 1],
    ['{"id":1,"call":"cancel"} x', undefined],
    [`${"[".repeat(30000)}${"]".repeat(30000)}`, undefined],
    [`{"id":1,"call":"open","path":"/a","options":{"read":{"a":[[]]}}}`, undefined],
  ];
  for (const [text, id] of wrong) {
    const error = assertThrows(() => requestOf(bytesOf(text)), MalformedError, undefined, text.slice(0, 80));
    assertEquals((error as MalformedError).id, id, text.slice(0, 80));
    assert(error.message.length <= 300);
  }
  for (const bytes of [[0xff], [0xef, 0xbb, 0xbf, 0x7b, 0x7d], [0xed, 0xa0, 0x80]]) {
    assertThrows(() => requestOf(new Uint8Array(bytes)), MalformedError);
  }
  // Brackets inside a string do not nest.
  assertEquals(
    requestOf(bytesOf(`{"id":1,"call":"connectPath","path":"${'[{\\"'.repeat(50)}"}`)).call,
    "connectPath",
  );
});

test("a message of many escapes is refused as quickly as any other", () => {
  const slow = performance.now();
  for (const text of ['"' + '\\"'.repeat(32_000), '\\"'.repeat(32_000), `["${"\\\\".repeat(16_000)}"`]) {
    assertThrows(() => requestOf(bytesOf(text)), MalformedError, "not JSON");
  }
  // A quadratic search takes seconds.
  assert(performance.now() - slow < 1000);
  assertThrows(() => requestOf(bytesOf('["\\"",[[["a"]]]]')), MalformedError, "levels");
  assertThrows(() => requestOf(bytesOf('["\\\\",[[["a"]]]]')), MalformedError, "levels");
});

test("answerOf() accepts either a value or an error, and nothing else", () => {
  for (
    const answer of [
      { id: 1, value: null },
      { id: 1, value: ["a"] },
      { id: 1, error: { class: "NotFound", message: "m", code: "ENOENT", syscall: "open", path: "/a" } },
    ]
  ) assertEquals(answerOf(bytesOf(JSON.stringify(answer))), answer as ReturnType<typeof answerOf>);
  for (
    const text of [
      "{}",
      '{"id":1}',
      '{"id":1,"value":1}',
      '{"id":1,"value":null,"error":{}}',
      '{"id":1,"error":3}',
      "[]",
    ]
  ) {
    assertThrows(() => answerOf(bytesOf(text)), MalformedError, undefined, text);
  }
});
