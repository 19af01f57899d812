import type { Sql } from "./postgres.ts";
import type { ReplicationState } from "./postgres-state.ts";

/**
 * Reads where an Aurora cluster stands in its global cluster. Aurora has no timelines and refuses Postgres's own functions
 * about the log; its positions are whole numbers, the same for every cluster of a global one, and are written here as LSNs.
 * A secondary hears its primary where the lag was calculated in the last 20 seconds.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora_global_db_status.html
 */
export async function getAuroraState(sql: Sql, region: string): Promise<ReplicationState> {
  const [row] = await sql.query<{
    in_recovery: boolean;
    lsn: string | null;
    hears: boolean;
    server_at: string;
  }>(
    `select r.in_recovery, s.highest_lsn_written::text as lsn,
            coalesce(r.in_recovery and s.last_lag_calculation_time > clock_timestamp() - interval '20 seconds', false)
              as hears,
            to_json(clock_timestamp()) #>> '{}' as server_at
       from (select pg_is_in_recovery() as in_recovery) r
       left join aurora_global_db_status() s on s.aws_region = $1`,
    [region],
  );
  if (!row) throw new Error("the server answered nothing");
  const lsn = row.lsn === null ? undefined : asLsn(BigInt(row.lsn));
  return {
    inRecovery: row.in_recovery,
    timeline: null,
    hearsWriter: row.hears,
    serverAt: row.server_at,
    ...(lsn === undefined ? {} : row.in_recovery ? { replayLsn: lsn } : { currentLsn: lsn }),
  };
}

const asLsn = (position: bigint): string =>
  `${(position >> 32n).toString(16)}/${(position & 0xffffffffn).toString(16)}`.toUpperCase();
