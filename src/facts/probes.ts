import { sql } from "kysely";
import { call } from "../call.ts";
import type { Context } from "../context.ts";
import { unknown } from "../engine/step.ts";
import { look, type Fact } from "./fact.ts";

/** What customers see, as the prober saw it. Times are ISO. */
export type ProbeFacts = {
  ok: boolean;
  at: string;
  why?: string;
  /** The last green probe. */
  greenAt?: string;
  /** The first red one after it, while it is red. */
  redSince?: string;
};

/** Looks at what the prober last saw of a service, by its public name. */
export async function lookAtProbes(ctx: Context, service: string): Promise<Fact<ProbeFacts>> {
  return look(ctx, async () => {
    const { rows } = await call(ctx, "db.probes", () =>
      sql<{
        ok: boolean;
        at: Date;
        why: string | null;
        green_at: Date | null;
        red_since: Date | null;
      }>`
      with seen as (select ok, at, why from muster.probe where service = ${service} and via = 'public'),
           green as (select max(at) as at from seen where ok)
      select last.ok, last.at, last.why, green.at as green_at,
             (select min(at) from seen where not ok and at > coalesce(green.at, '-infinity')) as red_since
        from green, (select * from seen order by at desc limit 1) last`.execute(ctx.db),
    );
    const [row] = rows;
    if (!row) return unknown("nobody has probed it yet");
    return {
      ok: row.ok,
      at: row.at.toISOString(),
      ...(row.why ? { why: row.why } : {}),
      ...(row.green_at ? { greenAt: row.green_at.toISOString() } : {}),
      ...(row.red_since && !row.ok ? { redSince: row.red_since.toISOString() } : {}),
    };
  });
}
