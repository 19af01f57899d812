import { asGuard, withPostgres } from "../adapters/postgres.ts";
import { getStandbyState, type StandbyState } from "../adapters/postgres-standby.ts";
import { getRoleRights, type RoleRights } from "../adapters/postgres-rights.ts";
import { keepsJournal } from "../adapters/postgres-journal.ts";
import { getApplyDelay, getHeartbeat, getReplicationState, hasGuard, lsnBytes } from "../adapters/postgres-state.ts";
import type { Context } from "../context.ts";
import { explainAs } from "./explain.ts";
import { look, type Fact } from "./fact.ts";

/** One database server by its own words. Moments are ISO, positions are LSNs. */
export type ServerFacts = {
  takesWrites: boolean;
  /** On a writer the position written, on a replica the position applied. */
  lsn?: string;
  /** On a replica: received, and not yet applied. */
  unappliedBytes?: number;
  /** On a replica that applies everything late on purpose: so late. */
  applyDelaySeconds?: number;
  /** On a replica: whether it hears its writer. */
  hearsWriter: boolean;
  /** The newest heartbeat that stands in it; absent where the guard schema is not there. */
  beatAt?: string;
  /** Whether the guard schema stands there. */
  guard?: boolean;
  /** Set where an older Muster's guard.sql made it: Muster's journal has no witness there. */
  guardIsOlder?: true;
  /** What Muster may do about the application's role; null where the server has none of that name. */
  role?: RoleRights | null;
  /** Set where the application's role may log in, and Muster was not let in as it: why. */
  applicationShut?: string;
  /** Where no control plane knows the server: what its promotion hangs on. */
  standby?: StandbyState;
};

/** A database of a server; the application's role there, where that matters; and whether nothing else manages the server. */
export type ServerPlace = {
  instance: string;
  host: string;
  port: number;
  database: string;
  role?: string;
  selfManaged?: boolean;
  /** The region of a cluster of Aurora. */
  aurora?: string;
};

/** Asks a database server where it stands in replication, and which heartbeat it has. */
export function lookAtServer(ctx: Context, place: ServerPlace): Promise<Fact<ServerFacts>> {
  const { pg } = ctx.clients;
  return look(
    ctx,
    () =>
      withPostgres(ctx, pg, asGuard(pg, place), "LookAtReplication", async (sql) => {
        const { inRecovery, currentLsn, replayLsn, receiveLsn, hearsWriter } = await getReplicationState(sql);
        const guard = await hasGuard(sql);
        const beatAt = guard ? await getHeartbeat(sql) : undefined;
        const rights = place.role === undefined ? {} : { role: (await getRoleRights(sql, place.role)) ?? null };
        const applyDelaySeconds = inRecovery ? await getApplyDelay(sql) : 0;
        const lsn = currentLsn ?? replayLsn;
        const unappliedBytes = bytesBetween(replayLsn, receiveLsn);
        return {
          takesWrites: !inRecovery,
          hearsWriter,
          guard,
          ...(guard && !(await keepsJournal(sql)) ? { guardIsOlder: true as const } : {}),
          ...rights,
          ...(place.selfManaged ? { standby: await getStandbyState(sql) } : {}),
          ...(lsn === undefined ? {} : { lsn }),
          ...(applyDelaySeconds > 0 ? { applyDelaySeconds } : {}),
          ...(unappliedBytes === undefined ? {} : { unappliedBytes }),
          ...(beatAt === undefined ? {} : { beatAt: new Date(beatAt).toISOString() }),
        };
      }),
    explainAs(place.instance),
  );
}

/** Counts the bytes of log between two positions; undefined where one is not known. */
export function bytesBetween(from: string | undefined, to: string | undefined): number | undefined {
  if (from === undefined || to === undefined) return undefined;
  return Math.max(0, Number(lsnBytes(to) - lsnBytes(from)));
}
