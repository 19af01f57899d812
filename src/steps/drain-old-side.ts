import { whyUnreachable } from "../adapters/unreachable.ts";
import { step, unknown } from "../engine/step.ts";
import { changedNothing } from "./conflicts.ts";
import { isCurrent, lookAtDeployments, makeAll, notRestored, pods, replicasRestored, setReplicas } from "./scaling.ts";
import type { SeenDeployment } from "./scaling.ts";
import { spelt, type DeploymentTarget, type Mode } from "./targets.ts";

export type DrainOldSideInput = {
  service: string;
  fromRegion: string;
  mode: Mode;
  deployments: DeploymentTarget[];
};

export type DrainOldSideSeen = { deployments: SeenDeployment[] };

/** Stops the application in the region that is left: the first rung of the fence, and the gentle one. */
export const drainOldSide = step<DrainOldSideInput, DrainOldSideSeen>({
  name: "drain-old-side",
  title: ({ service, fromRegion }) => `stop all pods of ${service} in ${fromRegion}`,

  async observe(ctx, { deployments }) {
    try {
      return { deployments: await lookAtDeployments(ctx, deployments) };
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
    const running = deployments.find((deployment) => deployment.scale.existing > 0 || !isCurrent(deployment));
    return running && `${pods(running.scale.existing)} of ${spelt(running)} still run`;
  },

  apply: (ctx, _input, { seen }) => setReplicas(ctx, seen.deployments, () => 0),

  hadNoEffect: changedNothing,

  undo: {
    apply: (ctx, _input, { seen, before }) => makeAll(ctx, replicasRestored(seen.deployments, before.deployments)),
    missing: (seen, before) => notRestored(seen.deployments, before.deployments),
  },

  patienceSeconds: ({ mode }) => (mode === "graceful" ? 300 : 60),
  settleSeconds: 10,
  pollSeconds: 3,
  // What keeps two writers apart is the fence in the database, which is proven; pods that cannot be seen cannot hold it up.
  acceptsUnknown: () => true,
});
