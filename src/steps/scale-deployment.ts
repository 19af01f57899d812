import { isRefusedByCluster } from "../adapters/kubernetes.ts";
import { CannotContinue } from "../errors.ts";
import { step } from "../engine/step.ts";
import { isCurrent, lookAtDeployments, notRestored, pods, restoreReplicas, setReplicas } from "./scaling.ts";
import type { SeenDeployment } from "./scaling.ts";
import { spelt, type DeploymentTarget } from "./targets.ts";

export type ScaleDeploymentInput = {
  service: string;
  toRegion: string;
  deployments: DeploymentTarget[];
  /** "running": the pods need only be there. Before the promotion they cannot be ready, because no database takes writes. */
  until: "running" | "ready";
};

export type ScaleDeploymentSeen = { deployments: SeenDeployment[] };

/** Starts the pods that serve in the new region. No traffic reaches them yet. */
export const scaleDeployment = step<ScaleDeploymentInput, ScaleDeploymentSeen>({
  name: "scale-deployment",
  title: ({ service, toRegion, deployments }) =>
    `run ${pods(deployments.reduce((sum, { replicas }) => sum + replicas, 0))} of ${service} in ${toRegion}`,

  observe: async (ctx, { deployments }) => ({ deployments: await lookAtDeployments(ctx, deployments) }),

  missing({ deployments }, { until }) {
    for (const deployment of deployments) {
      const sentence = lacking(deployment, until);
      if (sentence) return sentence;
    }
    return undefined;
  },

  apply: (ctx, _input, { seen }) =>
    setReplicas(ctx, seen.deployments, ({ replicas, scale }) => (scale.replicas < replicas ? replicas : undefined)),

  hadNoEffect: (error) => error instanceof CannotContinue || isRefusedByCluster(error),

  undo: {
    apply: (ctx, _input, { seen, before }) => restoreReplicas(ctx, seen.deployments, before.deployments),
    missing: (seen, before) => notRestored(seen.deployments, before.deployments),
  },

  // The cluster's own deadline for a rollout.
  patienceSeconds: 600,
  settleSeconds: 10,
  pollSeconds: 3,
});

function lacking(deployment: SeenDeployment, until: ScaleDeploymentInput["until"]): string | undefined {
  const { replicas: wanted, scale } = deployment;
  const named = spelt(deployment);
  if (scale.replicas < wanted) return `${named} wants ${pods(scale.replicas)}, not ${wanted}`;
  if (!isCurrent(deployment)) return `the cluster has not yet seen that ${named} wants ${pods(wanted)}`;
  const because = scale.failure ? `: ${scale.failure}` : "";
  if (scale.updated < wanted) return `${scale.updated} of ${pods(wanted)} of ${named} exist${because}`;
  if (until === "ready" && scale.ready < wanted)
    return `${scale.ready} of ${pods(wanted)} of ${named} are ready${because}`;
  return undefined;
}
