import type { Clock } from "../clock.ts";
import type { Document } from "./kubernetes-change.ts";
import type { Cluster } from "./kubernetes-cluster.ts";
import type { Deployment } from "./kubernetes-objects.ts";
import type { Doc } from "./kubernetes-schema.ts";
import type { State } from "./kubernetes-state.ts";
import type { Power } from "./power.ts";

export type Autoscaler = Document & {
  kind: "HorizontalPodAutoscaler";
  spec: Doc & {
    scaleTargetRef: { apiVersion: string; kind: string; name: string };
    minReplicas?: number;
    maxReplicas: number;
  };
};

/** The controller's own default: --horizontal-pod-autoscaler-sync-period. */
const syncSeconds = 15;

/** The spec of an autoscaler that looks at the CPU, as the API server keeps it. */
export const autoscalerSpec = (deployment: string, { min, max }: { min: number; max: number }): Autoscaler["spec"] => ({
  scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: deployment },
  minReplicas: min,
  maxReplicas: max,
  metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } }],
});

/**
 * How many pods an autoscaler wants now, or undefined where it is off: while its deployment wants 0 and it may not have 0
 * itself (Kubernetes' documentation, Horizontal Pod Autoscaling, "Implicit maintenance-mode deactivation"). Pods here have no
 * load that would be measured, so that between its bounds it leaves the number as it is.
 */
function wantedBy({ spec }: Autoscaler, replicas: number): number | undefined {
  const { minReplicas = 1, maxReplicas } = spec;
  if (replicas === 0 && minReplicas > 0) return undefined;
  return Math.min(maxReplicas, Math.max(minReplicas, replicas));
}

/** Writes an autoscaler with the status that its controller gives it. */
export function autoscalerJson(autoscaler: Autoscaler, state: Pick<State, "deployments" | "pods">): object {
  const { namespace } = autoscaler.metadata;
  const key = `${namespace}/${autoscaler.spec.scaleTargetRef.name}`;
  const replicas = state.deployments.get(key)?.spec.replicas ?? 0;
  const wanted = wantedBy(autoscaler, replicas);
  const alive = (state.pods.get(key) ?? []).filter(({ deletedAt }) => !deletedAt).length;
  const active = wanted === undefined ? "False" : "True";
  const reason = wanted === undefined ? "ScalingDisabled" : "ValidMetricFound";
  const conditions = [{ type: "ScalingActive", status: active, reason }];
  return { ...autoscaler, status: { currentReplicas: alive, desiredReplicas: wanted ?? 0, conditions } };
}

type Options = { cluster: Cluster; clock: Clock; power: Power; signal: AbortSignal };

/** Holds every deployment that has an autoscaler within its bounds, until the signal fires. */
export async function runAutoscalers({ cluster, clock, power, signal }: Options): Promise<void> {
  if (cluster.state.now.horizontalpodautoscalers.size === 0) return;
  for (;;) {
    await clock.sleep(syncSeconds, signal);
    await power.whenOn(signal);
    const { horizontalpodautoscalers, deployments } = cluster.state.now;
    for (const autoscaler of horizontalpodautoscalers.values()) {
      const { namespace } = autoscaler.metadata;
      const { name } = autoscaler.spec.scaleTargetRef;
      const found: Deployment | undefined = deployments.get(`${namespace}/${name}`);
      const replicas = found && wantedBy(autoscaler, found.spec.replicas);
      if (replicas === undefined || replicas === found?.spec.replicas) continue;
      cluster.change(
        { resource: "deployments", namespace, name, scale: true },
        { by: "merge-patch", patch: { spec: { replicas } } },
        { manager: "kube-controller-manager", dryRun: false },
      );
    }
  }
}
