import type { Answer } from "./api-call.ts";

/** A call that the API server refuses: its Status object. */
export class StatusError extends Error {
  readonly answer: Answer;
  constructor(code: number, reason: string, message: string, details: object = {}) {
    super(message);
    const status = {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message,
      ...(reason ? { reason } : {}),
      details,
      code,
    };
    this.answer = json(code, status);
  }
}

export type Resource = { name: string; kind: string; group: string; apiVersion: string };

/** The resources this API server knows. */
export const resources = {
  configmaps: { name: "configmaps", kind: "ConfigMap", group: "", apiVersion: "v1" },
  pods: { name: "pods", kind: "Pod", group: "", apiVersion: "v1" },
  secrets: { name: "secrets", kind: "Secret", group: "", apiVersion: "v1" },
  serviceaccounts: { name: "serviceaccounts", kind: "ServiceAccount", group: "", apiVersion: "v1" },
  deployments: { name: "deployments", kind: "Deployment", group: "apps", apiVersion: "apps/v1" },
  horizontalpodautoscalers: {
    name: "horizontalpodautoscalers",
    kind: "HorizontalPodAutoscaler",
    group: "autoscaling",
    apiVersion: "autoscaling/v2",
  },
  applications: {
    name: "applications",
    kind: "Application",
    group: "argoproj.io",
    apiVersion: "argoproj.io/v1alpha1",
  },
  applicationsets: {
    name: "applicationsets",
    kind: "ApplicationSet",
    group: "argoproj.io",
    apiVersion: "argoproj.io/v1alpha1",
  },
  kustomizations: {
    name: "kustomizations",
    kind: "Kustomization",
    group: "kustomize.toolkit.fluxcd.io",
    apiVersion: "kustomize.toolkit.fluxcd.io/v1",
  },
  helmreleases: {
    name: "helmreleases",
    kind: "HelmRelease",
    group: "helm.toolkit.fluxcd.io",
    apiVersion: "helm.toolkit.fluxcd.io/v2",
  },
} as const satisfies Record<string, Resource>;

/** Writes a JSON answer. */
export function json(status: number, value: object): Answer {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

function full({ name, group }: Resource): string {
  return group ? `${name}.${group}` : name;
}

export function notFound(resource: Resource, name: string): StatusError {
  return new StatusError(404, "NotFound", `${full(resource)} "${name}" not found`, { name, kind: resource.name });
}

export function stale(resource: Resource, name: string): StatusError {
  const message =
    `Operation cannot be fulfilled on ${full(resource)} "${name}": the object has been modified; ` +
    "please apply your changes to the latest version and try again";
  return new StatusError(409, "Conflict", message, { name, group: resource.group, kind: resource.name });
}

/** Refuses a field; the first words of why tell the cause, as they do out there. */
export function invalid(kind: string, name: string, field: string, why: string): StatusError {
  const [shortKind = kind, group] = kind.split(/\.(.*)/s);
  const reasons = { Forbidden: "FieldValueForbidden", Required: "FieldValueRequired" } as const;
  const reason = Object.entries(reasons).find(([word]) => why.startsWith(word))?.[1] ?? "FieldValueInvalid";
  return new StatusError(422, "Invalid", `${kind} "${name}" is invalid: ${field}: ${why}`, {
    name,
    ...(group ? { group } : {}),
    kind: shortKind,
    causes: [{ reason, message: why, field }],
  });
}

/** Refuses a patch whose outcome cannot be read, and prints what could not be read: that is how secrets leak. */
export function invalidPatch(printed: object, fault: string): StatusError {
  const message = `Invalid value: ${JSON.stringify(JSON.stringify(printed))}: ${fault}`;
  return new StatusError(422, "Invalid", ` "" is invalid: patch: ${message}`, {
    causes: [{ reason: "FieldValueInvalid", message, field: "patch" }],
  });
}

export const methodNotAllowed: StatusError = new StatusError(
  405,
  "MethodNotAllowed",
  "the server does not allow this method on the requested resource",
);

/** The pages that are left cannot be shown as they were when the list began. */
export const continueExpired: StatusError = new StatusError(
  410,
  "Expired",
  "The provided continue parameter is too old to display a consistent list result. You can start a new list without " +
    "the continue parameter.",
);

export function badRequest(message: string): StatusError {
  return new StatusError(400, "BadRequest", message);
}

type Asked = { user: string; verb: string; subresource?: string | undefined; name: string; namespace: string };

export function forbidden(resource: Resource, { user, verb, subresource, name, namespace }: Asked): StatusError {
  const what = name ? `${full(resource)} "${name}"` : full(resource);
  const part = subresource ? `${resource.name}/${subresource}` : resource.name;
  const scope = namespace ? `in the namespace "${namespace}"` : "at the cluster scope";
  const message =
    `${what} is forbidden: User "${user}" cannot ${verb} resource "${part}" ` +
    `in API group "${resource.group}" ${scope}`;
  return new StatusError(403, "Forbidden", message, { name, group: resource.group, kind: resource.name });
}

/** A bad token. The client drops this body: there, a 401 has none. */
export const unauthorized: Answer = new StatusError(401, "Unauthorized", "Unauthorized").answer;

export const tooManyRequests: Answer = {
  ...new StatusError(
    429,
    "TooManyRequests",
    "the server has received too many requests and has asked us to try again later",
    { retryAfterSeconds: 1 },
  ).answer,
  headers: { "content-type": "application/json", "retry-after": "1" },
};

export const internalError: Answer = new StatusError(
  500,
  "InternalError",
  "Internal error occurred: etcdserver: request timed out",
).answer;

/** What a proxy with a login page says instead of the API server. */
export const loginPage: Answer = {
  status: 200,
  headers: { "content-type": "text/html" },
  body: "<!doctype html><title>Sign in</title><form action=/login><input name=user><input name=password type=password></form>",
};

export const noSuchPath: Answer = {
  status: 404,
  headers: { "content-type": "text/plain" },
  body: "404 page not found\n",
};
