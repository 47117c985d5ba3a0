/** Faults in `compat/broker/`. */
import type { Concern, Mutant } from "./mutant.ts";

const of = (test: string, filter?: string): Concern[] => [
  { on: "native", test: `compat/broker/${test}`, ...(filter === undefined ? {} : { filter }) },
];
const rules: Concern[] = [{ on: "15.1", test: "compat/broker/policy_test.ts" }];
const wire: Concern[] = [{ on: "15.1", test: "compat/broker/wire_test.ts" }];
const policy = "compat/broker/policy.ts", hosts = "compat/broker/hosts.ts";
const service = "compat/broker/child/service.ts", child = "compat/broker/child/child.ts";
const messages = "ffi/libc/messages.ts";

export const brokerMutants: Mutant[] = [
  {
    file: policy,
    what: "a pattern permits names with any number of labels",
    search: 'const at = name.indexOf(".");',
    replace: 'const at = name.split(".").length > 2 ? name.lastIndexOf(".", name.lastIndexOf(".") - 1) : -1;',
    concerns: rules,
  },
  {
    file: policy,
    what: "the port of a rule is ignored",
    search: "if (policy.connect.includes(asked)) return;",
    replace: 'if (policy.connect.some((rule) => rule.startsWith(asked.replace(/\\d+$/, "")))) return;',
    concerns: rules,
  },
  {
    file: policy,
    what: "a name may resolve to private addresses",
    search: 'if (scope === "public" || policy.connect.includes(asked)) return;',
    replace: "if (scope !== undefined || policy.connect.includes(asked)) return;",
    concerns: rules,
  },
  {
    file: policy,
    what: "any name may resolve to loopback",
    search: 'if (scope === "loopback" && name === "localhost") return;',
    replace: 'if (scope === "loopback") return;',
    concerns: rules,
  },
  {
    file: policy,
    what: "a rule for a directory also permits directories whose names start with its name",
    search: "of.names.every((name, i) => names[i] === name)",
    replace: 'names.join("/").startsWith(of.names.join("/"))',
    concerns: rules,
  },
  {
    file: policy,
    what: "a rule for reading permits writing",
    search: 'const wanted = (["read", "write"] as const).filter((kind) => kind === "read" ? read : write);',
    replace:
      'const wanted = (["read", "write"] as const).filter((kind) => kind === "read" ? read : write && !read);',
    concerns: rules,
  },
  {
    file: policy,
    what: "a policy can grow",
    search: "  if (surplus.length === 0) return rules;",
    replace: "  if (surplus.length >= 0) return rules;",
    concerns: rules,
  },
  {
    file: policy,
    what: 'the directory of a rule may contain ".."',
    search: '  if (names.includes("..")) throw new TypeError(\'The path of a rule',
    replace: '  if (names.includes("...")) throw new TypeError(\'The path of a rule',
    concerns: rules,
  },
  {
    file: hosts,
    what: "an IPv4-mapped IPv6 address is not converted to IPv4",
    search: "startsWith(bytes, [...Array(10).fill(0), 0xff, 0xff]) ? four(bytes.slice(12)) : { bytes, text }",
    replace: "{ bytes, text }",
    concerns: rules,
  },
  {
    file: hosts,
    what: "a host keeps the dot at its end",
    search: 'const name = hostname.replace(/\\.$/, "");',
    replace: "const name = hostname;",
    concerns: rules,
  },
  {
    file: hosts,
    what: "172.31 is public",
    search: "second >= 16 && second < 32",
    replace: "second >= 16 && second < 31",
    concerns: rules,
  },
  {
    file: hosts,
    what: "link-local addresses, such as those of cloud metadata, are public",
    search: 'if (first === 169 && second === 254) return "link-local";',
    replace: "",
    concerns: rules,
  },
  {
    file: hosts,
    what: "every 6to4 address is public",
    search: "  if (first === 0x20 && second === 2) return scopeOfFour(bytes.subarray(2, 6));\n",
    replace: "",
    concerns: rules,
  },
  {
    file: "compat/broker/wire.ts",
    what: "a message of any length is buffered",
    search: "if (length <= MOST_BYTES) this.#expect(false, length);",
    replace: "if (length <= MOST_BYTES * 2) this.#expect(false, length);",
    concerns: wire,
  },
  {
    file: "compat/broker/wire.ts",
    what: "the nesting of a message is unlimited",
    search: "if (depthOf(text) > MOST_DEPTH)",
    replace: "if (depthOf(text) < 0)",
    concerns: wire,
  },
  {
    file: "compat/broker/wire.ts",
    what: "a request may have unknown members",
    search: "  checkOptions(what, value, members);\n",
    replace: "",
    concerns: wire,
  },
  {
    file: service,
    what: "the policy is not checked for a host",
    search: "    checkConnect(this.#policy, host, port);\n    if (!",
    replace: "    if (!",
    concerns: of("service_test.ts", "looks up no name"),
  },
  {
    file: service,
    what: "the policy is checked before the name is resolved, and not again",
    search:
      "        checkConnect(this.#policy, host, port);\n        checkResolved(this.#policy, host.name, address, port);\n",
    replace: "        checkResolved(this.#policy, host.name, address, port);\n",
    concerns: of("service_test.ts"),
  },
  {
    file: service,
    what: "the address that a name resolves to is not checked",
    search: "        checkResolved(this.#policy, host.name, address, port);\n",
    replace: "",
    concerns: of("service_test.ts"),
  },
  {
    file: service,
    what: "the number of requests is unlimited",
    search: "if (this.#active.size + this.#abandoned >= MOST_REQUESTS) {",
    replace: "if (this.#active.size < 0) {",
    concerns: of("service_test.ts", "a limited number"),
  },
  {
    file: service,
    what: "a file that is not regular is opened",
    search: "  if (isFile) return;\n",
    replace: "  if (!isDirectory) return;\n",
    concerns: of("service_test.ts", "FIFO"),
  },
  {
    file: "compat/broker/child/connecting.ts",
    what: "a connection that fails stays open",
    search:
      "  } catch (error) {\n    libc.close(fd);\n    throw error;\n  }\n}\n\n/** Returns the descriptor of a new listening",
    replace: "  } catch (error) {\n    throw error;\n  }\n}\n\n/** Returns the descriptor of a new listening",
    concerns: of("service_test.ts"),
  },
  {
    file: service,
    what: "a smaller policy reads a directory that was opened only for writing",
    search: "if (same !== undefined && permitsAsMuch(path)) return same;",
    replace: "if (same !== undefined) return same;",
    concerns: of("service_test.ts", "limit() does not turn"),
  },
  {
    file: service,
    what: "a FIFO is opened before it is refused",
    search: "if (before !== undefined && !before.isSymlink) checkRegular(before, path);",
    replace: "void before;",
    concerns: of("service_test.ts", "FIFO"),
  },
  {
    file: "compat/broker/child/connecting.ts",
    what: "a connection is sent although limit() no longer permits it",
    search: "        check();\n        setNonblocking(fd, false);",
    replace: "        setNonblocking(fd, false);",
    concerns: of("service_test.ts", "connectTo()"),
  },
  {
    file: child,
    what: "the second process keeps the descriptors that it inherited",
    search: "if (!isOwn) libc.close(fd);",
    replace: "void isOwn;",
    concerns: of("broker_test.ts", "leave no descriptor open"),
  },
  {
    file: child,
    what: "the second process closes the kqueues of its engine",
    search: ' || kind === "kqueue"',
    replace: "",
    concerns: [{ on: "15.1", test: "compat/broker/broker_test.ts", filter: "but not a kqueue" }],
  },
  {
    file: child,
    what: "the second process is not confined by Linux, though it looks up no names",
    search: "if (!hasCapsicum() && hasNames(policy)) return;",
    replace: "if (!hasCapsicum()) return;",
    concerns: of("broker_test.ts", "is confined by the kernel"),
  },
  {
    file: "compat/broker/broker.ts",
    what: "a connection that arrives after its abort stays open",
    search: "resolve: ({ fd }) => fd === undefined || libc.close(fd),",
    replace: "resolve() {},",
    concerns: of("broker_test.ts", "that comes too late"),
  },
  {
    file: messages,
    what: "unexpected descriptors stay open",
    search: "    for (const fd of fds) close(fd);\n",
    replace: "",
    concerns: [{ on: "native", test: "ffi/messages_test.ts" }],
  },
  {
    file: messages,
    what: "children inherit a descriptor that came with a message",
    search: "MSG_DONTWAIT | MSG_CMSG_CLOEXEC",
    replace: "MSG_DONTWAIT",
    concerns: [{ on: "native", test: "ffi/messages_test.ts" }],
  },
];
