import { invalid } from "./kubernetes-answers.ts";
import type { Document } from "./kubernetes-change.ts";
import { isObject } from "./kubernetes-schema.ts";
import type { Doc } from "./kubernetes-schema.ts";

/** Refuses, with the server's 422, an object whose types are right and whose meaning is wrong. */
export function refuseInvalid(before: Document, after: Document): void {
  if (after.kind === "Deployment") refuseDeployment(before, after);
  else if (after.kind === "Scale") refuseNegative(after, "Scale.autoscaling");
  else if (after.kind === "HorizontalPodAutoscaler") refuseBounds(after);
  else if (after.kind === "ConfigMap" || after.kind === "Secret") refuseData(before, after);
}

function refuseBounds(after: Document): void {
  const kind = "HorizontalPodAutoscaler.autoscaling";
  const { minReplicas = 1, maxReplicas } = part(after, "spec") as { minReplicas?: number; maxReplicas: number };
  const refuse = (field: string, value: number, why: string) =>
    invalid(kind, after.metadata.name, `spec.${field}`, `Invalid value: ${value}: ${why}`);
  // Less than one needs the feature gate HPAScaleToZero.
  if (minReplicas < 1) throw refuse("minReplicas", minReplicas, "must be greater than or equal to 1");
  if (maxReplicas < 1) throw refuse("maxReplicas", maxReplicas, "must be greater than 0");
  if (maxReplicas < minReplicas)
    throw refuse("maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`");
}

function refuseData(before: Document, after: Document): void {
  const { kind, metadata } = after;
  const data = part(after, "data");
  const binaryData = part(after, "binaryData");
  for (const [field, values] of Object.entries({ data, binaryData })) {
    for (const key of Object.keys(values)) {
      if (/^[-._a-zA-Z0-9]{1,253}$/.test(key)) continue;
      const rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
      throw invalid(kind, metadata.name, `${field}[${key}]`, `Invalid value: "${key}": ${rule}`);
    }
  }
  const twice = Object.keys(data).find((key) => key in binaryData);
  if (twice !== undefined) {
    throw invalid(
      kind,
      metadata.name,
      `data[${twice}]`,
      `Invalid value: "${twice}": duplicate of key present in binaryData`,
    );
  }
  const contents = (document: Document) => JSON.stringify([part(document, "data"), part(document, "binaryData")]);
  if (before["immutable"] !== true) return;
  if (after["immutable"] !== true) {
    throw invalid(kind, metadata.name, "immutable", "Forbidden: field is immutable when `immutable` is set");
  }
  if (contents(before) !== contents(after)) {
    throw invalid(kind, metadata.name, "data", "Forbidden: field is immutable when `immutable` is set");
  }
}

function refuseDeployment(before: Document, after: Document): void {
  const kind = "Deployment.apps";
  const { name } = after.metadata;
  refuseNegative(after, kind);
  const selector = part(part(after, "spec"), "selector");
  if (JSON.stringify(selector) !== JSON.stringify(part(part(before, "spec"), "selector"))) {
    throw invalid(kind, name, "spec.selector", `Invalid value: ${JSON.stringify(selector)}: field is immutable`);
  }
  const template = part(part(after, "spec"), "template");
  const labels = part(part(template, "metadata"), "labels");
  const matches = Object.entries(part(selector, "matchLabels")).every(([key, value]) => labels[key] === value);
  if (!matches) {
    const why = `Invalid value: ${JSON.stringify(labels)}: \`selector\` does not match template \`labels\``;
    throw invalid(kind, name, "spec.template.metadata.labels", why);
  }
  const { containers } = part(template, "spec");
  if (!Array.isArray(containers) || containers.length === 0) {
    throw invalid(kind, name, "spec.template.spec.containers", "Required value");
  }
}

function refuseNegative(after: Document, kind: string): void {
  const { replicas } = part(after, "spec");
  if (typeof replicas !== "number" || replicas >= 0) return;
  const why = `Invalid value: ${replicas}: must be greater than or equal to 0`;
  throw invalid(kind, after.metadata.name, "spec.replicas", why);
}

function part(value: Doc, name: string): Doc {
  return isObject(value[name]) ? value[name] : {};
}
