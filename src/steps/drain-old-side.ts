import { listPods } from "../adapters/kubernetes-pods.ts";
import { whyUnreachable } from "../adapters/unreachable.ts";
import { step, unknown, type StepContext } from "../engine/step.ts";
import { CannotContinue } from "../errors.ts";
import { changedNothing } from "./conflicts.ts";
import { isCurrent, lookAtDeployments, makeAll, notRestored, pods, replicasRestored, setReplicas } from "./scaling.ts";
import type { SeenDeployment } from "./scaling.ts";
import { spelt, type DeploymentTarget, type Mode } from "./targets.ts";

export type DrainOldSideInput = {
  service: string;
  fromRegion: string;
  mode: Mode;
  deployments: DeploymentTarget[];
  /** How long pods may take to end, in seconds, where that is longer than Kubernetes gives them by itself. */
  graceSeconds?: number;
};

type Draining = SeenDeployment & {
  /** Pods whose programs may run still. Left out where they need not be looked for, or must not. */
  running?: number;
};

export type DrainOldSideSeen = { deployments: Draining[] };

/** Stops the application in the region that is left: the first rung of the fence, and the gentle one. */
export const drainOldSide = step<DrainOldSideInput, DrainOldSideSeen>({
  name: "drain-old-side",
  title: ({ service, fromRegion }) => `stop all pods of ${service} in ${fromRegion}`,

  async observe(ctx, { mode, deployments }) {
    try {
      const seen = await lookAtDeployments(ctx, deployments);
      // Only gracefully does anybody wait until the last request is through.
      return { deployments: mode === "graceful" ? await Promise.all(seen.map((one) => countRunning(ctx, one))) : seen };
    } catch (error) {
      ctx.signal.throwIfAborted();
      const why = whyUnreachable(error);
      if (!why) throw error;
      const clusters = [...new Set(deployments.map(({ cluster }) => cluster))].join(" and ");
      return unknown(`the cluster ${clusters} ${why}`);
    }
  },

  missing({ deployments }) {
    const wanting = deployments.find(({ scale }) => scale.replicas > 0);
    if (wanting) return `${spelt(wanting)} still wants ${pods(wanting.scale.replicas)}`;
    const running = deployments.find((deployment) => stillRun(deployment) > 0 || !isCurrent(deployment));
    return running && `${pods(stillRun(running))} of ${spelt(running)} still run`;
  },

  apply: (ctx, _input, { seen }) => setReplicas(ctx, seen.deployments, () => 0),

  hadNoEffect: changedNothing,

  undo: {
    apply: (ctx, _input, { seen, before }) => makeAll(ctx, replicasRestored(seen.deployments, before.deployments)),
    missing: (seen, before) => notRestored(seen.deployments, before.deployments),
  },

  patienceSeconds: ({ mode, graceSeconds = 0 }) => (mode === "graceful" ? Math.max(300, graceSeconds + 30) : 60),
  settleSeconds: 10,
  pollSeconds: 3,
  // What keeps two writers apart is the fence in the database, which is proven; pods that cannot be seen cannot hold it up.
  acceptsUnknown: () => true,
});

/** A deployment's own count leaves out pods that are ending. */
const stillRun = ({ running = 0, scale }: Draining): number => Math.max(running, scale.existing);

/**
 * Counts pods of a deployment that run, or are ending and within their grace. One that is beyond it hangs, or its node is
 * lost: nobody would wait for that. Without the right to list pods, for which `muster doctor` asks, the deployment's own
 * count must do.
 */
async function countRunning(ctx: StepContext, deployment: SeenDeployment): Promise<Draining> {
  try {
    const cluster = ctx.clients.cluster(deployment.cluster);
    const alive = await listPods(ctx, cluster, deployment, { signal: ctx.signal });
    const now = ctx.now().getTime();
    const running = alive.filter(({ endsBy }) => endsBy === undefined || Date.parse(endsBy) > now);
    return { ...deployment, running: running.length };
  } catch (error) {
    if (error instanceof CannotContinue) return deployment;
    throw error;
  }
}
