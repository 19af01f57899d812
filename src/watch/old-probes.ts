import { sql } from "kysely";
import type { Context } from "../context.ts";

/** How long probes are kept that no run's report is made of. */
const keepDays = 14;

/** So many of one service at most in one go, from each stretch of time: a table that was never tidied is tidied bit by bit. */
const mostAtOnce = 1000;

/**
 * Deletes old probes, but for those that the figures of a run are computed from whenever somebody reads its report: of its
 * services, from a day before it was proposed (or from the last green one, where that is older) to an hour after its end. What
 * a run's own stability window saw stays anyway. Each stretch between those is one way down the index, however much stays.
 */
export async function deleteOldProbes({ db, estate }: Pick<Context, "db" | "estate">): Promise<void> {
  await sql`
    delete from muster.probe where seq = any (array(
      with kept as (
        select locked.service, range_agg(tstzrange(
                 least(run.proposed_at - interval '1 day', (
                   select max(green.at) from muster.probe green
                    where green.service = locked.service and green.via = 'public' and green.ok
                      and green.at <= run.proposed_at)),
                 greatest(run.ended_at, run.proposed_at) + interval '1 hour')) as spans
          from muster.run, jsonb_array_elements_text(run.plan -> 'locks') locked(service)
         group by locked.service),
      gaps as (
        select wanted.service, gap
          from unnest(${Object.keys(estate.services)}::text[]) wanted(service) left join kept using (service),
               unnest(tstzmultirange(tstzrange(null, (select muster.now() - make_interval(days => ${keepDays}))))
                      - coalesce(kept.spans, '{}')) gap)
      select old.seq from gaps cross join lateral (
        select seq from muster.probe
         where probe.service = gaps.service and via = 'public'
           and at >= coalesce(lower(gap), '-infinity') and at < upper(gap)
         order by at limit ${mostAtOnce}) old))`.execute(db);
}
