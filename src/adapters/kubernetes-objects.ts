import type { V1ObjectMeta } from "@kubernetes/client-node";
import type { CallContext, CallOptions } from "../call.ts";
import { askCluster, KubernetesError, type Cluster } from "./kubernetes-client.ts";

export type Ref = { namespace: string; name: string };

/** The field manager our writes show under. */
export const manager = "muster";

/** What is asked of an object, and where it is: its call's name, as in "kubernetes.PatchScale", and its path. */
type Asked = { call: string; path: string };

/** Reads one object; undefined when there is none. */
export async function getObject(
  ctx: CallContext,
  cluster: Cluster,
  { call, path }: Asked,
  options?: CallOptions,
): Promise<unknown> {
  return orNothing(askCluster(ctx, cluster, call, { method: "GET", path }, options));
}

/** Sends a merge patch under our name. One that carries a resource version is refused where that is old. */
export async function patchObject(
  ctx: CallContext,
  cluster: Cluster,
  { call, path, body, dryRun = false }: Asked & { body: object; dryRun?: boolean },
  options?: CallOptions,
): Promise<void> {
  const ask = {
    method: "PATCH" as const,
    path: `${path}?fieldManager=${manager}${dryRun ? "&dryRun=All" : ""}`,
    contentType: "application/merge-patch+json",
    body,
  };
  await askCluster(ctx, cluster, call, ask, options);
}

/** Where the API keeps an object: "/apis/apps/v1", "deployments". */
export const objectPath = (api: string, resource: string, { namespace, name }: Ref): string =>
  `${api}/namespaces/${encodeURIComponent(namespace)}/${resource}/${encodeURIComponent(name)}`;

/** The name of what an object belongs to, of a kind of an API group such as "keda.sh/"; undefined where it belongs to none. */
export const ownerOfKind = (metadata: V1ObjectMeta | undefined, kind: string, group: string): string | undefined =>
  metadata?.ownerReferences?.find((owner) => owner.kind === kind && owner.apiVersion.startsWith(group))?.name;

async function orNothing(asked: Promise<unknown>): Promise<unknown> {
  return asked.catch((error: unknown) => {
    if (error instanceof KubernetesError && error.status === 404) return undefined;
    throw error;
  });
}
