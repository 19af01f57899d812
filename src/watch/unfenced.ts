import { sql } from "kysely";
import type { Context } from "../context.ts";
import type { Plan } from "../engine/plan.ts";
import { isStop } from "../engine/stopped.ts";
import type { RefenceInput } from "../../jobs/refence.ts";
import type { CatchUpSeen } from "../steps/catch-up.ts";
import type { DrainOldSideInput } from "../steps/drain-old-side.ts";
import type { FenceWritesInput } from "../steps/fence-writes.ts";
import { promotionSteps } from "../steps/promotions.ts";
import type { SwitchGlobalClusterInput } from "../steps/switch-global-cluster.ts";
import type { DatabaseTarget } from "../steps/targets.ts";
import { isPromotion } from "../steps/writer-since.ts";

/** An old side that nobody fences, and the run that fences it, once there is one. */
export type Unfenced = { instance: string; run: string; since: Date; refenceRun: string | null };

/** A cluster of Aurora that was to be the primary of its global cluster, by its ARN. */
export type NewPrimary = { id: string; arn: string };

/** What the inputs of promotions say, by whichever driver. */
type PromotionInput = { replica: DatabaseTarget } & Partial<Pick<SwitchGlobalClusterInput, "global" | "targetArn">>;

/**
 * Takes into the list every old writer whose fence was not seen to hold when its replica was promoted, and out of it what
 * was fenced since, or was promoted itself. The journals are read, so a failover writes nothing for it.
 */
export async function refreshUnfenced(ctx: Pick<Context, "db">): Promise<void> {
  await sql`
    with promoted as (
      select distinct on (split_part(event.step, '/', 1)) event.run, event.seq,
             split_part(event.step, '/', 1) as service
        from muster.step_event event
       where event.kind = 'intent' and ${isPromotion}
       order by split_part(event.step, '/', 1), event.seq desc),
    -- A plan over a thousand services is large: each is taken apart once, and not for each of its services.
    fences as materialized (
      select run.id as run, node ->> 'id' as step, node #>> '{input,from,instance}' as instance
        from muster.run cross join jsonb_array_elements(run.plan -> 'nodes') node
       where run.id in (select run from promoted) and node ->> 'step' = 'fence-writes'),
    fence as (
      select promoted.run, event.kind, event.payload, fences.instance
        from promoted
        join fences on fences.run = promoted.run and fences.step = promoted.service || '/fence-writes'
        join muster.step_event event on event.run = promoted.run
         and event.step = fences.step and event.kind in ('done', 'waived'))
    insert into muster.unfenced (instance, run)
    select distinct on (instance) instance, run from fence
     where instance is not null and (kind = 'waived' or payload -> 'result' ? 'unknown')
     order by instance
    on conflict (instance) do update
      set run = excluded.run, since = excluded.since, refence_run = null, fenced_at = null
      where muster.unfenced.run <> excluded.run`.execute(ctx.db);
  await sql`
    update muster.unfenced old
       set fenced_at = run.ended_at
      from muster.run
     where run.id = old.refence_run and run.outcome = 'done' and old.fenced_at is null`.execute(ctx.db);
  // Somebody built it anew and a failover led back to it: it is the writer, and must not be fenced. Two regions may each
  // have an instance of one name.
  await sql`
    with open as materialized (
      select instance, run, since from muster.unfenced where fenced_at is null),
    asked as materialized (
      select event.run, event.step, event.at from muster.step_event event
       where event.kind = 'intent' and ${isPromotion} and event.at > (select min(since) from open)),
    -- Here, too, each plan is taken apart once.
    fences as materialized (
      select run.id as run, node #>> '{input,from,instance}' as instance, node #>> '{input,from,region}' as region
        from muster.run cross join jsonb_array_elements(run.plan -> 'nodes') node
       where run.id in (select run from open) and node ->> 'step' = 'fence-writes'),
    promotions as materialized (
      select run.id as run, node ->> 'id' as step, node #>> '{input,replica,instance}' as instance,
             node #>> '{input,replica,region}' as region
        from muster.run cross join jsonb_array_elements(run.plan -> 'nodes') node
       where run.id in (select run from asked) and node ->> 'step' = any(${[...promotionSteps]}))
    update muster.unfenced old
       set fenced_at = asked.at
      from open join fences using (run, instance)
                join promotions on promotions.instance = fences.instance and promotions.region = fences.region
                join asked on asked.run = promotions.run and asked.step = promotions.step
     where old.instance = open.instance and asked.at > open.since and asked.run <> open.run`.execute(ctx.db);
}

/**
 * Lists the old sides that are still to be fenced and whose refence is not under way. One whose refence a person ended
 * (abandoned it, turned it back, declined it) is left to people; one whose refence came to an end without anybody is not.
 */
export async function listUnfenced(ctx: Pick<Context, "db">): Promise<Unfenced[]> {
  const { rows } = await sql<Unfenced>`
    select old.instance, old.run, old.since, old.refence_run as "refenceRun"
      from muster.unfenced old left join muster.run refence on refence.id = old.refence_run
     where old.fenced_at is null and (old.refence_run is null or refence.ended_at is not null)
       -- Ended since the list was made anew: what it fenced is fenced.
       and refence.outcome is distinct from 'done'
       and not exists (
         select from muster.step_event event where event.run = old.refence_run and ${isStop})
     order by old.since`.execute(ctx.db);
  return rows;
}

/** Notes which run fences an old side. */
export async function noteRefence(ctx: Pick<Context, "db">, instance: string, runId: string): Promise<void> {
  await sql`update muster.unfenced set refence_run = ${runId} where instance = ${instance}`.execute(ctx.db);
}

/** Notes that there is nothing left to fence: the old side follows the new writer. */
export async function noteHarmless(ctx: Pick<Context, "db">, instance: string): Promise<void> {
  await sql`update muster.unfenced set fenced_at = muster.now() where instance = ${instance}`.execute(ctx.db);
}

/** Reads from a failover's plan and journal what its old side needs to be fenced with, and where RDS tells of it if it is of Aurora. */
export async function readRefenceInput(
  ctx: Pick<Context, "db">,
  parent: string,
  instance: string,
): Promise<(RefenceInput & { to: DatabaseTarget; accepted: boolean; global?: NewPrimary }) | undefined> {
  const { rows } = await sql<{ plan: Plan }>`select plan from muster.run where id = ${parent}`.execute(ctx.db);
  const nodes = rows[0]?.plan.nodes ?? [];
  const fence = nodes
    .filter(({ step }) => step === "fence-writes")
    .map(({ input }) => input as FenceWritesInput)
    .find(({ from }) => from.instance === instance);
  if (!fence) return undefined;
  const { service } = fence;
  const drain = nodes.find((node) => node.id === `${service}/drain-old-side`)?.input as DrainOldSideInput | undefined;
  const caughtUp = await readResult<CatchUpSeen>(ctx, parent, `${service}/catch-up`);
  const steps = promotionSteps.map((step) => `${service}/${step}`);
  const promotion = nodes.find(({ id }) => steps.includes(id));
  if (!promotion) return undefined;
  const { replica, global, targetArn } = promotion.input as PromotionInput;
  const promoted = await readResult<{ promotedAt: string | null }>(ctx, parent, promotion.id);
  return {
    parent,
    service,
    from: fence.from,
    to: replica,
    accepted: await isAccepted(ctx, parent, promotion.id),
    deployments: drain?.deployments ?? [],
    baseline: caughtUp?.counts ?? null,
    replayLsn: caughtUp?.replayLsn ?? null,
    promotedAt: promoted?.promotedAt ?? null,
    ...(global !== undefined && targetArn !== undefined ? { global: { id: global, arn: targetArn } } : {}),
  };
}

/** Whether a promotion was said yes to, or was seen to be through; one that was only asked for may have been refused. */
async function isAccepted(ctx: Pick<Context, "db">, run: string, step: string): Promise<boolean> {
  const { rows } = await sql`
    select from muster.step_event where run = ${run} and step = ${step} and kind in ('applied', 'done') limit 1`.execute(
    ctx.db,
  );
  return rows.length > 0;
}

async function readResult<Seen>(
  ctx: Pick<Context, "db">,
  run: string,
  step: string,
): Promise<Partial<Seen> | undefined> {
  const { rows } = await sql<{ result: Partial<Seen> | null }>`
    select payload -> 'result' as result from muster.step_event
     where run = ${run} and step = ${step} and kind = 'done' order by seq desc limit 1`.execute(ctx.db);
  return rows[0]?.result ?? undefined;
}
