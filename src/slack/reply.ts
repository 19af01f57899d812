import { actions, type Block, cut, escape, fit, type NamedButton, prose } from "./blocks.ts";

/** What is shown where blocks are not: notifications, screen readers, a workspace that refuses the blocks. */
const mostPlain = 3000;

/** Draws lines and buttons that somebody of us wrote, with people's names to be called. */
export function drawLines(
  lines: readonly string[],
  {
    buttons = [],
    mentions = [],
    link,
  }: { buttons?: readonly NamedButton[]; mentions?: readonly string[]; link?: string } = {},
): { text: string; blocks: Block[] } {
  const called = mentions.length > 0 ? [mentions.join(" ")] : [];
  const linked = link === undefined ? [] : [`<${link}|Open the run's card>`];
  const shown = [...lines.map(escape), ...called, ...linked];
  return { text: cut(shown.join("\n"), mostPlain), blocks: fit([...prose(shown), ...actions(buttons)]) };
}
