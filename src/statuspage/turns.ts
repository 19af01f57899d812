import { sql } from "kysely";
import { PageFailed } from "../adapters/statuspage-trouble.ts";
import type { Context } from "../context.ts";

/** Seconds between two requests to one page: a little more than Statuspage asks for, so that jitter breaks no limit. */
const everySeconds = 1.1;
/** The longest wait for a turn; whoever would wait longer comes back later. */
const longestSeconds = 5;

/**
 * Waits until a page may be asked once more. The next free turn stands in the database, so all processes of Muster together
 * keep to one request a second, and a restart forgets nothing.
 * @throws PageFailed "throttled" when the page is to be left alone for longer than a few seconds.
 */
export async function awaitTurn(ctx: Context, page: string): Promise<void> {
  const { rows } = await sql<{ at: Date }>`
    insert into muster.turn as taken (duty, holder, until)
    values (${dutyOf(page)}, ${ctx.worker}, muster.now() + make_interval(secs => ${everySeconds}))
    on conflict (duty) do update
       set holder = excluded.holder,
           until = greatest(taken.until, muster.now()) + make_interval(secs => ${everySeconds})
     where taken.until <= muster.now() + make_interval(secs => ${longestSeconds})
    returning until - make_interval(secs => ${everySeconds}) as at`.execute(ctx.db);
  const [turn] = rows;
  if (!turn) throw new PageFailed({ kind: "throttled", afterSeconds: longestSeconds }, "it asked to be left alone");
  await ctx.activity.resting(() => ctx.clock.until(turn.at));
}

/** Lets nobody ask a page for so many seconds. */
export async function putOffTurns(ctx: Context, page: string, seconds: number): Promise<void> {
  await sql`
    update muster.turn set until = greatest(until, muster.now() + make_interval(secs => ${seconds}))
     where duty = ${dutyOf(page)}`.execute(ctx.db);
}

const dutyOf = (page: string): string => `statuspage:${page}`;
