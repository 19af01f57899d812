import { seen, whyUnseen } from "../src/facts/fact.ts";
import type { FailoverFacts } from "../src/facts/failover.ts";
import type { AutoscalerFacts } from "../src/facts/autoscalers.ts";
import type { Deployment } from "../src/estate.ts";
import type { Targets } from "../src/facts/targets.ts";
import { gitOpsBlockers } from "./gitops.ts";
import { databaseBlockers } from "./database-blockers.ts";
import type { DatabaseMove } from "./databases.ts";
import { driverOf } from "../src/facts/traffic/index.ts";

/** Says why a failover may not be approved as the world is, a sentence each without its full stop. Pure. */
export function blockersOf(targets: Targets, facts: FailoverFacts, database: DatabaseMove | undefined): string[] {
  return [
    ...missingFromEstate(targets),
    ...(database ? databaseBlockers(database) : []),
    ...driverOf(facts.dns).blockers(facts),
    ...clusterBlockers(facts),
    ...configBlockers(facts),
    ...gitOpsBlockers(targets, facts),
    ...rightBlockers(facts),
  ];
}

function missingFromEstate({ name, toRegion, edge, deployments }: Targets): string[] {
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
        ...autoscalerBlockers(deployment, autoscaler && seen(autoscaler)?.owner),
      ];
    });
}

function autoscalerBlockers(
  { namespace, name, region, cluster, replicas }: Deployment,
  owner: AutoscalerFacts["owner"] | undefined,
): string[] {
  if (!owner) return [];
  const autoscaler = `the autoscaler ${owner.name} of ${namespace}/${name} in ${region}`;
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
