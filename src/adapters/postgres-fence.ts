import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { CannotContinue } from "../errors.ts";
import { inTransaction, sqlState, withPostgres, type PgSettings, type PgTarget, type Sql } from "./postgres.ts";
import { hasGuard } from "./postgres-state.ts";
import type { CallContext, CallOptions } from "../call.ts";

/** Who changes a database: a run, and which of its lease holders. */
export type Holder = { runId: string; epoch: number };

/** What a role may do at a server right now. */
export type RoleState = { canLogIn: boolean; sessions: number };

/** Looks at a role; undefined when the server has none of that name. */
export async function getRole(sql: Sql, role: string): Promise<RoleState | undefined> {
  const [row] = await sql.query<{ can: boolean; sessions: number }>(
    `select rolcanlogin as can,
            (select count(*)::int from pg_stat_activity where usename = rolname) as sessions
       from pg_roles where rolname = $1`,
    [role],
  );
  return row && { canLogIn: row.can, sessions: row.sessions };
}

/**
 * Takes a role's right to log in and ends its sessions, unless a newer run or lease holder has been here. A session that
 * was logging in while the right was being taken shows itself only later: it is looked for after the commit until none was
 * there for a while, or the call's time is over, which throws.
 *
 * @throws CannotContinue when the rights are missing, GuardRefused when we are not the newest.
 */
export async function fenceRole(sql: Sql, role: string, holder: Holder & { callTimeoutMs: number }): Promise<void> {
  await guarded(sql, holder, async () => {
    await sql.query(`alter role ${pg.escapeIdentifier(role)} nologin`);
    await endSessions(sql, role);
  });
  for (let quiet = 0; quiet < quietLooks;) {
    quiet = (await endSessions(sql, role)) === 0 ? quiet + 1 : 0;
    if (quiet < quietLooks) await setTimeout(holder.callTimeoutMs / 100);
  }
}

/** So many looks without a session, each a hundredth of a call's time apart (50 ms): longer than a log-in takes that had begun. */
const quietLooks = 3;

/** Gives a role its right to log in back, unless a newer run or lease holder has been here. */
export async function unfenceRole(sql: Sql, role: string, holder: Holder): Promise<void> {
  await guarded(sql, holder, () => sql.query(`alter role ${pg.escapeIdentifier(role)} login`));
}

/** A newer run, or a newer holder of the lease of this one, has changed this database. Nothing was changed. */
export class GuardRefused extends Error {
  constructor() {
    super("a newer run or worker has changed this database; this one changes nothing here");
    this.name = "GuardRefused";
  }
}

/**
 * Does work in one transaction that fails when a newer run, or a newer lease holder of this run, has been at this
 * database: a worker that was frozen and woke up changes nothing. A database without the schema has no such guard; what
 * is done there must be plain to see afterwards, and twice the same.
 */
export async function guarded<T>(sql: Sql, holder: Holder, work: () => Promise<T>): Promise<T> {
  try {
    return await inTransaction(sql, async () => {
      if (await hasGuard(sql)) await refuseIfOlder(sql, holder);
      return work();
    });
  } catch (error) {
    throw explain(error);
  }
}

async function refuseIfOlder(sql: Sql, { runId, epoch }: Holder): Promise<void> {
  const rows = await sql.query<{ newest: boolean }>(
    `with mine as (
       insert into muster_guard.epoch as e (run, epoch) values ($1, $2)
       on conflict (run) do update set epoch = excluded.epoch where e.epoch <= excluded.epoch
       returning turn)
     select turn >= (select coalesce(max(turn), 0) from muster_guard.epoch) as newest from mine`,
    [runId, epoch],
  );
  if (!rows[0]?.newest) throw new GuardRefused();
}

/** Reads the epoch that a run has left at this database; undefined when it has not been here, or there is no guard. */
export async function getEpoch(sql: Sql, runId: string): Promise<number | undefined> {
  if (!(await hasGuard(sql))) return undefined;
  const rows = await sql
    .query<{ epoch: number }>("select epoch from muster_guard.epoch where run = $1", [runId])
    .catch(rethrowExplained);
  return rows[0]?.epoch;
}

/** Leaves one row that names a run: the proof that this server takes writes. Twice is once; without the schema, nothing. */
export async function writeCanary(sql: Sql, runId: string, at: Date): Promise<void> {
  if (!(await hasGuard(sql))) return;
  const text = "insert into muster_guard.canary (run, at) values ($1, $2) on conflict (run) do nothing";
  await inTransaction(sql, () => sql.query(text, [runId, at]));
}

/** Tells whether the canary of a run is there; undefined where there is no schema to keep it. */
export async function hasCanary(sql: Sql, runId: string): Promise<boolean | undefined> {
  if (!(await hasGuard(sql))) return undefined;
  const rows = await sql.query("select 1 from muster_guard.canary where run = $1", [runId]).catch(rethrowExplained);
  return rows.length > 0;
}

/** What became of an attempt to write as an application's own role. */
export type WriteAttempt =
  /** `onlyWhenAsked`: only because it asked to write; by the server's configuration, or the role's, its transactions are read-only. */
  | { accepted: true; onlyWhenAsked?: true }
  /** The server said no, for a reason that holds for every session of the role: it may not log in, or is read-only. */
  | { accepted: false; because: string }
  /**
   * The server did not judge the role at all: a wrong password, or no line in its pg_hba.conf, proves nothing. `full`: every
   * connection is taken that the role, the database or the server may have.
   */
  | { accepted: "unknown"; because: string; full?: true };

/**
 * Tries to write as the application's own role, and leaves nothing behind: takes a transaction number, which only a
 * writer gives, and rolls back. @throws what cannot be reached.
 */
export async function tryWrite(
  ctx: CallContext,
  settings: PgSettings,
  app: PgTarget,
  options?: CallOptions,
): Promise<WriteAttempt> {
  const attempt = async (sql: Sql) => {
    await sql.query("begin read write");
    const [row] = await sql.query<{ readOnly: boolean }>(
      `select txid_current(), current_setting('default_transaction_read_only')::bool as "readOnly"`,
    );
    await sql.query("rollback");
    return row?.readOnly ?? false;
  };
  try {
    const isReadOnly = await withPostgres(ctx, settings, app, "TryWrite", attempt, options);
    return { accepted: true, ...(isReadOnly ? { onlyWhenAsked: true as const } : {}) };
  } catch (error) {
    const state = sqlState(error);
    if (isNoLogin(error)) return { accepted: false, because: `the role "${app.user}" may not log in` };
    if (state === "28000")
      return {
        accepted: "unknown",
        because: `the server does not let Muster in as "${app.user}": ${(error as Error).message}`,
      };
    // A replica has two ways to say it: at "begin read write", and at a transaction number.
    if (state === "25006" || state === "0A000") return { accepted: false, because: "the server is read-only" };
    if (state === "28P01")
      return { accepted: "unknown", because: `the password of the role "${app.user}" is not right` };
    if (state === "53300") return { accepted: "unknown", because: (error as Error).message, full: true };
    if (state === "3D000") return { accepted: "unknown", because: `there is no database "${app.database}"` };
    throw error;
  }
}

/**
 * Tells whether a server let nobody in because the role has no right to log in. The same SQLSTATE comes where pg_hba.conf
 * has no line for whoever asks, and where PAM refused (IAM on RDS); a message may be in the server's language, and the name
 * of the routine that raised it is always Postgres's own.
 * @see https://www.postgresql.org/docs/current/protocol-error-fields.html
 */
export const isNoLogin = (error: unknown): boolean =>
  error instanceof pg.DatabaseError &&
  error.code === "28000" &&
  (error.routine === "InitializeSessionUserId" || error.message.includes("is not permitted to log in"));

/** Ends the sessions of a role; returns how many there were. */
async function endSessions(sql: Sql, role: string): Promise<number> {
  const ended = await sql.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 and pid <> pg_backend_pid()",
    [role],
  );
  return ended.length;
}

function rethrowExplained(error: unknown): never {
  throw explain(error);
}

function explain(error: unknown): unknown {
  const state = sqlState(error);
  const missing = state === "3F000" || state === "42P01";
  if (!missing && state !== "42501") return error;
  return new CannotContinue(
    {
      happened: missing
        ? "This database has no schema muster_guard."
        : `The database did not let Muster's role do that: ${(error as Error).message}.`,
      means: "Nothing was changed here.",
      todo: missing
        ? "Run src/adapters/guard.sql in it as an administrator, then press Continue."
        : "Type muster doctor: it names the right that is missing, and the line that gives it. Type that line as an administrator there, then press Continue.",
    },
    { cause: error },
  );
}
