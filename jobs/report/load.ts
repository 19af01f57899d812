import { sql } from "kysely";
import type { Context } from "../../src/context.ts";
import { UserError } from "../../src/errors.ts";
import { loadJournal } from "../../src/engine/journal.ts";
import { isStop } from "../../src/engine/stopped.ts";
import type { FailoverFacts } from "../../src/facts/failover.ts";
import { sumUp } from "../../src/steps/divergence.ts";
import type { FenceReturnedSeen } from "../../src/steps/fence-returned.ts";

import type { ProbeRow } from "./outage.ts";
import { report, type Report } from "./failover.ts";
import type { Fenced } from "./what-now.ts";

/** Makes the report of a failover, over or under way, from what Muster wrote down. @throws UserError when it is none. */
export async function loadReport(ctx: Pick<Context, "db">, runId: string): Promise<Report> {
  const loaded = await loadJournal(ctx.db, runId);
  if (loaded?.run.job !== "failover") {
    throw new UserError({
      happened: `There is no failover ${runId}.`,
      means: "Nothing was changed.",
      todo: "Type /muster runs for the list.",
    });
  }
  const { rows } = await sql<{ facts: FailoverFacts }>`select facts from muster.run where id = ${runId}`.execute(
    ctx.db,
  );
  const facts = rows[0]?.facts as FailoverFacts;
  return reportOfService(ctx, loaded, facts.service, facts);
}

type Loaded = NonNullable<Awaited<ReturnType<typeof loadJournal>>>;

/** Makes the report of one service of a run, as if it had been moved alone. */
export async function reportOfService(
  ctx: Pick<Context, "db">,
  { run, events }: Loaded,
  service: string,
  facts: FailoverFacts,
): Promise<Report> {
  const refence = await readRefence(ctx, run.id, service);
  const probes = await readProbes(ctx, run.id, service);
  const nodes = run.plan.nodes.filter((node) => node.service === service);
  const own = events.filter((event) => !("step" in event) || event.step.startsWith(`${service}/`));
  const alone = { ...run, plan: { ...run.plan, nodes } };
  return report({ run: alone, events: own, probes, facts, ...(refence ? { refence } : {}) });
}

/**
 * Everything the prober and the stability window saw, from a day before the run was proposed, or from the last green probe
 * where that is older, until it ended.
 */
async function readProbes(ctx: Pick<Context, "db">, runId: string, service: string): Promise<ProbeRow[]> {
  const { rows } = await sql<{ at: Date; ok: boolean }>`
    select probe.at, probe.ok from muster.probe, muster.run
     where run.id = ${runId} and probe.service = ${service} and (via = 'public' or via = ${`run:${runId}`})
       and probe.at <= coalesce(run.ended_at, 'infinity')
       and probe.at >= least(run.proposed_at - interval '1 day', (
         select max(green.at) from muster.probe green
          where green.service = ${service} and green.via = 'public' and green.ok and green.at <= run.proposed_at))
     order by probe.at, probe.seq`.execute(ctx.db);
  return rows.map(({ at, ok }) => ({ at: at.toISOString(), ok }));
}

async function readRefence(ctx: Pick<Context, "db">, parent: string, service: string): Promise<Fenced | undefined> {
  const { rows } = await sql<
    Omit<Fenced, "at" | "rowsLeftBehind"> & { at: Date | null; result: FenceReturnedSeen | null }
  >`
    select run.id as "runId", run.outcome, fence.at, fence.payload -> 'result' as result,
           (select event.payload ->> 'by' from muster.step_event event
             where event.run = run.id and ${isStop} order by event.seq limit 1) as "stoppedBy"
      from muster.run left join muster.step_event fence
        on fence.run = run.id and fence.kind = 'done' and fence.step like '%/fence-returned'
     where run.parent = ${parent} and run.job = 'refence' and run.plan #>> '{input,service}' = ${service}
     order by run.proposed_at desc limit 1`.execute(ctx.db);
  const [row] = rows;
  if (!row) return undefined;
  const { result, at, ...refence } = row;
  const left = result?.writesAfterPromotion && sumUp(result.writesAfterPromotion);
  // A sum without the tables that nobody could count would be a number in our favour.
  const rowsLeftBehind = left?.whole ? left.rows : null;
  return { ...refence, at: at?.toISOString() ?? null, rowsLeftBehind };
}
