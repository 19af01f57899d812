import { svg } from "./dom.js";

const [width, height, foot] = [300, 72, 14];

/**
 * Draws how customers fared, second by second: a bar for each second, the answered below, the failed on top of them. Now is
 * at the right edge, and one unit to the left is a second ago; a second in which nothing ended has no bar.
 */
export function drawSeconds({ seconds, now }) {
  const top = Math.max(4, ...seconds.map(({ answered, failed }) => answered + failed));
  const tall = (count) => (count / top) * (height - foot - 6);
  const bar = (at, from, count) => {
    const x = width - 1 - Math.round((now - at) / 1000);
    return `M${x} ${(height - foot - tall(from)).toFixed(1)}v-${tall(count).toFixed(1)}h.8v${tall(count).toFixed(1)}z`;
  };
  const shown = seconds.filter(({ at }) => now - at < width * 1000);
  const answered = shown.map((one) => bar(one.at, 0, one.answered)).join("");
  const failed = shown.map((one) => bar(one.at, one.answered, one.failed)).join("");
  const total = (kind) => shown.reduce((sum, one) => sum + one[kind], 0);
  const label = `Requests each second of the last 5 minutes: ${total("answered")} answered, ${total("failed")} failed`;
  const words = (x, anchor, text) => {
    const node = svg("text", { x, y: height - 3, "text-anchor": anchor });
    node.textContent = text;
    return node;
  };
  const most = svg("text", { x: 0, y: 8, "text-anchor": "start" });
  most.textContent = `${top} a second`;
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, class: "seconds", role: "img", "aria-label": label },
    svg("line", { x1: 0, x2: width, y1: height - foot, y2: height - foot }),
    svg("path", { class: "answered", d: answered }),
    svg("path", { class: "failed", d: failed }),
    most,
    words(0, "start", "5 min ago"),
    words(width, "end", "now"),
  );
}
