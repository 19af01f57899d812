import { use, type PlanNode } from "../src/engine/plan.ts";
import type { Deployment } from "../src/estate.ts";
import { databaseDriver } from "../src/facts/databases/index.ts";
import type { FailoverFacts } from "../src/facts/failover.ts";
import { foreseenLoss, reachedBySomebody } from "../src/facts/moves.ts";
import { defaultGraceSeconds } from "../src/adapters/kubernetes.ts";
import { autoscalerOf, longestGrace } from "../src/facts/pods.ts";
import type { Targets } from "../src/facts/targets.ts";
import { driverOf } from "../src/facts/traffic/index.ts";
import { ttlOf } from "../src/facts/traffic/traps.ts";
import { acceptLoss } from "../src/steps/accept-loss.ts";
import { acceptSplitBrain } from "../src/steps/accept-split-brain.ts";
import { admitTraffic } from "../src/steps/admit-traffic.ts";
import { awaitPods } from "../src/steps/await-pods.ts";
import { catchUp } from "../src/steps/catch-up.ts";
import { drainOldSide } from "../src/steps/drain-old-side.ts";
import { fenceWrites } from "../src/steps/fence-writes.ts";
import { openWrites } from "../src/steps/open-writes.ts";
import { pointConfig } from "../src/steps/point-config.ts";
import { restartPods } from "../src/steps/restart-pods.ts";
import { scaleDeployment } from "../src/steps/scale-deployment.ts";
import type { DeploymentTarget } from "../src/steps/targets.ts";
import { verifyDatabase } from "../src/steps/verify-database.ts";
import { verifyPublic } from "../src/steps/verify-public.ts";
import { verifyService } from "../src/steps/verify-service.ts";
import { watchStability } from "../src/steps/watch-stability.ts";
import { databasesOf, type DatabaseMove } from "./databases.ts";
import { pausing, resuming } from "./gitops.ts";
import { whenNamesMove } from "./when-names-move.ts";

/** The steps that move one service, every target named; a step never looks anything up. */
export function failoverNodes(targets: Targets, facts: FailoverFacts, database: DatabaseMove | undefined): PlanNode[] {
  const paused = pausing(targets, facts);
  const isBeside = whenNamesMove(facts, targets.service, database).when === "beside";
  const serving = database
    ? nodesWithDatabase(targets, database, { paused, isBeside })
    : nodesWithoutDatabase(targets, facts, paused.near);
  const traffic = trafficNodes(targets, facts, { ...serving, isBeside });
  const host = database && databasesOf(database).to.host;
  const resumed = resuming(targets, facts, { paused, host, after: traffic.stable });
  const first = [paused.near, paused.far].filter((node) => node !== undefined);
  return [...first, ...serving.nodes, ...traffic.nodes, ...resumed];
}

/** Steps, and the one after which the new region can serve; `decided` is the last that people may stop before the promotion. */
type Serving = { nodes: PlanNode[]; ready: PlanNode; decided?: PlanNode };

/** No configuration names a database, so that no pod has to read it anew: they only have to be there. */
function nodesWithoutDatabase(
  { name: service, toRegion, deployments: { to } }: Targets,
  facts: FailoverFacts,
  paused: PlanNode | undefined,
): Serving {
  const deployments = to.map(deploymentTarget(facts));
  const input = { service, toRegion, deployments, until: "ready" as const };
  const scaled = use(scaleDeployment, service, input, { after: [paused] });
  return { nodes: [scaled], ready: scaled };
}

function nodesWithDatabase(
  targets: Targets,
  database: DatabaseMove,
  { paused, isBeside }: { paused: ReturnType<typeof pausing>; isBeside: boolean },
): Serving {
  const { name: service, toRegion } = targets;
  const databases = databasesOf(database);
  const deployments = targets.deployments.to.map(deploymentTarget(database.facts));

  // Two branches that know nothing of each other: pods that will serve, and the database that will write.
  const configs = targets.configs.map(({ cluster, namespace, name, key }) => ({ cluster, namespace, name, key }));
  const host = databases.to.host;
  const gitops = paused.near ? { gitopsPaused: true as const } : {};
  const pointed = use(
    pointConfig,
    service,
    { service, toRegion, configs, host, deployments, ...gitops },
    { reads: paused.near ? [paused.near] : [] },
  );
  const scaled = use(
    scaleDeployment,
    service,
    { service, toRegion, deployments, until: "running" },
    { after: [pointed] },
  );
  const moved = databaseNodes(targets, database, { ...databases, paused: paused.far });

  const restart = { service, toRegion, deployments };
  if (!isBeside) {
    const restarted = use(restartPods, service, restart, { after: [scaled, moved.verified], reads: [pointed] });
    return { nodes: [pointed, scaled, ...moved.nodes, restarted], ready: restarted };
  }
  // Nobody is there yet who would be cut off; later, the restart would end pods that serve the first customers.
  const restarted = use(restartPods, service, { ...restart, until: "running" }, { after: [scaled], reads: [pointed] });
  const ready = use(awaitPods, service, restart, { after: [restarted, moved.verified] });
  return { nodes: [pointed, scaled, restarted, ...moved.nodes, ready], ready, decided: moved.decided };
}

function databaseNodes(
  { name: service, deployments }: Targets,
  { facts, mode }: DatabaseMove,
  { from, to, replica, paused }: ReturnType<typeof databasesOf> & { paused: PlanNode | undefined },
): { nodes: PlanNode[]; verified: PlanNode; decided: PlanNode } {
  const { fromRegion, objectives } = facts;
  const { rpoSeconds } = objectives;
  const shownLossSeconds = foreseenLoss(facts, mode) ?? null;

  const old = deployments.from.map(deploymentTarget(facts));
  const graceSeconds = longestGrace(facts, "from");
  const lasting = graceSeconds > defaultGraceSeconds ? { graceSeconds } : {};
  const drain = { service, fromRegion, mode, deployments: old, ...lasting };
  const drained = use(drainOldSide, service, drain, { after: [paused] });
  // Gracefully the application ends first, so that no order is cut in two; where nobody answers, that wait saves nothing.
  const gentle = mode === "graceful" ? [drained] : [];
  const silent = mode === "ungraceful" && !reachedBySomebody(facts) ? { silent: true as const } : {};
  const fenced = use(fenceWrites, service, { service, mode, from, to: replica, ...silent }, { after: gentle });
  const split = use(acceptSplitBrain, service, { service, mode, fromInstance: from.instance }, { reads: [fenced] });
  const caughtUp = use(catchUp, service, { service, mode, from, to: replica }, { after: [split], reads: [fenced] });
  const loss = use(acceptLoss, service, { service, rpoSeconds, shownLossSeconds }, { reads: [caughtUp] });
  const driver = databaseDriver(facts.databaseDriver);
  const peer = { service, replica: to, ...(mode === "ungraceful" ? { from } : {}) };
  const promoted = driver.promote(facts, peer, { mode, after: loss, reads: [fenced, caughtUp] });
  const opened = use(openWrites, service, { service, to }, { after: [promoted] });
  const verified = use(verifyDatabase, service, { service, from, to }, { after: [opened], reads: [fenced, caughtUp] });
  return { nodes: [drained, fenced, split, caughtUp, loss, promoted, opened, verified], verified, decided: loss };
}

/**
 * People last: whoever came before the data could read their basket, and not pay. Where nobody is served on either side, names
 * lead to the new region while its database is promoted, and its pods, ready last, let people in.
 */
function trafficNodes(
  targets: Targets,
  facts: FailoverFacts,
  { ready, decided, isBeside }: Serving & { isBeside: boolean },
): { nodes: PlanNode[]; stable: PlanNode } {
  const { name: service, toRegion, edge = "" } = targets;
  const { health, admission, stabilitySeconds } = targets.service;
  const { url, limitMs } = health;
  const driver = driverOf(facts.dns);
  const dns = { ...facts.dns.name, ttl: ttlOf(facts) };
  const expected = driver.expected?.(facts);

  const verified = use(verifyService, service, { service, toRegion, url, edge, limitMs }, { after: [ready] });
  const admitted =
    admission === "person" ? use(admitTraffic, service, { service, toRegion }, { after: [verified] }) : undefined;
  const shifted = driver.shift(facts, isBeside && decided ? decided : (admitted ?? verified));
  const open = use(
    verifyPublic,
    service,
    { service, toRegion, dns, url, limitMs, ...(expected ? { expected } : {}) },
    { after: isBeside ? [verified] : [], reads: [shifted] },
  );
  const stable = use(watchStability, service, { service, toRegion, url, limitMs, stabilitySeconds }, { after: [open] });
  return { nodes: [verified, ...(admitted ? [admitted] : []), shifted, open, stable], stable };
}

const deploymentTarget =
  ({ pods }: FailoverFacts) =>
  (deployment: Deployment): DeploymentTarget => {
    const { cluster, namespace, name, replicas, restart } = deployment;
    const owner = autoscalerOf(pods, deployment);
    return {
      cluster,
      namespace,
      name,
      replicas,
      ...(restart === "rollout" ? { restart } : {}),
      ...(owner ? { autoscaler: owner.name } : {}),
    };
  };
