/**
 * Draws the rows of a bench as SVG: the cases that grow as curves with logarithmic axes, and each ratio beside its target.
 *
 * @module
 */
import { shortened } from "../../rights/text.ts";
import type { Row } from "./_bench.ts";

const width = 960, panel = { width: 290, height: 230, gap: 30 }, margin = 30, line = 22;
const colors = ["#0b6e4f", "#d1495b", "#30638e", "#edae49", "#6a4c93"];
const ours = "@capsicum/capsicum";

interface Curve {
  name: string;
  points: [at: number, microseconds: number][];
}

/** A function from a value to a position, by its logarithm. */
type Scale = (value: number) => number;

/** The drawing, with a title. */
export function plot(rows: readonly Row[], title: string): string {
  const growing = Map.groupBy(rows.filter(({ growth }) => growth !== undefined), ({ growth }) => growth!.of);
  const targeted = rows.filter(({ growth, target }) => growth === undefined && target?.ratio !== undefined);
  const top = 60, belowCurves = growing.size === 0 ? top : top + panel.height + 130;
  const parts = [text(margin, 30, title, "font-size='16' font-weight='bold'")];
  for (const [i, [of, rows]] of [...growing].entries()) {
    parts.push(drawCurves(margin + i * (panel.width + panel.gap), top, of, rows));
  }
  if (targeted.length > 0) parts.push(drawRatios(belowCurves, targeted));
  const height = belowCurves + (targeted.length > 0 ? 40 + targeted.length * line : 0);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width + margin} ${height}" ` +
    `font-family="sans-serif" font-size="11">\n` +
    `<rect width="100%" height="100%" fill="white"/>\n${parts.join("\n")}\n</svg>\n`;
}

function drawCurves(x: number, y: number, of: string, rows: readonly Row[]): string {
  const curves = curvesOf(rows), points = curves.flatMap(({ points }) => points);
  const left = x + 50, right = x + panel.width, bottom = y + panel.height;
  const atX = logarithmic(points.map(([at]) => at), left, right);
  const atY = logarithmic(points.map(([, time]) => time), bottom, y + 20);
  const parts = [text(x, y, `${rows[0]!.what.replace(/ of .*/, "")}, by ${of}`, "font-weight='bold'")];
  for (const time of decades(points.map(([, time]) => time))) {
    parts.push(stroke(left, atY(time), right, atY(time), "#ddd"));
    parts.push(text(left - 6, atY(time) + 4, duration(time), "text-anchor='end'"));
  }
  for (const at of new Set(points.map(([at]) => at))) {
    parts.push(stroke(atX(at), bottom, atX(at), bottom + 4, "#666"));
    parts.push(text(atX(at), bottom + 16, of === "bytes" ? bytes(at) : String(at), "text-anchor='middle'"));
  }
  parts.push(stroke(left, bottom, right, bottom, "#666"));
  for (const [i, { name, points }] of curves.entries()) {
    const color = colors[i % colors.length]!;
    const path = points.map(([at, time]) => `${round(atX(at))},${round(atY(time))}`).join(" ");
    parts.push(
      `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="${i === 0 ? 3 : 1.5}"/>`,
    );
    for (const [at, time] of points) {
      parts.push(`<circle cx="${round(atX(at))}" cy="${round(atY(time))}" r="2.5" fill="${color}"/>`);
    }
    parts.push(`<rect x="${left}" y="${bottom + 28 + i * 16}" width="10" height="10" fill="${color}"/>`);
    parts.push(text(left + 16, bottom + 37 + i * 16, name));
  }
  return parts.join("\n");
}

/** The library's curve, then one for each peer. */
function curvesOf(rows: readonly Row[]): Curve[] {
  const peers = Map.groupBy(rows, ({ peer }) => peer);
  const [first] = peers.values();
  const curve = (name: string, rows: readonly Row[], time: (row: Row) => number): Curve => ({
    name,
    points: rows.map((row) => [row.growth!.at, time(row)]),
  });
  return [
    curve(ours, first!, (row) => row.ours),
    ...Array.from(peers, ([peer, rows]) => curve(peer, rows, (row) => row.theirs)),
  ];
}

/** A bar for each ratio, with a mark at its target. */
function drawRatios(y: number, rows: readonly Row[]): string {
  const left = 500, right = width - 60;
  const most = Math.max(1.25, ...rows.map(({ ratio, target }) => Math.max(ratio, target!.ratio!)));
  const at = (ratio: number) => left + (right - left) * ratio / most;
  const bottom = y + 20 + rows.length * line;
  const parts = [
    text(
      margin,
      y,
      `Time relative to the peer: the grey line is equal, the black mark is the target`,
      "font-weight='bold'",
    ),
    stroke(at(1), y + 12, at(1), bottom, "#aaa"),
  ];
  for (const [i, { what, peer, ratio, target, met }] of rows.entries()) {
    const top = y + 18 + i * line, wanted = at(target!.ratio!);
    parts.push(
      text(left - 8, top + 11, shortened(`${what} / ${peer}`, 92), "text-anchor='end' font-size='10'"),
    );
    parts.push(
      `<rect x="${left}" y="${top}" width="${round(at(ratio) - left)}" height="14" fill="${
        colors[met ? 0 : 1]
      }"/>`,
    );
    parts.push(stroke(wanted, top - 2, wanted, top + 16, "#000", 2));
    parts.push(text(Math.max(at(ratio), wanted) + 6, top + 11, ratio.toFixed(2)));
  }
  return parts.join("\n");
}

function logarithmic(values: readonly number[], from: number, to: number): Scale {
  const least = Math.log(Math.min(...values)), most = Math.log(Math.max(...values)), span = most - least || 1;
  return (value) => from + (to - from) * (Math.log(value) - least) / span;
}

/** The powers of ten within the range of values. */
function decades(values: readonly number[]): number[] {
  const least = Math.ceil(Math.log10(Math.min(...values))),
    most = Math.floor(Math.log10(Math.max(...values)));
  return Array.from({ length: Math.max(0, most - least + 1) }, (_, i) => 10 ** (least + i));
}

/** A text for microseconds. */
function duration(microseconds: number): string {
  return microseconds >= 1e6
    ? `${microseconds / 1e6} s`
    : microseconds >= 1e3
    ? `${microseconds / 1e3} ms`
    : `${microseconds} µs`;
}

function bytes(count: number): string {
  return count >= 1024 ** 2 ? `${count / 1024 ** 2} MiB` : `${count / 1024} KiB`;
}

function text(x: number, y: number, content: string, attributes = ""): string {
  const escaped = content.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped}</text>`;
}

function stroke(x1: number, y1: number, x2: number, y2: number, color: string, width = 1): string {
  const ends = `x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"`;
  return `<line ${ends} stroke="${color}" stroke-width="${width}"/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
