import { fenceRole, getRole, GuardRefused, unfenceRole } from "../adapters/postgres-fence.ts";
import type { TableCounts } from "../adapters/postgres-counts.ts";
import { getHeartbeat, getReplicationState } from "../adapters/postgres-state.ts";
import { whyUnreachable } from "../adapters/unreachable.ts";
import { briefly } from "../call.ts";
import { CannotContinue, messageOf } from "../errors.ts";
import { step, unknown, type StepContext } from "../engine/step.ts";
import { appRoleOf, asMuster, tryWriteAsApp } from "./database.ts";
import { countTables } from "./row-counts.ts";
import type { DatabaseTarget, Mode } from "./targets.ts";

export type FenceWritesInput = {
  service: string;
  mode: Mode;
  /** The writer that is left. */
  from: DatabaseTarget;
  /** Its replica: the second vantage point. */
  to: DatabaseTarget;
  /** Set where preflight heard of the old side from neither vantage point: one more look is enough then. */
  silent?: true;
};

/** The role as it stands; once no write is possible, also what later steps stand on. */
export type FenceWritesSeen = {
  canLogIn: boolean;
  sessions: number;
  /** How the server refused a write as the application's own role; null while it does not. */
  provenBy: string | null;
  /** Why the attempt proved nothing. */
  unproven: string | null;
  /** Set where the role may log in, and the server refused its write all the same. */
  refused?: true;
  /** Everything the old writer wrote for the application lies before this position of its log. */
  fenceLsn: string | null;
  timeline: number | null;
  heartbeatAt: string | null;
  /** Null also where they could not be counted. */
  counts: TableCounts | null;
};

/** Takes the old writer's right to change data from the application, and proves it by trying. */
export const fenceWrites = step<FenceWritesInput, FenceWritesSeen>({
  name: "fence-writes",
  title: ({ service, from }) => `stop all writes of ${service} at ${from.instance} in ${from.region}`,

  async observe(ctx, { from, to, silent = false }) {
    try {
      return await lookAtFence(ctx, from, silent);
    } catch (error) {
      ctx.signal.throwIfAborted();
      const why = whyUnreachable(error);
      if (!why) throw error;
      return hearsWriter(ctx, from, to, why);
    }
  },

  missing({ canLogIn, sessions, provenBy, unproven }, { from }) {
    if (provenBy !== null) return undefined;
    if (canLogIn) return `the application may still write at ${from.instance}`;
    if (sessions > 0) return `${sessions} sessions of the application are still open at ${from.instance}`;
    return `the fence at ${from.instance} is not proven: ${unproven ?? "no write was tried"}`;
  },

  async apply(ctx, { from }) {
    const role = appRoleOf(ctx, from);
    await asMuster(ctx, from, "FenceRole", (sql) => fenceRole(sql, role, ctx));
  },

  hadNoEffect: (error) => error instanceof GuardRefused || error instanceof CannotContinue,

  undo: {
    async apply(ctx, { from, to }) {
      const role = appRoleOf(ctx, from);
      await stopBesideNewWriter(ctx, from, to);
      await asMuster(ctx, from, "UnfenceRole", (sql) => unfenceRole(sql, role, ctx));
    },
    missing({ canLogIn, refused, unproven }, before, { from }) {
      if (!before.canLogIn) return undefined;
      if (!canLogIn) return `the application may not log in at ${from.instance} yet`;
      // What Muster cannot log in with, a stale password above all, the application need not have either.
      return refused ? `the application cannot write at ${from.instance}: ${unproven}` : undefined;
    },
  },

  patienceSeconds: ({ mode }) => (mode === "graceful" ? 300 : 60),
  settleSeconds: 5,
  pollSeconds: 3,
  // Then the two approvals cover what an old writer may still take. In a graceful move the fence must hold.
  acceptsUnknown: ({ mode, silent }) => mode === "ungraceful" && (silent ? "at once" : true),
});

async function lookAtFence(ctx: StepContext, from: DatabaseTarget, silent: boolean): Promise<FenceWritesSeen> {
  const name = appRoleOf(ctx, from);
  const inTime = silent ? briefly(ctx) : ctx;
  const { role, state } = await asMuster(inTime, from, "LookAtFence", async (sql) => ({
    role: await getRole(sql, name),
    state: await getReplicationState(sql),
  }));
  if (!role) throw noSuchRole(name, from);
  const nothing = { provenBy: null, unproven: null, fenceLsn: null, timeline: null, heartbeatAt: null, counts: null };
  if (!state.inRecovery && !role.canLogIn && role.sessions > 0) return { ...nothing, ...role };

  // While the role is open, this proves on the way back that the application can work again; it leaves nothing behind.
  const attempt = await tryWriteAsApp(ctx, from).catch((error: unknown) => {
    ctx.signal.throwIfAborted();
    return { accepted: "unknown" as const, because: messageOf(error) };
  });
  if (attempt.accepted === true) return { ...nothing, ...role };
  if (attempt.accepted === "unknown") return { ...nothing, ...role, unproven: attempt.because };
  if (role.canLogIn && !state.inRecovery) return { ...nothing, ...role, unproven: attempt.because, refused: true };
  return { ...role, provenBy: attempt.because, unproven: null, ...(await takeBaseline(ctx, from)) };
}

/** Reads what later steps stand on, from a writer whose fence is proven: a failure here says nothing against the fence. */
async function takeBaseline(
  ctx: StepContext,
  from: DatabaseTarget,
): Promise<Pick<FenceWritesSeen, "fenceLsn" | "timeline" | "heartbeatAt" | "counts">> {
  const look = asMuster(ctx, from, "TakeBaseline", async (sql) => ({
    now: await getReplicationState(sql),
    heartbeatAt: await getHeartbeat(sql),
  }));
  const { now, heartbeatAt } = await look.catch((error: unknown) => {
    ctx.signal.throwIfAborted();
    throw new Error(
      `${from.instance} takes no writes of the application any more, but where its log ends was not seen: it ${whyUnreachable(error) ?? messageOf(error)}`,
    );
  });
  return {
    fenceLsn: now.currentLsn ?? now.replayLsn ?? null,
    timeline: now.timeline,
    heartbeatAt: heartbeatAt ?? null,
    counts: await countTables(ctx, from),
  };
}

/** Muster cannot reach the old writer: whether it lives is then for its replica to say. */
async function hearsWriter(ctx: StepContext, from: DatabaseTarget, to: DatabaseTarget, why: string) {
  const alone = `${from.instance} ${why}`;
  try {
    const { hearsWriter: hears } = await asMuster(ctx, to, "LookAtReplica", getReplicationState);
    if (!hears) return unknown(`${alone}, and its replica ${to.instance} does not hear from it either`);
  } catch (error) {
    ctx.signal.throwIfAborted();
    const replicaWhy = whyUnreachable(error);
    if (!replicaWhy) throw error;
    return unknown(`${alone}, and its replica ${to.instance} ${replicaWhy}`);
  }
  throw new Error(`${alone}, but its replica ${to.instance} still receives from it: it lives, and is not fenced`);
}

/** An old writer is not given back to the application beside a new one, whoever promoted that. Out of sight it was not promoted by this run. */
async function stopBesideNewWriter(ctx: StepContext, from: DatabaseTarget, to: DatabaseTarget): Promise<void> {
  const state = await asMuster(ctx, to, "LookAtReplica", getReplicationState).catch((error: unknown) => {
    ctx.signal.throwIfAborted();
    if (whyUnreachable(error) === undefined) throw error;
    return undefined;
  });
  if (!state || state.inRecovery) return;
  throw new CannotContinue({
    happened: `${to.instance} takes writes: it was promoted, and not by what this run remembers.`,
    means: `With ${from.instance} open again there would be two writers. It stays fenced.`,
    todo: `Decide which of them is the writer. Once ${to.instance} takes no writes, press Continue; if it is to stay, abandon this run.`,
  });
}

function noSuchRole(name: string, from: DatabaseTarget): CannotContinue {
  return new CannotContinue({
    happened: `${from.instance} has no role "${name}".`,
    means: "Nothing was fenced; what this run changed before that stays changed.",
    todo: "Press Undo to take it back, correct appRole in the estate file, then type the command anew.",
  });
}
