import { step } from "../engine/step.ts";
import { boundsNotRestored, boundsRaised, boundsRestored, keepsTooFew, lookAtBounds } from "./autoscaling.ts";
import type { Scaled } from "./autoscaling.ts";
import { changedNothing } from "./conflicts.ts";
import {
  isCurrent,
  lookAtDeployments,
  makeAll,
  notRestored,
  pods,
  replicaChanges,
  replicasRestored,
} from "./scaling.ts";
import { spelt, type DeploymentTarget } from "./targets.ts";

export type ScaleDeploymentInput = {
  service: string;
  toRegion: string;
  deployments: DeploymentTarget[];
  /** "running": the pods need only be there. Before the promotion they cannot be ready, because no database takes writes. */
  until: "running" | "ready";
};

export type ScaleDeploymentSeen = { deployments: Scaled[] };

/** Starts the pods that serve in the new region. No traffic reaches them yet. */
export const scaleDeployment = step<ScaleDeploymentInput, ScaleDeploymentSeen>({
  name: "scale-deployment",
  title: ({ service, toRegion, deployments }) =>
    `run ${pods(deployments.reduce((sum, { replicas }) => sum + replicas, 0))} of ${service} in ${toRegion}`,

  observe: async (ctx, { deployments }) => ({
    deployments: await lookAtBounds(ctx, await lookAtDeployments(ctx, deployments)),
  }),

  missing({ deployments }, { until }) {
    for (const deployment of deployments) {
      const sentence = lacking(deployment, until);
      if (sentence) return sentence;
    }
    return undefined;
  },

  async apply(ctx, _input, { seen: { deployments } }) {
    // An autoscaler starts the pods by itself, unless it is off: that is so while its deployment wants none.
    const idle = deployments.filter(({ bounds, scale }) => !bounds || scale.replicas === 0);
    const started = replicaChanges(idle, ({ replicas, scale }) => (scale.replicas < replicas ? replicas : undefined));
    await makeAll(ctx, [...boundsRaised(deployments), ...started]);
  },

  hadNoEffect: changedNothing,

  undo: {
    // The bounds first: an autoscaler would lift what is below them.
    apply: (ctx, _input, { seen: { deployments }, before }) =>
      makeAll(ctx, [
        ...boundsRestored(deployments, before.deployments),
        ...replicasRestored(deployments, before.deployments),
      ]),
    missing: (seen, before) =>
      boundsNotRestored(seen.deployments, before.deployments) ?? notRestored(seen.deployments, before.deployments),
  },

  // The cluster's own deadline for a rollout.
  patienceSeconds: 600,
  settleSeconds: 10,
  pollSeconds: 3,
});

function lacking(deployment: Scaled, until: ScaleDeploymentInput["until"]): string | undefined {
  const { replicas: wanted, scale } = deployment;
  const named = spelt(deployment);
  const few = keepsTooFew(deployment);
  if (few) return few;
  if (scale.replicas < wanted) return `${named} wants ${pods(scale.replicas)}, not ${wanted}`;
  if (!isCurrent(deployment)) return `the cluster has not yet seen that ${named} wants ${pods(wanted)}`;
  const because = scale.failure ? `: ${scale.failure}` : "";
  if (scale.updated < wanted) return `${scale.updated} of ${pods(wanted)} of ${named} exist${because}`;
  if (until === "ready" && scale.ready < wanted)
    return `${scale.ready} of ${pods(wanted)} of ${named} are ready${because}`;
  return undefined;
}
