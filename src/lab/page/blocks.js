import { el } from "./dom.js";
import { drawElement } from "./elements.js";
import { drawText, link, mrkdwn } from "./mrkdwn.js";

/** Draws a list of blocks. `scene` knows names, what a press does, and whether these stand in a modal. */
export function drawBlocks(blocks, scene) {
  return blocks.map((block) => drawers[block.type]?.(block, scene) ?? el("p.unknown", {}, `(${block.type})`));
}

const drawers = {
  divider: () => el("hr"),
  header: ({ text }, { names }) => el("h3.block-header", {}, drawText(text, names)),
  image: ({ alt_text }) => el("p.unknown", {}, `🖼 ${alt_text}`),
  markdown: ({ text }, { names }) => el("div.section", {}, mrkdwn(text.replaceAll("**", "*"), names)),
  context: ({ elements }, { names }) =>
    el(
      "div.context",
      {},
      elements.map((element) => el("span", {}, element.alt_text ?? drawText(element, names))),
    ),
  section: (block, scene) =>
    el(
      "div.section",
      {},
      el(
        "div.section-text",
        {},
        block.text && el("div", {}, drawText(block.text, scene.names)),
        block.fields &&
          el(
            "div.fields",
            {},
            block.fields.map((field) => el("div", {}, drawText(field, scene.names))),
          ),
      ),
      block.accessory && drawElement(block.accessory, block, scene),
    ),
  actions: (block, scene) =>
    el(
      "div.actions",
      {},
      block.elements.map((element) => drawElement(element, block, scene)),
    ),
  input: (block, scene) =>
    el(
      "div.field",
      { data: { block: block.block_id } },
      el("label", {}, drawText(block.label, scene.names), block.optional && el("span.optional", {}, " (optional)")),
      drawElement(block.element, block, scene),
      block.hint && el("p.hint", {}, drawText(block.hint, scene.names)),
      el("p.error", { role: "alert" }, scene.errors?.[block.block_id] ?? ""),
    ),
  alert: ({ text, level }, { names }) => el(`div.alert.${level ?? "info"}`, {}, drawText(text, names)),
  rich_text: ({ elements }, { names }) =>
    el(
      "div.section",
      {},
      elements.map((element) => richText(element, names)),
    ),
  table: ({ rows }, { names }) =>
    el(
      "table",
      {},
      rows.map((row) =>
        el(
          "tr",
          {},
          row.map((cell) => el("td", {}, richText(cell, names))),
        ),
      ),
    ),
  plan: drawPlan,
  task_card: (task, scene) => el("ul.plan", {}, drawTask(task, scene)),
};

const signs = { pending: "", in_progress: "", complete: "✓", error: "!" };
const spoken = { pending: "waiting", in_progress: "in progress", complete: "done", error: "failed" };

function drawPlan({ title, tasks = [] }, scene) {
  const done = tasks.filter(({ status }) => status === "complete").length;
  const bar = el("span");
  bar.style.width = `${(100 * done) / Math.max(1, tasks.length)}%`;
  return el(
    "div.plan-card",
    {},
    el("div.plan-title", {}, el("strong", {}, title), el("span.count", {}, `${done} of ${tasks.length}`)),
    el("div.progress", {}, bar),
    el(
      "ul.plan",
      {},
      tasks.map((task) => drawTask(task, scene)),
    ),
  );
}

function drawTask({ title, status, details, output }, { names }) {
  return el(
    `li.task.${status}`,
    {},
    el("span.sign", { ariaLabel: spoken[status], role: "img" }, signs[status]),
    el(
      "div",
      {},
      el("span.task-title", {}, title),
      details && el("div.task-details", {}, richText(details, names)),
      output && el("div.task-details", {}, richText(output, names)),
    ),
  );
}

/** Draws rich text, which Slack sends as a tree. */
function richText(node, names) {
  const inner = () => (node.elements ?? []).map((child) => richText(child, names));
  switch (node.type) {
    case "rich_text_list":
      return el(
        node.style === "ordered" ? "ol" : "ul",
        {},
        inner().map((child) => el("li", {}, child)),
      );
    case "rich_text_quote":
      return el("blockquote", {}, inner());
    case "rich_text_preformatted":
      return el("pre", {}, inner());
    case "link":
      return link(node.url, node.text, names);
    case "user":
      return el("span.mention", {}, `@${names.person(node.user_id)}`);
    case "emoji":
      return `:${node.name}:`;
    case "text":
    case "raw_text":
    case "raw_number":
      return styled(String(node.text ?? node.value), node.style ?? {});
    default:
      return el("div", {}, inner());
  }
}

function styled(text, { bold, italic, strike, code }) {
  let node = text;
  if (code) node = el("code", {}, node);
  if (bold) node = el("strong", {}, node);
  if (italic) node = el("em", {}, node);
  if (strike) node = el("s", {}, node);
  return node;
}
