import type { V2HorizontalPodAutoscaler, V2HorizontalPodAutoscalerList } from "@kubernetes/client-node";
import type { CallContext, CallOptions } from "../call.ts";
import { KubernetesError, type Cluster } from "./kubernetes-client.ts";
import { ownerOfNumber, type Owner } from "./kubernetes-owners.ts";
import { askOnce } from "./kubernetes-shared.ts";
import { getObject, objectPath, ownerOfKind, patchObject, type Ref } from "./kubernetes-objects.ts";

/** A HorizontalPodAutoscaler: how many pods it keeps, at least and at most. */
export type Autoscaler = {
  name: string;
  min: number;
  max: number;
  resourceVersion: string;
  /** The controller that will put its least pods back. */
  owner?: Owner;
  /** The ScaledObject that KEDA made it of: KEDA puts its bounds back, and scales the deployment from and to 0 by itself. */
  scaledObject?: string;
};

const api = "/apis/autoscaling/v2";
const resource = "horizontalpodautoscalers";

const pathIn = (namespace: string): string => `${api}/namespaces/${encodeURIComponent(namespace)}/${resource}`;

/**
 * Finds the autoscaler that owns a deployment; undefined where none does. It needs the right to list those of the namespace.
 * Of two, the first by name is told: Kubernetes lets both stand, and their controller serves neither.
 */
export async function findAutoscaler(
  ctx: CallContext,
  cluster: Cluster,
  { namespace, name }: Ref,
  options?: CallOptions,
): Promise<Autoscaler | undefined> {
  const path = pathIn(namespace);
  const found = await askOnce(
    ctx,
    cluster,
    path,
    (asker, patience) => getObject(asker, cluster, { call: "ListAutoscalers", path }, patience),
    options,
  );
  const owner = itemsOf(found).find(({ spec }) => {
    const { apiVersion = "", kind, name: target } = spec?.scaleTargetRef ?? {};
    return kind === "Deployment" && target === name && apiVersion.startsWith("apps/");
  });
  return owner && read(owner);
}

/**
 * Looks at an autoscaler by its name; undefined where there is none. It looks among those of the namespace: with the right by
 * which it was found, and no other.
 */
export async function getAutoscaler(
  ctx: CallContext,
  cluster: Cluster,
  { namespace, name }: Ref,
  options?: CallOptions,
): Promise<Autoscaler | undefined> {
  const path = pathIn(namespace);
  const found = itemsOf(await getObject(ctx, cluster, { call: "ListAutoscalers", path }, options));
  const named = found.find(({ metadata }) => metadata?.name === name);
  return named && read(named);
}

/** A cluster without that API has no autoscalers of it. */
function itemsOf(found: unknown): V2HorizontalPodAutoscaler[] {
  if (!found) return [];
  const { items } = found as V2HorizontalPodAutoscalerList;
  if (!Array.isArray(items)) throw new KubernetesError(200, undefined, "the list of autoscalers has no items");
  return items;
}

/**
 * Sets how many pods an autoscaler keeps at least. One that was changed since it was read is left alone.
 *
 * @throws KubernetesError 409 (`isConflict`) when the resource version is old, 422 where that is more than its most.
 */
export async function setLeastPods(
  ctx: CallContext,
  cluster: Cluster,
  ref: Ref,
  { min, resourceVersion }: { min: number; resourceVersion: string },
  options?: CallOptions,
): Promise<void> {
  const body = { metadata: { resourceVersion }, spec: { minReplicas: min } };
  await patchObject(ctx, cluster, { call: "PatchAutoscaler", path: objectPath(api, resource, ref), body }, options);
}

/** Without `minReplicas` it keeps one. */
function read({ metadata, spec }: V2HorizontalPodAutoscaler): Autoscaler {
  const owner = ownerOfNumber(metadata, "minReplicas");
  const scaledObject = ownerOfKind(metadata, "ScaledObject", "keda.sh/");
  return {
    name: metadata?.name ?? "",
    min: spec?.minReplicas ?? 1,
    max: spec?.maxReplicas ?? 0,
    resourceVersion: metadata?.resourceVersion ?? "",
    ...(owner ? { owner } : {}),
    ...(scaledObject === undefined ? {} : { scaledObject }),
  };
}
