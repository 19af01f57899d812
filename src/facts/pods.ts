import { getScale } from "../adapters/kubernetes.ts";
import type { Owner } from "../adapters/kubernetes-owners.ts";
import type { Context } from "../context.ts";
import { unknown } from "../engine/step.ts";
import type { Deployment } from "../estate.ts";
import { lookAtAutoscaler, type AutoscalerFacts } from "./autoscalers.ts";
import { explainAs } from "./explain.ts";
import { look, seen, type Fact } from "./fact.ts";
import type { Targets } from "./targets.ts";

export type PodFacts = {
  /** Which side of the move it stands on. */
  side: "to" | "from";
  deployment: Deployment;
  found: Fact<{
    replicas: number;
    ready: number;
    paused: boolean;
    /** How long its pods may take to end, in seconds. Absent in plans of an older Muster. */
    graceSeconds?: number;
    /** The controller that would put the number of pods back. */
    owner?: Owner;
  }>;
  /** Who scales it by itself. Absent in plans of an older Muster. */
  autoscaler?: Fact<AutoscalerFacts>;
};

/** Looks at a service's deployments on both sides of a move. */
export function lookAtPods(ctx: Context, { deployments }: Targets): Promise<PodFacts[]> {
  const both = (["to", "from"] as const).flatMap((side) =>
    deployments[side].map((deployment) => ({ side, deployment })),
  );
  return Promise.all(
    both.map(async ({ side, deployment }) => {
      const [found, autoscaler] = await Promise.all([
        lookAtDeployment(ctx, deployment),
        lookAtAutoscaler(ctx, deployment),
      ]);
      return { side, deployment, found, autoscaler };
    }),
  );
}

function lookAtDeployment(ctx: Context, deployment: Deployment): Promise<PodFacts["found"]> {
  const { cluster, namespace, name } = deployment;
  return look(
    ctx,
    async () => {
      const scale = await getScale(ctx, ctx.clients.cluster(cluster), { namespace, name });
      if (!scale) return unknown(`the cluster ${cluster} has no deployment ${namespace}/${name}`);
      const { replicas, ready, paused, graceSeconds = 0, owner } = scale;
      return { replicas, ready, paused, graceSeconds, ...(owner ? { owner } : {}) };
    },
    explainAs(`the cluster ${cluster}`),
  );
}

/** The autoscaler that was seen to own a deployment; undefined where none was. Pure. */
export function autoscalerOf(
  pods: readonly PodFacts[],
  { cluster, namespace, name }: Pick<Deployment, "cluster" | "namespace" | "name">,
): AutoscalerFacts["owner"] | undefined {
  const looked = pods.find(
    ({ deployment }) =>
      deployment.cluster === cluster && deployment.namespace === namespace && deployment.name === name,
  );
  return looked?.autoscaler && seen(looked.autoscaler)?.owner;
}

/** How long pods on one side of a move may take to end, in seconds, as far as that was seen. Pure. */
export const longestGrace = ({ pods }: { pods: readonly PodFacts[] }, side: PodFacts["side"]): number =>
  Math.max(0, ...pods.filter((one) => one.side === side).map(({ found }) => seen(found)?.graceSeconds ?? 0));
