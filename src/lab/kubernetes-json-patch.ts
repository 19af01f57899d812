import { isDeepStrictEqual } from "node:util";
import { StatusError } from "./kubernetes-answers.ts";
import { isObject } from "./kubernetes-schema.ts";
import type { Doc } from "./kubernetes-schema.ts";

export type Operation = { op?: string; path?: string; from?: string; value?: unknown };

/** Applies a JSON patch (RFC 6902) to a copy: all of it, or it is refused as the API server does. */
export function applyOperations(document: Doc, operations: readonly Operation[]): Doc {
  const root = { "": structuredClone(document) as unknown };
  for (const { op, path, from, value } of operations) {
    const at = place(root, path);
    if (op === "test") {
      if (!isDeepStrictEqual(get(at), value)) throw unprocessable();
    } else if (op === "add") {
      put(at, value);
    } else if (op === "remove") {
      take(at);
    } else if (op === "replace") {
      get(at);
      if (Array.isArray(at.parent)) at.parent[Number(at.key)] = value;
      else put(at, value);
    } else if (op === "move") {
      put(at, take(place(root, from)));
    } else if (op === "copy") {
      put(at, structuredClone(get(place(root, from))));
    } else {
      throw unprocessable();
    }
  }
  return root[""] as Doc;
}

type Place = { parent: Doc | unknown[]; key: string };

function place(root: Doc, path: string | undefined): Place {
  if (path === undefined || (path !== "" && !path.startsWith("/"))) throw unprocessable();
  const parts = path.split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const key = parts.pop() ?? "";
  let parent: unknown = root;
  for (const part of parts) parent = get({ parent: parent as Doc, key: part });
  if (!isObject(parent) && !Array.isArray(parent)) throw unprocessable();
  return { parent, key };
}

function get({ parent, key }: Place): unknown {
  const value: unknown = Array.isArray(parent)
    ? parent[index(parent, key)]
    : isObject(parent)
      ? parent[key]
      : undefined;
  if (value === undefined) throw unprocessable();
  return value;
}

function put({ parent, key }: Place, value: unknown): void {
  if (!Array.isArray(parent)) parent[key] = value;
  else parent.splice(key === "-" ? parent.length : index([...parent, undefined], key), 0, value);
}

function take(at: Place): unknown {
  const value = get(at);
  if (Array.isArray(at.parent)) at.parent.splice(Number(at.key), 1);
  else delete at.parent[at.key];
  return value;
}

function index(list: readonly unknown[], key: string): number {
  if (!/^(0|[1-9]\d*)$/.test(key) || Number(key) >= list.length) throw unprocessable();
  return Number(key);
}

/** A path that is not there, a test that fails, an unknown operation: the real server does not say which. */
function unprocessable(): StatusError {
  return new StatusError(422, "Invalid", "the server rejected our request due to an error in our request");
}
