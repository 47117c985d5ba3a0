import { assertEquals } from "@std/assert";
import { lastModified, parseDate, rangeOf, statusOf } from "../../examples/_http_conditions.ts";
import { test } from "../_test.ts";

const modified = Date.UTC(1994, 10, 6, 8, 49, 37);
const date = "Sun, 06 Nov 1994 08:49:37 GMT", later = "Sun, 06 Nov 1994 08:49:38 GMT";
const earlier = "Sun, 06 Nov 1994 08:49:36 GMT";

test("parseDate() parses the three formats of an HTTP date, and no others", () => {
  for (const text of [date, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]) {
    assertEquals(parseDate(text), modified, text);
  }
  assertEquals(parseDate("Thu, 29 Feb 2024 00:00:00 GMT"), Date.UTC(2024, 1, 29));
  assertEquals(parseDate("Sat, 31 Dec 2016 23:59:60 GMT"), Date.UTC(2017, 0, 1));
  assertEquals(parseDate("Sat, 01 Jan 0050 00:00:00 GMT"), Date.parse("0050-01-01T00:00:00Z"));
  // Two digits mean a year at most 50 years in the future.
  const soon = new Date().getUTCFullYear() + 40, past = soon + 20 - 100;
  for (const year of [soon, past]) {
    const text = `Monday, 01-Jan-${String(year % 100).padStart(2, "0")} 00:00:00 GMT`;
    assertEquals(new Date(parseDate(text)!).getUTCFullYear(), year);
  }
  const wrong = [
    ...[
      "",
      "never",
      "0",
      "1994",
      "1994-11-06",
      "1994-11-06T08:49:37Z",
      "784111777",
      "Nov 6 1994 08:49:37 GMT",
    ],
    ...["06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT"],
    ...["Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 +0000"],
    ...[
      "Sun, 06 Nov 1994 08:49 GMT",
      "sun, 06 nov 1994 08:49:37 gmt",
      "Sun,  06 Nov 1994 08:49:37 GMT",
      `${date} `,
    ],
    ...["Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT"],
    ...["Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Xxx, 06 Nov 1994 08:49:37 GMT"],
    ...["Sun, 06 Xxx 1994 08:49:37 GMT", "Sun Nov 6 08:49:37 1994", "Sunday, 06-Nov-1994 08:49:37 GMT"],
    ...[`${date}, ${date}`, `${date}\n`, "Sun Nov  6 08:49:37 1994 GMT", "Tue, 29 Feb 2023 00:00:00 GMT"],
  ];
  for (const text of wrong) assertEquals(parseDate(text), undefined, text);
});

const strong = { tag: '"a"', modified }, weak = { tag: 'W/"a"', modified };

test("statusOf() evaluates the conditions of RFC 9110 in their order", () => {
  const cases: [Record<string, string>, number, number?][] = [
    [{}, 200],
    // If-Match uses the strong comparison.
    [{ "if-match": '"a"' }, 200, 412],
    [{ "if-match": 'W/"a"' }, 412],
    [{ "if-match": "*" }, 200],
    [{ "if-match": '"*"' }, 412],
    [{ "if-match": '"b", "a"' }, 200, 412],
    [{ "if-match": '"b" ,, "a",' }, 200, 412],
    [{ "if-match": '"b"' }, 412],
    [{ "if-match": "a" }, 412],
    [{ "if-match": '*, "b"' }, 412],
    [{ "if-match": "" }, 412],
    [{ "if-match": '"b, "a"' }, 412],
    // If-Unmodified-Since applies only without If-Match.
    [{ "if-unmodified-since": date }, 200],
    [{ "if-unmodified-since": later }, 200],
    [{ "if-unmodified-since": earlier }, 412],
    [{ "if-unmodified-since": "1990" }, 200],
    [{ "if-match": "*", "if-unmodified-since": earlier }, 200],
    // If-None-Match uses the weak comparison, after the first two.
    [{ "if-none-match": '"a"' }, 304],
    [{ "if-none-match": 'W/"a"' }, 304],
    [{ "if-none-match": '"b", W/"a"' }, 304],
    [{ "if-none-match": "*" }, 304],
    [{ "if-none-match": '"b"' }, 200],
    [{ "if-none-match": '"a,"' }, 200],
    [{ "if-none-match": '"b,"a"' }, 200],
    [{ "if-none-match": "a" }, 200],
    [{ "if-none-match": 'w/"a"' }, 200],
    [{ "if-match": '"b"', "if-none-match": '"a"' }, 412],
    [{ "if-unmodified-since": earlier, "if-none-match": '"a"' }, 412],
    [{ "if-unmodified-since": later, "if-none-match": '"a"' }, 304],
    // If-Modified-Since applies only without If-None-Match.
    [{ "if-modified-since": date }, 304],
    [{ "if-modified-since": later }, 304],
    [{ "if-modified-since": earlier }, 200],
    [{ "if-modified-since": "2050" }, 200],
    [{ "if-modified-since": "Sun, 99 Nov 2050 08:49:37 GMT" }, 200],
    [{ "if-none-match": '"b"', "if-modified-since": later }, 200],
    [{ "if-none-match": "", "if-modified-since": later }, 200],
    [{ "cache-control": "no-cache", "if-none-match": '"a"' }, 304],
  ];
  for (const [headers, status, ofWeak = status] of cases) {
    const what = JSON.stringify(headers);
    assertEquals(statusOf(new Headers(headers), strong), status, what);
    assertEquals(statusOf(new Headers(headers), weak), ofWeak, `${what} of a weak tag`);
  }
  // Without a tag and a date, only "*" can match.
  const bare = (headers: Record<string, string>) => statusOf(new Headers(headers), {});
  assertEquals([bare({ "if-match": "*" }), bare({ "if-match": '"a"' })], [200, 412]);
  assertEquals([bare({ "if-none-match": "*" }), bare({ "if-none-match": '"a"' })], [304, 200]);
  assertEquals([bare({ "if-unmodified-since": earlier }), bare({ "if-modified-since": later })], [200, 200]);
});

test("rangeOf() parses single ranges by RFC 9110, and ignores an invalid range and one that is not current", () => {
  const of = (
    range: string,
    size = 10,
    more: Record<string, string> = {},
    validators: typeof strong = strong,
  ) => rangeOf(new Headers({ range, ...more }), validators, size);
  const huge = "9".repeat(400);
  const parts: [string, [number, number] | null | undefined][] = [
    ["bytes=0-0", [0, 0]],
    ["bytes=2-", [2, 9]],
    ["bytes=2-99", [2, 9]],
    ["bytes=02-003", [2, 3]],
    ["bytes=-3", [7, 9]],
    ["bytes=-99", [0, 9]],
    [`bytes=-${huge}`, [0, 9]],
    [`bytes=1-${huge}`, [1, 9]],
    ["BYTES=1-2", [1, 2]],
    ["bytes=1-2,", [1, 2]],
    ["bytes=,1-2 , ", [1, 2]],
    ...["bytes=-0", "bytes=-00", "bytes=10-", "bytes=10-20", `bytes=${huge}-`, "bytes=10-,20-"].map(
      (range): [string, null] => [range, null],
    ),
    ...[
      ...[
        "bytes=3-2",
        "bytes=-",
        "bytes=",
        "bytes",
        "bytes=,",
        "bytes=a-b",
        "bytes=1-2x",
        "bytes=0x1-2",
        "bytes=+1-2",
      ],
      ...[
        "bytes=-1.5",
        "bytes=1e0-3",
        "bytes=1-2-3",
        "bytes=--1",
        "bytes=1 - 2",
        "bytes:1-2",
        "lines=1-2",
        "=1-2",
      ],
      ...["bytes =1-2", "bytes=1-2;3", "bytes=0-1,3-4", "bytes=0-0,x", "bytes=0-4,2-6", "bytes=\u00b2-3"],
    ].map((range): [string, undefined] => [range, undefined]),
  ];
  for (const [range, wanted] of parts) assertEquals(of(range), wanted, range);
  assertEquals([of("bytes=0-", 0), of("bytes=0-0", 0), of("bytes=-0", 0)], [null, null, null]);
  assertEquals(of("bytes=-5", 0), undefined);
  assertEquals(rangeOf(new Headers(), strong, 10), undefined);
  for (const current of ['"a"', date, "Sunday, 06-Nov-94 08:49:37 GMT"]) {
    assertEquals(of("bytes=1-2", 10, { "if-range": current }), [1, 2], current);
    assertEquals(of("bytes=1-2", 10, { "if-range": current }, weak), undefined, `${current} of a weak tag`);
  }
  for (const other of ['W/"a"', '"b"', '"a", "b"', "*", "a", "", earlier, later, "1994-11-06T08:49:37Z"]) {
    assertEquals(of("bytes=1-2", 10, { "if-range": other }), undefined, other);
    assertEquals(of("bytes=99-", 10, { "if-range": other }), undefined, other);
  }
});

test("lastModified() returns whole seconds, no time in the future, and undefined for a time that HTTP cannot express", () => {
  const now = Date.UTC(2026, 0, 1);
  assertEquals(lastModified(new Date(modified + 789), now), modified);
  assertEquals(lastModified(new Date(-1), now), -1000);
  assertEquals(lastModified(new Date("+012345-01-01"), now), now);
  const first = new Date("0000-01-01");
  assertEquals(lastModified(first, now), first.getTime());
  for (const time of [new Date(first.getTime() - 1), new Date(NaN), null]) {
    assertEquals(lastModified(time, now), undefined);
  }
});
