import { badRequest, continueExpired, resources } from "./kubernetes-answers.ts";
import { deploymentJson, podJson, type Deployment } from "./kubernetes-objects.ts";
import { selects } from "./kubernetes-selector.ts";
import type { Kept, State } from "./kubernetes-state.ts";
import { autoscalerJson, type Autoscaler } from "./autoscaler.ts";

export type Listed = Kept;

type Item = { namespace: string; name: string; labels: Record<string, string>; json: object };
type Asked = { resource: Listed; namespace: string; query: URLSearchParams; now: Date };

/** Where a list goes on: what it shows stays as it was when it began. */
type Continue = { resourceVersion: number; from: number };

/**
 * Lists objects of one namespace, or of all when none is named. `limit` cuts the list, and the pages that follow are of the same
 * moment as the first: `stateAt` finds that, unless it is too long ago.
 */
export function list(
  current: State,
  stateAt: (resourceVersion: number) => State | undefined,
  { resource, namespace, query, now }: Asked,
): object {
  const token = readContinue(query.get("continue"));
  const state = token ? stateAt(token.resourceVersion) : current;
  if (!state) throw continueExpired;
  const items = itemsOf(state, resource, now).filter(
    (item) => (!namespace || item.namespace === namespace) && selects(query.get("labelSelector"), item.labels),
  );
  const from = token?.from ?? 0;
  const until = from + (Number(query.get("limit") ?? 0) || items.length);
  const left = items.length - until;
  const { resourceVersion } = state;
  const more = left > 0 ? { continue: writeContinue({ resourceVersion, from: until }), remainingItemCount: left } : {};
  const { kind, apiVersion } = resources[resource];
  return {
    kind: `${kind}List`,
    apiVersion,
    metadata: { resourceVersion: String(resourceVersion), ...more },
    items: items.slice(from, until).map((item) => item.json),
  };
}

/** The pods of a namespace, or of all. */
export function podsOf(state: State): (Item & { deployment: string })[] {
  return [...state.pods].flatMap(([key, pods]) => {
    const [namespace = "", deployment = ""] = key.split("/");
    return pods.map((pod) => {
      const json = podJson(pod, namespace, deployment);
      return { namespace, deployment, name: pod.name, labels: { app: deployment }, json };
    });
  });
}

function itemsOf(state: State, resource: Listed, now: Date): Item[] {
  if (resource === "pods") return podsOf(state);
  // As etcd keeps them: by namespace, then by name. Items carry neither kind nor apiVersion.
  const sorted = [...state[resource]].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return sorted.map(([key, object]) => {
    const shown =
      object.kind === "Deployment"
        ? deploymentJson(object as Deployment, state.pods.get(key) ?? [], now)
        : object.kind === "HorizontalPodAutoscaler"
          ? autoscalerJson(object as Autoscaler, state)
          : object;
    const { kind: _kind, apiVersion: _version, ...json } = shown as Record<string, unknown>;
    const { namespace, name, labels = {} } = object.metadata;
    return { namespace, name, labels, json };
  });
}

function writeContinue(token: Continue): string {
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

function readContinue(text: string | null): Continue | undefined {
  if (!text) return undefined;
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString()) as Continue;
  } catch {
    throw badRequest("continue key is not valid: invalid character in the token");
  }
}
