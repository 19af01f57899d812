import type { Call, Reply } from "../src/chat.ts";
import type { Context } from "../src/context.ts";
import { writeNewFile } from "../src/adapters/files.ts";
import { drawPng } from "../src/adapters/png.ts";
import { UserError } from "../src/errors.ts";
import { closest, shorten } from "../src/options.ts";
import { gantt } from "../jobs/story/gantt.ts";
import { drawGantt } from "../jobs/story/gantt-svg.ts";
import { htmlOf } from "../jobs/story/html.ts";
import { linesOf } from "../jobs/story/lines.ts";
import { loadStory, type Story } from "../jobs/story/load.ts";
import { markdownOf } from "../jobs/story/markdown.ts";
import { partsOf } from "../jobs/story/parts.ts";

type Format = { name: string; endings: string[]; make(story: Story): Promise<string | Buffer> | string };

/** What a report can be written as; the first is what a terminal shows. */
const formats: readonly Format[] = [
  { name: "markdown", endings: [".md"], make: (story) => markdownOf(partsOf(story)) },
  { name: "html", endings: [".html", ".htm"], make: (story) => htmlOf(partsOf(story), gantt(story)) },
  { name: "gantt", endings: [".png"], make: (story) => drawPng(drawGantt(gantt(story)), { zoom: 1.5 }) },
  { name: "svg", endings: [".svg"], make: (story) => drawGantt(gantt(story)) },
];

const formatNames = formats.map(({ name }) => name);

/**
 * Tells a run's report: in Slack as lines, in a terminal in a format or into a new file.
 * @throws UserError for a format that is not there, a picture without a file, and a file asked for in Slack.
 */
export async function tellReport(
  ctx: Context,
  call: Pick<Call, "place">,
  { runId, format, out }: { runId: string; format?: string | undefined; out?: string | undefined },
): Promise<Reply> {
  if (call.place.kind === "slack" && (format ?? out) !== undefined) {
    throw new UserError({
      happened: "Files are written where a terminal is; in Slack there is none.",
      means: "Nothing was written.",
      todo: `Type /muster runs report ${runId} to read it here, or the same with --format and --out in a terminal.`,
    });
  }
  const chosen = chooseFormat(format, out);
  const story = await loadStory(ctx, runId);
  if (call.place.kind === "slack") return { lines: linesOf(partsOf(story)) };
  const content = await chosen.make(story);
  if (out !== undefined) return { lines: [`Wrote ${await writeNewFile(ctx, out, content)}.`] };
  if (typeof content !== "string") {
    throw new UserError({
      happened: "A picture cannot be shown in a terminal.",
      means: "Nothing was written.",
      todo: `Add --out ${runId}.png.`,
    });
  }
  return { lines: content.trimEnd().split("\n") };
}

/** By its name, else by the ending of the file that is to be written. */
function chooseFormat(name: string | undefined, out: string | undefined): Format {
  const fits = ({ endings }: Format) => endings.some((ending) => out?.toLowerCase().endsWith(ending));
  const [shown] = formats;
  const found = name === undefined ? (formats.find(fits) ?? shown) : formats.find((format) => format.name === name);
  if (found) return found;
  throw new UserError({
    happened: `There is no format "${shorten(name ?? "")}".${closest(name ?? "", formatNames)}`,
    means: "Nothing was written.",
    todo: `Name one of: ${formatNames.join(", ")}.`,
  });
}
