import { getRole, hasCanary, writeCanary, type WriteAttempt } from "../adapters/postgres-fence.ts";
import type { TableCounts } from "../adapters/postgres-counts.ts";
import { getReplicationState } from "../adapters/postgres-state.ts";
import { whyUnreachable } from "../adapters/unreachable.ts";
import { step, type Json, type Reads, type StepContext } from "../engine/step.ts";
import { appRoleOf, asMuster, tryWriteAsApp } from "./database.ts";
import { countTables, doubts, lackedTable, type CountsBefore } from "./row-counts.ts";
import type { DatabaseTarget } from "./targets.ts";
import { fieldOf, timelineBefore } from "./timelines.ts";

export type VerifyDatabaseInput = { service: string; from: DatabaseTarget; to: DatabaseTarget };

/** The old writer as it stands beside the new one. "open" is what must never be. */
type OldSide = { state: "fenced" | "follows" | "unreachable" | "open" | "not asked yet"; why: string };

export type VerifyDatabaseSeen = {
  inRecovery: boolean;
  timeline: number | null;
  /** Whether a row of this run stands there; null where there is no schema to keep one. */
  canary: boolean | null;
  /** Null when a write as the application was accepted. */
  appRefused: string | null;
  /** Set where it was not refused, and could not be tried: every connection is taken. */
  full?: true;
  counts: TableCounts | null;
  /** What of its rows is not vouched for by a comparison with those before the promotion, and why. */
  notCompared: string | null;
  oldSide: OldSide;
};

/** Checks that the new writer takes writes, holds what it should, and is the only one. */
export const verifyDatabase = step<VerifyDatabaseInput, VerifyDatabaseSeen>({
  name: "verify-database",
  title: ({ to }) => `check that ${to.instance} takes writes, is whole, and is the only writer`,

  async observe(ctx, { from, to }, reads) {
    const own = await asMuster(ctx, to, "LookAtWriter", async (sql) => {
      const { inRecovery, timeline } = await getReplicationState(sql);
      return { inRecovery, timeline, canary: (await hasCanary(sql, ctx.runId)) ?? null };
    });
    const [counts, attempt, oldSide] = await Promise.all([
      countTables(ctx, to),
      tryWriteAsApp(ctx, to),
      // It may be dead, and a look at it take as long as a call may: nobody needs that before the canary stands.
      own.canary === false ? notAsked : lookAtOldSide(ctx, from),
    ]);
    const appRefused = whyRefused(attempt);
    return {
      ...own,
      appRefused,
      ...(attempt.accepted === "unknown" && attempt.full ? { full: true as const } : {}),
      counts,
      notCompared: doubts(counts, countsBefore(reads), to.instance),
      oldSide,
    };
  },

  missing(seen, { from, to }, reads) {
    if (seen.inRecovery) return `${to.instance} is still in recovery`;
    if (seen.canary === false) return `no row was written at ${to.instance} yet`;
    if (seen.full) return `no write of the application could be tried at ${to.instance}: ${seen.appRefused}`;
    if (seen.appRefused !== null) return `the application cannot write at ${to.instance}: ${seen.appRefused}`;
    const before = timelineBefore(reads);
    if (before !== undefined && seen.timeline !== null && seen.timeline <= before) {
      return `${to.instance} is still on timeline ${before}, as before its promotion`;
    }
    const lacked = lackedTable(seen.counts, countsBefore(reads));
    if (lacked) {
      return `${to.instance} had fewer rows when it had caught up than ${from.instance} behind its fence, and they were not seen there since: ${lacked}`;
    }
    return seen.oldSide.state === "open" ? `${from.instance} takes writes too: ${seen.oldSide.why}` : undefined;
  },

  notYet: ({ inRecovery }, { to }) => (inRecovery ? `${to.instance} is still in recovery` : undefined),

  apply: (ctx, { to }) => asMuster(ctx, to, "WriteCanary", (sql) => writeCanary(sql, ctx.runId, ctx.now())),

  undo: { nothing: "one row in muster_guard.canary stays as evidence" },

  patienceSeconds: 300,
  settleSeconds: 5,
  pollSeconds: 5,
});

/** Why the application cannot write; null where it can. */
function whyRefused(attempt: WriteAttempt): string | null {
  if (attempt.accepted !== true) return attempt.because;
  return attempt.onlyWhenAsked
    ? "its transactions are read-only there unless they ask to write; set default_transaction_read_only to off, in the server's configuration or for the role"
    : null;
}

const notAsked: OldSide = { state: "not asked yet", why: "the row that proves a write comes first" };

async function lookAtOldSide(ctx: StepContext, from: DatabaseTarget): Promise<OldSide> {
  try {
    const { role, state } = await asMuster(ctx, from, "LookAtOldWriter", async (sql) => ({
      role: await getRole(sql, appRoleOf(ctx, from)),
      state: await getReplicationState(sql),
    }));
    if (state.inRecovery) return { state: "follows", why: "it is in recovery" };
    if (!role || (!role.canLogIn && role.sessions === 0))
      return { state: "fenced", why: "the application may not log in" };
    return { state: "open", why: role.canLogIn ? "the application may log in" : `${role.sessions} sessions are open` };
  } catch (error) {
    ctx.signal.throwIfAborted();
    const why = whyUnreachable(error);
    if (!why) throw error;
    return { state: "unreachable", why: `it ${why}` };
  }
}

const countsBefore = (reads: Reads): CountsBefore => ({
  atFence: countsOf(reads["fence-writes"]),
  caughtUp: countsOf(reads["catch-up"]),
});

const countsOf = (result: Json | undefined): TableCounts | null =>
  (fieldOf(result, "counts") ?? null) as TableCounts | null;
