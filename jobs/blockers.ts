import { seen, whyUnseen } from "../src/facts/fact.ts";
import type { FailoverFacts } from "../src/facts/failover.ts";
import { promotedAlready } from "../src/facts/moves.ts";
import { readyToPromote } from "../src/facts/replica.ts";
import type { Targets } from "../src/facts/targets.ts";
import { roleBlockers } from "./fence-rights.ts";
import { oldSideBlockers } from "./old-side.ts";

/** Says why a failover may not be approved as the world is, a sentence each without its full stop. Pure. */
export function blockersOf(targets: Targets, facts: FailoverFacts, forced: boolean): string[] {
  return [
    ...missingFromEstate(targets),
    ...replicaBlockers(targets, facts),
    ...oldSideBlockers(targets, facts, forced),
    ...roleBlockers(targets, facts),
    ...dnsBlockers(facts),
    ...clusterBlockers(facts),
    ...configBlockers(facts),
    ...rightBlockers(facts),
  ];
}

function missingFromEstate({ name, toRegion, edge, deployments, from, to }: Targets): string[] {
  return [
    ...((from.appRole ?? to.appRole) ? [] : [`the estate names no appRole of ${name}, so a fence could not be proven`]),
    ...(edge ? [] : [`the estate names no front door of ${name} in ${toRegion} (health.edges)`]),
    ...(deployments.to.length > 0 ? [] : [`the estate names no deployment of ${name} in ${toRegion}`]),
  ];
}

function replicaBlockers({ to, from }: Targets, facts: FailoverFacts): string[] {
  const instance = seen(facts.to.instance);
  if (!instance) return [`the database ${to.instance} cannot be seen: ${whyUnseen(facts.to.instance) ?? "no answer"}`];
  const blockers: string[] = [];
  if (!instance.endpoint) blockers.push(`RDS gives ${to.instance} no address`);
  if (!facts.from.known?.endpoint)
    blockers.push(`nobody knows the address of ${from.instance}, so it cannot be fenced, not even later`);
  if (promotedAlready(facts)) return blockers;
  if (instance.sourceId === undefined) {
    return [...blockers, `${to.instance} is not a replica of ${from.instance}: its data stops where it was last one`];
  }
  if (readyToPromote(instance.status) === "no")
    blockers.push(`${to.instance} is "${instance.status}"; RDS does not promote it like that`);
  if (instance.replication === "terminated")
    blockers.push(`replication to ${to.instance} was terminated; it can no longer follow ${from.instance}`);
  return blockers;
}

function dnsBlockers({ dns, fromRegion, toRegion }: FailoverFacts): string[] {
  const records = seen(dns.records);
  if (!records) {
    return [
      `Route 53's control plane cannot be used (${whyUnseen(dns.records) ?? "no answer"}), and the records cannot be moved without it`,
    ];
  }
  const noZone = whyUnseen(dns.zone);
  if (noZone) return [`the zone ${dns.name.zone} cannot be seen, so its name servers could not be asked: ${noZone}`];
  return [fromRegion, toRegion]
    .filter((region) => !records[region])
    .map(
      (region) => `the zone ${dns.name.zone} has no weighted ${dns.name.type} record ${dns.name.name} for ${region}`,
    );
}

function clusterBlockers({ pods }: FailoverFacts): string[] {
  return pods
    .filter(({ side }) => side === "to")
    .flatMap(({ deployment, found }) => {
      const seenNow = seen(found);
      const name = `${deployment.namespace}/${deployment.name}`;
      if (!seenNow)
        return [`the deployment ${name} in ${deployment.region} cannot be seen: ${whyUnseen(found) ?? "no answer"}`];
      return seenNow.paused
        ? [`the deployment ${name} in ${deployment.region} is paused, so new pods would not start`]
        : [];
    });
}

function configBlockers({ configs }: FailoverFacts): string[] {
  return configs.flatMap(({ config, now, dryRun }) => {
    const key = `${config.key} in ${config.namespace}/${config.name}`;
    const found = seen(now);
    if (!found) return [`${key} cannot be seen: ${whyUnseen(now) ?? "no answer"}`];
    if (found.owner?.gitops)
      return [`${key} is kept by ${found.owner.manager}, which would put the old value back; pause it first`];
    const refused = whyUnseen(dryRun);
    return refused ? [`the change of ${key} would be refused: ${refused}`] : [];
  });
}

function rightBlockers({ rights }: FailoverFacts): string[] {
  return rights
    .filter(({ allowed, needed }) => needed && seen(allowed)?.yes === false)
    .map(({ deed, cluster }) => `Muster may not ${deed} in the cluster ${cluster}`);
}
