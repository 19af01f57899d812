import { use, type PlanNode } from "../src/engine/plan.ts";
import type { Deployment } from "../src/estate.ts";
import type { FailoverFacts } from "../src/facts/failover.ts";
import { autoscalerOf } from "../src/facts/pods.ts";
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
import { promoteReplica } from "../src/steps/promote-replica.ts";
import { restartPods } from "../src/steps/restart-pods.ts";
import { scaleDeployment } from "../src/steps/scale-deployment.ts";
import type { DatabaseTarget, DeploymentTarget } from "../src/steps/targets.ts";
import { verifyDatabase } from "../src/steps/verify-database.ts";
import { verifyPublic } from "../src/steps/verify-public.ts";
import { verifyService } from "../src/steps/verify-service.ts";
import { watchStability } from "../src/steps/watch-stability.ts";
import { pausing, resuming } from "./gitops.ts";
import { backupDaysOf, databasesOf, type DatabaseMove } from "./databases.ts";

/** The steps that move one service, every target named; a step never looks anything up. */
export function failoverNodes(targets: Targets, facts: FailoverFacts, database: DatabaseMove | undefined): PlanNode[] {
  const paused = pausing(targets, facts);
  const serving = database
    ? nodesWithDatabase(targets, database, paused)
    : nodesWithoutDatabase(targets, facts, paused.near);
  const traffic = trafficNodes(targets, facts, serving.ready);
  const host = database && databasesOf(database).to.host;
  const resumed = resuming(targets, facts, { paused, host, after: traffic.stable });
  const first = [paused.near, paused.far].filter((node) => node !== undefined);
  return [...first, ...serving.nodes, ...traffic.nodes, ...resumed];
}

/** Steps, and the one after which the new region can serve. */
type Serving = { nodes: PlanNode[]; ready: PlanNode };

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

function nodesWithDatabase(targets: Targets, database: DatabaseMove, paused: ReturnType<typeof pausing>): Serving {
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
    { after: [paused.near] },
  );
  const scaled = use(
    scaleDeployment,
    service,
    { service, toRegion, deployments, until: "running" },
    { after: [pointed] },
  );
  const moved = databaseNodes(targets, database, { ...databases, paused: paused.far });

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
  { from, to, paused }: { from: DatabaseTarget; to: DatabaseTarget; paused: PlanNode | undefined },
): { nodes: PlanNode[]; verified: PlanNode } {
  const { fromRegion, objectives } = facts;
  const { rpoSeconds } = objectives;
  const shownLossSeconds = mode === "graceful" ? 0 : (predictedLoss(facts) ?? null);

  const old = deployments.from.map(deploymentTarget(facts));
  const drained = use(drainOldSide, service, { service, fromRegion, mode, deployments: old }, { after: [paused] });
  // Gracefully the application ends first, so that no order is cut in two; where nobody answers, that wait saves nothing.
  const gentle = mode === "graceful" ? [drained] : [];
  const fenced = use(fenceWrites, service, { service, mode, from, to }, { after: gentle });
  const split = use(acceptSplitBrain, service, { service, mode, fromInstance: from.instance }, { reads: [fenced] });
  const caughtUp = use(catchUp, service, { service, mode, from, to }, { after: [split], reads: [fenced] });
  const loss = use(acceptLoss, service, { service, rpoSeconds, shownLossSeconds }, { reads: [caughtUp] });
  const backupRetentionDays = backupDaysOf(facts);
  const promoted = use(promoteReplica, service, { service, replica: to, backupRetentionDays }, { after: [loss] });
  const opened = use(openWrites, service, { service, to }, { after: [promoted] });
  const verified = use(verifyDatabase, service, { service, from, to }, { after: [opened], reads: [fenced, caughtUp] });
  return { nodes: [drained, fenced, split, caughtUp, loss, promoted, opened, verified], verified };
}

/** People last: whoever came before the data could read their basket, and not pay. */
function trafficNodes(
  targets: Targets,
  facts: FailoverFacts,
  ready: PlanNode,
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
  const shifted = driver.shift(facts, admitted ?? verified);
  const open = use(
    verifyPublic,
    service,
    { service, toRegion, dns, url, limitMs, ...(expected ? { expected } : {}) },
    { reads: [shifted] },
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
