import { sql } from "kysely";
import type { Context } from "../context.ts";
import { parkTooOld } from "../outbox/too-old.ts";
import { watch, type Watch } from "./turn.ts";

/** Seconds between two looks: a server that is replaced every day has many turns before. */
const everySeconds = 3600;

/**
 * How long what was typed and pressed is kept after it was answered, and what a button stood for after its run ended. Slack
 * delivers again for minutes, and nobody decides about a run that is over. What was decided and what was said is evidence:
 * signals, journals, the timeline and the outbox lose nothing.
 */
const keepDays = 90;

/** Starts deleting rows that nobody needs any more, and parking messages that are no news any more. */
export function startTidying(ctx: Context): Watch {
  return watch(ctx, { name: "old-rows", everySeconds }, async (ctx) => {
    await deleteOldRows(ctx);
    // What no server can send would be looked at three times a second for ever.
    await parkTooOld(ctx);
  });
}

/** Deletes what was answered, and the buttons of runs that ended, so long ago. */
export async function deleteOldRows({ db }: Pick<Context, "db">): Promise<void> {
  await sql`
    with long_ago as (select muster.now() - make_interval(days => ${keepDays}) as at),
    answered as (delete from muster.inbox using long_ago where processed_at < long_ago.at)
    delete from muster.button using muster.run, long_ago where run.id = button.run and run.ended_at < long_ago.at`.execute(
    db,
  );
}
