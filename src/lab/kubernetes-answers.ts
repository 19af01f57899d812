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
      reason,
      details,
      code,
    };
    this.answer = json(code, status);
  }
}

export type Resource = { name: string; kind: string; group: string };

/** The resources this API server knows. */
export const resources = {
  configmaps: { name: "configmaps", kind: "ConfigMap", group: "" },
  pods: { name: "pods", kind: "Pod", group: "" },
  secrets: { name: "secrets", kind: "Secret", group: "" },
  deployments: { name: "deployments", kind: "Deployment", group: "apps" },
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

export function invalid(kind: string, name: string, field: string, why: string): StatusError {
  const message = `${kind} "${name}" is invalid: ${field}: ${why}`;
  return new StatusError(422, "Invalid", message, {
    name,
    causes: [{ reason: "FieldValueInvalid", message: why, field }],
  });
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, "BadRequest", message);
}

export function forbidden(user: string, verb: string, resource: Resource, where: { name: string; namespace: string }) {
  const { name, namespace } = where;
  const message =
    `${full(resource)} "${name}" is forbidden: User "${user}" cannot ${verb} resource "${resource.name}" ` +
    `in API group "${resource.group}" in the namespace "${namespace}"`;
  return new StatusError(403, "Forbidden", message, { name, group: resource.group, kind: resource.name });
}

/** A bad token is refused with no body at all. */
export const unauthorized: Answer = { status: 401, body: "" };

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
