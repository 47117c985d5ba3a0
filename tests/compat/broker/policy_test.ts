import { assertEquals, assertThrows } from "@std/assert";
import { type Address, hostOf, type Scope, scopeOf } from "../../../compat/broker/hosts.ts";
import {
  below,
  type BrokerPolicy,
  checkConnect,
  checkListen,
  checkOpen,
  checkResolve,
  checkResolved,
  checkSocket,
  hasNames,
  hasOnlyFiles,
  policyOf,
  shrunk,
} from "../../../compat/broker/policy.ts";
import { test } from "../../_test.ts";

const policy = (rules: BrokerPolicy) => policyOf("broker()", rules);
const connects = (rules: string[], hostname: string, port: number) => {
  try {
    checkConnect(policy({ connect: rules }), hostOf(hostname), port);
    return true;
  } catch (error) {
    assertEquals((error as { code?: string }).code, "ENOTCAPABLE");
    return false;
  }
};
const textOf = (given: string) => {
  const host = hostOf(given);
  return "name" in host ? host.name : host.text;
};

test("hostOf() returns the same form for every notation of a host", () => {
  const forms: Record<string, string[]> = {
    "example.com": ["example.com", "EXAMPLE.com", "example.com.", "ｅｘａｍｐｌｅ.com", "example。com"],
    "xn--bcher-kva.example": ["bücher.example", "BÜCHER.example", "xn--bcher-kva.example"],
    "127.0.0.1": ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "0x7f000001", "127.0.0.1."],
    "127.0.0.2": ["::ffff:127.0.0.2", "[::ffff:7f00:2]", "::FFFF:127.0.0.2", "１２７.0.0.2"],
    "0.0.0.0": ["0", "0.0.0.0", "0x0"],
    "[::1]": ["::1", "[::1]", "0:0:0:0:0:0:0:1", "0000::0001"],
    "[2001:db8::a]": ["2001:DB8::A", "2001:db8:0:0:0:0:0:a"],
    "[::]": ["::"],
    localhost: ["localhost", "LocalHost."],
    "a_b.example": ["a_b.example"],
  };
  for (const [form, all] of Object.entries(forms)) {
    for (const one of all) assertEquals(textOf(one), form, one);
  }
});

test("hostOf() throws if a text is not a host, or is more than a host", () => {
  const wrong = [
    "",
    ".",
    "a..b",
    "a b",
    "a/b",
    "a\\b",
    "a@b",
    "a?b",
    "a#b",
    "a%41",
    "%31.1.1.1",
    "a\tb",
    "a\nb",
    "a\0b",
  ];
  wrong.push(
    "[::1",
    "::1]",
    "[::1]x",
    "1.2.3.4.5",
    "256.1.1.1",
    "1.2.3.999",
    "4294967296",
    "fe80::1%eth0",
    "[fe80::1%25eth0]",
  );
  wrong.push(
    "-a.example",
    "a-.example",
    "a".repeat(64),
    `${"a".repeat(60)}.`.repeat(5),
    "a:b",
    "a^b",
    "*.example",
    "xn--\u00ad",
  );
  for (const given of wrong) assertThrows(() => hostOf(given), TypeError, "The host", given);
});

test("scopeOf() classifies public and special addresses", () => {
  const scopes: Record<Scope, string[]> = {
    public: [
      "1.1.1.1",
      "172.32.0.1",
      "192.169.0.1",
      "100.128.0.1",
      "2606:4700::1",
      "64:ff9b::101:101",
      "2002:101:101::",
      "2001:1::1",
    ],
    loopback: [
      "127.0.0.1",
      "127.255.255.255",
      "::1",
      "::127.0.0.1",
      "64:ff9b::7f00:1",
      "2002:7f00:1::",
      "::ffff:127.0.0.1",
    ],
    private: [
      "10.0.0.1",
      "172.16.0.1",
      "172.31.255.255",
      "192.168.1.1",
      "100.64.0.1",
      "fc00::1",
      "fdff::1",
      "fec0::1",
      "2002:a00:1::",
    ],
    "link-local": ["169.254.169.254", "fe80::1", "febf::1", "64:ff9b::a9fe:a9fe"],
    multicast: ["224.0.0.1", "239.255.255.255", "ff02::1"],
    unspecified: ["0.0.0.0", "0.1.2.3", "::"],
    reserved: [
      "255.255.255.255",
      "240.0.0.1",
      "192.0.0.1",
      "198.18.0.1",
      "198.19.255.255",
      "4000::1",
      "64:ff9b:1::1",
      "100::1",
      "2001:0:a9fe:a9fe::1",
    ],
  };
  for (const [scope, all] of Object.entries(scopes)) {
    for (const one of all) assertEquals(scopeOf(hostOf(one) as Address), scope, one);
  }
});

test("a connect rule permits its host and port in every notation, and no other", () => {
  assertEquals(connects(["example.com:443"], "EXAMPLE.com.", 443), true);
  assertEquals(connects(["Example.COM:443"], "example.com", 443), true);
  assertEquals(connects(["example.com:443"], "example.com", 80), false);
  assertEquals(connects(["example.com:443"], "www.example.com", 443), false);
  assertEquals(connects(["example.com:443"], "example.com.evil", 443), false);
  assertEquals(connects(["127.0.0.1:80"], "2130706433", 80), true);
  assertEquals(connects(["127.0.0.1:80"], "::ffff:127.0.0.1", 80), true);
  assertEquals(connects(["127.0.0.1:80"], "localhost", 80), false);
  assertEquals(connects(["localhost:80"], "127.0.0.1", 80), false);
  assertEquals(connects(["[::1]:5432"], "0:0::1", 5432), true);
  assertEquals(connects([], "example.com", 443), false);
});

test("a pattern permits names with exactly one more label", () => {
  const rules = ["*.example.com:443"];
  assertEquals(connects(rules, "a.example.com", 443), true);
  assertEquals(connects(rules, "example.com", 443), false);
  assertEquals(connects(rules, "a.b.example.com", 443), false);
  assertEquals(connects(rules, "aexample.com", 443), false);
  assertEquals(connects(rules, "a.example.com", 444), false);
  const names = policy({ resolve: ["*.example.com", "one.example"] });
  assertEquals(checkResolve(names, "A.example.COM."), "a.example.com");
  assertEquals(checkResolve(names, "one.example"), "one.example");
  for (const name of ["example.com", "x.one.example", "a.b.example.com"]) {
    assertThrows(() => checkResolve(names, name), Error, `The rule resolve: ["${name}"] is missing`);
  }
  assertThrows(() => checkResolve(names, "127.1"), TypeError, "an address");
});

test("a name may resolve to an address that is not public only if a rule names the address", () => {
  const rules = policy({ connect: ["example.com:80", "10.0.0.1:80", "localhost:80"] });
  const leads = (name: string, address: string, port = 80) => {
    try {
      checkResolved(rules, name, hostOf(address) as Address, port);
      return true;
    } catch (error) {
      assertEquals((error as { code?: string }).code, "ENOTCAPABLE");
      return false;
    }
  };
  assertEquals(leads("example.com", "1.1.1.1"), true);
  assertEquals(leads("example.com", "10.0.0.1"), true);
  assertEquals(leads("localhost", "127.0.0.1"), true);
  assertEquals(leads("localhost", "::1"), true);
  for (
    const address of [
      "127.0.0.1",
      "::1",
      "10.0.0.2",
      "169.254.169.254",
      "0.0.0.0",
      "::",
      "224.0.0.1",
      "fd00::1",
    ]
  ) {
    assertEquals(leads("example.com", address), false, address);
  }
  assertEquals(leads("example.com", "10.0.0.1", 81), false);
  assertEquals(leads("localhost", "10.0.0.3"), false);
  assertEquals(leads("localhost", "169.254.1.1"), false);
});

test("a unix rule permits only its path, and a listen rule only its address and port", () => {
  const rules = policy({ connect: ["unix:/var//run/./app.sock"], listen: ["127.0.0.1:8080", "[::1]:0"] });
  assertEquals(checkSocket(rules, "/var/run/app.sock"), "/var/run/app.sock");
  for (const path of ["/var/run/app.sock2", "/var/run", "/var/run/app.sock/x"]) {
    assertThrows(() => checkSocket(rules, path), Error, "is missing");
  }
  for (const path of ["var/run/app.sock", "/var/run/../run/app.sock", "/\0", "", `/${"x".repeat(103)}`]) {
    assertThrows(() => checkSocket(rules, path), TypeError);
  }
  assertEquals(checkListen(rules, "127.1", 8080).text, "127.0.0.1");
  assertEquals(checkListen(rules, "::1", 0).text, "[::1]");
  for (
    const [hostname, port] of [["127.0.0.1", 8081], ["0.0.0.0", 8080], ["::1", 1], [
      "localhost",
      8080,
    ]] as const
  ) {
    assertThrows(() => checkListen(rules, hostname, port), Error, "The rule listen: ");
  }
});

test("a file is opened below the deepest directory that permits the requested access", () => {
  const rules = policy({
    open: { read: ["/a", "/a/b/", "rel", "/both"], write: ["/a/b/w", new URL("file:///both")] },
  });
  const read = { read: true, write: false },
    write = { read: false, write: true },
    both = { read: true, write: true };
  assertEquals(checkOpen(rules, "/a/x", read), ["/a", "x"]);
  assertEquals(checkOpen(rules, "/a/b/x", read), ["/a/b", "x"]);
  assertEquals(checkOpen(rules, "//a/./b//x/", read), ["/a/b", "x/"]);
  assertEquals(checkOpen(rules, "/a/b/../../x", read), ["/a/b", "../../x"]);
  assertEquals(checkOpen(rules, "/a/b/w/x", write), ["/a/b/w", "x"]);
  assertEquals(checkOpen(rules, "/both/x", both), ["/both", "x"]);
  assertEquals(checkOpen(rules, "./rel/x", read), ["rel", "x"]);
  const refused: [string, typeof read, string][] = [
    ["/ab", read, 'open: read: ["/"]'],
    ["/b/../a/x", read, 'open: read: ["/b/../a"]'],
    ["/a/x", write, 'open: write: ["/a"]'],
    ["/a/b/w/x", both, 'open: write: ["/a/b/w"]'],
    ["a/x", read, 'open: read: ["a"]'],
    ["/rel/x", read, 'open: read: ["/rel"]'],
    ["x", read, 'open: read: ["."]'],
  ];
  for (const [path, access, missing] of refused) {
    const error = assertThrows(
      () => checkOpen(rules, path, access),
      Error,
      `The rule ${missing} is missing`,
      path,
    );
    assertEquals((error as { path?: string }).path, path);
  }
});

test("policyOf() names an invalid rule and the reason", () => {
  const wrong: [unknown, string][] = [
    [undefined, "must be an object"],
    [null, "must be an object"],
    [{ conect: [] }, 'there is no option "conect"'],
    [{ connect: "a:1" }, "connect must be an array"],
    [{ connect: ["a:1", "b"] }, 'connect[1], "b": A rule must be "host:port"'],
    [{ connect: ["a:0"] }, "from 1 to 65535"],
    [{ connect: ["a:65536"] }, "from 1 to 65535"],
    [{ connect: ["a:+1"] }, "from 1 to 65535"],
    [{ connect: ["a:1e3"] }, "from 1 to 65535"],
    [{ connect: ["::1:5432"] }, "with an IPv6 address in brackets"],
    [{ connect: ["[fe80::1%eth0]:1"] }, "has a zone"],
    [{ connect: ["0.0.0.0:80"] }, "cannot be connected to"],
    [{ connect: ["*.1.2.3:80"] }, "needs a name, not an address"],
    [{ connect: ["*:80"] }, "is not a valid name"],
    [{ connect: ["a.*.example:80"] }, "is not a valid name"],
    [{ connect: ["unix:app.sock"] }, "must be absolute"],
    [{ connect: ["unix:/a/../b"] }, 'must not contain ".."'],
    [{ connect: [1] }, "A rule must be a string"],
    [{ resolve: ["1.2.3.4"] }, "needs a name, not an address"],
    [{ resolve: ["a:80"] }, "is neither a name nor an address"],
    [{ listen: ["localhost:80"] }, "needs an address, such as"],
    [{ listen: ["unix:/a"] }, "needs an address, such as"],
    [{ open: ["/a"] }, "must be an object"],
    [{ open: { read: ["/a/.."] } }, 'open.read[0], "/a/..": The path of a rule must not contain ".."'],
    [{ open: { write: [""] } }, "open.write[0]"],
    [{ open: { read: [null] } }, "open.read[0]"],
    [{ open: { read: ["/a\0"] } }, "NUL"],
    [{ open: { read: [new URL("https://a")] } }, "file: URL"],
  ];
  for (const [rules, words] of wrong) {
    const { message } = assertThrows(() => policy(rules as BrokerPolicy), TypeError, words);
    assertEquals(message.length <= 300 && message.startsWith("broker()"), true, message);
  }
  assertEquals(policy({}), { connect: [], resolve: [], listen: [], read: [], write: [] });
});

test("shrunk() accepts a smaller policy, and names each rule that the old policy does not permit", () => {
  const old = policy({
    connect: ["*.example.com:443", "1.2.3.4:80", "unix:/a.b/c"],
    resolve: ["*.example.com"],
    listen: ["127.0.0.1:80"],
    open: { read: ["/a"], write: ["/a/w"] },
  });
  const within: BrokerPolicy[] = [
    {},
    {
      connect: ["a.example.com:443", "1.2.3.4:80", "unix:/a.b/c"],
      resolve: ["a.example.com", "*.example.com"],
    },
    { listen: ["127.0.0.1:80"], open: { read: ["/a/b", "/a"], write: ["/a/w/x/y"] } },
  ];
  for (const rules of within) assertEquals(shrunk(old, policy(rules)), policy(rules));
  const beyond: [BrokerPolicy, string][] = [
    [{ connect: ["a.example.com:444"] }, 'connect "a.example.com:444"'],
    [{ connect: ["*.a.example.com:443"] }, 'connect "*.a.example.com:443"'],
    [{ connect: ["2.2.3.4:80"] }, 'connect "2.2.3.4:80"'],
    [{ connect: ["unix:/x.b/c"] }, 'connect "unix:/x.b/c"'],
    [{ resolve: ["example.com"] }, 'resolve "example.com"'],
    [{ listen: ["127.0.0.1:0"] }, 'listen "127.0.0.1:0"'],
    [{ open: { read: ["/"] } }, 'open.read "/"'],
    [{ open: { write: ["/a"] } }, 'open.write "/a"'],
  ];
  for (const [rules, surplus] of beyond) {
    const error = assertThrows(() => shrunk(old, policy(rules)), Error, `does not permit ${surplus}`);
    assertEquals((error as { code?: string }).code, "ENOTCAPABLE");
  }
});

test("a policy has at most 1,000 rules, and a path less than 4,096 bytes", () => {
  const list = (start: string, count: number) => Array.from({ length: count }, (_, i) => `${start}${i}`);
  const rules = (count: number) => ({ open: { read: list("/r", 500), write: list("/w", count) } });
  const most = policy(rules(500));
  assertThrows(() => policy(rules(501)), RangeError, "at most 1000 rules, not 1001");
  assertThrows(() => shrunk(most, policy({ open: { read: list("/x", 1000) } })), Error, "does not permit");
  const read = { read: true, write: false }, long = `/r1/${"a/".repeat(2046)}`;
  assertEquals(checkOpen(most, `${long}`.slice(0, 4095), read)[0], "/r1");
  for (const path of [`${long}ab`, `/r1/${"é".repeat(2046)}`, `/r1/${"a/".repeat(30_000)}`]) {
    const { code } = assertThrows(() => checkOpen(most, path, read)) as Error & { code?: string };
    assertEquals(code, "ENAMETOOLONG");
  }
});

test("below(), hasNames() and hasOnlyFiles() report what a policy needs", () => {
  assertEquals(below("/", "/x"), "x");
  assertEquals(below("/a", "/a"), ".");
  assertEquals(below(".", "a/b"), "a/b");
  assertEquals(below("/a", "/ab"), undefined);
  assertEquals(hasNames(policy({ connect: ["1.2.3.4:80", "[::1]:80", "unix:/a"] })), false);
  assertEquals(hasNames(policy({ connect: ["*.example.com:80"] })), true);
  assertEquals(hasNames(policy({ resolve: ["a"] })), true);
  assertEquals(hasOnlyFiles(policy({ open: { read: ["/a"] } })), true);
  assertEquals(hasOnlyFiles(policy({ listen: ["127.0.0.1:0"] })), false);
});
