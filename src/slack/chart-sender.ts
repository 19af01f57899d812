import { sql } from "kysely";
import type { Context } from "../context.ts";
import { deleteFile, isShared, type Picture, shareFile, uploadPicture } from "../adapters/slack-files.ts";
import { mayNotLook } from "../adapters/slack-trouble.ts";
import type { SlackPlace } from "../adapters/slack.ts";
import type { SlackClient } from "../adapters/slack-client.ts";
import { putOut } from "../outbox/put.ts";
import { keepMessage } from "../outbox/rows.ts";
import { type Message, type Sender, type Sent, type Taken, takenAway } from "../outbox/sender.ts";
import { wakeOutbox } from "../outbox/wake.ts";
import { outcomeOf } from "./outcome.ts";
import { placeOf } from "./ref.ts";

/** Draws a run as a picture; undefined where there is nothing to draw. */
export type DrawRun = (ctx: Context, runId: string) => Promise<Picture | undefined>;

/**
 * Makes what shows a run's chart in its thread, from threads "chart:<run>": a lane of its own, so that no line waits for a
 * picture.
 *
 * Only the last of Slack's three calls makes it seen, and Slack says neither at once whether it is there nor what a second
 * such call would do. So the file's id is written down before that call. Where its outcome is not known, the thread is
 * looked at; what does not stand there is deleted, so that it cannot appear any more, and only then uploaded anew: the
 * chart is seen once, however often a worker dies. What Slack refuses for good is told in the thread instead, with the
 * place where the report is.
 */
export function chartSender(slack: SlackClient, draw: DrawRun): [kind: string, send: Sender] {
  return [
    "chart",
    async (ctx, message, again, taken) => {
      const runId = message.thread.slice("chart:".length);
      const { rows } = await sql<Row>`
        select channel, card.remote_ref as ref, chart.remote_ref as "fileId", put_at as since
          from muster.outbox as chart left join muster.card on card.run = ${runId}
         where chart.dedupe_key = ${message.dedupeKey}`.execute(ctx.db);
      const [row] = rows;
      if (!row?.ref) return { retryAfterSeconds: 1, because: "the run's card was not posted yet" };
      const from = { channel: row.channel, ref: row.ref };
      try {
        const place = placeOf(row.ref);
        const { fileId, since } = row;
        if (again && fileId && (await settle(ctx, slack, { place, fileId, since }))) return { sent: true };
        return await show(ctx, slack, { message, taken, runId, place, draw });
      } catch (error) {
        const outcome = outcomeOf(error, from);
        if ("refused" in outcome) await tellWhere(ctx, runId, outcome.because);
        return outcome;
      }
    },
  ];
}

type Row = { channel: string; ref: string | null; fileId: string | null; since: Date };

type Doubtful = { place: SlackPlace; fileId: string; since: Date };

/** Finds out about a file that may have been shared; true where it was. Where it was not, or Muster may not look, it never will be. */
async function settle(ctx: Context, slack: SlackClient, { place, fileId, since }: Doubtful): Promise<boolean> {
  const { channel, ts: threadTs } = place;
  const stands = await isShared(ctx, slack, { channel, threadTs, fileId, since }).catch((error: unknown) => {
    if (mayNotLook(error)) return false;
    throw error;
  });
  if (!stands) await deleteFile(ctx, slack, fileId);
  return stands;
}

type Showing = { message: Message; taken: Taken; runId: string; place: SlackPlace; draw: DrawRun };

async function show(ctx: Context, slack: SlackClient, { message, taken, runId, place, draw }: Showing): Promise<Sent> {
  const picture = await draw(ctx, runId);
  if (!picture) return { refused: true, because: "there is nothing to draw" };
  const fileId = await uploadPicture(ctx, slack, picture);
  if (!(await keepMessage(ctx.db, taken))) return { doubtful: true, because: takenAway };
  await sql`update muster.outbox set remote_ref = ${fileId} where dedupe_key = ${message.dedupeKey}`.execute(ctx.db);
  await ctx.point("chart uploaded");
  const comment = message.payload.lines.join("\n");
  await shareFile(ctx, slack, {
    fileId,
    title: picture.title,
    channel: place.channel,
    threadTs: place.ts,
    comment,
  });
  return { sent: true, ref: fileId };
}

async function tellWhere(ctx: Context, runId: string, because: string): Promise<void> {
  const lines = [
    `The run's chart could not be shown here: Slack says ${because}.`,
    "The run itself is not touched by that.",
    `See it with: muster runs report ${runId} --out ${runId}.png, in a terminal; /muster runs report ${runId} tells the report here.`,
  ];
  await putOut(ctx.db, { thread: `run:${runId}`, dedupeKey: `chart-refused:${runId}`, payload: { lines, runId } });
  wakeOutbox();
}
