/**
 * Converts names and addresses of hosts to one canonical form, in which rules and requests are compared.
 *
 * Makes no system calls. It uses the URL parser, so a host means the same as in `fetch()`: the parser applies IDNA, converts
 * to lower case, and accepts all IPv4 notations of inet_aton(3), such as `0x7f.1` and `2130706433`.
 *
 * @module
 */
import { shown } from "../../ffi/errors.ts";

/** A name or an Internet address, in canonical form. */
export type Host = { readonly name: string } | Address;

/** An Internet address. */
export interface Address {
  /** 4 bytes, or 16. An IPv4-mapped IPv6 address (`::ffff:0:0/96`) is converted to IPv4, so it has 4. */
  readonly bytes: Uint8Array;
  /** Such as `127.0.0.1` and, in brackets, `[::1]`. */
  readonly text: string;
}

/** The kind of an address, by what it reaches. */
export type Scope =
  | "public"
  | "loopback"
  | "private"
  | "link-local"
  | "multicast"
  | "unspecified"
  | "reserved";

/** Characters that the URL parser would decode, or would take as the end of the host. */
const foreign = /[\0-\x20\x7f/\\@?#%<>^|"`{}]/;

/**
 * Returns the canonical form of a host. One dot at the end of a name is removed.
 *
 * @param given A name, an IPv4 address, or an IPv6 address with or without brackets.
 * @throws {TypeError} If the text is not a host, or has a zone such as `%eth0`: rules cannot name an interface.
 */
export function hostOf(given: string): Host {
  const wrong = (why: string) => new TypeError(`The host ${shown(given)} ${why}.`);
  const isSix = given.includes(":") || given.startsWith("[");
  if (isSix && given.includes("%")) {
    throw wrong("has a zone, which is not supported: write the address without it");
  }
  if (given === "" || foreign.test(given)) throw wrong("is neither a name nor an address");
  const inner = isSix ? given.replace(/^\[(.*)\]$/, "$1") : given;
  const url = URL.parse(isSix ? `http://[${inner}]/` : `http://${inner}/`);
  if (url === null) throw wrong("is neither a name nor an address");
  const { hostname } = url;
  if (isSix) return six(groupsOf(hostname.slice(1, -1)), hostname);
  const name = hostname.replace(/\.$/, "");
  if (/^\d+(\.\d+){3}$/.test(name)) return four(Uint8Array.from(name.split("."), Number));
  if (!isName(name)) throw wrong("is not a valid name");
  return { name };
}

function isName(name: string): boolean {
  return name.length <= 253 &&
    name.split(".").every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
}

function four(bytes: Uint8Array): Address {
  return { bytes, text: bytes.join(".") };
}

function six(groups: readonly number[], text: string): Address {
  const bytes = Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
  return startsWith(bytes, [...Array(10).fill(0), 0xff, 0xff]) ? four(bytes.slice(12)) : { bytes, text };
}

/** The eight groups of an IPv6 address, as the URL parser formats it. */
function groupsOf(address: string): number[] {
  const parse = (part: string) => part === "" ? [] : part.split(":").map((group) => parseInt(group, 16));
  const [before = "", after] = address.split("::");
  const start = parse(before), end = parse(after ?? "");
  return [...start, ...Array(8 - start.length - end.length).fill(0), ...end];
}

function startsWith(bytes: Uint8Array, prefix: readonly number[]): boolean {
  return prefix.every((byte, i) => bytes[i] === byte);
}

/** Returns the kind of an address. An IPv6 address that a gateway or tunnel maps to IPv4 has the kind of the IPv4 address. */
export function scopeOf({ bytes }: Address): Scope {
  return bytes.length === 4 ? scopeOfFour(bytes) : scopeOfSix(bytes);
}

function scopeOfFour([a, b, c, d]: Uint8Array): Scope {
  const first = a!, second = b!;
  // RFC 6890 and RFC 1918; 100.64/10 of RFC 6598 is private to a provider.
  if (first === 127) return "loopback";
  if (first === 0) return "unspecified";
  if (first === 10 || first === 172 && second >= 16 && second < 32 || first === 192 && second === 168) {
    return "private";
  }
  if (first === 100 && second >= 64 && second < 128) return "private";
  if (first === 169 && second === 254) return "link-local";
  if (first >= 224 && first < 240) return "multicast";
  const isSpecial = first === 192 && second === 0 && c === 0 || first === 198 && second >> 1 === 9;
  return first >= 240 || isSpecial || [a, b, c, d].every((byte) => byte === 255) ? "reserved" : "public";
}

function scopeOfSix(bytes: Uint8Array): Scope {
  const first = bytes[0]!, second = bytes[1]!;
  if (bytes.every((byte, i) => byte === (i === 15 ? 1 : 0))) return "loopback";
  if (bytes.every((byte) => byte === 0)) return "unspecified";
  // RFC 4193, 4291, 3879.
  if (first >> 1 === 0x7e) return "private";
  if (first === 0xfe && second >> 6 === 2) return "link-local";
  if (first === 0xfe && second >> 6 === 3) return "private";
  if (first === 0xff) return "multicast";
  // ::/96 of RFC 4291, 64:ff9b::/96 of RFC 6052, 2002::/16 of RFC 3056.
  if (startsWith(bytes, Array(12).fill(0)) || startsWith(bytes, [0, 0x64, 0xff, 0x9b, ...Array(8).fill(0)])) {
    return scopeOfFour(bytes.subarray(12));
  }
  if (first === 0x20 && second === 2) return scopeOfFour(bytes.subarray(2, 6));
  // 2001::/32 of RFC 4380 (Teredo) contains the IPv4 address of a server and that of a client.
  if (startsWith(bytes, [0x20, 1, 0, 0])) return "reserved";
  // 2000::/3 is public. 64:ff9b:1::/48 of RFC 8215 maps to private addresses.
  return first >> 5 === 1 ? "public" : "reserved";
}
