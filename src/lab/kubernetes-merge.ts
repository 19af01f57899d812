import { isObject, shapeOf } from "./kubernetes-schema.ts";
import type { Doc, Shape } from "./kubernetes-schema.ts";

/**
 * Applies a merge patch (RFC 7396): null removes, objects merge, everything else replaces. With a shape it is a strategic
 * merge patch: lists whose items have a key merge item by item, and "$patch" deletes or replaces.
 */
export function merge(value: unknown, patch: unknown, shape?: Shape): unknown {
  if (isList(shape) && Array.isArray(patch)) return mergeLists(Array.isArray(value) ? value : [], patch, shape);
  if (!isObject(patch)) return patch;
  if (shape !== undefined && patch["$patch"] === "replace") return withoutDirectives(patch);
  const merged: Doc = isObject(value) ? { ...value } : {};
  for (const [key, part] of Object.entries(patch)) {
    if (shape !== undefined && key.startsWith("$")) continue;
    if (part === null) delete merged[key];
    else merged[key] = merge(merged[key], part, shape === undefined ? undefined : (shapeOf(shape, key) ?? "anything"));
  }
  return merged;
}

type KeyedList = { list: Shape; key: string };

function isList(shape: Shape | undefined): shape is KeyedList {
  return typeof shape === "object" && "list" in shape && shape.key !== undefined;
}

function mergeLists(value: readonly unknown[], patch: readonly unknown[], { list, key }: KeyedList): unknown[] {
  const merged = [...(value as Doc[])];
  for (const item of patch as Doc[]) {
    const at = merged.findIndex((one) => one[key] === item[key]);
    if (item["$patch"] === "delete") {
      if (at >= 0) merged.splice(at, 1);
    } else if (at < 0) {
      merged.push(merge({}, item, list) as Doc);
    } else {
      merged[at] = merge(merged[at], item, list) as Doc;
    }
  }
  return merged;
}

function withoutDirectives(patch: Doc): Doc {
  return Object.fromEntries(Object.entries(patch).filter(([key]) => !key.startsWith("$")));
}

/** The object without one field, named by its path as FieldsV1 writes it. */
export function withoutField(value: unknown, [part, ...below]: readonly string[]): unknown {
  if (part === undefined) return undefined;
  if (part.startsWith("k:")) {
    const [[key, wanted] = ["", ""]] = Object.entries(JSON.parse(part.slice(2)) as Doc);
    return (value as Doc[]).flatMap((item) => {
      if (item[key] !== wanted) return [item];
      const left = withoutField(item, below) as Doc | undefined;
      return left === undefined || Object.keys(left).length === 0 ? [] : [left];
    });
  }
  const name = part.slice(2);
  const { [name]: inner, ...rest } = value as Doc;
  const left = inner === undefined ? undefined : withoutField(inner, below);
  return left === undefined ? rest : { ...rest, [name]: left };
}
