import type { V1ConfigMap, V1Deployment, V1SelfSubjectAccessReview } from "@kubernetes/client-node";
import type { CallContext, CallOptions } from "../call.ts";
import { CannotContinue } from "../errors.ts";
import { askCluster, type Cluster } from "./kubernetes-client.ts";
import { getObject, objectPath, patchObject, type Ref } from "./kubernetes-objects.ts";
import { askOnce } from "./kubernetes-shared.ts";
import { ownerOfKey, ownerOfNumber, type Owner } from "./kubernetes-owners.ts";

export { isConflict, isRefusedByCluster, KubernetesError, type Cluster } from "./kubernetes-client.ts";
export type { Ref } from "./kubernetes-objects.ts";

export type KeyRef = Ref & { key: string };

/** How long pods may take to end that do not say so: the default of terminationGracePeriodSeconds. */
export const defaultGraceSeconds = 30;

/** An annotation of the pod template: the run that restarted the pods last. Whoever writes another value starts a rollout. */
const restartedBy = "muster/restarted-by";

/** What a deployment wants and what it has. */
export type Scale = {
  /** Pods wanted. */ replicas: number;
  /** Pods there are, also those that start. Those that end are not counted, though their programs run on for a while. */
  existing: number;
  ready: number;
  updated: number;
  /** Ready for long enough (minReadySeconds). */ available: number;
  resourceVersion: string;
  generation: number;
  /** The controller has seen generations up to this one; behind it, the counts are old news. */
  observedGeneration: number;
  /** How long its pods may take to end, in seconds. Absent in journals of an older Muster. */
  graceSeconds?: number;
  paused: boolean;
  /** The run that restarted its pods last, by a rollout. */
  restartedBy?: string;
  /** The controller that will put the number of pods back. */
  owner?: Owner;
  /** Why pods cannot be made ("exceeded quota"), or do not get ready in time, in the controller's words. */
  failure?: string;
};

/** Looks at a deployment; undefined when the cluster has none of that name. */
export async function getScale(
  ctx: CallContext,
  cluster: Cluster,
  ref: Ref,
  options?: CallOptions,
): Promise<Scale | undefined> {
  const found = await getObject(ctx, cluster, { call: "GetDeployment", path: path(ref) }, options);
  if (!found) return undefined;
  const { metadata, spec, status } = found as V1Deployment;
  const failed = status?.conditions?.find(
    ({ type, status: holds, reason }) =>
      (type === "ReplicaFailure" && holds === "True") || reason === "ProgressDeadlineExceeded",
  );
  const owner = ownerOfNumber(metadata, "replicas");
  const run = spec?.template.metadata?.annotations?.[restartedBy];
  return {
    replicas: spec?.replicas ?? 1,
    existing: status?.replicas ?? 0,
    ready: status?.readyReplicas ?? 0,
    updated: status?.updatedReplicas ?? 0,
    available: status?.availableReplicas ?? 0,
    resourceVersion: metadata?.resourceVersion ?? "",
    generation: metadata?.generation ?? 0,
    observedGeneration: status?.observedGeneration ?? 0,
    paused: spec?.paused ?? false,
    graceSeconds: spec?.template.spec?.terminationGracePeriodSeconds ?? defaultGraceSeconds,
    ...(run === undefined ? {} : { restartedBy: run }),
    ...(owner ? { owner } : {}),
    ...(failed?.message ? { failure: failed.message } : {}),
  };
}

/**
 * Sets how many pods a deployment wants, through its scale subresource: the only right needed. A deployment that was
 * changed since it was read is left alone.
 *
 * @throws KubernetesError 409 (`isConflict`) when the resource version is old: read again and decide.
 */
export async function setScale(
  ctx: CallContext,
  cluster: Cluster,
  ref: Ref,
  { replicas, resourceVersion }: { replicas: number; resourceVersion: string },
  options?: CallOptions,
): Promise<void> {
  const body = { metadata: { resourceVersion }, spec: { replicas } };
  await patchObject(ctx, cluster, { call: "PatchScale", path: `${path(ref)}/scale`, body }, options);
}

/**
 * Has a deployment replace its pods a few at a time, by an annotation of its pod template that names the run; the same run
 * twice is one rollout. It needs the right to patch the deployment itself. One that was changed since it was read is left alone.
 *
 * @throws KubernetesError 409 (`isConflict`) when the resource version is old: read again and decide.
 */
export async function restartByRollout(
  ctx: CallContext,
  cluster: Cluster,
  ref: Ref,
  { runId, resourceVersion }: { runId: string; resourceVersion: string },
  options?: CallOptions,
): Promise<void> {
  const template = { metadata: { annotations: { [restartedBy]: runId } } };
  const body = { metadata: { resourceVersion }, spec: { template } };
  await patchObject(ctx, cluster, { call: "PatchDeployment", path: path(ref), body }, options);
}

/** One key of a config map, and who else thinks it is theirs. */
export type ConfigValue = {
  /** Undefined when the map has no such key. */
  value: string | undefined;
  resourceVersion: string;
  /** Who wrote the key last, if not Muster; or the controller that will put its own value back. */
  owner?: Owner;
};

/** Reads one key of a config map; undefined when there is no such map. */
export async function getConfigKey(
  ctx: CallContext,
  cluster: Cluster,
  { key, ...ref }: KeyRef,
  options?: CallOptions,
): Promise<ConfigValue | undefined> {
  const found = await getConfigKeys(ctx, cluster, ref, options);
  return found?.(key);
}

/** Reads a config map, to be asked for its keys, all of one moment; undefined when there is no such map. */
export async function getConfigKeys(
  ctx: CallContext,
  cluster: Cluster,
  ref: Ref,
  options?: CallOptions,
): Promise<((key: string) => ConfigValue) | undefined> {
  const found = await getObject(ctx, cluster, { call: "GetConfigMap", path: configPath(ref) }, options);
  if (!found) return undefined;
  const { data, metadata } = found as V1ConfigMap;
  return (key) => {
    const owner = ownerOfKey(metadata, key);
    return {
      value: data?.[key],
      resourceVersion: metadata?.resourceVersion ?? "",
      ...(owner ? { owner } : {}),
    };
  };
}

/** Writes one key of a config map, as `setConfigKeys` does. */
export async function setConfigKey(
  ctx: CallContext,
  cluster: Cluster,
  { key, ...ref }: KeyRef,
  { value, ...change }: { value: string | undefined; resourceVersion: string; dryRun?: boolean },
  options?: CallOptions,
): Promise<void> {
  await setConfigKeys(ctx, cluster, ref, { values: { [key]: value }, ...change }, options);
}

/**
 * Writes keys of a config map, all or none, and leaves the others alone; undefined removes one. A map that was changed since
 * it was read is left alone. `dryRun` has the server check everything and change nothing.
 *
 * @throws KubernetesError 409 (`isConflict`) when the resource version is old: read again and decide.
 */
export async function setConfigKeys(
  ctx: CallContext,
  cluster: Cluster,
  ref: Ref,
  { values, resourceVersion, dryRun = false }: ConfigChange,
  options?: CallOptions,
): Promise<void> {
  const data = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, value ?? null]));
  const body = { metadata: { resourceVersion }, data };
  await patchObject(ctx, cluster, { call: "PatchConfigMap", path: configPath(ref), body, dryRun }, options);
}

type ConfigChange = { values: Record<string, string | undefined>; resourceVersion: string; dryRun?: boolean };

/** What one may ask whether Muster may do: verb and resource as in a Role ("patch", "deployments", "scale"). */
export type Right = {
  verb: string;
  group?: string;
  resource: string;
  subresource?: string;
  namespace: string;
  name?: string;
};

/** Tells whether Muster's role has a right, as the cluster sees it. */
export async function canI(ctx: CallContext, cluster: Cluster, right: Right, options?: CallOptions): Promise<boolean> {
  const body = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes: right },
  };
  const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  const ask = { method: "POST" as const, path, contentType: "application/json", body };
  const review = (asker: CallContext, patience?: CallOptions) =>
    askCluster(asker, cluster, "ReviewAccess", ask, patience) as Promise<V1SelfSubjectAccessReview>;
  // What is about no object in particular is asked for each service anew.
  const found =
    right.name === undefined
      ? await askOnce(ctx, cluster, JSON.stringify(body), review, options)
      : await review(ctx, options);
  return found.status?.allowed ?? false;
}

/** Asks the API server for its version: is it there, and is it one? Returns "v1.36.0". */
export async function ping(ctx: CallContext, cluster: Cluster, options?: CallOptions): Promise<string> {
  const found = await askCluster(ctx, cluster, "GetVersion", { method: "GET", path: "/version" }, options);
  const { gitVersion } = found as { gitVersion?: string };
  if (gitVersion) return gitVersion;
  throw new CannotContinue({
    happened: `What answers for the cluster ${cluster.name} is no Kubernetes API.`,
    means: "Nothing was changed.",
    todo: "Look at the server of its kubeconfig context, then try again.",
  });
}

const path = (ref: Ref): string => objectPath("/apis/apps/v1", "deployments", ref);
const configPath = (ref: Ref): string => objectPath("/api/v1", "configmaps", ref);
