/** What an object may look like: the part of the real API's schema that the lab knows. */
export type Shape =
  | "string"
  | "whole number"
  | "boolean"
  | "bytes"
  /** Taken as it is, and owned as one field. */
  | "anything"
  | { map: Shape }
  | { fields: Record<string, Shape> }
  /** A list whose items are told apart by a field, or one that is replaced whole. */
  | { list: Shape; key?: string };

export type Doc = Record<string, unknown>;

const named = (names: string): Record<string, Shape> =>
  Object.fromEntries(names.split(" ").map((name) => [name, "anything"]));

const metadata: Shape = {
  fields: {
    ...named("generateName selfLink generation creationTimestamp deletionTimestamp deletionGracePeriodSeconds"),
    ...named("ownerReferences finalizers managedFields"),
    name: "string",
    namespace: "string",
    uid: "string",
    resourceVersion: "string",
    labels: { map: "string" },
    annotations: { map: "string" },
  },
};

const container: Shape = {
  fields: {
    ...named(
      "args command envFrom lifecycle livenessProbe ports readinessProbe resources restartPolicy securityContext",
    ),
    ...named("startupProbe stdin stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices"),
    ...named("volumeMounts"),
    name: "string",
    image: "string",
    imagePullPolicy: "string",
    workingDir: "string",
    env: { list: { fields: { name: "string", value: "string", valueFrom: "anything" } }, key: "name" },
  },
};

const podSpec: Shape = {
  fields: {
    ...named("activeDeadlineSeconds affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks"),
    ...named("hostAliases hostNetwork hostname imagePullSecrets nodeName nodeSelector preemptionPolicy priority"),
    ...named("priorityClassName readinessGates restartPolicy runtimeClassName schedulerName securityContext"),
    ...named("serviceAccount serviceAccountName shareProcessNamespace subdomain terminationGracePeriodSeconds"),
    ...named("tolerations topologySpreadConstraints volumes"),
    containers: { list: container, key: "name" },
    initContainers: { list: container, key: "name" },
  },
};

const top: Record<string, Shape> = { kind: "string", apiVersion: "string", metadata };

/** The kinds that can be written. */
export const shapes = {
  ConfigMap: {
    fields: { ...top, data: { map: "string" }, binaryData: { map: "bytes" }, immutable: "boolean" },
  },
  Secret: {
    fields: { ...top, type: "string", data: { map: "bytes" }, stringData: { map: "string" }, immutable: "boolean" },
  },
  Deployment: {
    fields: {
      ...top,
      status: "anything",
      spec: {
        fields: {
          replicas: "whole number",
          selector: { fields: { matchLabels: { map: "string" }, matchExpressions: "anything" } },
          template: { fields: { metadata, spec: podSpec } },
          strategy: { fields: { type: "string", rollingUpdate: "anything" } },
          minReadySeconds: "whole number",
          revisionHistoryLimit: "whole number",
          paused: "boolean",
          progressDeadlineSeconds: "whole number",
        },
      },
    },
  },
  HorizontalPodAutoscaler: {
    fields: {
      ...top,
      status: "anything",
      spec: {
        fields: {
          scaleTargetRef: { fields: { apiVersion: "string", kind: "string", name: "string" } },
          minReplicas: "whole number",
          maxReplicas: "whole number",
          ...named("metrics behavior"),
        },
      },
    },
  },
  // Kinds that Argo CD and Flux add to a cluster, as far as their controllers here read them.
  Application: {
    fields: {
      ...top,
      status: "anything",
      operation: "anything",
      spec: { fields: named("project source sources destination syncPolicy ignoreDifferences") },
    },
  },
  ApplicationSet: {
    fields: {
      ...top,
      status: "anything",
      spec: {
        fields: {
          ...named("generators template syncPolicy strategy goTemplate goTemplateOptions templatePatch"),
          preservedFields: { fields: named("annotations labels") },
        },
      },
    },
  },
  Kustomization: {
    fields: {
      ...top,
      status: "anything",
      spec: {
        fields: {
          ...named("sourceRef dependsOn healthChecks patches postBuild retryInterval timeout targetNamespace wait"),
          interval: "string",
          path: "string",
          prune: "boolean",
          suspend: "boolean",
        },
      },
    },
  },
  HelmRelease: {
    fields: {
      ...top,
      status: "anything",
      spec: {
        fields: {
          ...named("chart chartRef dependsOn driftDetection install upgrade rollback uninstall test values valuesFrom"),
          ...named("postRenderers timeout targetNamespace storageNamespace"),
          interval: "string",
          releaseName: "string",
          suspend: "boolean",
        },
      },
    },
  },
  Scale: {
    fields: { ...top, status: "anything", spec: { fields: { replicas: "whole number" } } },
  },
} as const satisfies Record<string, Shape>;

export type Kind = keyof typeof shapes;

export type Fit = {
  /** The value as far as the schema knows it: what is unknown or null is gone. */
  value: unknown;
  /** Where something was that the schema does not know: "spec.replica". */
  unknown: string[];
  /** The first value of a wrong type, as Go's JSON reader says it. */
  wrong?: string;
};

/** Holds a value against its schema. */
export function fit(kind: Kind, value: unknown): Fit {
  const unknown: string[] = [];
  let wrong: string | undefined;
  const refuse = (at: string, found: unknown, wanted: string) => {
    const struct = at.startsWith("spec") ? `${kind}Spec` : kind;
    wrong ??= `json: cannot unmarshal ${typeName(found)} into Go struct field ${struct}.${at} of type ${wanted}`;
    return undefined;
  };
  const walk = (shape: Shape, found: unknown, at: string): unknown => {
    if (shape === "anything") return found;
    if (shape === "boolean") return typeof found === "boolean" ? found : refuse(at, found, "bool");
    if (shape === "string") return typeof found === "string" ? found : refuse(at, found, "string");
    if (shape === "whole number") return Number.isInteger(found) ? found : refuse(at, found, "int32");
    if (shape === "bytes") {
      if (typeof found !== "string") return refuse(at, found, "[]uint8");
      const odd = firstOddByte(found);
      if (odd >= 0) wrong ??= `illegal base64 data at input byte ${odd}`;
      return found;
    }
    if ("list" in shape) {
      if (!Array.isArray(found)) return refuse(at, found, "[]v1.Item");
      return found.map((item, index) => walk(shape.list, item, `${at}[${index}]`));
    }
    if (!isObject(found)) return refuse(at, found, "map" in shape ? "map[string]string" : "v1.Object");
    const kept: Doc = {};
    for (const [name, part] of Object.entries(found)) {
      const path = at ? `${at}.${name}` : name;
      const inner = shapeOf(shape, name);
      if (inner === undefined) unknown.push(path);
      else if (part !== null) kept[name] = walk(inner, part, path);
    }
    return kept;
  };
  const kept = walk(shapes[kind], value, "");
  return wrong === undefined ? { value: kept, unknown } : { value: kept, unknown, wrong };
}

/** The shape of a field of an object; undefined when the schema has none of that name. */
export function shapeOf(shape: Shape | undefined, name: string): Shape | undefined {
  if (typeof shape !== "object" || "list" in shape) return undefined;
  return "map" in shape ? shape.map : Object.entries(shape.fields).find(([field]) => field === name)?.[1];
}

export function isObject(value: unknown): value is Doc {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

/** Where base64 goes wrong, or -1. */
function firstOddByte(text: string): number {
  const odd = text.search(/[^A-Za-z0-9+/=]/);
  if (odd >= 0) return odd;
  const padded = /^[^=]*={0,2}$/.test(text) && text.length % 4 === 0;
  return padded ? -1 : text.length;
}
