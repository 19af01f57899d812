import { use, type PlanNode } from "../src/engine/plan.ts";
import type { Deployment } from "../src/estate.ts";
import { databaseDriver } from "../src/facts/databases/index.ts";
import type { FailoverFacts } from "../src/facts/failover.ts";
import { predictedLoss } from "../src/facts/moves.ts";
import type { Targets } from "../src/facts/targets.ts";
import { driverOf } from "../src/facts/traffic/index.ts";
import { ttlOf } from "../src/facts/traffic/traps.ts";
import { acceptLoss } from "../src/steps/accept-loss.ts";
import { acceptSplitBrain } from "../src/steps/accept-split-brain.ts";
import { admitTraffic } from "../src/steps/admit-traffic.ts";
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

/** The steps that move one service, every target named; a step never looks anything up. */
export function failoverNodes(targets: Targets, facts: FailoverFacts, database: DatabaseMove | undefined): PlanNode[] {
  const serving = database ? nodesWithDatabase(targets, database) : nodesWithoutDatabase(targets);
  return [...serving.nodes, ...trafficNodes(targets, facts, serving.ready)];
}

/** Steps, and the one after which the new region can serve. */
type Serving = { nodes: PlanNode[]; ready: PlanNode };

/** No configuration names a database, so that no pod has to read it anew: they only have to be there. */
function nodesWithoutDatabase({ name: service, toRegion, deployments: { to } }: Targets): Serving {
  const deployments = to.map(deploymentTarget);
  const scaled = use(scaleDeployment, service, { service, toRegion, deployments, until: "ready" });
  return { nodes: [scaled], ready: scaled };
}

function nodesWithDatabase(targets: Targets, database: DatabaseMove): Serving {
  const { name: service, toRegion } = targets;
  const databases = databasesOf(database);
  const deployments = targets.deployments.to.map(deploymentTarget);

  // Two branches that know nothing of each other: pods that will serve, and the database that will write.
  const configs = targets.configs.map(({ cluster, namespace, name, key }) => ({ cluster, namespace, name, key }));
  const host = databases.to.host;
  const pointed = use(pointConfig, service, { service, toRegion, configs, host, deployments });
  const scaled = use(
    scaleDeployment,
    service,
    { service, toRegion, deployments, until: "running" },
    { after: [pointed] },
  );
  const moved = databaseNodes(targets, database, databases);

  const restarted = use(
    restartPods,
    service,
    { service, toRegion, deployments },
    { after: [scaled, moved.verified], reads: [pointed] },
  );
  return { nodes: [pointed, scaled, ...moved.nodes, restarted], ready: restarted };
}

function databaseNodes(
  { name: service, deployments }: Targets,
  { facts, mode }: DatabaseMove,
  { from, to, replica }: ReturnType<typeof databasesOf>,
): { nodes: PlanNode[]; verified: PlanNode } {
  const { fromRegion, objectives } = facts;
  const { rpoSeconds } = objectives;
  const shownLossSeconds = mode === "graceful" ? 0 : (predictedLoss(facts) ?? null);

  const old = deployments.from.map(deploymentTarget);
  const drained = use(drainOldSide, service, { service, fromRegion, mode, deployments: old });
  // Gracefully the application ends first, so that no order is cut in two; where nobody answers, that wait saves nothing.
  const gentle = mode === "graceful" ? [drained] : [];
  const fenced = use(fenceWrites, service, { service, mode, from, to: replica }, { after: gentle });
  const split = use(acceptSplitBrain, service, { service, mode, fromInstance: from.instance }, { reads: [fenced] });
  const caughtUp = use(catchUp, service, { service, mode, from, to: replica }, { after: [split], reads: [fenced] });
  const loss = use(acceptLoss, service, { service, rpoSeconds, shownLossSeconds }, { reads: [caughtUp] });
  const driver = databaseDriver(facts.databaseDriver);
  const promoted = driver.promote(facts, { service, replica: to }, { mode, after: loss, reads: [fenced, caughtUp] });
  const opened = use(openWrites, service, { service, to }, { after: [promoted] });
  const verified = use(verifyDatabase, service, { service, from, to }, { after: [opened], reads: [fenced, caughtUp] });
  return { nodes: [drained, fenced, split, caughtUp, loss, promoted, opened, verified], verified };
}

/** People last: whoever came before the data could read their basket, and not pay. */
function trafficNodes(targets: Targets, facts: FailoverFacts, ready: PlanNode): PlanNode[] {
  const { name: service, toRegion, edge = "" } = targets;
  const { health, admission, stabilitySeconds } = targets.service;
  const { url, limitMs } = health;
  const driver = driverOf(facts.dns);
  const dns = { ...facts.dns.name, ttl: ttlOf(facts) };
  const expected = driver.expected?.(facts);

  const verified = use(verifyService, service, { service, toRegion, url, edge, limitMs }, { after: [ready] });
  const admitted =
    admission === "person" ? use(admitTraffic, service, { service, toRegion }, { after: [verified] }) : undefined;
  const shifted = driver.shift(facts, admitted ?? verified);
  const open = use(
    verifyPublic,
    service,
    { service, toRegion, dns, url, limitMs, ...(expected ? { expected } : {}) },
    { reads: [shifted] },
  );
  const stable = use(watchStability, service, { service, toRegion, url, limitMs, stabilitySeconds }, { after: [open] });
  return [verified, ...(admitted ? [admitted] : []), shifted, open, stable];
}

const deploymentTarget = ({ cluster, namespace, name, replicas }: Deployment): DeploymentTarget => ({
  cluster,
  namespace,
  name,
  replicas,
});
