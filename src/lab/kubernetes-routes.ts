import type { Answer } from "./api-call.ts";
import { mayDo, review } from "./kubernetes-access.ts";
import type { Rule } from "./kubernetes-access.ts";
import { badRequest, forbidden, json, noSuchPath, notFound, resources, StatusError } from "./kubernetes-answers.ts";
import type { Cluster, State, Write } from "./kubernetes-cluster.ts";
import { configMapJson, deploymentJson, podJson, scaleJson } from "./kubernetes-objects.ts";
import { readJson, readPatch } from "./kubernetes-patch.ts";
import type { LabRequest } from "./request-log.ts";

export type ApiRequest = {
  method: string;
  path: string;
  query: URLSearchParams;
  contentType: string | undefined;
  userAgent: string | undefined;
  body: string;
};

/** What a request is about, as far as its method and path tell. */
export type Route = {
  verb: "get" | "list" | "patch" | "create" | "update" | "delete";
  resource: keyof typeof resources | "version" | "selfsubjectaccessreviews" | undefined;
  namespace: string;
  name: string;
  subresource: string | undefined;
};

const verbs = { GET: "get", PATCH: "patch", POST: "create", PUT: "update", DELETE: "delete" } as const;

/** Reads method and path. */
export function routeOf({ method, path }: Pick<ApiRequest, "method" | "path">): Route {
  const parts = path.split("/").filter(Boolean).map(decodeURIComponent);
  const found: Route = {
    verb: verbs[method as keyof typeof verbs] ?? "get",
    resource: undefined,
    namespace: "",
    name: "",
    subresource: undefined,
  };
  if (path === "/version") return { ...found, resource: "version" };
  if (path === "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews") {
    return { ...found, resource: "selfsubjectaccessreviews" };
  }
  const apps = parts[0] === "apis" && parts[1] === "apps" && parts[2] === "v1";
  if (!apps && !(parts[0] === "api" && parts[1] === "v1")) return found;
  const [where, namespace = "", resource = "", name = "", subresource] = parts.slice(apps ? 3 : 2);
  const known = Object.values(resources).find((one) => one.name === resource && one.group === (apps ? "apps" : ""));
  if (where !== "namespaces" || !known) return found;
  const verb = found.verb === "get" && !name ? "list" : found.verb;
  return { verb, resource: known.name, namespace, name, subresource };
}

type Served = { cluster: Cluster; rules: readonly Rule[]; user: string; lagSeconds: number; request: LabRequest };

/** Serves one request whose token was good. */
export function serve(asked: ApiRequest, route: Route, served: Served): Answer {
  try {
    return answer(asked, route, served);
  } catch (error) {
    if (error instanceof StatusError) return error.answer;
    throw error;
  }
}

function answer(asked: ApiRequest, route: Route, { cluster, rules, user, lagSeconds, request }: Served): Answer {
  const { verb, resource, namespace, name, subresource } = route;
  if (resource === undefined) return noSuchPath;
  if (resource === "version")
    return json(200, { major: "1", minor: "36", gitVersion: "v1.36.0", platform: "linux/amd64" });
  if (resource === "selfsubjectaccessreviews") return json(201, review(rules, readJson(asked.body)));
  const known = resources[resource];
  const part = subresource ? `${resource}/${subresource}` : resource;
  if (!mayDo(rules, known.group, part, verb))
    throw forbidden(user, verb, { ...known, name: part }, { name, namespace });

  const state = cluster.state.read(lagSeconds);
  const key = `${namespace}/${name}`;
  if (verb === "list") return json(200, list(state, resource, namespace, asked.query));
  const write = (): Write => ({ manager: managerOf(asked), dryRun: asked.query.get("dryRun") === "All", request });
  if (resource === "configmaps") {
    if (verb === "patch") {
      const patch = readPatch(asked.contentType, asked.body);
      return json(200, configMapJson(cluster.patchConfigMap(namespace, name, patch, write())));
    }
    return json(200, configMapJson(state.configMaps.get(key) ?? missing(resource, name)));
  }
  if (resource === "deployments") {
    const scaled =
      verb === "patch"
        ? cluster.patchScale(namespace, name, readPatch(asked.contentType, asked.body), write())
        : (state.deployments.get(key) ?? missing(resource, name));
    const pods = state.pods.get(key) ?? [];
    return json(200, subresource === "scale" ? scaleJson(scaled, pods) : deploymentJson(scaled, pods));
  }
  const pods = podsOf(state, namespace).find((pod) => pod.name === name) ?? missing(resource, name);
  return json(200, { kind: "Pod", apiVersion: "v1", ...pods.json });
}

function missing(resource: keyof typeof resources, name: string): never {
  throw notFound(resources[resource], name);
}

function managerOf({ query, userAgent }: ApiRequest): string {
  return query.get("fieldManager") ?? userAgent?.split("/")[0] ?? "unknown";
}

function podsOf(state: State, namespace: string) {
  return [...state.pods].flatMap(([key, pods]) => {
    const [within = "", deployment = ""] = key.split("/");
    if (within !== namespace) return [];
    return pods.map((pod) => ({ name: pod.name, labels: { app: deployment }, json: podJson(pod, within, deployment) }));
  });
}

type Item = { labels: Record<string, string>; json: object };

function list(state: State, resource: keyof typeof resources, namespace: string, query: URLSearchParams): object {
  const items = itemsOf(state, resource, namespace).filter(({ labels }) => selects(query.get("labelSelector"), labels));
  const limit = Number(query.get("limit") ?? 0) || items.length;
  const from = Number(Buffer.from(query.get("continue") ?? "", "base64").toString() || 0);
  const next = from + limit < items.length ? Buffer.from(String(from + limit)).toString("base64") : undefined;
  const { kind, group } = resources[resource];
  return {
    kind: `${kind}List`,
    apiVersion: group ? `${group}/v1` : "v1",
    metadata: { resourceVersion: String(state.resourceVersion), ...(next ? { continue: next } : {}) },
    items: items.slice(from, from + limit).map((item) => item.json),
  };
}

function itemsOf(state: State, resource: keyof typeof resources, namespace: string): Item[] {
  if (resource === "pods") return podsOf(state, namespace);
  const bare = (object: object): object => {
    const { kind: _kind, apiVersion: _version, ...rest } = object as Record<string, unknown>;
    return rest;
  };
  if (resource === "configmaps") {
    const found = [...state.configMaps.values()].filter((one) => one.metadata.namespace === namespace);
    return found.map((one) => ({ labels: one.metadata.labels ?? {}, json: bare(configMapJson(one)) }));
  }
  const found = [...state.deployments].filter(([, one]) => one.metadata.namespace === namespace);
  return found.map(([key, one]) => ({
    labels: one.metadata.labels ?? {},
    json: bare(deploymentJson(one, state.pods.get(key) ?? [])),
  }));
}

/** Understands "a=b", "a==b", "a!=b" and "a", joined by commas. */
function selects(selector: string | null, labels: Record<string, string>): boolean {
  return (selector ?? "")
    .split(",")
    .filter(Boolean)
    .every((part) => {
      const [, key = "", sign, value] = /^([^=!\s]+)(?:(==?|!=)(\S*))?$/.exec(part.trim()) ?? [];
      if (!key) throw badRequest(`unable to parse requirement: ${part}`);
      if (sign === undefined) return key in labels;
      return (labels[key] === value) === (sign !== "!=");
    });
}
