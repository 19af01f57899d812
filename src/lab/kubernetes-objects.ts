import type { Document } from "./kubernetes-change.ts";
import type { ManagedFields } from "./kubernetes-fields.ts";
import type { Doc } from "./kubernetes-schema.ts";
import type { PodView } from "./pods.ts";

/** What something belongs to; `controller` where that keeps it as it should be. */
export type OwnerReference = { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean };

export type Metadata = {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  generation?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  managedFields: ManagedFields[];
};

export type ConfigMap = Document & { kind: "ConfigMap"; data: Record<string, string> };

export type Secret = Document & { kind: "Secret"; data: Record<string, string> };

export type DeploymentSpec = Doc & {
  replicas: number;
  paused?: boolean;
  template: Doc & { metadata?: Doc & { annotations?: Record<string, string> } };
};

export type Deployment = Document & { kind: "Deployment"; spec: DeploymentSpec; rollout: Rollout };

/** What the deployment controller knows. */
export type Rollout = {
  /** The controller has seen the object up to this generation. */
  observedGeneration: number;
  /** Counts the templates; pods of older ones are replaced. */
  revision: number;
  template: string;
  complete: boolean;
  /** When something moved last while it was not complete. */
  progressedAt: Date;
};

/** Writes a time as Kubernetes does: without parts of a second. */
export function stamp(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, "Z");
}

/** The spec of a deployment of one container, with the defaults that the API server fills in. */
export function deploymentSpec(name: string, { replicas, paused }: { replicas: number; paused?: boolean }) {
  const labels = { app: name };
  return {
    replicas,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name, image: `lab/${name}:1` }] } },
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } },
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    ...(paused ? { paused } : {}),
  } satisfies DeploymentSpec;
}

/** Counts the pods of a deployment as its controller does. */
export function countPods(pods: readonly PodView[], revision: number) {
  const alive = pods.filter((pod) => !pod.deletedAt);
  const ready = alive.filter((pod) => pod.ready).length;
  return { alive: alive.length, ready, updated: alive.filter((pod) => pod.revision === revision).length };
}

/** Writes a deployment with the status that its pods give it. */
export function deploymentJson(deployment: Deployment, pods: readonly PodView[], now: Date): object {
  const { rollout, ...document } = deployment;
  const { metadata, spec } = deployment;
  const { alive, ready, updated } = countPods(pods, rollout.revision);
  const set = `ReplicaSet "${metadata.name}-${rollout.revision}"`;
  const late = now.getTime() - rollout.progressedAt.getTime() > Number(spec["progressDeadlineSeconds"] ?? 600) * 1000;
  return {
    ...document,
    status: {
      observedGeneration: rollout.observedGeneration,
      // Zeroes are left out, as the real API does.
      ...nonZero({ replicas: alive, updatedReplicas: updated, readyReplicas: ready, availableReplicas: ready }),
      ...nonZero({ unavailableReplicas: Math.max(0, spec.replicas - ready) }),
      conditions: [
        ready >= spec.replicas - Math.floor(spec.replicas / 4)
          ? condition("Available", true, "MinimumReplicasAvailable", "Deployment has minimum availability.")
          : condition(
              "Available",
              false,
              "MinimumReplicasUnavailable",
              "Deployment does not have minimum availability.",
            ),
        // Once complete it stays so, even when its pods die later.
        rollout.complete
          ? condition("Progressing", true, "NewReplicaSetAvailable", `${set} has successfully progressed.`)
          : late && !spec.paused
            ? condition("Progressing", false, "ProgressDeadlineExceeded", `${set} has timed out progressing.`)
            : condition("Progressing", true, "ReplicaSetUpdated", `${set} is progressing.`),
      ],
    },
  };
}

function nonZero(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

function condition(type: string, holds: boolean, reason: string, message: string) {
  return { type, status: holds ? "True" : "False", reason, message };
}

/** Writes the scale subresource: what is wanted, and what was seen so far. */
export function scaleJson({ metadata, spec }: Deployment, pods: readonly PodView[]): object {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: spec.replicas },
    status: { replicas: pods.filter((pod) => !pod.deletedAt).length, selector: `app=${name}` },
  };
}

/** A pod's own grace, by default: terminationGracePeriodSeconds of its spec. */
const graceSeconds = 30;

/**
 * Writes a pod as an item of a list: those carry neither kind nor apiVersion. One that is deleted is given its grace: its
 * deletionTimestamp lies ahead by that much.
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
 */
export function podJson(pod: PodView, namespace: string, deployment: string): object {
  const times = [pod.createdAt, pod.startedAt, pod.readyAt, pod.deletedAt].filter((time) => time !== undefined);
  const resourceVersion = String(Math.max(...times.map((time) => time.getTime())) % 1e9);
  const ready = pod.ready ? { status: "True" } : { status: "False", reason: "ContainersNotReady" };
  const owner = `${deployment}-${pod.revision}`;
  return {
    metadata: {
      name: pod.name,
      namespace,
      uid: pod.uid,
      resourceVersion,
      labels: { app: deployment },
      annotations: pod.annotations,
      creationTimestamp: stamp(pod.createdAt),
      ...(pod.deletedAt ? deletion(pod.deletedAt) : {}),
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "ReplicaSet",
          name: owner,
          uid: owner,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: { containers: [{ name: deployment, image: `lab/${deployment}:1` }] },
    status: {
      phase: pod.startedAt ? "Running" : "Pending",
      ...(pod.startedAt ? { startTime: stamp(pod.startedAt), podIP: pod.address?.host } : {}),
      conditions: [
        { type: "Ready", ...ready, lastTransitionTime: stamp(pod.readyAt ?? pod.startedAt ?? pod.createdAt) },
        { type: "PodScheduled", status: "True", lastTransitionTime: stamp(pod.createdAt) },
      ],
    },
  };
}

const deletion = (at: Date) => ({
  deletionTimestamp: stamp(new Date(at.getTime() + graceSeconds * 1000)),
  deletionGracePeriodSeconds: graceSeconds,
});
