/**
 * Evaluates conditional requests for static files by RFC 9110, sections 5.6.7, 8.8, 13 and 14.
 *
 * The npm package "fresh" is not used. It parses dates by `Date.parse`, which also accepts other formats than those of
 * HTTP. It obeys the Cache-Control of requests, which is meant for caches. It does not support If-Match,
 * If-Unmodified-Since and If-Range.
 */
import { parse } from "npm:range-parser@2.0.0";

/** Identifies one state of a file. */
export interface Validators {
  /** The entity tag with its quotes, and W/ if it is weak; undefined if there is none. */
  tag?: string | undefined;
  /** The time of the last change in milliseconds, a multiple of 1000; undefined if there is none. */
  modified?: number | undefined;
}

/**
 * Returns the time of the last change for {@link Validators}; the current time in place of a time in the future. Returns
 * undefined if HTTP cannot express it: a year has four digits, and a kernel can store times that a `Date` cannot.
 */
export function lastModified(mtime: Date | null, now: number): number | undefined {
  if (mtime === null || !(mtime.getUTCFullYear() >= 0)) return undefined;
  return Math.floor(Math.min(mtime.getTime(), now) / 1000) * 1000;
}

/** Returns the status of a GET or HEAD request by its conditions, evaluated in the order of section 13.2.2. */
export function statusOf(headers: Headers, { tag, modified }: Validators): 200 | 304 | 412 {
  const date = (name: string) => parseDate(headers.get(name) ?? "");
  const match = headers.get("if-match"), noneMatch = headers.get("if-none-match");
  if (match !== null) {
    const isSame = (one: string) => one === tag && !one.startsWith("W/");
    if (match !== "*" && !tagsOf(match).some(isSame)) return 412;
  } else {
    const since = date("if-unmodified-since");
    if (modified !== undefined && since !== undefined && modified > since) return 412;
  }
  if (noneMatch !== null) {
    const isSame = (one: string) => tag !== undefined && opaque(one) === opaque(tag);
    return noneMatch === "*" || tagsOf(noneMatch).some(isSame) ? 304 : 200;
  }
  const since = date("if-modified-since");
  return modified !== undefined && since !== undefined && modified <= since ? 304 : 200;
}

/** Returns the first and last byte of the requested range; undefined for the whole file, null if it is not satisfiable. */
export function rangeOf(
  headers: Headers,
  validators: Validators,
  size: number,
): [first: number, last: number] | null | undefined {
  const header = headers.get("range"), condition = headers.get("if-range");
  if (header === null || condition !== null && !isCurrent(condition, validators)) return undefined;
  const { code, type, ranges } = parse(size, header);
  const isInvalid = (code & 1) !== 0;
  // A request for several ranges gets the whole file, which section 14.2 permits.
  if (isInvalid || type !== "bytes" || ranges.length > 1) return undefined;
  const [range] = ranges;
  // Any suffix of an empty file is the whole file.
  return range ? [range.start, range.end] : code === 0 ? undefined : null;
}

/** Whether If-Range holds: by a strong tag, or by the exact date of a file that has a strong tag. */
function isCurrent(condition: string, { tag, modified }: Validators): boolean {
  if (tag === undefined || tag.startsWith("W/")) return false;
  return condition === tag || modified !== undefined && parseDate(condition) === modified;
}

const tags = /^(?:[ \t]*,)*[ \t]*(?:(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"[ \t]*(?:$|(?:,[ \t]*)+))+$/;

/** Returns the tags of a list; an empty array if the list is malformed. */
function tagsOf(list: string): string[] {
  return tags.test(list) ? list.match(/(?:W\/)?"[^"]*"/g) ?? [] : [];
}

function opaque(tag: string): string {
  return tag.replace(/^W\//, "");
}

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const long = days.join("|"), short = days.map((day) => day.slice(0, 3)).join("|");
const month = `(?<month>${months.join("|")})`, time = "(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)";
/** IMF-fixdate, and the obsolete formats of RFC 850 and asctime(3). */
const forms = [
  `(?:${short}), (?<day>\\d\\d) ${month} (?<year>\\d{4}) ${time} GMT`,
  `(?:${long}), (?<day>\\d\\d)-${month}-(?<year>\\d\\d) ${time} GMT`,
  `(?:${short}) ${month} (?<day>\\d\\d| \\d) ${time} (?<year>\\d{4})`,
].map((form) => new RegExp(`^${form}$`));

/** Parses an HTTP date to milliseconds since 1970; returns undefined if it is not valid. */
export function parseDate(text: string): number | undefined {
  const { groups } = forms.map((form) => form.exec(text)).find((match) => match !== null) ?? {};
  if (groups === undefined) return undefined;
  const [day, hour, minute, second] = [groups.day!, groups.hour!, groups.minute!, groups.second!].map(Number);
  const date = new Date(0), monthIndex = months.indexOf(groups.month!);
  date.setUTCFullYear(fullYear(groups.year!), monthIndex, day);
  if (date.getUTCDate() !== day || date.getUTCMonth() !== monthIndex) return undefined;
  // A leap second has the number 60.
  if (hour! > 23 || minute! > 59 || second! > 60) return undefined;
  return date.setUTCHours(hour!, minute, second);
}

/** Returns the full year. A two-digit year more than 50 years in the future means a year in the past. */
function fullYear(year: string): number {
  if (year.length === 4) return Number(year);
  const now = new Date().getUTCFullYear(), full = now - now % 100 + Number(year);
  return full > now + 50 ? full - 100 : full;
}
