import { isNotInRecovery, promoteStandby as promote } from "../adapters/postgres-standby.ts";
import { getPromotedAt, getReplicationState } from "../adapters/postgres-state.ts";
import { whyUnreachable } from "../adapters/unreachable.ts";
import { isUnknown, step, unknown, type StepContext, type Unknown } from "../engine/step.ts";
import { CannotContinue } from "../errors.ts";
import { asMuster } from "./database.ts";
import { answersAgain, stopBesideReturned } from "./returned-writer.ts";
import type { DatabaseTarget } from "./targets.ts";
import { timelineBefore } from "./timelines.ts";

export type PromoteStandbyInput = {
  service: string;
  /** A server that only its own administrators manage. */
  replica: DatabaseTarget;
  /** The old writer; plans of the release before do not name it. */
  from?: DatabaseTarget;
};

export type PromoteStandbySeen = {
  inRecovery: boolean;
  timeline: number | null;
  /** When it left recovery, by the server's own clock (ISO); where that cannot be read, when it was last looked at. */
  promotedAt: string | null;
};

/** Makes a self-managed standby the writer, by its own pg_promote(). There is no way back from here. */
export const promoteStandby = step<PromoteStandbyInput, PromoteStandbySeen>({
  name: "promote-standby",
  title: ({ service, replica }) => `make ${replica.instance} in ${replica.region} the writer of ${service}`,

  async observe(ctx, { service, replica, from }, reads) {
    const promotion = { service, step: "promote-standby", replica, reads, ...(from && { from }) };
    const [seen, answers] = await Promise.all([askServer(ctx, replica), answersAgain(ctx, promotion)]);
    if (isUnknown(seen)) return seen;
    const { hearsWriter, ...standby } = seen;
    await stopBesideReturned(ctx, promotion, { hearsWriter, answers });
    return standby;
  },

  missing({ inRecovery, timeline }, { replica }, reads) {
    if (inRecovery) return `${replica.instance} is still in recovery`;
    return sameTimeline(timeline, replica, timelineBefore(reads));
  },

  // Out of recovery on the old timeline: it was started as a writer, not promoted, and pg_promote would be refused.
  notYet: ({ inRecovery, timeline }, { replica }, reads) =>
    inRecovery ? undefined : sameTimeline(timeline, replica, timelineBefore(reads)),

  apply: (ctx, { replica }) =>
    asMuster(ctx, replica, "PromoteStandby", (sql) =>
      promote(sql, { name: replica.instance, role: ctx.clients.pg.guard.user }),
    ),

  hadNoEffect: (error) => isNotInRecovery(error) || error instanceof CannotContinue,

  undo: { oneWay: "a promoted standby cannot follow its old writer again; a new one has to be built" },

  // It replays first what it has received, however much that is.
  patienceSeconds: 1800,
  settleSeconds: 10,
  pollSeconds: 2,
});

async function askServer(
  ctx: StepContext,
  replica: DatabaseTarget,
): Promise<Unknown | (PromoteStandbySeen & { hearsWriter: boolean })> {
  try {
    return await asMuster(ctx, replica, "LookAtStandby", async (sql) => {
      const { inRecovery, timeline, serverAt, hearsWriter } = await getReplicationState(sql);
      const promotedAt = inRecovery ? null : ((await getPromotedAt(sql)) ?? serverAt);
      return { inRecovery, timeline, promotedAt, hearsWriter };
    });
  } catch (error) {
    ctx.signal.throwIfAborted();
    const why = whyUnreachable(error);
    if (!why) throw error;
    return unknown(`${replica.instance} ${why}`);
  }
}

const sameTimeline = (
  now: number | null,
  { instance }: DatabaseTarget,
  before: number | undefined,
): string | undefined =>
  before !== undefined && now !== null && now <= before
    ? `${instance} takes writes and is still on timeline ${before}, as before its promotion`
    : undefined;
