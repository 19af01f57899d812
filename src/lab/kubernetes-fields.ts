import { isObject, shapes } from "./kubernetes-schema.ts";
import type { Doc, Kind, Shape } from "./kubernetes-schema.ts";

/** Who wrote which fields last, as the API server keeps it. */
export type ManagedFields = {
  manager: string;
  operation: "Update" | "Apply";
  apiVersion: string;
  time: string;
  fieldsType: "FieldsV1";
  fieldsV1: Doc;
  subresource?: string;
};

export type Manager = Pick<ManagedFields, "manager" | "operation" | "apiVersion" | "time" | "subresource">;

/** The fields an object has, each under its path as FieldsV1 writes it, its parts joined by a line break. */
export type Fields = ReadonlyMap<string, unknown>;

/** Nobody owns these: the server keeps them. */
const serversOwn = new Set(
  "name namespace uid resourceVersion creationTimestamp generation managedFields".split(" ").map((name) => `f:${name}`),
);

/** Lists the fields of an object that somebody can own. */
export function fieldsOf(kind: Kind, document: unknown): Map<string, unknown> {
  const found = new Map<string, unknown>();
  const walk = (shape: Shape, value: unknown, parts: readonly string[]): void => {
    if (parts.length === 1 && ["f:kind", "f:apiVersion", "f:status"].includes(parts[0] ?? "")) return;
    if (parts[0] === "f:metadata" && parts.length === 2 && serversOwn.has(parts[1] ?? "")) return;
    if (typeof shape === "object" && "list" in shape && shape.key !== undefined && Array.isArray(value)) {
      const { key, list } = shape;
      for (const item of value as Doc[]) walk(list, item, [...parts, `k:${JSON.stringify({ [key]: item[key] })}`]);
    } else if (typeof shape === "object" && !("list" in shape) && isObject(value)) {
      for (const [name, part] of Object.entries(value)) {
        const inner = "map" in shape ? shape.map : (shape.fields[name] ?? "anything");
        walk(inner, part, [...parts, `f:${name}`]);
      }
    } else if (value !== undefined) {
      found.set(parts.join("\n"), value);
    }
  };
  walk(shapes[kind], document, []);
  return found;
}

/** Lists the fields that differ: added, changed, or gone. */
export function differing(before: Fields, after: Fields): string[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])];
  return paths.filter((path) => JSON.stringify(before.get(path)) !== JSON.stringify(after.get(path)));
}

/** The paths an entry owns. */
export function ownedBy({ fieldsV1 }: Pick<ManagedFields, "fieldsV1">): string[] {
  const walk = (tree: Doc, parts: readonly string[]): string[] =>
    Object.entries(tree).flatMap(([part, below]) => {
      const path = [...parts, part];
      return isObject(below) && Object.keys(below).length > 0 ? walk(below, path) : [path.join("\n")];
    });
  return walk(fieldsV1, []);
}

/** Tells whether two entries are one manager's. A plain write and an apply under one name are two. */
export function isSame(one: Manager, other: Manager): boolean {
  return (
    one.manager === other.manager &&
    one.operation === other.operation &&
    (one.subresource ?? "") === (other.subresource ?? "")
  );
}

/** Writes an entry that owns exactly these paths. */
export function entryOf(by: Manager, paths: Iterable<string>): ManagedFields {
  const fieldsV1: Doc = {};
  for (const path of paths) {
    let tree = fieldsV1;
    for (const part of path.split("\n")) tree = (tree[part] ??= {}) as Doc;
  }
  const { manager, operation, apiVersion, time, subresource } = by;
  const entry: ManagedFields = { manager, operation, apiVersion, time, fieldsType: "FieldsV1", fieldsV1 };
  return subresource ? { ...entry, subresource } : entry;
}

/** The entries without some paths; one that owns nothing is gone. */
export function withoutPaths(held: readonly ManagedFields[], paths: readonly string[]): ManagedFields[] {
  return held.flatMap((entry) => {
    const owned = ownedBy(entry);
    const left = owned.filter((path) => !paths.includes(path));
    if (left.length === owned.length) return [entry];
    return left.length > 0 ? [entryOf(entry, left)] : [];
  });
}

/** Tells who holds what after a plain write: whoever held a changed field before loses it. */
export function afterUpdate(
  held: readonly ManagedFields[],
  by: Manager,
  { changed, after }: { changed: readonly string[]; after: Fields },
): ManagedFields[] {
  const others = withoutPaths(held, changed);
  const mine = others.find((entry) => isSame(entry, by));
  const paths = [...(mine ? ownedBy(mine) : []), ...changed.filter((path) => after.has(path))];
  const rest = others.filter((entry) => entry !== mine);
  return paths.length > 0 ? [...rest, entryOf(by, paths)] : rest;
}

/** Writes a path as error messages do: .spec.template.spec.containers[name="shop"].image */
export function spoken(path: string): string {
  return path
    .split("\n")
    .map((part) => {
      if (part.startsWith("f:")) return `.${part.slice(2)}`;
      const [[key, value] = []] = Object.entries(JSON.parse(part.slice(2)) as Record<string, string>);
      return `[${key}=${JSON.stringify(value)}]`;
    })
    .join("");
}
