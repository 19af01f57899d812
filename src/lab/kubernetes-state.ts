import { randomUUID } from "node:crypto";
import { autoscalerSpec, type Autoscaler } from "./autoscaler.ts";
import { resources } from "./kubernetes-answers.ts";
import type { Document } from "./kubernetes-change.ts";
import { afterUpdate, fieldsOf } from "./kubernetes-fields.ts";
import { deploymentSpec, stamp } from "./kubernetes-objects.ts";
import type { ConfigMap, Deployment, Metadata, OwnerReference, Secret } from "./kubernetes-objects.ts";
import type { Doc } from "./kubernetes-schema.ts";
import type { PodView } from "./pods.ts";

type Labelled = {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  manager?: string;
  ownerReferences?: OwnerReference[];
};

/** An object of a kind that somebody added to the cluster. */
type Custom = { name: string; spec: Doc } & Labelled;

/** What a namespace holds when the lab opens. */
export type Namespace = {
  name: string;
  configMaps: ({ name: string; data: Record<string, string>; immutable?: boolean } & Labelled)[];
  /** Values as they are stored: base64. */
  secrets?: ({ name: string; data: Record<string, string> } & Labelled)[];
  deployments: ({
    name: string;
    replicas: number;
    /** Where its pods read their database's host name; left out, they need none. */
    config?: { name: string; key: string };
    paused?: boolean;
  } & Labelled)[];
  autoscalers?: ({ name: string; deployment: string; min: number; max: number } & Labelled)[];
  /** Of Argo CD, and of Flux. Each set made the Application of its name. */
  applicationsets?: Custom[];
  applications?: Custom[];
  kustomizations?: Custom[];
  helmreleases?: Custom[];
};

/** What is kept, by the name of its resource. */
export type Kept = Exclude<keyof State, "resourceVersion">;

/** Everything the API server holds. Objects are under "namespace/name". */
export type State = {
  configmaps: ReadonlyMap<string, ConfigMap>;
  secrets: ReadonlyMap<string, Secret>;
  deployments: ReadonlyMap<string, Deployment>;
  horizontalpodautoscalers: ReadonlyMap<string, Autoscaler>;
  applicationsets: ReadonlyMap<string, Document>;
  applications: ReadonlyMap<string, Document>;
  kustomizations: ReadonlyMap<string, Document>;
  helmreleases: ReadonlyMap<string, Document>;
  pods: ReadonlyMap<string, readonly PodView[]>;
  resourceVersion: number;
};

/** Writes down what the namespaces hold at first. */
export function firstState(namespaces: readonly Namespace[], now: Date): State {
  let resourceVersion = 1000;
  const make = <T extends Document>(namespace: string, name: string, labelled: Labelled, rest: Partial<T>): T => {
    const { labels = {}, annotations = {}, manager = "kubectl-create", ownerReferences } = labelled;
    const metadata: Metadata = {
      name,
      namespace,
      uid: randomUUID(),
      resourceVersion: String((resourceVersion += 1)),
      creationTimestamp: stamp(now),
      labels,
      annotations,
      ...(ownerReferences ? { ownerReferences } : {}),
      managedFields: [],
    };
    const document = { ...rest, metadata } as T;
    const fields = fieldsOf(document.kind, document);
    const by = { manager, operation: "Update" as const, apiVersion: document.apiVersion, time: stamp(now) };
    metadata.managedFields = afterUpdate([], by, { changed: [...fields.keys()], after: fields });
    return document;
  };
  const configmaps = new Map<string, ConfigMap>();
  const secrets = new Map<string, Secret>();
  const deployments = new Map<string, Deployment>();
  const horizontalpodautoscalers = new Map<string, Autoscaler>();
  const custom = {
    applicationsets: new Map<string, Document>(),
    applications: new Map<string, Document>(),
    kustomizations: new Map<string, Document>(),
    helmreleases: new Map<string, Document>(),
  };
  for (const { name: namespace, ...holds } of namespaces) {
    for (const { name, data, immutable, ...labelled } of holds.configMaps) {
      const rest = { kind: "ConfigMap" as const, apiVersion: "v1", data, ...(immutable ? { immutable } : {}) };
      configmaps.set(`${namespace}/${name}`, make<ConfigMap>(namespace, name, labelled, rest));
    }
    for (const { name, data, ...labelled } of holds.secrets ?? []) {
      const rest = { kind: "Secret" as const, apiVersion: "v1", type: "Opaque", data };
      secrets.set(`${namespace}/${name}`, make<Secret>(namespace, name, labelled, rest));
    }
    for (const { name, config: _config, ...wanted } of holds.deployments) {
      const spec = deploymentSpec(name, wanted);
      const made = make<Deployment>(namespace, name, wanted, { kind: "Deployment", apiVersion: "apps/v1", spec });
      made.metadata.generation = 1;
      const template = JSON.stringify(spec.template);
      made.rollout = { observedGeneration: 1, revision: 1, template, complete: true, progressedAt: now };
      deployments.set(`${namespace}/${name}`, made);
    }
    for (const { name, deployment, min, max, ...labelled } of holds.autoscalers ?? []) {
      const spec = autoscalerSpec(deployment, { min, max });
      const rest = { kind: "HorizontalPodAutoscaler" as const, apiVersion: "autoscaling/v2", spec };
      horizontalpodautoscalers.set(`${namespace}/${name}`, make<Autoscaler>(namespace, name, labelled, rest));
    }
    for (const resource of ["applicationsets", "applications", "kustomizations", "helmreleases"] as const) {
      const { kind, apiVersion } = resources[resource];
      for (const { name, spec, ...labelled } of holds[resource] ?? []) {
        const key = `${namespace}/${name}`;
        const maker = resource === "applications" ? custom.applicationsets.get(key) : undefined;
        const made = maker ? { ...labelled, ownerReferences: [madeBy(maker)] } : labelled;
        custom[resource].set(key, make<Document>(namespace, name, made, { kind, apiVersion, spec }));
      }
    }
  }
  return {
    configmaps,
    secrets,
    deployments,
    horizontalpodautoscalers,
    ...custom,
    pods: new Map(),
    resourceVersion,
  };
}

const madeBy = ({ apiVersion, kind, metadata: { name, uid } }: Document): OwnerReference => ({
  apiVersion,
  kind,
  name,
  uid,
  controller: true,
});
