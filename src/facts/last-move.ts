import { sql } from "kysely";
import { call } from "../call.ts";
import type { Context } from "../context.ts";
import { verifyPublic } from "../steps/verify-public.ts";
import { look, type Fact } from "./fact.ts";

/** A move of a service that was done. */
export type LastMove = { run: string; title: string; at: string };

/**
 * Looks for the newest move of a service that was done (one that failed on its way is none: it is to be finished), or null.
 * A run that moves a whole region may fail for one service and move another: of each, it tells whether its customers were
 * seen where they were sent, and that this was not taken back.
 */
export function lookAtLastMove(ctx: Context, service: string): Promise<Fact<{ last: LastMove | null }>> {
  return look(ctx, async () => {
    const arrived = `${service}/${verifyPublic.name}`;
    const own = `${service}/%`;
    const { rows } = await call(ctx, "db.last-move", () =>
      sql<{ run: string; title: string; at: Date }>`
      select run.id as run, run.title, coalesce(through.at, run.ended_at) as at
        from muster.run
        left join lateral (select max(at) as at from muster.step_event event
                            where event.run = run.id and event.step like ${own} and event.kind in ('done', 'waived')
                           having bool_or(event.step = ${arrived})) through
          on run.job = 'failover-region'
       where run.ended_at is not null
         and (run.job = 'failover' and run.outcome = 'done'
              or through.at is not null
                 and not exists (select from muster.step_event event
                                  where event.run = run.id and event.kind = 'undone' and event.step like ${own}))
         and exists (select from muster.step_event event
                      where event.run = run.id and event.kind = 'intent' and event.step like ${own})
       order by at desc limit 1`.execute(ctx.db),
    );
    const [row] = rows;
    return { last: row ? { ...row, at: row.at.toISOString() } : null };
  });
}
