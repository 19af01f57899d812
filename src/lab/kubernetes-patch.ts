import { badRequest, StatusError } from "./kubernetes-answers.ts";

export type Patch = { metadata?: Record<string, unknown> } & Record<string, unknown>;

const accepted = ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];

/**
 * Reads a patch by its content type. Merge patches are understood, and strategic ones, which mean the same for the
 * objects here. A JSON patch with an object body, what a client sends that names no type, is refused as the real server
 * refuses it.
 */
export function readPatch(contentType: string | undefined, body: string): Patch {
  const type = (contentType ?? "").split(";")[0]?.trim();
  const patch = readJson(body);
  if (type === "application/json-patch+json" && !Array.isArray(patch)) {
    throw badRequest("json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp");
  }
  if (type !== "application/merge-patch+json" && type !== "application/strategic-merge-patch+json") {
    const list = accepted.join(", ");
    const message = `the body of the request was in an unknown format - accepted media types include: ${list}`;
    throw new StatusError(415, "UnsupportedMediaType", message);
  }
  if (!isObject(patch))
    throw badRequest("error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}");
  return patch;
}

/** Applies a merge patch (RFC 7396): null removes, objects merge, everything else replaces. */
export function merge(value: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(value) ? { ...value } : {};
  for (const [key, part] of Object.entries(patch)) {
    if (part === null) delete merged[key];
    else merged[key] = merge(merged[key], part);
  }
  return merged;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads JSON, or refuses it as the API server does. */
export function readJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw badRequest(`error decoding patch: ${String(error)}`);
  }
}
