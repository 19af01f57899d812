import { step } from "../engine/step.ts";
import { isCurrent, lookAtDeployments, pods, type SeenDeployment } from "./scaling.ts";
import { spelt, type DeploymentTarget } from "./targets.ts";

export type AwaitPodsInput = { service: string; toRegion: string; deployments: DeploymentTarget[] };

export type AwaitPodsSeen = { deployments: SeenDeployment[] };

/** Waits until the pods that were started beside the promotion have found a database that takes writes. */
export const awaitPods = step<AwaitPodsInput, AwaitPodsSeen>({
  name: "await-pods",
  title: ({ service, toRegion }) => `wait until the pods of ${service} in ${toRegion} are ready`,

  observe: async (ctx, { deployments }) => ({ deployments: await lookAtDeployments(ctx, deployments) }),

  missing({ deployments }) {
    for (const deployment of deployments) {
      const { replicas: wanted, scale } = deployment;
      const named = spelt(deployment);
      if (!isCurrent(deployment)) return `the cluster has not yet seen what ${named} wants`;
      if (scale.ready < wanted)
        return `${scale.ready} of ${pods(wanted)} of ${named} are ready${scale.failure ? `: ${scale.failure}` : ""}`;
    }
    return undefined;
  },

  undo: { nothing: "it only waits" },

  patienceSeconds: 600,
  settleSeconds: 0,
  pollSeconds: 2,
});
