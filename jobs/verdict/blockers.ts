import { seen, whyUnseen } from "../../src/facts/fact.ts";
import type { FailoverFacts } from "../../src/facts/failover.ts";
import type { AutoscalerFacts } from "../../src/facts/autoscalers.ts";
import type { Deployment } from "../../src/estate.ts";
import type { Targets } from "../../src/facts/targets.ts";
import { gitOpsBlockers } from "../gitops.ts";
import { databaseBlockers } from "./database-blockers.ts";
import type { DatabaseMove } from "../databases.ts";
import { driverOf } from "../../src/facts/traffic/index.ts";

/** Says why a failover may not be approved as the world is, a sentence each without its full stop. Pure. */
export function blockersOf(targets: Targets, facts: FailoverFacts, database: DatabaseMove | undefined): string[] {
  return [
    ...missingFromEstate(targets),
    ...(database ? databaseBlockers(database) : []),
    ...driverOf(facts.dns).blockers(facts),
    ...clusterBlockers(facts),
    ...(database?.mode === "graceful" ? wakingBlockers(facts) : []),
    ...configBlockers(facts),
    ...gitOpsBlockers(targets, facts),
    ...rightBlockers(facts),
  ];
}

/** Says what the estate itself lacks for a move. */
export function missingFromEstate({ name, toRegion, edge, deployments }: Targets): string[] {
  return [
    ...(edge ? [] : [`the estate names no front door of ${name} in ${toRegion} (health.edges)`]),
    ...(deployments.to.length > 0 ? [] : [`the estate names no deployment of ${name} in ${toRegion}`]),
  ];
}

function clusterBlockers({ pods }: FailoverFacts): string[] {
  return pods
    .filter(({ side }) => side === "to")
    .flatMap(({ deployment, found, autoscaler }) => {
      const seenNow = seen(found);
      const name = `${deployment.namespace}/${deployment.name}`;
      if (!seenNow)
        return [`the deployment ${name} in ${deployment.region} cannot be seen: ${whyUnseen(found) ?? "no answer"}`];
      return [
        ...(seenNow.paused
          ? [`the deployment ${name} in ${deployment.region} is paused, so new pods would not start`]
          : []),
        ...autoscalerBlockers(deployment, autoscaler && seen(autoscaler)?.owner, seenNow),
      ];
    });
}

function autoscalerBlockers(
  { namespace, name, region, cluster, replicas }: Deployment,
  owner: AutoscalerFacts["owner"] | undefined,
  now: { replicas: number },
): string[] {
  if (!owner) return [];
  const autoscaler = `the autoscaler ${owner.name} of ${namespace}/${name} in ${region}`;
  if (owner.scaledObject !== undefined) return kedaBlockers(autoscaler, { ...owner, wanted: replicas, now });
  return [
    ...(owner.max < replicas
      ? [
          `${autoscaler} lets it have at most ${owner.max} pods, and ${replicas} are wanted there; too few would serve; set its maxReplicas to ${replicas} or more, or lower the replicas in the estate`,
        ]
      : []),
    ...(owner.min < replicas && !owner.mayChange
      ? [`Muster may not change ${autoscaler}, in the cluster ${cluster}`]
      : []),
  ];
}

type KedaAutoscaler = NonNullable<AutoscalerFacts["owner"]> & { wanted: number; now: { replicas: number } };

/**
 * KEDA makes an autoscaler of a ScaledObject, and writes its bounds again after every change. While no trigger is active it
 * takes the pods to `idleReplicaCount`, or to 0 where there is no least.
 * @see https://keda.sh/docs/latest/reference/scaledobject-spec/
 */
function kedaBlockers(autoscaler: string, { scaledObject, min, max, wanted, now }: KedaAutoscaler): string[] {
  const of = `its ScaledObject ${scaledObject}`;
  if (max < wanted)
    return [
      `${autoscaler} lets it have at most ${max} pods, and ${wanted} are wanted there; too few would serve; set maxReplicaCount of ${of} to ${wanted} or more, or lower the replicas in the estate`,
    ];
  if (min < wanted)
    return [
      `${autoscaler} keeps at least ${min} of the ${wanted} pods that are wanted there, and KEDA would undo a change of that; set minReplicaCount of ${of} to ${wanted} first`,
    ];
  if (now.replicas === 0 && wanted > 0)
    return [
      `${autoscaler} is KEDA's, which has the pods at 0 and would stop again what the move starts; set minReplicaCount of ${of} to ${wanted}, and take its idleReplicaCount away, first`,
    ];
  return [];
}

/**
 * KEDA starts a deployment that is at 0 where a trigger is active or it has a least, so that it cannot be stopped. Paused as it
 * is, it has no autoscaler any more; a number in `paused-replicas` would be put back like the rest, and 0 would stop it at once.
 * @see https://keda.sh/docs/latest/concepts/scaling-deployments/#pausing-autoscaling
 */
function wakingBlockers({ pods }: FailoverFacts): string[] {
  return pods
    .filter(({ side }) => side === "from")
    .flatMap(({ deployment: { namespace, name, region }, autoscaler }) => {
      const owner = autoscaler && seen(autoscaler)?.owner;
      if (owner?.scaledObject === undefined) return [];
      return [
        `the autoscaler ${owner.name} of ${namespace}/${name} in ${region} is KEDA's, which would start again what the move stops there; pause its ScaledObject ${owner.scaledObject} as it is first: annotate it with autoscaling.keda.sh/paused=true`,
      ];
    });
}

function configBlockers({ configs }: FailoverFacts): string[] {
  return configs.flatMap(({ config, now, dryRun }) => {
    const key = `${config.key} in ${config.namespace}/${config.name}`;
    const found = seen(now);
    if (!found) return [`${key} cannot be seen: ${whyUnseen(now) ?? "no answer"}`];
    const refused = whyUnseen(dryRun);
    return refused ? [`the change of ${key} would be refused: ${refused}`] : [];
  });
}

function rightBlockers({ rights }: FailoverFacts): string[] {
  return rights
    .filter(({ allowed, needed }) => needed && seen(allowed)?.yes === false)
    .map(({ deed, cluster }) => `Muster may not ${deed} in the cluster ${cluster}`);
}
