import { CannotContinue } from "../errors.ts";
import { quoteName } from "./postgres-names.ts";
import { sqlState, type Sql } from "./postgres.ts";

/** What a server that no control plane knows says of itself, as far as its promotion hangs on it. */
export type StandbyState = {
  /** Muster's own role there. */
  role: string;
  /** The same on a writer and on everything that was ever copied from it. */
  systemId: string;
  /** Muster's role may call pg_promote. False also before Postgres 12, which has none. */
  mayPromote: boolean;
  /** Somebody holds back what it received: pg_wal_replay_pause. */
  replayPaused: boolean;
  /** The standbys that its commits wait for once it writes; empty where they wait for none. */
  waitsFor: string;
};

/** Reads what a promotion of this server hangs on. */
export async function getStandbyState(sql: Sql): Promise<StandbyState> {
  const [row] = await sql.query<StandbyState>(`
    select current_user::text as role,
           (select system_identifier::text from pg_control_system()) as "systemId",
           coalesce(has_function_privilege(to_regprocedure('pg_catalog.pg_promote(boolean,integer)'), 'execute'), false)
             as "mayPromote",
           case when pg_is_in_recovery() then pg_is_wal_replay_paused() else false end as "replayPaused",
           current_setting('synchronous_standby_names') as "waitsFor"`);
  if (!row) throw new Error("the server answered nothing");
  return row;
}

/**
 * Tells a standby to leave recovery, and does not wait for it: it first replays everything it has, which may take long,
 * then takes writes on a new timeline. There is no way back. Told twice before it left, it leaves once. From
 * Postgres 13 on a pause of its replay ends with it; before, somebody must end it.
 *
 * @throws what `isNotInRecovery` knows when it has left already, CannotContinue when Muster's role may not tell it.
 * @see https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-RECOVERY-CONTROL
 */
export async function promoteStandby(sql: Sql, { name, role }: { name: string; role: string }): Promise<void> {
  try {
    const [row] = await sql.query<{ told: boolean }>("select pg_promote(wait => false) as told");
    if (!row?.told) throw new Error(`${name} could not pass the request on to its postmaster; its log says why`);
  } catch (error) {
    throw explained(error, { name, role });
  }
}

/** Tells whether a server refused because it is no standby any more. Nothing was changed. */
export const isNotInRecovery = (error: unknown): boolean => sqlState(error) === "55000";

/** The grant that a promotion needs, for a sentence. */
export const promoteGrant = (role: string): string =>
  `grant execute on function pg_promote(boolean, integer) to ${quoteName(role)}`;

function explained(error: unknown, { name, role }: { name: string; role: string }): unknown {
  const state = sqlState(error);
  // A function that is not there, or one that this role may not call.
  if (state !== "42501" && state !== "42883") return error;
  return new CannotContinue(
    {
      happened: `${name} did not let Muster call pg_promote().`,
      means: "This call changed nothing.",
      todo: `Where its writer still lives, say there, in the application's database: ${promoteGrant(role)}. Otherwise promote ${name} as its administrator. Then press Continue.`,
    },
    { cause: error },
  );
}
