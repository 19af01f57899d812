import { escapeMarkup } from "./markup.ts";

/** What a chart is drawn with; readable in print, and with any kind of eyes: no meaning hangs on red and green alone. */
export const ink = {
  text: "#1d2733",
  faint: "#66727f",
  grid: "#e4e9ee",
  stripe: "#f6f8fa",
  moment: "#0b6b5c",
  person: "#1d2733",
  worker: "#a3480a",
  trouble: "#b3261e",
  good: "#1a7f37",
  bars: {
    wait: "#cdd6e0",
    call: "#174a86",
    work: "#6aa2de",
    asked: "#e3b23c",
    parked: "#c8372d",
    undo: "#8558b8",
  },
} as const;

type Look = {
  size?: number;
  bold?: boolean;
  fill?: string;
  anchor?: "start" | "middle" | "end";
  /** Keeps lines behind it off its letters. */
  halo?: boolean;
};

/** Writes a text with its baseline at y. */
export function text(x: number, y: number, words: string, look: Look = {}): string {
  const { size = 13, bold = false, fill = ink.text, anchor = "start", halo = false } = look;
  const edge = halo ? ' stroke="#ffffff" stroke-width="4" stroke-linejoin="round" paint-order="stroke"' : "";
  return `<text x="${round(x)}" y="${round(y)}" font-size="${size}"${bold ? ' font-weight="bold"' : ""} fill="${fill}" text-anchor="${anchor}"${edge}>${escapeMarkup(words)}</text>`;
}

/** Fills a box; `radius` rounds its corners. */
export const box = (x: number, y: number, width: number, height: number, fill: string, radius = 0): string =>
  `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="${radius}" fill="${fill}"/>`;

/** Draws a straight line. */
export const line = (from: [number, number], to: [number, number], stroke: string, extra = ""): string =>
  `<line x1="${round(from[0])}" y1="${round(from[1])}" x2="${round(to[0])}" y2="${round(to[1])}" stroke="${stroke}" ${extra}/>`;

/** Draws a number in a circle around a point. */
export const badge = (x: number, y: number, words: string, fill: string): string =>
  `<circle cx="${round(x)}" cy="${round(y)}" r="9" fill="${fill}"/>${text(x, y + 4, words, { size: 11, bold: true, fill: "#ffffff", anchor: "middle" })}`;

const round = (value: number): number => Math.round(value * 10) / 10;
