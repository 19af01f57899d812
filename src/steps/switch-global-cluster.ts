import { isRefusal, isThrottled } from "../adapters/aws-errors.ts";
import { getReplicationState } from "../adapters/postgres-state.ts";
import { changeRoles, getGlobalCluster, isInvalidGlobalState, type RoleChange } from "../adapters/rds-global.ts";
import { whyUnreachable } from "../adapters/unreachable.ts";
import { isUnknown, step, type StepContext } from "../engine/step.ts";
import { CannotContinue, correctEstate } from "../errors.ts";
import { capital } from "../spelling.ts";
import { asMuster } from "./database.ts";
import { answersAgain, stopBesideReturned } from "./returned-writer.ts";
import type { DatabaseTarget } from "./targets.ts";

export type SwitchGlobalClusterInput = {
  service: string;
  /** The global cluster. */
  global: string;
  /** The secondary that becomes its primary, by its writer endpoint, which answers from then on. */
  replica: DatabaseTarget;
  /** Where it answers while it is a secondary; plans of earlier releases have none. */
  reader?: { host: string; port: number };
  /** The old writer; plans of earlier releases have none. */
  from?: DatabaseTarget;
  targetArn: string;
  change: RoleChange;
  /** Where the change is asked for: a switchover in the region that is left, a failover in the one that is entered. */
  askedIn: string;
};

export type SwitchGlobalClusterSeen = {
  status: string;
  isPrimary: boolean;
  moving: { status: string; toArn: string } | null;
  /** By its own word; null while it does not answer. */
  inRecovery: boolean | null;
  /** When it was first seen to take writes, by its own clock (ISO); Aurora does not tell since when. */
  promotedAt: string | null;
};

/** Makes a secondary of a global cluster its primary. Only another change of roles leads back. */
export const switchGlobalCluster = step<SwitchGlobalClusterInput, SwitchGlobalClusterSeen>({
  name: "switch-global-cluster",
  title: ({ service, replica }) => `make ${replica.instance} in ${replica.region} the writer of ${service}`,

  async observe(ctx, { service, global, replica, reader, from, targetArn }, reads) {
    // In the region that is entered, whatever became of the other.
    const found = await getGlobalCluster(ctx, ctx.clients.rds(replica.region), global, { signal: ctx.signal });
    if (!found) throw notThere(global, replica);
    const { status, members, moving } = found;
    const isPrimary = members.some(({ arn, isWriter }) => arn === targetArn && isWriter);
    if (!isPrimary && !moving && reader && isUnknown(reads["fence-writes"])) {
      const promotion = { service, step: "switch-global-cluster", replica, reads, ...(from && { from }) };
      const [{ hearsWriter }, answers] = await Promise.all([
        askServer(ctx, { ...replica, ...reader }),
        answersAgain(ctx, promotion),
      ]);
      await stopBesideReturned(ctx, promotion, { hearsWriter, answers });
    }
    // Before that its writer endpoint answers nobody.
    const { inRecovery, promotedAt } = isPrimary ? await askServer(ctx, replica) : silent;
    return { status, isPrimary, moving: moving ?? null, inRecovery, promotedAt };
  },

  missing({ status, isPrimary, moving, inRecovery }, { global, replica }) {
    if (moving) return `${global} is still "${moving.status}"`;
    if (!isPrimary) return `${replica.instance} is still a secondary of ${global}`;
    if (status !== "available") return `${global} is still "${status}", not available`;
    if (inRecovery === null) return `${replica.instance} does not answer yet`;
    return inRecovery ? `${replica.instance} does not take writes yet` : undefined;
  },

  notYet({ status, isPrimary, moving }, { global, replica }) {
    if (moving) return `${global} is "${moving.status}", and its roles cannot be changed meanwhile`;
    if (isPrimary) return `${replica.instance} is on its way to being a writer`;
    return status === "available"
      ? undefined
      : `${global} is "${status}", and its roles cannot be changed before it is available`;
  },

  apply: (ctx, { change, global, targetArn, askedIn }) =>
    changeRoles(ctx, ctx.clients.rds(askedIn), { change, global, targetArn }, { signal: ctx.signal }),

  hadNoEffect: (error) =>
    isInvalidGlobalState(error) || isThrottled(error) || isRefusal(error) || error instanceof CannotContinue,

  undo: { oneWay: "only another change of the global cluster's roles leads back, and that is a move of its own" },

  patienceSeconds: 1800,
  // RDS may show the old state for some seconds after it took the call.
  settleSeconds: 60,
  // A global cluster whose roles are being changed says so within a minute or two.
  traceSeconds: 600,
  pollSeconds: 10,
});

type Asked = Pick<SwitchGlobalClusterSeen, "inRecovery" | "promotedAt"> & { hearsWriter: boolean };

const silent: Asked = { inRecovery: null, promotedAt: null, hearsWriter: false };

async function askServer(ctx: StepContext, replica: DatabaseTarget): Promise<Asked> {
  try {
    const { inRecovery, serverAt, hearsWriter } = await asMuster(ctx, replica, "LookAtReplica", getReplicationState);
    return { inRecovery, promotedAt: inRecovery ? null : serverAt, hearsWriter };
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (!whyUnreachable(error)) throw error;
    return silent;
  }
}

function notThere(global: string, { region }: DatabaseTarget): CannotContinue {
  return new CannotContinue({
    happened: `RDS in ${region} has no global cluster ${global}.`,
    means: "Nothing is there to be promoted, and where the fence holds the service cannot write in the old region.",
    todo: `${capital(correctEstate())}. Undo opens writes there again.`,
  });
}
