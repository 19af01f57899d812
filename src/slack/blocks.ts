import type { ActionsBlock, Button as SlackButton, ConfirmationDialog, ContextBlock, DividerBlock } from "@slack/types";
import type { HeaderBlock, SectionBlock } from "@slack/types";
import type { Button } from "../chat.ts";

/** Tasks of a plan block, as Slack takes them; the library types them loosely. */
export type Task = {
  type: "task_card";
  task_id: string;
  title: string;
  status: "pending" | "in_progress" | "complete" | "error";
  output?: object;
};
export type PlanBlock = { type: "plan"; title: string; tasks: Task[] };
export type Block = HeaderBlock | SectionBlock | ContextBlock | ActionsBlock | DividerBlock | PlanBlock;

/** What Slack takes at most, in characters or pieces. */
const most = {
  blocks: 50,
  header: 150,
  section: 3000,
  button: 75,
  confirmText: 300,
  confirmButton: 30,
  id: 255,
  tasks: 50,
};
/** All blocks of a message together, as JSON; Slack refuses somewhere near 13,200. */
const mostTogether = 12_500;

/** Cuts a text to so many characters, with an ellipsis where something is missing. */
export function cut(text: string, characters: number): string {
  if (text.length <= characters) return text;
  // Half of an emoji or of "&amp;" would be shown as rubbish.
  return `${text.slice(0, characters - 1).replace(/[\uD800-\uDBFF]$|&[a-z]{0,3}$/, "")}…`;
}

/** Makes a text of people's harmless: Slack reads <, > and & as its own. */
export const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Bold text of people's. */
export const bold = (text: string): string => `*${escape(text).replaceAll("*", "∗")}*`;

/** Something that must be given exactly: names, values. */
export const code = (text: string): string => `\`${escape(text).replaceAll("`", "'")}\``;

const plain = (text: string, characters: number) =>
  ({ type: "plain_text", text: cut(text || " ", characters), emoji: true }) as const;
const mrkdwn = (text: string, characters: number) => ({ type: "mrkdwn", text: cut(text || " ", characters) }) as const;

/** A line in large type. Its text is plain, so it needs no escaping. */
export const header = (text: string): HeaderBlock => ({ type: "header", text: plain(text, most.header) });

/** Prose. The text is Slack's markup: escape what people wrote. */
const section = (text: string): SectionBlock => ({ type: "section", text: mrkdwn(text, most.section) });

/** Small print. The text is Slack's markup: escape what people wrote. */
export const context = (text: string): ContextBlock => ({ type: "context", elements: [mrkdwn(text, most.section)] });

export const divider: DividerBlock = { type: "divider" };

/** Lines of prose in as few sections as they fit into. The lines are Slack's markup. */
export function prose(lines: readonly string[]): SectionBlock[] {
  const texts: string[] = [];
  for (const line of lines) {
    const last = texts.at(-1);
    if (last !== undefined && last.length + line.length + 1 <= most.section)
      texts[texts.length - 1] = `${last}\n${line}`;
    else texts.push(line);
  }
  return texts.map(section);
}

/** A button whose id is all it says; what it means is in Muster's database. */
export type NamedButton = Button & { id: string };

/** Buttons in rows of at most five, as Slack shows them best. */
export function actions(buttons: readonly NamedButton[]): ActionsBlock[] {
  const rows: ActionsBlock[] = [];
  for (let from = 0; from < buttons.length; from += 5) {
    rows.push({ type: "actions", elements: buttons.slice(from, from + 5).map(button) });
  }
  return rows;
}

function button({ id, label, style, confirm }: NamedButton): SlackButton {
  return {
    type: "button",
    action_id: `press:${id}`,
    value: id,
    text: plain(label, most.button),
    ...(style ? { style } : {}),
    ...(confirm === undefined ? {} : { confirm: dialog(label, confirm, style) }),
  };
}

function dialog(label: string, text: string, style: Button["style"]): ConfirmationDialog {
  return {
    title: plain("Are you sure?", 100),
    text: plain(text, most.confirmText),
    // "Cancel" beside "No" could be taken for the way out.
    confirm: plain(`Yes, ${label.charAt(0).toLowerCase()}${label.slice(1)}`, most.confirmButton),
    deny: plain("No", most.confirmButton),
    ...(style ? { style } : {}),
  };
}

/** The steps of a run, each with how far it is. */
export function plan(title: string, tasks: readonly Omit<Task, "type">[]): PlanBlock {
  const shown = tasks.slice(0, most.tasks).map((task) => ({
    ...task,
    type: "task_card" as const,
    task_id: cut(task.task_id, most.id),
    title: cut(task.title, 250),
  }));
  return { type: "plan", title: cut(title, 250), tasks: shown };
}

/** What a task adds to its title, in the only form Slack takes. */
export const richText = (text: string): object => ({
  type: "rich_text",
  elements: [{ type: "rich_text_section", elements: [{ type: "text", text: cut(text || " ", 1000) }] }],
});

/**
 * Leaves out what a message cannot hold, from the middle: what is at the top says what this is, what is at the bottom can be
 * pressed. Whoever reads is told that something is missing.
 */
export function fit(blocks: readonly Block[]): Block[] {
  const size = (list: readonly Block[]) => JSON.stringify(list).length;
  if (blocks.length <= most.blocks && size(blocks) <= mostTogether) return [...blocks];
  const last = blocks.findLastIndex((block) => block.type !== "actions");
  const tail = blocks.slice(last + 1).slice(-5);
  const notice = context(
    "_The rest did not fit here. In a terminal, `muster runs report` with the run's id tells all of it._",
  );
  const head: Block[] = [];
  for (const block of blocks.slice(0, last + 1)) {
    if (head.length + tail.length + 2 > most.blocks || size([...head, block, notice, ...tail]) > mostTogether) break;
    head.push(block);
  }
  return [...head, notice, ...tail];
}
