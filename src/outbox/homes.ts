import { sql } from "kysely";
import type { Context } from "../context.ts";
import { tellHomeless } from "./notices.ts";
import { putOut } from "./put.ts";
import type { Sent } from "./sender.ts";

type Homeless = Extract<Sent, { homeless: unknown }>;

/** Seconds before the channels are gone through once more, when none of them took the card. */
const oncePerMinute = 60;

/**
 * Gives a run's thread another place: a new card in the same channel when only the thread is lost, else in the estate's
 * next channel. Returns the seconds to wait before it is used. Whoever notices the loss second changes nothing.
 */
export async function findNewHome(ctx: Context, run: string, lost: Homeless): Promise<number> {
  const { incidents, backup, executives } = ctx.estate.channels;
  const channels = [...new Set([incidents, backup, executives].filter((name) => name !== undefined))];
  const at = channels.indexOf(lost.from.channel);
  const channel = lost.homeless === "thread" ? lost.from.channel : (channels[(at + 1) % channels.length] ?? incidents);
  const isLast = lost.homeless === "channel" && at === channels.length - 1;
  const afterSeconds = isLast ? oncePerMinute : 0;
  if (isLast) await tellHomeless(ctx, channels, lost.because);
  await ctx.db.transaction().execute(async (db) => {
    const { numAffectedRows } = await sql`
      update muster.card
         set channel = ${channel}, remote_ref = null, sent_version = 0, attempts = 0, taken_until = null,
             next_at = muster.now() + make_interval(secs => ${afterSeconds})
       where run = ${run} and channel = ${lost.from.channel}
         and remote_ref is not distinct from ${lost.from.ref ?? null}`.execute(db);
    if (!numAffectedRows) return;
    const what = lost.homeless === "thread" ? "Its first thread" : `The channel it was told in (${lost.from.channel})`;
    const payload = {
      lines: [
        `${what} cannot be written to any more: Slack says ${lost.because}.`,
        "The run itself goes on as before.",
        "Follow it in this thread from now on.",
      ],
    };
    // One notice for each place that was lost; its number is how many there were before.
    await putOut(db, { thread: `run:${run}`, dedupeKey: `moved:${run}:${channel}:${lost.from.ref ?? ""}`, payload });
  });
  return afterSeconds;
}
