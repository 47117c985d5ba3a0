/** The command lines of the examples, which no kernel changes. */
import { fromFileUrl } from "@std/path";
import { moduleOf, testUsage } from "./_example.ts";

testUsage("grep", {
  wrong: [
    [[], /^grep: name a pattern; see --help\.$/m],
    [["-x", "a"], /there is no option "-x"/],
    [["--recursive", "a"], /there is no option "--recursive"/],
    [["(", "."], /^grep: Invalid regular expression: /],
  ],
  right: ["a", "."],
  failure: 2,
});

testUsage("http_static", {
  wrong: [
    [[], /^http_static: name one directory to serve; see --help\.$/m],
    [["one", "two"], /name one directory/],
    [["--port=http", "."], /--port takes a number; see --help\./],
    [["--port=65536", "."], /--port must be at most 65535; see --help\./],
    [["--host"], /--host needs a value/],
    [["--root", "."], /there is no option "--root"/],
    [["--unprotected=yes", "."], /there is no option "--unprotected=yes"/],
  ],
  right: ["."],
  failure: 1,
});

testUsage("plugin_host", {
  wrong: [
    [[], /^plugin_host: name one plug-in; see --help\.$/m],
    [["one", "two"], /name one plug-in/],
    [["--time=soon", "a"], /--time takes a number/],
    [["--libc=", "a"], /--libc needs a value/],
    [["a", "--deno"], /--deno needs a value/],
    [["--time=2147483648", "a"], /--time is at most 2000000000/],
    [["--memory", "1", "a"], /--time must be at least 1, and --memory at least 64/],
    [["--allow-all", "a"], /there is no option "--allow-all"/],
  ],
  right: [fromFileUrl(moduleOf("plugin_host"))],
  failure: 1,
});

testUsage("untar", {
  wrong: [
    [[], /^untar: name one directory to unpack to; see --help\.$/m],
    [["one", "two"], /name one directory/],
    [["-x", "."], /there is no option "-x"/],
    [["--max-bytes=many", "."], /--max-bytes takes a number/],
    [["--max-entries", "."], /--max-entries takes a number/],
    [[".", " --max-bytes"], /name one directory/],
    [[".", "--max-bytes"], /--max-bytes takes a number/],
    [["--unprotected=yes", "."], /there is no option "--unprotected=yes"/],
  ],
  right: ["."],
  failure: 1,
});
