/** Faults in `compat/broker/`. */
import type { Concern, Mutant } from "./mutant.ts";

const of = (test: string, filter?: string): Concern[] => [
  { on: "native", test: `compat/broker/${test}`, ...(filter === undefined ? {} : { filter }) },
];
const rules: Concern[] = [{ on: "15.1", test: "compat/broker/policy_test.ts" }];
const wire: Concern[] = [{ on: "15.1", test: "compat/broker/wire_test.ts" }];
const policy = "compat/broker/policy.ts", hosts = "compat/broker/hosts.ts";
const service = "compat/broker/child/service.ts", child = "compat/broker/child/child.ts";
const channel = "compat/broker/channel.ts", connecting = "compat/broker/child/connecting.ts";
const messages = "ffi/libc/messages.ts", sockets = "ffi/libc/socket_calls.ts";

/** The tests that make calls fail: while answers arrive, during a request, during the start. */
const faults = (part: "answers" | "a request" | "the start", on: Concern["on"] = "native"): Concern[] => [
  { on, test: "faults/broker/broker_faults_test.ts", filter: part },
];

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
      "  } catch (error) {\n    closePassed([fd]);\n    throw error;\n  }\n}\n\n/** Clears O_NONBLOCK of a new descriptor",
    replace: "  } catch (error) {\n    throw error;\n  }\n}\n\n/** Clears O_NONBLOCK of a new descriptor",
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
    search: "        check();\n        makeBlocking(fd);",
    replace: "        makeBlocking(fd);",
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
    search: "resolve: ({ fd }) => fd === undefined || closePassed([fd]),",
    replace: "resolve() {},",
    concerns: of("broker_test.ts", "that arrives too late"),
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
  {
    file: messages,
    what: "a message is not sent again after EINTR",
    search:
      '  } while (errno[0] === EINTR);\n  if (errnoTable()[errno[0]!]?.[0] === "EAGAIN") return undefined;\n  throw',
    replace:
      '  } while (false);\n  if (errnoTable()[errno[0]!]?.[0] === "EAGAIN") return undefined;\n  throw',
    concerns: [...faults("a request"), ...faults("a request", "15.1")],
  },
  {
    file: messages,
    what: "a message is not received again after EINTR",
    search: "  } while (errno[0] === EINTR);\n  if (count === -1) {",
    replace: "  } while (false);\n  if (count === -1) {",
    concerns: faults("answers"),
  },
  {
    file: messages,
    what: "MSG_CTRUNC is ignored: the next descriptor takes the place of the lost one",
    search: "  return (head32[MSG_FLAGS / 4]! & MSG_CTRUNC) !== 0;",
    replace: "  return (head32[MSG_FLAGS / 4]! & MSG_CTRUNC) < 0;",
    concerns: faults("answers"),
  },
  {
    file: messages,
    what: "FreeBSD's EMSGSIZE ends the broker, and not only one request",
    search: '    if (code === "EMSGSIZE" && hasCapsicum()) return',
    replace: '    if (code === "EMSGSIZE" && !hasCapsicum()) return',
    concerns: faults("a request", "15.1"),
  },
  {
    file: sockets,
    what: "the error of a connection is not read if getsockopt(2) fails",
    search: "  if (call(number, level, option, failed, length) === -1) {",
    replace: "  failed[0] = 0;\n  if (call(number, level, option, failed, length) < -1) {",
    concerns: faults("a request"),
  },
  {
    file: sockets,
    what: "a connection is not accepted after EINTR",
    search: "    thread.memcpy(errno, thread.errnoAt, 4n);\n  } while (errno[0] === EINTR);\n  const code",
    replace: "    thread.memcpy(errno, thread.errnoAt, 4n);\n  } while (false);\n  const code",
    concerns: faults("a request"),
  },
  {
    file: channel,
    what: "a channel that is not a socket receives what it received before",
    search: "    if (count !== NO_SOCKET) return count;",
    replace: '    if (count !== NO_SOCKET || syscall === "recv") return count;',
    concerns: faults("a request"),
  },
  {
    file: channel,
    what: "an answer is not sent again after ENOBUFS",
    search: 'const PASSING = ["ETOOMANYREFS", "ENOBUFS", "ENOMEM"];',
    replace: 'const PASSING = ["ETOOMANYREFS"];',
    concerns: faults("a request"),
  },
  {
    file: "compat/broker/broker.ts",
    what: "a descriptor whose answer is incomplete at the end stays open",
    search: "    closePassed(this.#fds.splice(0).filter((fd) => fd !== undefined));\n",
    replace: "",
    concerns: faults("answers"),
  },
  {
    file: "compat/broker/broker.ts",
    what: "the second process can fill the table of descriptors of the program",
    search: "if (this.#fds.length > this.#pending.size) throw",
    replace: "if (false) throw",
    concerns: of("hostile_test.ts", "more descriptors than it owes"),
  },
  {
    file: "compat/broker/broker.ts",
    what: "the connection to the second process stays open if it cannot be started",
    search: "    channel.close();\n    throw error;",
    replace: "    throw error;",
    concerns: faults("the start"),
  },
  {
    file: child,
    what: "the second process is ready before the threads of Deno's pool are confined",
    search: "    await untilPoolConfined();\n",
    replace: "",
    concerns: faults("the start"),
  },
  {
    file: child,
    what: "the second process ends if close(2) of a sent descriptor fails",
    search: ".finally(() => closePassed(fds));",
    replace: ".finally(() => fds.forEach((fd) => libc.close(fd)));",
    concerns: faults("a request"),
  },
  {
    file: connecting,
    what: "a socket that cannot listen stays open",
    search: "    return fd;\n  } catch (error) {\n    closePassed([fd]);\n",
    replace: "    return fd;\n  } catch (error) {\n",
    concerns: faults("a request"),
  },
  {
    file: service,
    what: "a file whose rights cannot be limited stays open",
    search:
      "    if (hasRights()) limit(fd, rights);\n    return { fd };\n  } catch (error) {\n    closePassed([fd]);\n",
    replace: "    if (hasRights()) limit(fd, rights);\n    return { fd };\n  } catch (error) {\n",
    concerns: faults("a request", "15.1"),
  },
  {
    file: service,
    what: "a file is sent although its rights cannot be limited",
    search:
      "    if (hasRights()) limit(fd, rights);\n    return { fd };\n  } catch (error) {\n    closePassed([fd]);\n    throw error;",
    replace: "    if (hasRights()) limit(fd, rights);\n    return { fd };\n  } catch {\n    return { fd };",
    concerns: faults("a request", "15.1"),
  },
  {
    file: service,
    what: "limit() leaves the new directories open if it fails",
    search: "      closeOthers(dirs, this.#dirs);\n      throw named",
    replace: "      throw named",
    concerns: faults("a request", "15.1"),
  },
  {
    file: service,
    what: "an error names a descriptor of the second process",
    search: "answer = { error: wireError(named(error, name)) };",
    replace: "answer = { error: wireError(error) };",
    concerns: faults("a request"),
  },
];
