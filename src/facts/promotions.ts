import { sql } from "kysely";
import { call, type CallContext } from "../call.ts";
import type { Context } from "../context.ts";
import { promotionSteps } from "../steps/promotions.ts";
import { look, type Fact } from "./fact.ts";

/** The last promotion Muster made for a service: it tells whose data is newest when both instances would write. */
export type Promotion = { region: string; run: string; at: string };

/** Finds in the journals the last promotion that was begun for a service; undefined where there was none. */
export async function findPromotion(
  ctx: CallContext & Pick<Context, "db">,
  service: string,
): Promise<Promotion | undefined> {
  const { rows } = await call(ctx, "db.promotions", () =>
    sql<{ region: string; run: string; at: Date }>`
    select run.plan #>> '{input,toRegion}' as region, run.id as run, event.at
      from muster.step_event event join muster.run on run.id = event.run
     where event.step = any(${promotionSteps.map((step) => `${service}/${step}`)}) and event.kind = 'intent'
     order by event.seq desc limit 1`.execute(ctx.db),
  );
  const [row] = rows;
  return row && { ...row, at: row.at.toISOString() };
}

/** Looks for the last promotion of a service, or null where there was none. */
export function lookAtPromotions(ctx: Context, service: string): Promise<Fact<{ last: Promotion | null }>> {
  return look(ctx, async () => ({ last: (await findPromotion(ctx, service)) ?? null }));
}
