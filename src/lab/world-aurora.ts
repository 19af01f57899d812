import type { Dns } from "./dns.ts";
import { clusterHostOf, clustersOf, east, globalOf, readHostOf, west, type LabRegion } from "./estate.ts";
import { ask, demote, promote, rebuild, streams, type Pair, type PairSide } from "./postgres-pair.ts";
import type { GlobalOptions, MemberOptions } from "./rds-global.ts";
import type { LabService } from "./world.ts";

/** The global clusters that RDS shows for the pairs which are Aurora's. */
export function globalsFor(services: readonly LabService[], dns: Dns): GlobalOptions[] {
  return services.flatMap(({ name, driver, pair }) => {
    if (driver !== "aurora-postgres" || !pair) return [];
    const sides: [LabRegion, PairSide][] = [
      [east, pair.primary],
      [west, pair.replica],
    ];
    for (const [region, { front }] of sides) dns.setName(readHostOf(region, name), front.listen.host);
    const id = clustersOf(name);
    const members: [MemberOptions, MemberOptions] = [
      memberOf(name, { id: id[east], region: east, side: pair.primary, other: pair.replica }),
      memberOf(name, { id: id[west], region: west, side: pair.replica, other: pair.primary }),
    ];
    return [
      {
        id: globalOf(name),
        members,
        onPrimary: (primary) => {
          for (const [region, { front }] of sides)
            dns.setName(clusterHostOf(region, name), region === primary.region ? front.listen.host : undefined);
        },
      },
    ];
  });
}

function memberOf(
  service: string,
  { id, region, side, other }: { id: string; region: LabRegion; side: PairSide; other: PairSide },
): MemberOptions {
  return {
    id,
    region,
    host: clusterHostOf(region, service),
    readHost: readHostOf(region, service),
    stop: () => side.server.stop("fast"),
    promote: () => promote(side.server),
    follow: () => demote(side, other),
    rebuild: () => rebuild(side, other),
    streams: () => streams(side.server),
  };
}

/**
 * Gives a pair what Aurora has in place of Postgres's own words about its log: it has its own, and refuses these. Made on the
 * primary; the standby receives it.
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora_global_db_status.html
 */
export async function makeAurora({ primary }: Pair): Promise<void> {
  await ask(primary.server, auroraWords);
}

const auroraWords = `
create function pg_catalog.aurora_global_db_status(
  out aws_region text, out highest_lsn_written bigint, out durability_lag_in_msec double precision,
  out rpo_lag_in_msec double precision, out last_lag_calculation_time timestamptz, out feedback_epoch bigint,
  out feedback_xmin bigint)
returns setof record language sql security definer as $$
  select current_setting('muster_lab.region'),
         case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end - '0/0'::pg_lsn,
         case when pg_is_in_recovery() then 0 else -1 end, case when pg_is_in_recovery() then 0 else -1 end,
         case when pg_is_in_recovery()
              then coalesce((select last_msg_receipt_time from pg_stat_wal_receiver where status = 'streaming'), 'epoch')
              else 'epoch'::timestamptz end, 0, 0
  union all
  select application_name, replay_lsn - '0/0'::pg_lsn, coalesce(extract(epoch from replay_lag) * 1000, 0),
         coalesce(extract(epoch from flush_lag) * 1000, 0), reply_time, 0, 0
    from pg_stat_replication where not pg_is_in_recovery()
$$;
revoke execute on function pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), pg_current_wal_lsn(),
  pg_last_xact_replay_timestamp(), pg_walfile_name(pg_lsn), pg_control_checkpoint(), pg_control_system(),
  pg_promote(boolean, integer) from public;
revoke execute on function pg_ls_waldir() from pg_monitor;
revoke select on pg_stat_wal_receiver from public;`;
