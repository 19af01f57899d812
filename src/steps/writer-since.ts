import { sql } from "kysely";
import { call } from "../call.ts";
import type { StepContext } from "../engine/step.ts";
import { promotionSteps } from "./promotions.ts";
import type { DatabaseTarget } from "./targets.ts";

/** Whether a journal's event is about a promotion, by whichever driver. */
export const isPromotion = sql`split_part(event.step, '/', 2) = any (${[...promotionSteps]}::text[])`;

/** Names the run that made an instance the writer since this run was asked for; undefined where none did. */
export async function writerSince(
  ctx: StepContext,
  { instance, region }: Pick<DatabaseTarget, "instance" | "region">,
): Promise<string | undefined> {
  const { rows } = await call(ctx, "db.writer-since", () =>
    sql<{ run: string }>`
      select event.run from muster.step_event event join muster.run on run.id = event.run
       where event.kind = 'intent' and ${isPromotion}
         and event.at > (select proposed_at from muster.run where id = ${ctx.runId})
         and exists (select from jsonb_array_elements(run.plan -> 'nodes') node
                      where node ->> 'id' = event.step and node #>> '{input,replica,instance}' = ${instance}
                        and node #>> '{input,replica,region}' = ${region})
       order by event.seq desc limit 1`.execute(ctx.db),
  );
  return rows[0]?.run;
}
