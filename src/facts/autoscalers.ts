import { canI } from "../adapters/kubernetes.ts";
import { findAutoscaler } from "../adapters/kubernetes-autoscalers.ts";
import type { Owner } from "../adapters/kubernetes-owners.ts";
import type { Context } from "../context.ts";
import type { Deployment } from "../estate.ts";
import { explainAs } from "./explain.ts";
import { look, type Fact } from "./fact.ts";

/** The autoscaler that owns a deployment, if one does. */
export type AutoscalerFacts = {
  owner: {
    name: string;
    min: number;
    max: number;
    /** Whether Muster may change it. */
    mayChange: boolean;
    /** The controller that would put its least pods back. */
    owner?: Owner;
    /** The ScaledObject that KEDA made it of, which KEDA keeps it to. */
    scaledObject?: string;
  } | null;
};

/** Looks for the autoscaler of a deployment, and whether Muster may change it. */
export function lookAtAutoscaler(
  ctx: Context,
  { cluster: clusterName, namespace, name }: Deployment,
): Promise<Fact<AutoscalerFacts>> {
  return look(
    ctx,
    async () => {
      const cluster = ctx.clients.cluster(clusterName);
      const found = await findAutoscaler(ctx, cluster, { namespace, name });
      if (!found) return { owner: null };
      const { resourceVersion: _, ...owner } = found;
      const right = { verb: "patch", group: "autoscaling", resource: "horizontalpodautoscalers", namespace };
      return { owner: { ...owner, mayChange: await canI(ctx, cluster, { ...right, name: owner.name }) } };
    },
    explainAs(`the cluster ${clusterName}`),
  );
}
