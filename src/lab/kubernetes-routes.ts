import type { Answer } from "./api-call.ts";
import { mayDo, review } from "./kubernetes-access.ts";
import type { Rule } from "./kubernetes-access.ts";
import {
  forbidden,
  json,
  methodNotAllowed,
  noSuchPath,
  notFound,
  resources,
  StatusError,
} from "./kubernetes-answers.ts";
import { autoscalerJson, type Autoscaler } from "./autoscaler.ts";
import type { Document } from "./kubernetes-change.ts";
import type { Cluster, Write } from "./kubernetes-cluster.ts";
import { list, podsOf } from "./kubernetes-lists.ts";
import { deploymentJson, scaleJson } from "./kubernetes-objects.ts";
import type { Deployment } from "./kubernetes-objects.ts";
import { readJson, readObject, readPatch } from "./kubernetes-patch.ts";
import type { State } from "./kubernetes-state.ts";
import type { Tokens } from "./kubernetes-tokens.ts";
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
  /** Empty: all of them. */
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
  const [root, ...rest] = parts;
  if (root !== "api" && root !== "apis") return found;
  const apiVersion = rest.slice(0, root === "api" ? 1 : 2).join("/");
  const below = rest.slice(root === "api" ? 1 : 2);
  const [namespace = "", resource = "", name = "", subresource] =
    below[0] === "namespaces" ? below.slice(1) : ["", ...below];
  const known = Object.values(resources).find((one) => one.name === resource && one.apiVersion === apiVersion);
  if (!known || (!namespace && name)) return found;
  const verb = found.verb === "get" && !name ? "list" : found.verb;
  return { verb, resource: known.name, namespace, name, subresource };
}

type Served = {
  cluster: Cluster;
  tokens: Tokens;
  rules: readonly Rule[];
  user: string;
  lagSeconds: number;
  now: Date;
  request: LabRequest;
};

/** Serves one request whose sender is known. */
export function serve(asked: ApiRequest, route: Route, served: Served): Answer {
  try {
    return answer(asked, route, served);
  } catch (error) {
    if (error instanceof StatusError) return error.answer;
    throw error;
  }
}

function answer(asked: ApiRequest, route: Route, served: Served): Answer {
  const { cluster, tokens, rules, user, lagSeconds, now } = served;
  const { verb, resource, namespace, name, subresource } = route;
  if (resource === undefined) return noSuchPath;
  if (resource === "version")
    return json(200, { major: "1", minor: "36", gitVersion: "v1.36.0", platform: "linux/amd64" });
  if (resource === "selfsubjectaccessreviews") return json(201, review(rules, readJson(asked.body)));
  const known = resources[resource];
  const part = subresource ? `${resource}/${subresource}` : resource;
  if (!mayDo(rules, { group: known.group, resource: part, verb, namespace }))
    throw forbidden(known, { user, verb, subresource, name, namespace });

  if (part === "serviceaccounts/token" && verb === "create") {
    return json(201, tokens.request({ namespace, name }, asked.body));
  }
  const isScale = part === "deployments/scale";
  // What the lab lacks is refused, so that nobody takes it for done.
  if (resource === "serviceaccounts" || (subresource && !isScale) || asked.query.has("watch")) throw methodNotAllowed;
  const state = cluster.state.read(lagSeconds);
  if (verb === "list") {
    const stateAt = (version: number) => cluster.state.find((one) => one.resourceVersion === version);
    return json(200, list(state, stateAt, { resource, namespace, query: asked.query, now }));
  }
  if (verb === "get") return json(200, read(state, { resource, namespace, name, isScale, now }));
  if (resource === "pods" || (verb !== "patch" && verb !== "update")) throw methodNotAllowed;
  const custom = ["applicationsets", "applications", "kustomizations", "helmreleases"].includes(resource);
  const change = verb === "patch" ? readPatch({ ...asked, custom }) : readObject(asked.body);
  const target = { resource, namespace, name, scale: isScale };
  const { object, warnings } = cluster.change(target, change, writeOf(asked, served.request));
  const pods = cluster.state.now.pods.get(`${namespace}/${name}`) ?? [];
  return withWarnings(json(200, shown(object, { pods, isScale, now })), warnings);
}

type Read = { resource: Exclude<keyof typeof resources, "serviceaccounts">; namespace: string; name: string } & {
  isScale: boolean;
  now: Date;
};

function read(state: State, { resource, namespace, name, isScale, now }: Read): object {
  if (resource === "pods") {
    const pod = podsOf(state).find((one) => one.namespace === namespace && one.name === name);
    if (!pod) throw notFound(resources.pods, name);
    return { kind: "Pod", apiVersion: "v1", ...pod.json };
  }
  const key = `${namespace}/${name}`;
  const object = state[resource].get(key);
  if (!object) throw notFound(resources[resource], name);
  if (resource === "horizontalpodautoscalers") return autoscalerJson(object as Autoscaler, state);
  return shown(object, { pods: state.pods.get(key) ?? [], isScale, now });
}

function shown(
  object: Document,
  { pods, isScale, now }: { pods: Parameters<typeof scaleJson>[1] } & Omit<Read, "resource" | "namespace" | "name">,
) {
  if (isScale) return scaleJson(object as Deployment, pods);
  return object.kind === "Deployment" ? deploymentJson(object as Deployment, pods, now) : object;
}

function writeOf({ query, userAgent }: ApiRequest, request: LabRequest): Write {
  return {
    manager: query.get("fieldManager") ?? userAgent?.split("/")[0] ?? "unknown",
    dryRun: query.get("dryRun") === "All",
    fieldValidation: query.get("fieldValidation") ?? "Warn",
    request,
  };
}

function withWarnings(answer: Answer, warnings: readonly string[]): Answer {
  if (warnings.length === 0) return answer;
  const said = warnings.map((warning) => `299 - ${JSON.stringify(warning)}`).join(", ");
  return { ...answer, headers: { ...answer.headers, warning: said } };
}
