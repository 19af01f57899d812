import { capital, spell } from "../../src/spelling.ts";
import type { Gantt } from "./gantt.ts";
import type { Frame, Piece } from "./gantt-svg.ts";
import { badge, box, ink, line, text } from "./gantt-paint.ts";
import { clockOf, fit, inLanes, widthOf } from "./gantt-scale.ts";

/** Title, outcome, and which run on which day it was. */
export function drawHead({ title, outcome, runId, from, to }: Gantt, { width, right }: Frame): Piece {
  const fill = outcome === "done" ? ink.good : outcome === "not over yet" ? ink.faint : ink.trouble;
  const word = outcome.toUpperCase();
  const badgeWidth = widthOf(word, 13, true) + 24;
  const heading = capital(title);
  const day = new Date(from).toISOString().slice(0, 10);
  return {
    drawn: [
      text(16, 38, fit(heading, width - badgeWidth - 80, 22, true), { size: 22, bold: true }),
      box(right - badgeWidth, 18, badgeWidth, 26, fill, 13),
      text(right - badgeWidth / 2, 36, word, { bold: true, fill: "#ffffff", anchor: "middle" }),
      text(16, 62, `Run ${runId}, ${day}, ${clockOf(from)} to ${clockOf(to)}. All times are UTC.`, { fill: ink.faint }),
    ].join(""),
    height: 78,
  };
}

/** The two clocks, each with its sentence and, where both its ends were seen, its span. */
export function drawClocks({ clocks, from }: Gantt, { left, x }: Frame, top: number): Piece {
  let y = top - 34;
  let next = 34;
  const drawn = clocks.map(({ label, tone, ...span }) => {
    y += next;
    next = span.to === undefined ? 20 : 34;
    const fill = tone === "bad" ? ink.trouble : tone === "good" ? ink.good : ink.text;
    const words = text(left, y + 14, label, { bold: true, fill });
    if (span.from === undefined || span.to === undefined) return words;
    const [start, end] = [x(span.from), x(span.to)];
    // A clock that began before the chart does is open on its left.
    const begin = span.from < from ? "" : line([start, y + 18], [start, y + 28], fill, 'stroke-width="2"');
    const stop = line([end, y + 18], [end, y + 28], fill, 'stroke-width="2"');
    return `${words}${begin}${stop}${line([start, y + 23], [end, y + 23], fill, 'stroke-width="2"')}`;
  });
  const name = clocks.length > 0 ? text(36, top + 14, "Clocks", { fill: ink.faint }) : "";
  return { drawn: name + drawn.join(""), height: clocks.length > 0 ? y + next - top + 8 : 0 };
}

const mostLanes = 8;

/** What people and workers did: a tick with a word, in as many lanes as they need. */
export function drawHappenings({ happenings }: Gantt, { left, right, x }: Frame, top: number): Piece {
  const laneHeight = 19;
  const wide = happenings.map((item) => {
    const width = widthOf(item.text, 12) + 14;
    return { item, x: x(item.at), width };
  });
  // Words that would leave the picture stand before their tick.
  const turned = wide.map((one) => ({ ...one, before: one.x + one.width > right + 34 }));
  const placed = inLanes(
    turned.map(({ item, x: at, width, before }) => ({ item: { ...item, before }, x: before ? at - width : at, width })),
    10,
  ).filter(({ lane }) => lane < mostLanes);
  const drawn = placed.map(({ item, lane }) => {
    const y = top + lane * laneHeight;
    const at = x(item.at);
    const fill = ink[item.tone];
    const diamond = `<path d="M${at} ${y + 3}l5 5l-5 5l-5 -5z" fill="${fill}"/>`;
    const words = item.before
      ? text(at - 9, y + 12, item.text, { size: 12, fill, anchor: "end" })
      : text(at + 9, y + 12, item.text, { size: 12, fill });
    return diamond + words;
  });
  const lanes = Math.max(0, ...placed.map(({ lane }) => lane + 1));
  const name = lanes > 0 ? text(36, top + 12, fit("People and workers", left - 46, 13), { fill: ink.faint }) : "";
  return { drawn: name + drawn.join(""), height: lanes * laneHeight + 8 };
}

/** The moments, as numbers that the legend explains; what came before the chart stands at its left edge. */
export function drawMoments({ moments, from }: Gantt, { x }: Frame, top: number): Piece {
  const seen = moments.flatMap(({ number, at }) =>
    at === undefined ? [] : [{ item: { number, at }, x: x(at), width: 18 }],
  );
  const placed = inLanes(seen, 2);
  const drawn = placed.map(({ item, lane }) => {
    const y = top + 10 + lane * 21;
    const early =
      item.at < from ? text(x(item.at) - 12, y + 4, "◀", { size: 11, fill: ink.moment, anchor: "end" }) : "";
    return badge(x(item.at), y, String(item.number), ink.moment) + early;
  });
  const lanes = Math.max(0, ...placed.map(({ lane }) => lane + 1));
  const name = lanes > 0 ? text(36, top + 14, "Moments", { fill: ink.faint }) : "";
  return { drawn: name + drawn.join(""), height: lanes * 21 + 4 };
}

const kinds = [
  ["wait", "looking, waiting"],
  ["call", "change on its way"],
  ["work", "changed, taking effect"],
  ["asked", "asking people"],
  ["parked", "parked"],
  ["undo", "taken back"],
] as const;

/** What the colours and the numbers mean, with each moment's time. */
export function drawFoot({ moments, from }: Gantt, { left, width }: Frame, top: number): Piece {
  const column = (width - left - 60) / kinds.length;
  const colours = kinds.map(([kind, words], index) => {
    const x = left + index * column;
    return box(x, top + 14, 22, 12, ink.bars[kind], 2) + text(x + 30, top + 25, words, { size: 12 });
  });
  const perColumn = Math.ceil(moments.length / 2);
  const listed = moments.map(({ number, label, at, without }, index) => {
    const x = left + Math.floor(index / perColumn) * 620;
    const y = top + 58 + (index % perColumn) * 24;
    const when = at === undefined ? without : clockOf(at);
    const early = at !== undefined && at < from ? `, ${spell(Math.ceil((from - at) / 1000))} before this picture` : "";
    const fill = at === undefined ? ink.faint : ink.moment;
    return (
      badge(x + 9, y - 4, String(number), fill) +
      text(x + 28, y, label) +
      text(x + 230, y, `${when}${early}`, { bold: at !== undefined, ...(at === undefined ? { fill: ink.faint } : {}) })
    );
  });
  return {
    drawn: `${text(36, top + 25, "Colours", { fill: ink.faint })}${text(36, top + 58, "Moments", { fill: ink.faint })}${colours.join("")}${listed.join("")}`,
    height: 58 + perColumn * 24 + 8,
  };
}
