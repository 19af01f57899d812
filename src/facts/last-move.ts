import { sql } from "kysely";
import { call } from "../call.ts";
import type { Context } from "../context.ts";
import { look, type Fact } from "./fact.ts";

/** A move of a service that was done. */
export type LastMove = { run: string; title: string; at: string };

/** Looks for the newest move of a service that was done (one that failed on its way is none: it is to be finished), or null. */
export function lookAtLastMove(ctx: Context, service: string): Promise<Fact<{ last: LastMove | null }>> {
  return look(ctx, async () => {
    const { rows } = await call(ctx, "db.last-move", () =>
      sql<{ run: string; title: string; at: Date }>`
      select run.id as run, run.title, run.ended_at as at
        from muster.run
       where run.job = 'failover' and run.outcome = 'done'
         and exists (select from muster.step_event event
                      where event.run = run.id and event.kind = 'intent' and event.step like ${`${service}/%`})
       order by run.ended_at desc limit 1`.execute(ctx.db),
    );
    const [row] = rows;
    return { last: row ? { ...row, at: row.at.toISOString() } : null };
  });
}
