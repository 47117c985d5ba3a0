import { assert, assertEquals } from "@std/assert";
import { Fcntl } from "../../rights/fcntls.ts";
import { Right, type RightName, Rights } from "../../rights/rights.ts";
import { kernel } from "../_kernel.ts";
import { test } from "../_test.ts";
import { current, recorded } from "./_model.ts";

const capsicumH = "/usr/include/sys/capsicum.h";
const hex = (value: bigint) => `0x${value.toString(16).padStart(16, "0")}`;

test("Right has every right since FreeBSD 11 with the header's value, in the header's order", () => {
  assertEquals(
    Object.entries(Right).map(([name, value]) => [name, hex(value)]),
    current.map(({ name, value }) => [name, value]),
  );
  assertEquals(current.length, 86);
});

test("Right leaves out exactly the two names that only FreeBSD 10 had", () => {
  const left = recorded.rights.filter(({ name }) => !(name in Right));
  assertEquals(left.map(({ name, lastIn }) => [name, lastIn]), [["LINKAT", "10.4"], ["RENAMEAT", "10.4"]]);
});

test("Rights.all() is CAP_ALL of each release", () => {
  for (const [major, { CAP_ALL }] of Object.entries(recorded.releases)) {
    assertEquals(Rights.all(Number(major)).toWords().map(hex), CAP_ALL);
  }
});

test("Rights.all() has the rights of FreeBSD 15 only since 15, and every other right since 13", () => {
  for (const { name, since } of current) {
    const majors = [13, 14, 15].filter((major) => Rights.all(major).has(name as RightName));
    assertEquals(majors, since === "15.x" ? [15] : [13, 14, 15], name);
  }
});

test("Right documents what each right permits, and which rights are new in FreeBSD 15", () => {
  const source = Deno.readTextFileSync(new URL("../../rights/rights.ts", import.meta.url));
  const lines = source.matchAll(/^ {2}\/\*\*\s+(?:\* )?([^]*?)\s*\*\/\n {2}(\w+): 0x/gm);
  const docs = new Map(Array.from(lines, ([, doc, name]) => [name, doc?.replace(/\s+\* /g, " ") ?? ""]));
  assertEquals([...docs.keys()], Object.keys(Right));
  for (const { name, since } of current) {
    const doc = docs.get(name) ?? "";
    assert(doc.startsWith("Permits "), `${name}: ${doc}`);
    assertEquals(doc.includes("Since FreeBSD 15."), since === "15.x", `${name}: ${doc}`);
  }
});

test("Right and Rights.all() equal this system's sys/capsicum.h", () => {
  const header = rightsOfHeader(Deno.readTextFileSync(capsicumH));
  const known = Rights.all(kernel.osreldate);
  assertEquals(
    [...header].filter(([name]) => !/^(ALL|UNUSED)\d/.test(name)).map(([name, value]) => [name, hex(value)]),
    Object.entries(Right).filter(([name]) => known.has(name as RightName)).map((
      [name, value],
    ) => [name, hex(value)]),
  );
  assertEquals(known.toWords(), [header.get("ALL0"), header.get("ALL1")]);
}, { skip: missingHeader() });

test("Fcntl has the commands of cap_fcntls_limit(2) with the header's values", () => {
  const { ALL, ...fcntls } = recorded.fcntls;
  assertEquals({ ...Fcntl }, fcntls);
  assertEquals(Object.values(Fcntl).reduce((sum, value) => sum | value, 0), ALL);
});

function missingHeader(): string | false {
  try {
    Deno.statSync(capsicumH);
    return false;
  } catch {
    return `needs FreeBSD with its headers: ${capsicumH} is missing`;
  }
}

/** Every `CAP_*` macro that is made of CAPRIGHT(word, bit), other macros and bits. */
function rightsOfHeader(header: string): Map<string, bigint> {
  const values = new Map<string, bigint>();
  for (const [, name, text] of header.replaceAll("\\\n", " ").matchAll(/^#define\s+CAP_(\w+)\s+(.*)$/gm)) {
    let value = 0n;
    const rest = text!.replace(
      /CAPRIGHT\((\d), (0x\w+)ULL\)|CAP_(\w+)|(0x\w+)ULL/g,
      (_, word, bit, other, own) => {
        value |= word !== undefined
          ? 1n << 57n + BigInt(word) | BigInt(bit)
          : own !== undefined
          ? BigInt(own)
          : values.get(other) ?? 0n;
        return "";
      },
    );
    if (value !== 0n && /^[\s()|]*$/.test(rest)) values.set(name!, value);
  }
  return values;
}
