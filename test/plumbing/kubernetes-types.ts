import * as client from "@kubernetes/client-node";

type Attribute = { name: string; baseName: string; type: string };
type Model = { getAttributeTypeMap(): Attribute[] };

const models = client as unknown as Record<string, Model | undefined>;

/** Which model a manifest's apiVersion and kind name: apps/v1 Deployment is V1Deployment. */
const modelOf = ({ apiVersion, kind }: { apiVersion: string; kind: string }): string => {
  const version = apiVersion.split("/").at(-1) ?? "";
  return `${version.replace(/^./, (letter) => letter.toUpperCase())}${kind}`;
};

/**
 * Lists the fields of a manifest that the Kubernetes API does not have, or that hold another type than its: what a server
 * would refuse, or drop without a word.
 */
export function wrongFields(manifest: { apiVersion: string; kind: string }): string[] {
  return wrongIn(modelOf(manifest), manifest, manifest.kind);
}

function wrongIn(type: string, value: unknown, path: string): string[] {
  const [, item] = /^Array<(.*)>$/.exec(type) ?? [];
  if (item !== undefined) {
    if (!Array.isArray(value)) return [`${path}: a list is expected`];
    return value.flatMap((one, index) => wrongIn(item, one, `${path}[${index}]`));
  }
  const [, entry] = /^\{ \[key: string\]: (.*); \}$/.exec(type) ?? [];
  if (entry !== undefined) {
    return Object.entries(value as object).flatMap(([key, one]) => wrongIn(entry, one, `${path}.${key}`));
  }
  if (type === "string" || type === "number" || type === "boolean") {
    return typeof value === type ? [] : [`${path}: a ${type} is expected`];
  }
  if (type === "IntOrString") {
    return typeof value === "string" || typeof value === "number" ? [] : [`${path}: a number or a text is expected`];
  }
  const model = models[type];
  if (!model?.getAttributeTypeMap) return [`${path}: there is no ${type}`];
  if (typeof value !== "object" || value === null) return [`${path}: fields are expected`];
  const known = new Map(model.getAttributeTypeMap().map((attribute) => [attribute.baseName, attribute.type]));
  return Object.entries(value).flatMap(([name, one]) => {
    const wanted = known.get(name);
    return wanted === undefined ? [`${path}.${name}: there is no such field`] : wrongIn(wanted, one, `${path}.${name}`);
  });
}
