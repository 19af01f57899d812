import { drawGantt } from "./gantt-svg.ts";
import type { Gantt } from "./gantt.ts";
import { escapeMarkup } from "./markup.ts";
import type { StoryParts } from "./parts.ts";
import { serviceColumns } from "./region-parts.ts";

/**
 * Writes a run's report as one HTML page that needs nothing else: no script, no address that is fetched, its chart inside.
 * It reads on a screen and prints on A4; whatever people or the world wrote is escaped. Pure.
 */
export function htmlOf(parts: StoryParts, chart: Gantt): string {
  const { heading, about, moments, figures, now, services, steps, timeline } = parts;
  return [
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    // Belt and braces: were something ever not escaped, the browser would still not run or fetch it.
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeMarkup(heading)}</title>`,
    `<style>${style}</style>`,
    "</head>",
    "<body>",
    `<h1>${escapeMarkup(heading)}</h1>`,
    paragraph(about),
    list("What now", now),
    list("Figures", figures),
    `<figure role="img" aria-label="The run's steps by time">${drawGantt(chart)}</figure>`,
    table("Moments", ["moment", "at (UTC)"], moments),
    table(
      "Services",
      serviceColumns.map(({ label }) => label),
      services.map((row) => serviceColumns.map(({ of }) => row[of])),
    ),
    table(
      "Steps",
      ["step", "what it did", "from (UTC)", "took", "how it ended"],
      steps.map(({ step, title, from, took, how }) => [step, title, from, took, how]),
    ),
    table("Timeline", ["at (UTC)", "what was told"], timeline),
    "</body>",
    "</html>",
    "",
  ].join("\n");
}

const paragraph = (sentences: readonly string[]): string => `<p>${sentences.map(escapeMarkup).join(" ")}</p>`;

const list = (title: string, items: readonly string[]): string =>
  items.length === 0
    ? ""
    : `<h2>${title}</h2>\n<ul>\n${items.map((item) => `<li>${escapeMarkup(item)}</li>`).join("\n")}\n</ul>`;

function table(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const head = columns.map((column) => `<th scope="col">${column}</th>`).join("");
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${escapeMarkup(cell)}</td>`).join("")}</tr>`);
  return `<h2>${title}</h2>\n<table>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${body.join("\n")}\n</tbody>\n</table>`;
}

const style = `
body { font: 15px/1.5 "DejaVu Sans", system-ui, sans-serif; color: #1d2733; max-width: 1100px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; line-height: 1.25 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
figure { margin: 1.5rem 0 } svg { width: 100%; height: auto }
table { border-collapse: collapse; width: 100%; font-size: .85rem; font-variant-numeric: tabular-nums }
th, td { text-align: left; vertical-align: top; padding: .3rem 1.2rem .3rem 0; border-bottom: 1px solid #e4e9ee }
td { overflow-wrap: anywhere }
td:first-child, th:first-child { white-space: nowrap; width: 1% }
@page { size: A4; margin: 14mm }
@media print {
  body { max-width: none; margin: 0; padding: 0; font-size: 10pt; print-color-adjust: exact }
  h2 { break-after: avoid } tr, figure, li { break-inside: avoid } thead { display: table-header-group }
}
`;
