import { getAuroraState } from "./postgres-aurora.ts";
import { sqlState, type Sql } from "./postgres.ts";

/** Where a server stands in replication. LSNs are text; compare them with `lsnBytes`. */
export type ReplicationState = {
  inRecovery: boolean;
  /** On a replica: the last position received, and the last applied. */
  receiveLsn?: string;
  replayLsn?: string;
  /** On a writer: the position written so far. */
  currentLsn?: string;
  /** Null where there are none: Aurora. */
  timeline: number | null;
  /** "streaming" and so on; absent when the replica hears nothing of its writer. */
  receiver?: string;
  /**
   * The writer was heard of in the last 20 seconds on the wall, or since the replica must have had an answer from a quiet one:
   * after half of its `wal_receiver_timeout` it asks. Never longer ago than a minute.
   * @see https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-WAL-RECEIVER-TIMEOUT
   */
  hearsWriter: boolean;
  /** The server's own clock. */
  serverAt: string;
};

/** Reads where a server stands. On a writer the timeline is read from its log's file name: pg_control may lag a promotion. */
export async function getReplicationState(sql: Sql): Promise<ReplicationState> {
  if (sql.aurora !== undefined) return getAuroraState(sql, sql.aurora);
  const [row] = await sql.query<{
    in_recovery: boolean;
    receive: string | null;
    replay: string | null;
    current: string | null;
    timeline: number;
    receiver: string | null;
    hears: boolean;
    server_at: string;
  }>(`
    select r.in_recovery,
           case when r.in_recovery then pg_last_wal_receive_lsn()::text end as receive,
           case when r.in_recovery then pg_last_wal_replay_lsn()::text end as replay,
           case when not r.in_recovery then pg_current_wal_lsn()::text end as current,
           case when r.in_recovery
                then coalesce(w.received_tli, (select timeline_id from pg_control_checkpoint()))
                else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end as timeline,
           w.status as receiver,
           coalesce(w.last_msg_receipt_time > clock_timestamp()
             - greatest(interval '20 seconds',
                 least(interval '1 minute', current_setting('wal_receiver_timeout')::interval / 2 + interval '5 seconds')),
             false) as hears,
           to_json(clock_timestamp()) #>> '{}' as server_at
      from (select pg_is_in_recovery() as in_recovery) r
      left join pg_stat_wal_receiver w on true`);
  if (!row) throw new Error("the server answered nothing");
  return {
    inRecovery: row.in_recovery,
    timeline: row.timeline,
    hearsWriter: row.hears && row.receiver === "streaming",
    serverAt: row.server_at,
    ...(row.receive ? { receiveLsn: row.receive } : {}),
    ...(row.replay ? { replayLsn: row.replay } : {}),
    ...(row.current ? { currentLsn: row.current } : {}),
    ...(row.receiver ? { receiver: row.receiver } : {}),
  };
}

/**
 * Reads how many seconds late a replica applies everything on purpose; 0 where it does so at once, and on Aurora, which has
 * no such setting.
 * @see https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-RECOVERY-MIN-APPLY-DELAY
 */
export async function getApplyDelay(sql: Sql): Promise<number> {
  if (sql.aurora !== undefined) return 0;
  const [row] = await sql.query<{ seconds: number }>(
    "select setting::float8 / 1000 as seconds from pg_settings where name = 'recovery_min_apply_delay'",
  );
  return row?.seconds ?? 0;
}

/**
 * Reads when a server left recovery, by its own clock (ISO): the age of its timeline's history file. Undefined on a server
 * that never did, or whose files Muster's role may not list; Aurora has none.
 */
export async function getPromotedAt(sql: Sql): Promise<string | undefined> {
  if (sql.aurora !== undefined) return undefined;
  try {
    const [row] = await sql.query<{ at: string }>(`
      select to_json(modification) #>> '{}' as at from pg_ls_waldir()
       where name = substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) || '.history'`);
    return row?.at;
  } catch (error) {
    if (sqlState(error) === "42501") return undefined;
    throw error;
  }
}

/** Makes an LSN ("16/B374D848") a number of bytes, to compare and subtract. */
export function lsnBytes(lsn: string): bigint {
  const [high = "0", low = "0"] = lsn.split("/");
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

/** Whether Muster's schema stands in this database; without it, there is no heartbeat and no guard. */
export async function hasGuard(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ there: boolean }>("select to_regclass('muster_guard.epoch') is not null as there");
  return row?.there ?? false;
}

/** Reads when Muster last wrote here, on Muster's clock (ISO); undefined when it never did or has no schema here. */
export async function getHeartbeat(sql: Sql): Promise<string | undefined> {
  if (!(await hasGuard(sql))) return undefined;
  const [row] = await sql.query<{ at: string }>("select to_json(at) #>> '{}' as at from muster_guard.heartbeat");
  return row?.at;
}

/** Writes the heartbeat: Muster's own time, so that no two servers' clocks are compared. Returns where the log stands then. */
export async function writeHeartbeat(sql: Sql, at: Date): Promise<{ lsn: string }> {
  const [row] = await sql.query<{ lsn: string }>(
    `insert into muster_guard.heartbeat (one, at, lsn) values (true, $1, ${sql.aurora === undefined ? "pg_current_wal_lsn()" : "null"})
     on conflict (one) do update set at = greatest(muster_guard.heartbeat.at, excluded.at), lsn = excluded.lsn
     returning coalesce(lsn::text, '0/0') as lsn`,
    [at],
  );
  if (!row) throw new Error("the heartbeat was not written");
  return row;
}
