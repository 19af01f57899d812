import { getScale } from "../adapters/kubernetes.ts";
import type { Context } from "../context.ts";
import { unknown } from "../engine/step.ts";
import type { Deployment } from "../estate.ts";
import { explainAs } from "./explain.ts";
import { look, type Fact } from "./fact.ts";
import type { Targets } from "./targets.ts";

export type PodFacts = {
  /** Which side of the move it stands on. */
  side: "to" | "from";
  deployment: Deployment;
  found: Fact<{ replicas: number; ready: number; paused: boolean }>;
};

/** Looks at a service's deployments on both sides of a move. */
export function lookAtPods(ctx: Context, { deployments }: Targets): Promise<PodFacts[]> {
  const both = (["to", "from"] as const).flatMap((side) =>
    deployments[side].map((deployment) => ({ side, deployment })),
  );
  return Promise.all(
    both.map(async ({ side, deployment }) => ({ side, deployment, found: await lookAtDeployment(ctx, deployment) })),
  );
}

function lookAtDeployment(ctx: Context, deployment: Deployment): Promise<PodFacts["found"]> {
  const { cluster, namespace, name } = deployment;
  return look(
    ctx,
    async () => {
      const scale = await getScale(ctx, ctx.clients.cluster(cluster), { namespace, name });
      if (!scale) return unknown(`the cluster ${cluster} has no deployment ${namespace}/${name}`);
      return { replicas: scale.replicas, ready: scale.ready, paused: scale.paused };
    },
    explainAs(`the cluster ${cluster}`),
  );
}
