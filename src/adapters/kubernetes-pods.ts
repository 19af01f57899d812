import type { V1Deployment, V1ObjectMeta, V1PodList } from "@kubernetes/client-node";
import type { CallContext, CallOptions } from "../call.ts";
import { askCluster, KubernetesError, type Cluster } from "./kubernetes-client.ts";
import { getObject, objectPath, type Ref } from "./kubernetes-objects.ts";
import { selectorText } from "./label-selector.ts";

export type Pod = {
  uid: string;
  name: string;
  ready: boolean;
  startedAt: string | undefined;
  terminating: boolean;
  /** When its grace to end by itself is over. Later it hangs, or its node is lost. */
  endsBy?: string;
};

/**
 * Lists the pods of a deployment that run or will: by its own label selector, and of those its own. Pods of a Job may carry the
 * same labels; to the deployment's controller they are strangers, and to us.
 *
 * @throws CannotContinue when that selects nothing in particular.
 */
export async function listPods(ctx: CallContext, cluster: Cluster, ref: Ref, options?: CallOptions): Promise<Pod[]> {
  const deployment = await getObject(
    ctx,
    cluster,
    { call: "GetDeployment", path: objectPath("/apis/apps/v1", "deployments", ref) },
    options,
  );
  if (!deployment) return [];
  const selector = (deployment as V1Deployment).spec?.selector ?? {};
  const query = new URLSearchParams({ labelSelector: selectorText(selector, `${ref.namespace}/${ref.name}`) });
  const listPath = `/api/v1/namespaces/${encodeURIComponent(ref.namespace)}/pods?${query}`;
  const found = (await askCluster(ctx, cluster, "ListPods", { method: "GET", path: listPath }, options)) as V1PodList;
  if (!Array.isArray(found.items)) throw new KubernetesError(200, undefined, "the list of pods has no items");
  return alivePods(found.items.filter(({ metadata }) => isMadeBy(ref.name, metadata)));
}

/**
 * Whether a pod was made by a deployment of that name: by one of its ReplicaSets, which are called after it and a hash of their
 * template, in which there is no dash. Pure.
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pod-template-hash-label
 */
export function isMadeBy(deployment: string, metadata: V1ObjectMeta | undefined): boolean {
  const maker = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  return maker?.kind === "ReplicaSet" && maker.name.slice(0, maker.name.lastIndexOf("-")) === deployment;
}

/** The pods of a list that run or will: one that was evicted or ran to its end stays there, and runs nothing. */
export function alivePods(items: V1PodList["items"]): Pod[] {
  const alive = items.filter(({ status }) => status?.phase !== "Failed" && status?.phase !== "Succeeded");
  return alive.map(({ metadata, status }) => ({
    uid: metadata?.uid ?? "",
    name: metadata?.name ?? "",
    ready: status?.conditions?.some(({ type, status: holds }) => type === "Ready" && holds === "True") ?? false,
    // Raw JSON: times are text here, whatever the client's types say.
    startedAt: (status?.startTime ?? metadata?.creationTimestamp) as unknown as string | undefined,
    terminating: metadata?.deletionTimestamp !== undefined,
    // The moment of the deletion, and the grace after it. Raw JSON, too.
    ...(metadata?.deletionTimestamp ? { endsBy: metadata.deletionTimestamp as unknown as string } : {}),
  }));
}
