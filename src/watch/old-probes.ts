import { sql } from "kysely";
import type { Context } from "../context.ts";
import { watch, type Watch } from "./turn.ts";

/** How long probes are kept that no run's report is made of. */
const keepDays = 14;

/**
 * So many go in one statement, which is through long before its time limit, however many are left: a table that was never
 * tidied is tidied bit by bit. A thousand services are probed 30,000 times in the seconds between two turns, which is three
 * statements; a turn has up to thirty, so that it keeps up with ten thousand services, or goes through a backlog at nine times
 * the rate at which a thousand add to it.
 */
const mostAtOnce = 10_000;
const mostStatements = 30;
const everySeconds = 300;

/** Starts deleting probes that nobody needs any more: apart from the prober, so that nobody is probed later for it. */
export function startTidyingProbes(ctx: Context): Watch {
  return watch(ctx, { name: "old-probes", everySeconds }, async (ctx, signal) => {
    for (let statements = 0; statements < mostStatements && !signal.aborted; statements += 1)
      if ((await deleteOldProbes(ctx)) < mostAtOnce) return;
  });
}

/**
 * Deletes old probes, but for those that the figures of a run are computed from whenever somebody reads its report: of its
 * services, from a day before it was proposed (or from the last green one, where that is older) to an hour after its end, for
 * ever while it is open. A plan that never started has no figures. What a run's own stability window saw stays anyway. Each
 * stretch between those is one way down the index, however much stays; so is finding each service, also one that the estate
 * no longer names. Tells how many went: `most` where more may be left.
 */
export async function deleteOldProbes({ db }: Pick<Context, "db">, most = mostAtOnce): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from muster.probe where seq = any (array(
      with recursive probed(service) as (
        select min(service) from muster.probe
        union all
        select (select min(next.service) from muster.probe next where next.service > probed.service)
          from probed where probed.service is not null),
      kept as (
        select locked.service, range_agg(tstzrange(
                 least(run.proposed_at - interval '1 day', (
                   select max(green.at) from muster.probe green
                    where green.service = locked.service and green.via = 'public' and green.ok
                      and green.at <= run.proposed_at)),
                 greatest(coalesce(run.ended_at, 'infinity'), run.proposed_at) + interval '1 hour')) as spans
          from muster.run, jsonb_array_elements_text(run.plan -> 'locks') locked(service)
         where run.ended_at is null
            or exists (select from muster.step_event event where event.run = run.id and event.kind = 'started')
         group by locked.service),
      gaps as (
        select probed.service, gap
          from probed left join kept using (service),
               unnest(tstzmultirange(tstzrange(null, (select muster.now() - make_interval(days => ${keepDays}))))
                      - coalesce(kept.spans, '{}')) gap)
      select old.seq from gaps cross join lateral (
        select seq from muster.probe
         where probe.service = gaps.service and via = 'public'
           and at >= coalesce(lower(gap), '-infinity') and at < upper(gap)
         order by at limit ${most}) old
       limit ${most}))`.execute(db);
  return Number(numAffectedRows ?? 0);
}
