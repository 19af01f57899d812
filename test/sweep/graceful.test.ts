import { describe, expect, it } from "@jest/globals";
import { sweepEveryPoint } from "./every-point.ts";
import { isStable, nameOf } from "./points.ts";
import { namesOfProduct } from "./names.ts";

/** Named points that a failover by a worker that is driven directly does not pass, and who passes them. */
const elsewhere: Record<string, string> = {
  "db.locked": "whoever asks for a run",
  "db.propose": "whoever asks for a run",
  "db.find-run": "whoever asks for a run, or has it looked at again",
  "db.find-live": "whoever asks for a run",
  "db.last-move": "whoever asks for a run",
  "db.ended-runs": "whoever asks for a run while something is paused; test/steps/gitops.test.ts",
  "kubernetes.ListAutoscalers": "whoever asks for a run, and a service that one keeps; test/sweep/kept.test.ts",
  "kubernetes.ReviewAccess": "whoever asks for a run",
  "db.clock": "the sweep of a server; test/sweep/processes.test.ts",
  "db.look-back": "the sweep of a server; test/sweep/processes.test.ts",
  "db.set-back": "a server whose database is an older copy; test/engine/set-back.test.ts",
  "db.sweep": "the sweep of a server; test/sweep/processes.test.ts",
  "db.hand-over": "a worker that stops or fails; test/engine/drive.test.ts",
  "db.last-write": "a failover away from a writer that could not be fenced; test/sweep/ungraceful.test.ts",
  "db.locks": "a run whose service another one holds; test/engine/drive.test.ts",
  "db.writer-since": "a refence; test/steps/ungraceful.test.ts",
  "db.whereabouts": "a wave of a region's move that waits for the one before",
  "db.signal": "whoever says something to a run",
  "db.remember-beat": "the heartbeat, a watch",
  "db.remember-replica-beat": "the heartbeat, a watch",
  "kubernetes.GetVersion": "muster doctor",
  "kubernetes.PatchAutoscaler": "a service that an autoscaler keeps; test/sweep/kept.test.ts",
  "kubernetes.PatchDeployment": "pods that are restarted by a rollout; test/sweep/kept.test.ts",
  "kubernetes.GetKustomization": "a service that Flux keeps; test/sweep/kept.test.ts",
  "kubernetes.PatchKustomization": "a service that Flux keeps; test/sweep/kept.test.ts",
  "kubernetes.GetHelmRelease": "a service that a HelmRelease keeps; test/steps/gitops.test.ts",
  "kubernetes.PatchHelmRelease": "a service that a HelmRelease keeps; test/steps/gitops.test.ts",
  "kubernetes.GetApplication": "a service that Argo CD keeps; test/steps/gitops.test.ts",
  "kubernetes.PatchApplication": "a service that Argo CD keeps; test/steps/gitops.test.ts",
  "kubernetes.GetApplicationSet":
    "whoever asks for a run of what an ApplicationSet made; test/steps/application-sets.test.ts",
  "route53.CreateHealthCheck": "whoever sets up the switch that moves customers",
  "route53.ListHealthChecks": "whoever sets up the switch that moves customers",
  "route53.GetHealthCheck": "a move by records that have health checks; test/sweep/drivers.test.ts",
  "route53.GetHealthCheckStatus": "a move by records that have health checks; test/sweep/drivers.test.ts",
  "s3.GetObject": "a move by the control object; test/sweep/drivers.test.ts",
  "s3.PutObject": "a move by the control object; test/sweep/drivers.test.ts",
  "rds.DescribeGlobalClusters": "a global cluster of Aurora; test/sweep/drivers.test.ts",
  "rds.DescribeDBClusters": "a global cluster of Aurora; test/sweep/drivers.test.ts",
  "rds.DescribeDBClusterEndpoints":
    "a cluster of Aurora that RDS tells without its writer endpoint; test/stories/aurora.test.ts",
  "rds.SwitchoverGlobalCluster": "a global cluster of Aurora; test/sweep/drivers.test.ts",
  "rds.FailoverGlobalCluster": "a global cluster of Aurora; test/steps/switch-global-cluster.test.ts",
  "postgres.LookAtStandby": "a standby that nobody else manages; test/sweep/drivers.test.ts",
  "postgres.PromoteStandby": "a standby that nobody else manages; test/sweep/drivers.test.ts",
  "s3.DeleteObject": "a move by the control object, back; test/steps/flip-control-object.test.ts",
  "arc.GetRoutingControlState": "a move by routing controls; test/sweep/drivers.test.ts",
  "arc.UpdateRoutingControlStates": "a move by routing controls; test/sweep/drivers.test.ts",
  "route53.GetChange": "nobody: that all name servers answer is what INSYNC means, seen and not told",
  "smtp.greet": "muster doctor",
  "smtp.send": "the outbox",
  "file.write": "whoever asks for a report in a terminal",
  "slack.*": "the outbox and the inbox",
  "sts.GetCallerIdentity": "muster doctor",
  "web.Date": "muster doctor",
  "statuspage.ListOpenIncidents": "the outbox; test/outbox/statuspage-killed.test.ts",
  "statuspage.ListComponents": "the outbox; test/outbox/statuspage-killed.test.ts",
  "statuspage.CreateIncident": "the outbox; test/outbox/statuspage-killed.test.ts",
  "statuspage.UpdateIncident": "the outbox; test/outbox/statuspage-killed.test.ts",
  "statuspage.GetIncident": "the outbox; test/outbox/statuspage-killed.test.ts",
};

describe("a failover with the old region alive", () => {
  const { whole } = sweepEveryPoint("graceful");

  it("passes every named point that the engine, the steps, the facts and the adapters have, but for those of others", () => {
    const passed = new Set(whole().points.map((id) => nameOf(id).replace(/^(before|after) /, "")));
    const names = namesOfProduct();
    expect(names.size).toBeGreaterThan(30);
    expect([...names].filter((name) => !passed.has(name) && !(name in elsewhere))).toEqual([]);
    const stable = new Set(
      whole()
        .points.filter(isStable)
        .map((id) => nameOf(id).replace(/^(before|after) /, "")),
    );
    expect(Object.keys(elsewhere).filter((name) => !names.has(name) || stable.has(name))).toEqual([]);
    expect([...passed].filter((name) => !names.has(name))).toEqual([]);
  });
});
