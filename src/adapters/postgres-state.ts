import pg from "pg";
import { sqlState, type Sql } from "./postgres.ts";

/** Where a server stands in replication. LSNs are text; compare them with `lsnBytes`. */
export type ReplicationState = {
  inRecovery: boolean;
  /** On a replica: the last position received, and the last applied. */
  receiveLsn?: string;
  replayLsn?: string;
  /** On a writer: the position written so far. */
  currentLsn?: string;
  /** The commit time of the last transaction applied, by the old writer's clock. */
  lastReplayAt?: string;
  timeline: number;
  /** "streaming" and so on; absent when the replica hears nothing of its writer. */
  receiver?: string;
  /** The writer was heard of in the last 20 seconds on the wall. */
  hearsWriter: boolean;
  /** The server's own clock. */
  serverAt: string;
};

/** Reads where a server stands. On a writer the timeline is read from its log's file name: pg_control may lag a promotion. */
export async function getReplicationState(sql: Sql): Promise<ReplicationState> {
  const [row] = await sql.query<{
    in_recovery: boolean;
    receive: string | null;
    replay: string | null;
    current: string | null;
    last_replay: string | null;
    timeline: number;
    receiver: string | null;
    hears: boolean;
    server_at: string;
  }>(`
    select r.in_recovery,
           case when r.in_recovery then pg_last_wal_receive_lsn()::text end as receive,
           case when r.in_recovery then pg_last_wal_replay_lsn()::text end as replay,
           case when not r.in_recovery then pg_current_wal_lsn()::text end as current,
           to_json(pg_last_xact_replay_timestamp()) #>> '{}' as last_replay,
           case when r.in_recovery
                then coalesce(w.received_tli, (select timeline_id from pg_control_checkpoint()))
                else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end as timeline,
           w.status as receiver,
           coalesce(w.last_msg_receipt_time > clock_timestamp() - interval '20 seconds', false) as hears,
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
    ...(row.last_replay ? { lastReplayAt: row.last_replay } : {}),
    ...(row.receiver ? { receiver: row.receiver } : {}),
  };
}

/**
 * Reads when a server left recovery, by its own clock (ISO): the age of its timeline's history file. Undefined on a server
 * that never did, or whose files Muster's role may not list.
 */
export async function getPromotedAt(sql: Sql): Promise<string | undefined> {
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
    `insert into muster_guard.heartbeat (one, at, lsn) values (true, $1, pg_current_wal_lsn())
     on conflict (one) do update set at = greatest(muster_guard.heartbeat.at, excluded.at), lsn = excluded.lsn
     returning lsn::text as lsn`,
    [at],
  );
  if (!row) throw new Error("the heartbeat was not written");
  return row;
}

/** Rows of a table, and the highest key where it is one whole number. `exact` is false where the planner's estimate stands in. */
export type TableCount = { rows: number; exact: boolean; maxId?: string };

/** By "schema.table". */
export type TableCounts = Record<string, TableCount>;

/** Tables above this many rows are not counted but estimated; of more tables, the largest are taken. */
const limits = { rows: 500_000, tables: 50 } as const;

/** Counts the rows of the users' tables. Counts of two servers compare only while nothing writes between them. */
export async function countRows(sql: Sql): Promise<TableCounts> {
  const tables = await sql.query<{ schema: string; name: string; estimate: number; key: string | null }>(
    `select n.nspname as schema, c.relname as name, c.reltuples::float8 as estimate,
            (select min(a.attname) from pg_index i
               join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
              where i.indrelid = c.oid and i.indisprimary and i.indnkeyatts = 1
                and a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)) as key
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and c.relpersistence = 'p'
        and n.nspname not in ('pg_catalog', 'information_schema', 'muster_guard')
        and has_table_privilege(c.oid, 'select')
      order by c.relpages desc, n.nspname, c.relname
      limit $1`,
    [limits.tables],
  );
  const counts: TableCounts = {};
  for (const { schema, name, estimate, key } of tables) {
    const table = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
    const max = key ? `max(${pg.escapeIdentifier(key)})::text` : "null";
    const exact = estimate <= limits.rows;
    const rows = exact ? "count(*)::float8" : "null::float8";
    const [row] = await sql.query<{ rows: number | null; max: string | null }>(
      `select ${rows} as rows, ${max} as max from ${table}`,
    );
    counts[`${schema}.${name}`] = { rows: row?.rows ?? estimate, exact, ...(row?.max ? { maxId: row.max } : {}) };
  }
  return counts;
}

/** Counts rows stamped after a time, in tables that stamp them by default (a timestamptz column with default now()). */
export async function countRowsSince(sql: Sql, since: string): Promise<Record<string, number>> {
  const stamped = await sql.query<{ schema: string; name: string; stamp: string }>(
    `select n.nspname as schema, c.relname as name, min(a.attname) as stamp
       from pg_attrdef d
       join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum and a.atttypid = 'timestamptz'::regtype
       join pg_class c on c.oid = d.adrelid and c.relkind = 'r' and c.reltuples <= $1
       join pg_namespace n on n.oid = c.relnamespace
      where pg_get_expr(d.adbin, d.adrelid) ~ '^(now\\(\\)|CURRENT_TIMESTAMP|clock_timestamp\\(\\)|transaction_timestamp\\(\\))$'
        and n.nspname not in ('pg_catalog', 'information_schema', 'muster_guard')
        and has_table_privilege(c.oid, 'select')
      group by 1, 2 order by 1, 2 limit $2`,
    [limits.rows, limits.tables],
  );
  const counts: Record<string, number> = {};
  for (const { schema, name, stamp } of stamped) {
    const table = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
    const text = `select count(*)::float8 as rows from ${table} where ${pg.escapeIdentifier(stamp)} > $1`;
    const [row] = await sql.query<{ rows: number }>(text, [since]);
    counts[`${schema}.${name}`] = row?.rows ?? 0;
  }
  return counts;
}
