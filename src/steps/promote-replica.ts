import { getPromotedAt, getReplicationState } from "../adapters/postgres-state.ts";
import { getInstance, isInvalidState, isThrottled, promoteReplica as promote } from "../adapters/rds.ts";
import { stateOf } from "../adapters/rds-states.ts";
import { isRefusal } from "../adapters/aws-errors.ts";
import { whyUnreachable } from "../adapters/unreachable.ts";
import { CannotContinue, correctEstate } from "../errors.ts";
import { capital } from "../spelling.ts";
import { step, type StepContext } from "../engine/step.ts";
import { asMuster } from "./database.ts";
import { answersAgain, stopBesideReturned } from "./returned-writer.ts";
import type { DatabaseTarget } from "./targets.ts";

export type PromoteReplicaInput = {
  service: string;
  replica: DatabaseTarget;
  /** The old writer; plans of the release before do not name it. */
  from?: DatabaseTarget;
  /** Days, 1 to 35: without backups no new replica could be made of it. */
  backupRetentionDays: number;
};

export type PromoteReplicaSeen = {
  status: string;
  sourceId: string | null;
  replication: string | null;
  /** By its own word; null while it does not answer. */
  inRecovery: boolean | null;
  /** When it left recovery, by the server's own clock (ISO); where that cannot be read, when it was last looked at. */
  promotedAt: string | null;
};

/** Makes the replica the writer. There is no way back from here. */
export const promoteReplica = step<PromoteReplicaInput, PromoteReplicaSeen>({
  name: "promote-replica",
  title: ({ service, replica }) => `make ${replica.instance} in ${replica.region} the writer of ${service}`,

  async observe(ctx, { service, replica, from }, reads) {
    const promotion = { service, step: "promote-replica", replica, reads, ...(from && { from }) };
    const [instance, answers] = await Promise.all([
      getInstance(ctx, ctx.clients.rds(replica.region), replica.instance, { signal: ctx.signal }),
      answersAgain(ctx, promotion),
    ]);
    if (!instance) throw notThere(replica);
    const { status, sourceId, replication } = instance;
    if (stateOf(status).isHopeless) throw hopeless(replica, status);
    const { hearsWriter, ...sql } = await askServer(ctx, replica);
    await stopBesideReturned(ctx, promotion, { hearsWriter, answers });
    return { status, sourceId: sourceId ?? null, replication: replication ?? null, ...sql };
  },

  missing({ status, sourceId, replication, inRecovery }, { replica }) {
    if (!stateOf(status).serves) return `${replica.instance} is still "${status}", not available`;
    if (sourceId !== null) return `${replica.instance} is still a replica of ${shortName(sourceId)}`;
    if (replication !== null) return `${replica.instance} still says that its replication is "${replication}"`;
    if (inRecovery === null) return `${replica.instance} does not answer yet`;
    return inRecovery ? `${replica.instance} does not take writes yet` : undefined;
  },

  notYet({ status, sourceId, replication, inRecovery }, { replica }) {
    if (stateOf(status).promotes !== "yes")
      return `${replica.instance} is "${status}", and cannot be promoted before it is available`;
    if (sourceId !== null) return undefined;
    // No replica any more by RDS's word: a second promotion would be refused, and what is left needs time only.
    if (replication !== null || inRecovery !== false) return `${replica.instance} is on its way to being a writer`;
    return undefined;
  },

  apply: (ctx, { replica, backupRetentionDays }) =>
    promote(ctx, ctx.clients.rds(replica.region), replica.instance, { backupRetentionDays }, { signal: ctx.signal }),

  hadNoEffect: (error) =>
    isInvalidState(error) || isThrottled(error) || isRefusal(error) || error instanceof CannotContinue,

  undo: { oneWay: "a promoted replica cannot follow its old writer again; a new one has to be built" },

  patienceSeconds: 1800,
  // RDS may show the old state for some seconds after it took the call.
  settleSeconds: 60,
  // An instance that is being promoted says so within a minute or two.
  traceSeconds: 600,
  pollSeconds: 5,
});

type Asked = Pick<PromoteReplicaSeen, "inRecovery" | "promotedAt"> & { hearsWriter: boolean };

async function askServer(ctx: StepContext, replica: DatabaseTarget): Promise<Asked> {
  try {
    return await asMuster(ctx, replica, "LookAtReplica", async (sql) => {
      const { inRecovery, serverAt, hearsWriter } = await getReplicationState(sql);
      return { inRecovery, promotedAt: inRecovery ? null : ((await getPromotedAt(sql)) ?? serverAt), hearsWriter };
    });
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (!whyUnreachable(error)) throw error;
    return { inRecovery: null, promotedAt: null, hearsWriter: false };
  }
}

function hopeless({ instance, region }: DatabaseTarget, status: string): CannotContinue {
  return new CannotContinue({
    happened: `${instance} is "${status}", a state that does not end by itself.`,
    means: `No database in ${region} takes writes; the old writer is as the fence left it.`,
    todo: `Look at ${instance} in the RDS console of ${region}; press Continue once it is available.`,
  });
}

function notThere({ instance, region }: DatabaseTarget): CannotContinue {
  return new CannotContinue({
    happened: `RDS in ${region} has no instance ${instance}.`,
    means: "Nothing is there to be promoted, and where the fence holds the service cannot write in the old region.",
    todo: `${capital(correctEstate())}. Undo opens writes there again.`,
  });
}

const shortName = (id: string): string => id.split(":").at(-1) ?? id;
