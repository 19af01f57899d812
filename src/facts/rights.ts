import { canI, type Right } from "../adapters/kubernetes.ts";
import type { Context } from "../context.ts";
import { explainAs } from "./explain.ts";
import { look, type Fact } from "./fact.ts";
import type { Targets } from "./targets.ts";

export type RightFacts = {
  /** What Muster must be allowed to do, to finish "Muster may not ...". */
  deed: string;
  cluster: string;
  /** Without it the move cannot be made; the others only weaken the fence. */
  needed: boolean;
  allowed: Fact<{ yes: boolean }>;
};

/** A right that a move needs, and where. */
export type Wanted = { deed: string; cluster: string; needed: boolean; right: Right };

/** Asks each cluster whether Muster may do there what a move needs, before anybody is asked to approve it. */
export function lookAtRights(ctx: Context, targets: Targets): Promise<RightFacts[]> {
  return Promise.all(
    wantedRights(targets).map(async ({ right, ...wanted }) => ({ ...wanted, allowed: await ask(ctx, wanted, right) })),
  );
}

function ask(ctx: Context, { cluster }: Pick<Wanted, "cluster">, right: Right): Promise<RightFacts["allowed"]> {
  return look(
    ctx,
    async () => ({ yes: await canI(ctx, ctx.clients.cluster(cluster), right) }),
    explainAs(`the cluster ${cluster}`),
  );
}

/** Lists the rights that a move needs in the clusters of both regions. */
export function wantedRights({ deployments, configs, database }: Targets): Wanted[] {
  // Pods that keep no data stay where they are: only a writer's application is stopped.
  const scaled = database ? (["to", "from"] as const) : (["to"] as const);
  const all = scaled.flatMap((side) =>
    deployments[side].map(({ cluster, namespace, name }) => ({
      deed: `scale ${namespace}/${name}`,
      cluster,
      needed: side === "to",
      right: { verb: "patch", group: "apps", resource: "deployments", subresource: "scale", namespace, name },
    })),
  );
  const rolled = database ? deployments.to.filter(({ restart }) => restart === "rollout") : [];
  return [
    ...all,
    ...rolled.map(({ cluster, namespace, name }) => ({
      deed: `restart the pods of ${namespace}/${name} by a rollout`,
      cluster,
      needed: true,
      right: { verb: "patch", group: "apps", resource: "deployments", namespace, name },
    })),
    ...deployments.to.map(({ cluster, namespace }) => ({
      deed: `list the pods of ${namespace}`,
      cluster,
      needed: true,
      right: { verb: "list", resource: "pods", namespace },
    })),
    ...configs.map(({ cluster, namespace, name }) => ({
      deed: `change the config map ${namespace}/${name}`,
      cluster,
      needed: true,
      right: { verb: "patch", resource: "configmaps", namespace, name },
    })),
  ];
}
