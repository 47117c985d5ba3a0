import { assert, assertEquals, assertThrows } from "@std/assert";
import * as cap from "../../../compat/python/pycapsicumcffi.ts";
import type { PythonFile } from "../../../compat/python/pycapsicumcffi.ts";
import { CapsicumError, FdFile, getRights, libc, limit } from "../../../mod.ts";
import { Fixture } from "../../_fixture.ts";
import { test } from "../../_test.ts";
import { openWaitingPipe } from "../fs/_pipe.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function openBytes(fixture: Fixture, name: string, mode = "r+b"): PythonFile<Uint8Array<ArrayBuffer>> {
  return cap.fdopen(libc.open(fixture.at(name), libc.O_RDWR | libc.O_CLOEXEC), mode as "r+b");
}

function openText(fixture: Fixture, name: string, mode: "r" | "w" | "a" | "r+" = "r+"): PythonFile<string> {
  return cap.fdopen(libc.open(fixture.at(name), libc.O_RDWR | libc.O_CLOEXEC), mode);
}

// What Python 3.11 answers for the same calls.
const mixed = "a\r\nb\rc\néx\n";

test("text mode reads every kind of line end as \\n, and only whole characters", () => {
  using fixture = new Fixture({ file: mixed });
  using file = openText(fixture, "file");
  assertEquals(file.readlines(), ["a\n", "b\n", "c\n", "éx\n"]);
  assertEquals(file.readlines(), []);
  assertEquals([file.read(), file.readline()], ["", ""]);
  assertEquals([file.seek(0), file.read(3), file.tell()], [0, "a\nb", 4]);
  assertEquals(file.readlines(1), ["\n", "c\n"]);
  assertEquals([file.seek(4), file.readline()], [4, "\n"]);
  assertEquals([file.readline(1), file.readline(0), file.readline(5), file.read(1)], ["c", "", "\n", "é"]);
  assertEquals([file.tell(), file.read(-1), file.read()], [9, "x\n", ""]);
  assertEquals([1, 2, 3, 4].map((hint) => (file.seek(0), file.readlines(hint).length)), [1, 2, 2, 3]);
});

test("binary mode reads bytes, and lines end with \\n only", () => {
  using fixture = new Fixture({ file: mixed });
  using file = openBytes(fixture, "file");
  assertEquals([file.readline(2), file.readline(), file.read(0)].map(decode), ["a\r", "\n", ""]);
  assertEquals(file.tell(), 3);
  assertEquals(file.readlines(1).map(decode), ["b\rc\n"]);
  assertEquals([file.seek(-2, 1), decode(file.read(1)), file.write(encode("Z")), file.tell()], [
    5,
    "c",
    1,
    7,
  ]);
  file.flush();
  assertEquals([file.seek(0), decode(file.read())], [0, "a\r\nb\rcZéx\n"]);
  assertEquals([file.seek(-1, 2), decode(file.read(null))], [10, "\n"]);
});

test("lines, characters and line ends that cross the end of a read are returned whole", () => {
  const lines = [
    "x".repeat(8191) + "\n",
    "y".repeat(8191) + "\r\n",
    "é".repeat(20_000) + "\n",
    "😀".repeat(4097) + "\r",
    "\n".repeat(3),
    "z".repeat(100_000),
  ];
  using fixture = new Fixture({ file: lines.join("") });
  const text = lines.join("").replace(/\r\n?/g, "\n");
  using file = openText(fixture, "file");
  assertEquals([...file].join(""), text);
  file.seek(0);
  assertEquals(file.readlines(), text.match(/[^\n]*\n|[^\n]+$/g)! as string[]);
  for (const size of [1, 7, 8191, 8192, 8193, 50_000]) {
    file.seek(0);
    const pieces: string[] = [];
    for (let piece; (piece = file.read(size)) !== "";) pieces.push(piece);
    assertEquals(pieces.join(""), text);
    assert(pieces.slice(0, -1).every((piece) => [...piece].length === size), `${size}`);
  }
  using bytes = openBytes(fixture, "file");
  assertEquals(bytes.read(), fixture.bytes("file"));
  bytes.seek(0);
  assertEquals([...bytes].map(decode).join(""), lines.join(""));
});

test("tell() is correct after every line and every character, and seek() returns to it", () => {
  using fixture = new Fixture({ file: mixed });
  using file = openText(fixture, "file");
  const places: [number, string][] = [];
  for (let at = file.tell(), line; (line = file.readline()) !== ""; at = file.tell()) places.push([at, line]);
  assertEquals(places.map(([at]) => at), [0, 3, 5, 7]);
  for (const [at, line] of places.toReversed()) assertEquals([file.seek(at), file.readline()], [at, line]);
  assertEquals([file.seek(0, 2), file.seek(0, 1), file.read()], [11, 11, ""]);
});

test("text mode moves from the start only, or by 0", () => {
  using fixture = new Fixture({ file: "text" });
  using file = openText(fixture, "file");
  for (const whence of [1, 2]) assertThrows(() => file.seek(-1, whence), RangeError, "text mode");
  for (const action of [() => file.seek(-1), () => file.seek(0, 9)]) {
    assertEquals(assertThrows(action, CapsicumError).code, "EINVAL");
  }
  assertThrows(() => file.seek(0.5), RangeError);
  assertEquals([file.tell(), file.read()], [0, "text"]);
});

test("write() writes immediately, at the position of the reader, and returns the number of bytes or characters", () => {
  using fixture = new Fixture({ file: "one\ntwo\nthree\n" });
  {
    using file = openText(fixture, "file");
    file.readline();
    assertEquals([file.write("é😀"), file.tell()], [2, 10]);
    assertEquals(fixture.read("file"), "one\né😀ree\n");
    assertEquals([file.read(), file.write(""), file.write("end")], ["ree\n", 0, 3]);
  }
  assertEquals(fixture.read("file"), "one\né😀ree\nend");
  using bytes = openBytes(fixture, "file", "wb");
  assertEquals(bytes.write(encode("é")), 2);
  // "w" cuts nothing from a file that is open already.
  assertEquals(fixture.bytes("file").length, 17);
});

test('mode "a" starts at the end of the file', () => {
  using fixture = new Fixture({ file: "one\n" });
  using file = openText(fixture, "file", "a");
  assertEquals([file.tell(), file.write("two\n"), fixture.read("file")], [4, 4, "one\ntwo\n"]);
});

test("a pipe returns each line when it arrives, can be written to, and has no position", () => {
  using fixture = new Fixture();
  const { readers: [from], writer: to } = openWaitingPipe(fixture);
  using reader = cap.fdopen(from!.take(), "r"), writer = cap.fdopen(to.take(), "w");
  writer.write("one\ntwo\nthr");
  assertEquals([reader.readline(), reader.readline()], ["one\n", "two\n"]);
  assertEquals(assertThrows(() => reader.tell(), CapsicumError).code, "ESPIPE");
  writer.write("ee");
  writer.close();
  assertEquals([reader.readline(), reader.readline()], ["three", ""]);
});

test("bytes that are not UTF-8 throw in text mode, and are returned in binary mode", () => {
  const wrong = [[0x61, 0xff, 0x62], [0x61, 0xc3], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98]];
  for (const bytes of wrong) {
    using fixture = new Fixture({ file: new Uint8Array(bytes) });
    using text = openText(fixture, "file", "r");
    for (const read of [() => text.read(), () => text.readline(), () => [...text]]) {
      assertThrows(read, TypeError, "not UTF-8");
    }
    using binary = openBytes(fixture, "file", "rb");
    assertEquals([...binary.read()], bytes);
  }
  using fixture = new Fixture({ file: "\ufefftext" });
  using file = openText(fixture, "file");
  assertEquals(file.read(1), "\ufeff");
});

test("write() refuses data of the wrong type, and writes nothing", () => {
  using fixture = new Fixture({ file: "text" });
  using text = openText(fixture, "file"), binary = openBytes(fixture, "file");
  const wrong = (value: unknown) => value as never;
  for (const value of [encode("x"), 1, null, undefined, "\ud800"]) {
    assertThrows(() => text.write(wrong(value)), TypeError);
  }
  for (const value of ["x", 1, null, undefined, [1]]) {
    assertThrows(() => binary.write(wrong(value)), TypeError);
  }
  for (const size of [0.5, NaN, "1", 1n]) {
    for (const method of ["read", "readline", "readlines"] as const) {
      assertThrows(() => text[method](wrong(size)), TypeError);
    }
  }
  assertEquals(fixture.read("file"), "text");
});

test("each mode permits reading and writing as in Python", () => {
  using fixture = new Fixture({ file: "text" });
  for (const [mode, reads, writes] of [["r", true, false], ["w", false, true], ["a", false, true]] as const) {
    using file = openText(fixture, "file", mode);
    const refused = (action: () => unknown) =>
      assertThrows(action, Deno.errors.BadResource, JSON.stringify(mode));
    if (reads) assertEquals(file.read(), "text");
    else for (const action of [() => file.read(), () => file.readlines(), () => [...file]]) refused(action);
    if (writes) assertEquals(file.write(""), 0);
    else refused(() => file.write(""));
  }
  for (const mode of ["r+", "w+", "a+", "x+", "+r", "rt", "tr+"] as "r+"[]) {
    using file = openText(fixture, "file", mode);
    assertEquals([file.mode, file.seek(0), file.read(1), typeof file.write === "function"], [
      mode,
      0,
      "t",
      true,
    ]);
  }
  for (const mode of ["rb", "br", "rb+", "r+b", "+br"]) {
    using file = openBytes(fixture, "file", mode);
    assertEquals(file.read(1), encode("t"));
  }
});

test("fdopen() refuses an invalid mode, and leaves the descriptor open", () => {
  const fd = libc.open("/dev/null", libc.O_RDWR | libc.O_CLOEXEC);
  for (
    const mode of ["", "b", "+", "rw", "rr", "r++", "rbt", "rbb", "q", "r ", "r\n", "U"] as string[] as "r"[]
  ) {
    assertThrows(() => cap.fdopen(fd, mode), RangeError, "is not a mode", mode);
  }
  for (const mode of [null, 1, {}]) assertThrows(() => cap.fdopen(fd, mode as unknown as "r"), TypeError);
  assertEquals(libc.close(fd), 0);
});

test("fdopen() reads text by default, and refuses a value that is not an open descriptor", () => {
  using file = cap.fdopen(libc.open("/dev/null", libc.O_RDONLY | libc.O_CLOEXEC));
  assertEquals([file.mode, file.read()], ["r", ""]);
  assertThrows(() => cap.fdopen(0x7fffffff), Deno.errors.BadResource);
  assertThrows(() => cap.fdopen(file as unknown as number), TypeError);
  assertThrows(() => cap.fdopen(0.5), RangeError);
});

test("close() can be called twice, and every other method of a closed file throws BadResource", () => {
  using fixture = new Fixture({ file: "text" });
  const file = openText(fixture, "file");
  assertEquals([file.closed, Deno.inspect(file)], [false, `PythonFile { mode: "r+", fd: ${file.fileno()} }`]);
  file.close();
  file.close();
  assertEquals([file.closed, Deno.inspect(file), file.mode], [
    true,
    'PythonFile { mode: "r+", closed }',
    "r+",
  ]);
  const actions = [
    () => file.read(),
    () => file.read(0),
    () => file.readline(),
    () => file.readlines(),
    () => [...file],
    () => file.write("x"),
    () => file.seek(0),
    () => file.tell(),
    () => file.flush(),
    () => file.fileno(),
    () => file.fd,
  ];
  for (const action of actions) assertThrows(action, Deno.errors.BadResource);
});

test("using closes the file, and a loop that ends early leaves it at the next line", () => {
  using fixture = new Fixture({ file: "one\ntwo\nthree\n" });
  let fd: number;
  {
    using file = openText(fixture, "file");
    fd = file.fileno();
    for (const line of file) if (line === "one\n") break;
    assertEquals(file.readline(), "two\n");
  }
  assertThrows(() => FdFile.fromFd(fd), Deno.errors.BadResource);
});

test("a directory throws IsADirectory when it is read", () => {
  using fixture = new Fixture();
  using file = cap.openat(cap.AT_FDCWD, fixture.path, libc.O_RDONLY);
  assertThrows(() => file.read(), Deno.errors.IsADirectory);
});

test.capsicum("each method needs its right, and writing after reading ahead needs SEEK", () => {
  using fixture = new Fixture({ file: "one\ntwo\n" });
  using reader = openText(fixture, "file"),
    writer = openText(fixture, "file"),
    both = openText(fixture, "file");
  limit(reader, ["READ"]);
  limit(writer, ["WRITE"]);
  limit(both, ["READ", "WRITE"]);
  assertEquals(getRights(reader).names(), ["READ"]);
  const refused = (action: () => unknown, right: string) => {
    const error = assertThrows(action, CapsicumError);
    assertEquals([error.code, error.missing?.names()], ["ENOTCAPABLE", [right]]);
  };
  assertEquals(reader.readline(), "one\n");
  for (const action of [() => reader.tell(), () => reader.seek(0)]) refused(action, "SEEK");
  refused(() => reader.write("x"), "SEEK");
  assertEquals([reader.read(), writer.write("ONE")], ["two\n", 3]);
  refused(() => reader.write("x"), "WRITE");
  refused(() => writer.read(), "READ");
  assertEquals([both.readline(), fixture.read("file")], ["ONE\n", "ONE\ntwo\n"]);
  refused(() => both.write("x"), "SEEK");
  assertEquals([both.read(), both.write("x"), fixture.read("file")], ["two\n", 1, "ONE\ntwo\nx"]);
});

test("a call that fails loses no data", () => {
  using fixture = new Fixture({ file: new Uint8Array([0x61, 0x0a, 0xff, 0x0a]) });
  using file = openText(fixture, "file");
  assertEquals(file.readline(), "a\n");
  assertThrows(() => file.readline(), TypeError);
  assertEquals(file.tell(), 2);
});
