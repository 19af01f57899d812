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

/** Tells the same of a change that may have been made: a try that is known to have changed nothing does not count. */
export async function mayHaveHappened(ctx: StepContext, stepId: string): Promise<boolean> {
  const { rows } = await call(ctx, "db.own-journal", () =>
    sql<{ there: boolean }>`
      select exists (
        select from muster.step_event tried
         where tried.run = ${ctx.runId} and tried.step = ${stepId} and tried.kind = 'intent'
           and not exists (
             select from muster.step_event refused
              where refused.run = tried.run and refused.step = tried.step and refused.kind = 'call-failed'
                and refused.payload -> 'attempt' = tried.payload -> 'attempt'
                and refused.payload -> 'noEffect' = 'true')) as there`.execute(ctx.db),
  );
  return rows[0]?.there ?? false;
}

/** Tells whether this run first meant to change something by a step so many seconds ago or more, by the database's clock. */
export async function intendedBefore(ctx: StepContext, stepId: string, seconds: number): Promise<boolean> {
  const { rows } = await call(ctx, "db.own-journal", () =>
    sql<{ there: boolean }>`
      select exists (select from muster.step_event
                      where run = ${ctx.runId} and step = ${stepId} and kind = 'intent'
                        and at <= muster.now() - make_interval(secs => ${seconds})) as there`.execute(ctx.db),
  );
  return rows[0]?.there ?? false;
}

/** Tells whether a step of this run was done so many seconds ago or less, by the database's clock. */
export async function doneWithin(ctx: StepContext, stepId: string, seconds: number): Promise<boolean> {
  const { rows } = await call(ctx, "db.own-journal", () =>
    sql<{ there: boolean }>`
      select exists (select from muster.step_event
                      where run = ${ctx.runId} and step = ${stepId} and kind = 'done'
                        and at >= muster.now() - make_interval(secs => ${seconds})) as there`.execute(ctx.db),
  );
  return rows[0]?.there ?? false;
}

/** Where a service of this run is: on its way, with its customers back, or waiting for a person. */
export type Whereabouts = "moving" | "served" | "stuck";

/** Reads from this run's own journal where some of its services are. */
export async function whereServicesAre(
  ctx: StepContext,
  services: readonly string[],
): Promise<Record<string, Whereabouts>> {
  const { rows } = await call(ctx, "db.whereabouts", () =>
    sql<{ service: string; served: boolean; stuck: boolean }>`
      with newest as (
        select distinct on (step) step, split_part(step, '/', 1) as service, kind from muster.step_event
         where run = ${ctx.runId} and split_part(step, '/', 1) = any (${services}::text[])
           and kind in ('done', 'waived', 'parked', 'continued', 'asked')
         order by step, seq desc)
      select service,
             bool_or(kind in ('done', 'waived') and split_part(step, '/', 2) = 'verify-public') as served,
             bool_or(kind in ('parked', 'asked')) as stuck
        from newest group by service`.execute(ctx.db),
  );
  const found = new Map(rows.map((row) => [row.service, row]));
  return Object.fromEntries(
    services.map((name) => {
      const { served = false, stuck = false } = found.get(name) ?? {};
      return [name, served ? "served" : stuck ? "stuck" : "moving"];
    }),
  );
}
