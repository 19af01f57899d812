import type { PodView } from "./pods.ts";

/** Who wrote which fields last, as the API server keeps it. */
export type ManagedFields = {
  manager: string;
  operation: "Update" | "Apply";
  apiVersion: string;
  time: string;
  fieldsType: "FieldsV1";
  fieldsV1: Record<string, unknown>;
  subresource?: string;
};

export type Metadata = {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  generation?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  managedFields: ManagedFields[];
};

export type ConfigMap = { metadata: Metadata; data: Record<string, string>; immutable?: boolean };

export type Deployment = {
  metadata: Metadata;
  replicas: number;
  observedGeneration: number;
  paused?: boolean;
};

/** Writes a time as Kubernetes does: without parts of a second. */
export function stamp(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, "Z");
}

/** Tells who holds a field after a manager changed it: whoever held it before loses it, as with every plain update. */
export function takeFields(
  held: readonly ManagedFields[],
  by: { manager: string; apiVersion: string; at: Date; parent: string; fields: string[]; subresource?: string },
): ManagedFields[] {
  const fieldsV1 = Object.fromEntries(by.fields.map((field) => [`f:${field}`, {}]));
  const others = held.map((entry) => without(entry, by.parent, Object.keys(fieldsV1)));
  const mine = others.find((entry) => entry.manager === by.manager && entry.subresource === by.subresource);
  const merged = { ...(mine?.fieldsV1[`f:${by.parent}`] as object | undefined), ...fieldsV1 };
  const entry: ManagedFields = {
    manager: by.manager,
    operation: "Update",
    apiVersion: by.apiVersion,
    time: stamp(by.at),
    fieldsType: "FieldsV1",
    fieldsV1: { ...mine?.fieldsV1, [`f:${by.parent}`]: merged },
  };
  if (by.subresource) entry.subresource = by.subresource;
  return [...others.filter((other) => other !== mine && Object.keys(other.fieldsV1).length > 0), entry];
}

function without(entry: ManagedFields, parent: string, fields: string[]): ManagedFields {
  const key = `f:${parent}`;
  const held = Object.entries((entry.fieldsV1[key] as Record<string, unknown> | undefined) ?? {});
  const left = Object.fromEntries(held.filter(([field]) => !fields.includes(field)));
  const { [key]: _taken, ...rest } = entry.fieldsV1;
  return { ...entry, fieldsV1: Object.keys(left).length > 0 ? { ...rest, [key]: left } : rest };
}

/** Writes a config map as the API answers it. */
export function configMapJson({ metadata, data, immutable }: ConfigMap): object {
  return { kind: "ConfigMap", apiVersion: "v1", metadata, data, ...(immutable ? { immutable } : {}) };
}

/** Writes a deployment with the status that its pods give it. */
export function deploymentJson(deployment: Deployment, pods: readonly PodView[]): object {
  const { metadata, replicas, observedGeneration, paused } = deployment;
  const alive = pods.filter((pod) => !pod.deletedAt);
  const ready = alive.filter((pod) => pod.ready).length;
  const labels = { app: metadata.name };
  return {
    kind: "Deployment",
    apiVersion: "apps/v1",
    metadata,
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: metadata.name, image: `lab/${metadata.name}:1` }] },
      },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      ...(paused ? { paused } : {}),
    },
    status: {
      observedGeneration,
      // Zeroes are left out, as the real API does.
      ...nonZero({
        replicas: alive.length,
        updatedReplicas: alive.length,
        readyReplicas: ready,
        availableReplicas: ready,
      }),
      ...nonZero({ unavailableReplicas: Math.max(0, replicas - ready) }),
      conditions: [
        condition("Available", ready >= Math.ceil(replicas * 0.75), {
          yes: ["MinimumReplicasAvailable", "Deployment has minimum availability."],
          no: ["MinimumReplicasUnavailable", "Deployment does not have minimum availability."],
        }),
        condition("Progressing", true, {
          yes: ["NewReplicaSetAvailable", `ReplicaSet "${metadata.name}-1" has successfully progressed.`],
          no: ["ProgressDeadlineExceeded", `ReplicaSet "${metadata.name}-1" has timed out progressing.`],
        }),
      ],
    },
  };
}

function nonZero(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

function condition(type: string, holds: boolean, texts: { yes: [string, string]; no: [string, string] }) {
  const [reason, message] = holds ? texts.yes : texts.no;
  return { type, status: holds ? "True" : "False", reason, message };
}

/** Writes the scale subresource: what is wanted, and what was seen so far. */
export function scaleJson({ metadata, replicas }: Deployment, pods: readonly PodView[]): object {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas },
    status: { replicas: pods.filter((pod) => !pod.deletedAt).length, selector: `app=${name}` },
  };
}

/** Writes a pod as an item of a list: those carry neither kind nor apiVersion. */
export function podJson(pod: PodView, namespace: string, deployment: string): object {
  const times = [pod.createdAt, pod.startedAt, pod.readyAt, pod.deletedAt].filter((time) => time !== undefined);
  const resourceVersion = String(Math.max(...times.map((time) => time.getTime())) % 1e9);
  const ready = pod.ready ? { status: "True" } : { status: "False", reason: "ContainersNotReady" };
  return {
    metadata: {
      name: pod.name,
      namespace,
      uid: pod.uid,
      resourceVersion,
      labels: { app: deployment },
      creationTimestamp: stamp(pod.createdAt),
      ...(pod.deletedAt ? { deletionTimestamp: stamp(pod.deletedAt), deletionGracePeriodSeconds: 30 } : {}),
      ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: `${deployment}-1`, uid: deployment }],
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
