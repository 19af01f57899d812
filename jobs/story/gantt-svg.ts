import { fontFamily } from "../../src/adapters/png.ts";
import { spell } from "../../src/spelling.ts";
import type { Gantt, GanttRow } from "./gantt.ts";
import type { Bar } from "./gantt-bars.ts";
import { drawClocks, drawFoot, drawHappenings, drawHead, drawMoments } from "./gantt-frame.ts";
import { box, ink, line, text } from "./gantt-paint.ts";
import { clockOf, fit, ticksOf, widthOf } from "./gantt-scale.ts";

/** Where things stand, in units of the SVG: one pixel at a zoom of 1. */
export type Frame = { width: number; left: number; right: number; x: (at: number) => number };

const width = 1600;
const left = 250;
const right = width - 40;
const axisHeight = 26;
/** A bar is never so short that it cannot be seen. */
const leastBar = 3;

/** Draws a run's chart as an SVG that stands by itself: no script, no reference, every text escaped. Pure. */
export function drawGantt(chart: Gantt): string {
  const { from, to, rows } = chart;
  const span = Math.max(1, to - from);
  const x = (at: number) => left + ((Math.min(to, Math.max(from, at)) - from) / span) * (right - left);
  const frame: Frame = { width, left, right, x };

  const parts: string[] = [];
  let y = 0;
  const add = ({ drawn, height }: Piece) => {
    parts.push(drawn);
    y += height;
  };
  add(drawHead(chart, frame));
  add(drawClocks(chart, frame, y));
  add(drawHappenings(chart, frame, y));
  const plotTop = y;
  add(drawMoments(chart, frame, y));
  const rowsTop = y + 6;
  const rowHeight = rows.length > 24 ? 22 : 26;
  const bottom = rowsTop + rows.length * rowHeight;
  parts.push(drawStripes(rows, rowsTop, rowHeight), drawAxis(chart, frame, rowsTop, bottom));
  parts.push(drawLines(chart, frame, plotTop, bottom));
  parts.push(...rows.map((row, index) => drawRow(row, frame, rowsTop + index * rowHeight, rowHeight)));
  y = bottom + axisHeight;
  add(drawFoot(chart, frame, y));
  const size = `width="${width}" height="${y}" viewBox="0 0 ${width} ${y}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="'${fontFamily}', sans-serif">${box(0, 0, width, y, "#ffffff")}${parts.join("")}</svg>`;
}

/** A part of the picture, and how much of its height it took. */
export type Piece = { drawn: string; height: number };

const drawStripes = (rows: readonly GanttRow[], top: number, height: number): string =>
  rows.map((_, index) => (index % 2 === 0 ? box(0, top + index * height, width, height, ink.stripe) : "")).join("");

function drawAxis({ from, to }: Gantt, { x }: Frame, top: number, bottom: number): string {
  return ticksOf(from, to, 11)
    .map(
      (at) =>
        line([x(at), top], [x(at), bottom + 4], ink.grid) +
        text(x(at), bottom + 18, clockOf(at), { size: 12, fill: ink.faint, anchor: "middle" }),
    )
    .join("");
}

/** The moments and the take-overs go through all rows: what was going on just then is the question. */
function drawLines({ from, moments, happenings }: Gantt, { x }: Frame, top: number, bottom: number): string {
  const seen = moments.flatMap(({ at }) => (at === undefined || at < from ? [] : [at]));
  const lost = happenings.filter(({ tone }) => tone === "worker");
  return [
    ...seen.map((at) => line([x(at), top + 10], [x(at), bottom], ink.moment, 'stroke-width="1" opacity="0.55"')),
    ...lost.map(({ at }) => line([x(at), top], [x(at), bottom], ink.worker, 'stroke-width="2" stroke-dasharray="5 4"')),
  ].join("");
}

const marks = { done: "✓", waived: "–", undone: "↩", parked: "!", open: "…" } as const;

function drawRow(row: GanttRow, frame: Frame, top: number, height: number): string {
  const { label, bars, end } = row;
  const base = top + height / 2 + 5;
  const fill = end === "parked" ? ink.trouble : end === "done" ? ink.good : ink.faint;
  const drawn = bars.map((bar) => drawBar(bar, frame, top + 4, height - 8)).join("");
  return [
    text(16, base, marks[end], { bold: true, fill }),
    text(36, base, fit(label, left - 46, 13), { bold: end === "parked" }),
    drawn,
    drawNote(row, frame, base),
  ].join("");
}

function drawBar({ from, to, kind }: Bar, { x }: Frame, y: number, height: number): string {
  return box(x(from), y, Math.max(leastBar, x(to) - x(from)), height, ink.bars[kind], 2);
}

/** How long it took, behind the last bar; before the first where the chart ends too soon. */
function drawNote({ bars, seconds, note }: GanttRow, { x, right: edge }: Frame, base: number): string {
  const from = Math.min(...bars.map((bar) => bar.from));
  const to = Math.max(...bars.map((bar) => bar.to));
  const words = [spell(seconds), note].filter((word) => word !== "").join(", ");
  const look = { size: 12, fill: ink.faint, halo: true } as const;
  const after = Math.max(x(to), x(from) + leastBar) + 7;
  if (after + widthOf(words, 12) <= edge + 32) return text(after, base - 1, words, look);
  const before = x(from) - 7;
  if (before - widthOf(words, 12) >= left) return text(before, base - 1, words, { ...look, anchor: "end" });
  return text(x(from) + 7, base - 1, words, { ...look, fill: ink.text, halo: false });
}
