import { fenceRole, getRole, GuardRefused } from "../adapters/postgres-fence.ts";
import { countRowsSince, type TableCounts } from "../adapters/postgres-counts.ts";
import { getReplicationState, lsnBytes } from "../adapters/postgres-state.ts";
import { whyUnreachable } from "../adapters/unreachable.ts";
import { step, type StepContext } from "../engine/step.ts";
import { CannotContinue, messageOf } from "../errors.ts";
import { capital } from "../spelling.ts";
import { appRoleOf, asMuster, tryWriteAsApp } from "./database.ts";
import { sayDivergence, type Divergence } from "./divergence.ts";
import { intendedBefore } from "./own-journal.ts";
import { countingShare, countTables, rowsBeyond } from "./row-counts.ts";
import { lookAtThoseThatAnswer, pods, setReplicas, type SeenDeployment, type Unasked } from "./scaling.ts";
import { spelt, type DatabaseTarget, type DeploymentTarget } from "./targets.ts";
import { writerSince } from "./writer-since.ts";

export type FenceReturnedInput = {
  service: string;
  /** The old writer that answers again. */
  from: DatabaseTarget;
  /** The replica that was promoted; plans of the release before do not name it. */
  to?: DatabaseTarget;
  /** Its promotion was accepted when the old writer came back: the fence need not wait until it takes writes. */
  accepted?: boolean;
  /** The application beside it. */
  deployments: DeploymentTarget[];
  /** What the new writer started from: rows, and the position of the log; null where the failover could not tell. */
  baseline: TableCounts | null;
  replayLsn: string | null;
  /** When the new writer took its first write, by the database's clock (ISO). */
  promotedAt: string | null;
};

export type FenceReturnedSeen = {
  /** Why the promoted replica is not seen to take writes; null where it does. */
  noWriter: string | null;
  canLogIn: boolean;
  sessions: number;
  deployments: SeenDeployment[];
  /** Deployments that could not be looked at; results of the release before do not have it. */
  unasked?: Unasked[];
  /** Those that are silent were waited for long enough. */
  waited?: boolean;
  provenBy: string | null;
  unproven: string | null;
  /** Measured once nothing can be added any more. */
  writesAfterPromotion: Divergence | null;
};

/** Fences an old writer that came back, and measures what it holds that the new one does not. */
export const fenceReturned = step<FenceReturnedInput, FenceReturnedSeen>({
  name: "fence-returned",
  title: ({ service, from }) => `stop all writes of ${service} at ${from.instance}, which answers again`,

  async observe(ctx, input) {
    const { from } = input;
    await stopBeforeWriter(ctx, from);
    // A cluster that is silent still, or a deployment that is gone, keeps nobody from fencing the database.
    const [noWriter, role, applications] = await Promise.all([
      whyNoWriter(ctx, input),
      asMuster(ctx, from, "LookAtFence", (sql) => getRole(sql, appRoleOf(ctx, from))),
      lookAtThoseThatAnswer(ctx, input.deployments),
    ]);
    const { canLogIn, sessions } = role ?? { canLogIn: false, sessions: 0 };
    const waited =
      applications.unasked.some(isSilent) &&
      (await intendedBefore(ctx, `${input.service}/fence-returned`, longestSilence));
    const stands = { waited, noWriter, canLogIn, sessions, ...applications };
    const open = { ...stands, provenBy: null, unproven: null, writesAfterPromotion: null };
    if (canLogIn || sessions > 0) return open;
    const attempt = await tryWriteAsApp(ctx, from);
    if (attempt.accepted !== false) return { ...open, unproven: attempt.accepted === true ? null : attempt.because };
    return { ...open, provenBy: attempt.because, writesAfterPromotion: await measure(ctx, input) };
  },

  missing({ canLogIn, sessions, deployments, unasked = [], waited, provenBy, unproven }, { from }) {
    if (canLogIn) return `the application may still write at ${from.instance}`;
    if (sessions > 0) return `${sessions} sessions of the application are still open at ${from.instance}`;
    if (provenBy === null) return `the fence at ${from.instance} is not proven: ${unproven ?? "a write was accepted"}`;
    const silent = unasked.find(isSilent);
    if (silent && !waited) return sayNotStopped(silent);
    const running = deployments.find(({ scale }) => scale.replicas > 0 || scale.existing > 0);
    return (
      running && `${pods(Math.max(running.scale.replicas, running.scale.existing))} of ${spelt(running)} still run`
    );
  },

  // A promotion that was asked for may have been refused: then the old writer is the only one.
  notYet: ({ noWriter }, { from }) =>
    noWriter === null ? undefined : `${noWriter}, and with ${from.instance} fenced nobody might take writes`,

  // What keeps two writers apart is the fence in the database, which is proven; pods that cannot be seen do not hold it up.
  found: ({ writesAfterPromotion, unasked = [] }, { from }) =>
    [sayDivergence(writesAfterPromotion, from.instance), ...unasked.map((one) => sayUnasked(one, from))].join(" "),

  async apply(ctx, { from, deployments }) {
    // The database first: it alone keeps the old side from writing.
    const role = appRoleOf(ctx, from);
    await asMuster(ctx, from, "FenceRole", (sql) => fenceRole(sql, role, ctx));
    // Looked at again: pods that come up beside an old writer that came up change the deployment all the time.
    const now = await lookAtThoseThatAnswer(ctx, deployments);
    await setReplicas(ctx, now.deployments, () => 0);
    // So that it is tried again: a cluster often answers some moments after its region's database.
    const silent = now.unasked.find(isSilent);
    if (silent) throw new Error(sayNotStopped(silent));
  },

  hadNoEffect: (error) => error instanceof GuardRefused,

  undo: { oneWay: "an old writer is never opened again beside a new one" },

  patienceSeconds: 300,
  settleSeconds: 10,
  pollSeconds: 3,
});

/** Since this was asked for people may have built the old one anew and gone back to it: then it is the writer. */
async function stopBeforeWriter(ctx: StepContext, old: DatabaseTarget): Promise<void> {
  const run = await writerSince(ctx, old);
  if (run === undefined) return;
  throw new CannotContinue({
    happened: `Run ${run} makes ${old.instance} the writer again, or has done so.`,
    means: "Fenced, it would leave nobody to take writes. This run changes nothing more there.",
    todo: "Abandon this run: what it was for is over.",
  });
}

/** For how long after the fence a cluster is waited for, in seconds. */
const longestSilence = 60;

/** A deployment that does not exist has no pods; of all others nobody knows. */
const isSilent = ({ because }: Unasked): boolean => because !== null;

const sayNotStopped = ({ because, ...deployment }: Unasked): string =>
  `pods of ${spelt(deployment)} were not stopped: ${because}`;

const sayUnasked = (unasked: Unasked, { instance }: DatabaseTarget): string =>
  unasked.because === null
    ? `There is no deployment ${spelt(unasked)}, so none was stopped.`
    : `${capital(sayNotStopped(unasked))}. They cannot write at ${instance}; scale the deployment to 0 once that can be done.`;

async function whyNoWriter(
  ctx: StepContext,
  { to, accepted = false }: Pick<FenceReturnedInput, "to" | "accepted">,
): Promise<string | null> {
  // What the old side takes until then would never reach the new writer.
  if (accepted) return null;
  if (!to) return "which replica was promoted does not stand in this plan";
  try {
    const { inRecovery } = await asMuster(ctx, to, "LookAtReplica", getReplicationState);
    return inRecovery ? `${to.instance} does not take writes` : null;
  } catch (error) {
    ctx.signal.throwIfAborted();
    return `${to.instance} ${whyUnreachable(error) ?? `does not let Muster look into it: ${messageOf(error)}`}`;
  }
}

async function measure(ctx: StepContext, input: FenceReturnedInput): Promise<Divergence> {
  const { from, baseline, replayLsn, promotedAt } = input;
  const budgetMs = ctx.callTimeoutMs * countingShare;
  const { currentLsn } = await asMuster(ctx, from, "LookAtFence", getReplicationState);
  const counts = baseline && (await countTables(ctx, from));
  return {
    bytes: currentLsn && replayLsn ? Math.max(0, Number(lsnBytes(currentLsn) - lsnBytes(replayLsn))) : null,
    rows: counts && rowsBeyond(counts, baseline),
    rowsAfterPromotion:
      promotedAt === null
        ? null
        : await asMuster(ctx, from, "CountRowsSince", (sql) => countRowsSince(sql, promotedAt, budgetMs)),
  };
}
