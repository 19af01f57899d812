import { parse as parseYaml } from "yaml";
import { badRequest, StatusError } from "./kubernetes-answers.ts";
import type { Operation } from "./kubernetes-json-patch.ts";
import { isObject } from "./kubernetes-schema.ts";
import type { Doc } from "./kubernetes-schema.ts";

/** What somebody asks to become of an object. */
export type Change =
  | { by: "json-patch"; operations: Operation[] }
  | { by: "merge-patch"; patch: Doc }
  | { by: "strategic-merge-patch"; patch: Doc }
  | { by: "apply"; manifest: Doc; force: boolean }
  | { by: "put"; object: Doc };

const accepted = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
];

type Asked = {
  contentType: string | undefined;
  body: string;
  query: URLSearchParams;
  /** Of a kind that somebody added to the cluster: there, the server knows of no list's keys. */
  custom?: boolean;
};

/** Reads a patch by its content type; refuses what the real server refuses before it looks at the object. */
export function readPatch({ contentType, body, query, custom = false }: Asked): Change {
  const type = (contentType ?? "").split(";")[0]?.trim() ?? "";
  const taken = accepted.filter((one) => !custom || !one.startsWith("application/strategic"));
  if (!taken.includes(type)) {
    const message = `the body of the request was in an unknown format - accepted media types include: ${taken.join(", ")}`;
    throw new StatusError(415, "UnsupportedMediaType", message);
  }
  if (type === "application/apply-patch+yaml") {
    if (!query.get("fieldManager")) {
      throw badOptions("FieldValueRequired", "fieldManager", "Required value: is required for apply patch");
    }
    return { by: "apply", manifest: readManifest(body), force: query.get("force") === "true" };
  }
  if (query.has("force")) {
    throw badOptions("FieldValueForbidden", "force", "Forbidden: may not be specified for non-apply patch");
  }
  const patch = readJson(body);
  if (type === "application/json-patch+json") {
    if (Array.isArray(patch)) return { by: "json-patch", operations: patch as Operation[] };
    throw badRequest("json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp");
  }
  if (!isObject(patch))
    throw badRequest("error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}");
  return { by: type === "application/merge-patch+json" ? "merge-patch" : "strategic-merge-patch", patch };
}

/** Reads the object of a PUT. */
export function readObject(body: string): Change {
  const object = readJson(body);
  if (!isObject(object)) throw badRequest("couldn't get version/kind; json parse error: the body is no object");
  return { by: "put", object };
}

/** Reads JSON, or refuses it as the API server does. */
export function readJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw badRequest(`error decoding patch: ${String(error)}`);
  }
}

function readManifest(body: string): Doc {
  const manifest: unknown = (() => {
    try {
      return parseYaml(body);
    } catch (error) {
      throw badRequest(`error decoding YAML: ${String(error)}`);
    }
  })();
  if (!isObject(manifest)) throw badRequest("error decoding YAML: the manifest is no object");
  return manifest;
}

function badOptions(reason: string, field: string, message: string): StatusError {
  return new StatusError(422, "Invalid", `PatchOptions.meta.k8s.io "" is invalid: ${field}: ${message}`, {
    group: "meta.k8s.io",
    kind: "PatchOptions",
    causes: [{ reason, message, field }],
  });
}
