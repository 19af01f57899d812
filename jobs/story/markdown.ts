import type { StoryParts } from "./parts.ts";
import { serviceColumns } from "./region-parts.ts";

/**
 * Writes a run's report as Markdown, to be kept where reviews are: headings, tables and lists only. Whatever people or the
 * world wrote stands as it is; nothing in it can become a heading, a link, a table's edge or HTML. Pure.
 */
export function markdownOf({ heading, about, moments, figures, now, services, steps, timeline }: StoryParts): string {
  return [
    `# ${plain(heading)}`,
    ...list("", about),
    ...table("Moments", ["moment", "at (UTC)"], moments),
    ...list("Figures", figures),
    ...list("What now", now),
    ...table(
      "Services",
      serviceColumns.map(({ label }) => label),
      services.map((row) => serviceColumns.map(({ of }) => row[of])),
    ),
    ...table(
      "Steps",
      ["step", "what it did", "from (UTC)", "took", "how it ended"],
      steps.map(({ step, title, from, took, how }) => [step, title, from, took, how]),
    ),
    ...table("Timeline", ["at (UTC)", "what was told"], timeline),
  ]
    .join("\n\n")
    .concat("\n");
}

const list = (title: string, items: readonly string[]): string[] =>
  items.length === 0 ? [] : [...head(title), items.map((item) => `- ${plain(item)}`).join("\n")];

const head = (title: string): string[] => (title === "" ? [] : [`## ${title}`]);

function table(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const body = rows.map((cells) => line(cells.map(plain)));
  return [...head(title), [line(columns), line(columns.map(() => "---")), ...body].join("\n")];
}

/** Takes its meaning from every sign that has one in Markdown; line ends would end a row. */
const plain = (text: string): string =>
  text
    .replaceAll(/\s*[\r\n]+\s*/g, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(/[\\`*_{}[\]#|~!>]/g, String.raw`\$&`);
