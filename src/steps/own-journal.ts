import { sql } from "kysely";
import { call } from "../call.ts";
import type { StepContext } from "../engine/step.ts";

/** Tells whether this run meant to change something by a step: what a worker before us may have done counts too. */
export async function intended(ctx: StepContext, stepId: string): Promise<boolean> {
  const { rows } = await call(ctx, "db.own-journal", () =>
    sql<{ there: boolean }>`
      select exists (select from muster.step_event
                      where run = ${ctx.runId} and step = ${stepId} and kind = 'intent') as there`.execute(ctx.db),
  );
  return rows[0]?.there ?? false;
}
