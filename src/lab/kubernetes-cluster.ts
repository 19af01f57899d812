import { randomUUID } from "node:crypto";
import type { Clock } from "../clock.ts";
import { drawDelay } from "./delays.ts";
import { History } from "./history.ts";
import { badRequest, invalid, notFound, resources, stale } from "./kubernetes-answers.ts";
import { configMapJson, stamp, takeFields } from "./kubernetes-objects.ts";
import type { ConfigMap, Deployment, Metadata } from "./kubernetes-objects.ts";
import { isObject, merge } from "./kubernetes-patch.ts";
import type { Patch } from "./kubernetes-patch.ts";
import type { AppSettings } from "./pod-app.ts";
import { openPods } from "./pods.ts";
import type { Pods, PodView } from "./pods.ts";
import type { Power } from "./power.ts";
import type { LabRequest, RequestLog } from "./request-log.ts";

type Labelled = { labels?: Record<string, string>; annotations?: Record<string, string>; manager?: string };

/** What a namespace holds when the lab opens. */
export type Namespace = {
  name: string;
  configMaps: ({ name: string; data: Record<string, string>; immutable?: boolean } & Labelled)[];
  deployments: ({
    name: string;
    replicas: number;
    config: { name: string; key: string };
    paused?: boolean;
  } & Labelled)[];
};

export type State = {
  configMaps: ReadonlyMap<string, ConfigMap>;
  deployments: ReadonlyMap<string, Deployment>;
  pods: ReadonlyMap<string, readonly PodView[]>;
  resourceVersion: number;
};

export type Write = { manager: string; dryRun: boolean; request?: LabRequest };

type Options = {
  log: RequestLog;
  clock: Clock;
  random: () => number;
  region: string;
  host: string;
  power: Power;
  app: AppSettings;
  namespaces: Namespace[];
};

export type Cluster = ReturnType<typeof openCluster>;

/** Keeps the objects of one cluster, and runs what they ask for. */
export function openCluster(options: Options) {
  const { clock, random, power, region, namespaces } = options;
  const state = new History<State>(clock, firstState(namespaces, clock.now()));
  const closing = new AbortController();
  const fleets = new Map<string, Pods>();
  const under = new Set<Promise<void>>();

  const write = (change: (now: State, resourceVersion: number) => Partial<State>) => {
    const resourceVersion = state.now.resourceVersion + 1;
    state.write({ ...state.now, ...change(state.now, resourceVersion), resourceVersion });
  };
  const writeDeployment = (key: string, change: (deployment: Deployment) => Partial<Deployment>) =>
    write(({ deployments }, version) => {
      const deployment = deployments.get(key);
      if (!deployment) return {};
      const changed = { ...deployment, ...change(deployment) };
      const metadata = { ...changed.metadata, resourceVersion: String(version) };
      return { deployments: new Map(deployments).set(key, { ...changed, metadata }) };
    });

  for (const namespace of namespaces) {
    for (const { name, config } of namespace.deployments) {
      const key = `${namespace.name}/${name}`;
      const fleet = openPods({
        ...options,
        deployment: key,
        databaseHost: () => state.now.configMaps.get(`${namespace.name}/${config.name}`)?.data[config.key],
        changed: (pods) => {
          write((now) => ({ pods: new Map(now.pods).set(key, pods) }));
          // The controller writes the new counts into the deployment's status: its version moves although nobody patched it.
          writeDeployment(key, () => ({}));
        },
      });
      fleets.set(key, fleet);
    }
  }

  /** What the deployment controller does once it has seen a change. */
  const control = async (key: string, request: LabRequest | undefined) => {
    const seconds = drawDelay("kubernetes controller sees a change", random);
    await clock.sleep(seconds, closing.signal);
    await power.whenOn(closing.signal);
    writeDeployment(key, ({ metadata }) => ({ observedGeneration: metadata.generation ?? 1 }));
    const longest = fleets.get(key)?.scale(state.now.deployments.get(key)?.replicas ?? 0) ?? 0;
    if (request) request.delaySeconds += seconds + longest;
  };
  const begin = (work: Promise<void>) => {
    const kept = work.catch((error: unknown) => {
      if (!closing.signal.aborted) throw error;
    });
    under.add(kept);
    void kept.finally(() => under.delete(kept));
  };

  return {
    state,

    /** Starts the pods that were there before the lab opened, at once. */
    async start() {
      for (const [key, { replicas }] of state.now.deployments) fleets.get(key)?.scale(replicas, { atOnce: true });
      await Promise.all([...fleets.values()].map((fleet) => fleet.settled()));
    },

    patchConfigMap(namespace: string, name: string, patch: Patch, { manager, dryRun, request }: Write): ConfigMap {
      const key = `${namespace}/${name}`;
      const before = state.now.configMaps.get(key);
      if (!before) throw notFound(resources.configmaps, name);
      refuseStale(before.metadata, patch, resources.configmaps);
      const merged = merge(configMapJson(before), patch) as { data?: unknown; metadata: Metadata };
      const data = readData(name, merged.data ?? {});
      const changed = [...new Set([...Object.keys(before.data), ...Object.keys(data)])].filter(
        (field) => before.data[field] !== data[field],
      );
      const { labels = {}, annotations = {} } = merged.metadata;
      const described = JSON.stringify([labels, annotations]);
      const was = JSON.stringify([before.metadata.labels ?? {}, before.metadata.annotations ?? {}]);
      if (changed.length === 0 && described === was) return before;
      if (before.immutable)
        throw invalid("ConfigMap", name, "data", "Forbidden: field is immutable when `immutable` is set");
      const by = { manager, apiVersion: "v1", at: clock.now(), parent: "data", fields: changed };
      const managedFields = takeFields(before.metadata.managedFields, by);
      const after: ConfigMap = {
        ...before,
        data,
        metadata: { ...before.metadata, labels, annotations, managedFields },
      };
      if (dryRun) return after;
      write(({ configMaps }, version) => {
        after.metadata.resourceVersion = String(version);
        return { configMaps: new Map(configMaps).set(key, after) };
      });
      const wanted = changed.map((field) => `${field}=${data[field] ?? ""}`).join(" ");
      request?.effects.push({ target: `kubernetes:${region}/${key}`, wanted });
      return after;
    },

    patchScale(namespace: string, name: string, patch: Patch, { manager, dryRun, request }: Write): Deployment {
      const key = `${namespace}/${name}`;
      const before = state.now.deployments.get(key);
      if (!before) throw notFound(resources.deployments, name);
      refuseStale(before.metadata, patch, resources.deployments);
      const spec = isObject(patch["spec"]) ? patch["spec"] : {};
      const replicas = spec["replicas"] ?? before.replicas;
      if (typeof replicas !== "number" || !Number.isInteger(replicas)) {
        throw badRequest("json: cannot unmarshal into Go struct field ScaleSpec.spec.replicas of type int32");
      }
      if (replicas < 0) {
        throw invalid(
          "Scale.autoscaling",
          name,
          "spec.replicas",
          `Invalid value: ${replicas}: must be greater than or equal to 0`,
        );
      }
      if (replicas === before.replicas) return before;
      const by = {
        manager,
        apiVersion: "apps/v1",
        at: clock.now(),
        parent: "spec",
        fields: ["replicas"],
        subresource: "scale",
      };
      const managedFields = takeFields(before.metadata.managedFields, by);
      const generation = (before.metadata.generation ?? 1) + 1;
      if (dryRun) return { ...before, replicas };
      writeDeployment(key, ({ metadata }) => ({ replicas, metadata: { ...metadata, generation, managedFields } }));
      request?.effects.push({ target: `kubernetes:${region}/${key}`, wanted: `replicas=${replicas}` });
      begin(control(key, request));
      return state.now.deployments.get(key) ?? before;
    },

    /** Changes labels, annotations or the like of an object behind everybody's back. */
    describe(kind: "configMaps" | "deployments", key: string, change: Partial<Metadata>) {
      write((now, version) => {
        const objects: ReadonlyMap<string, { metadata: Metadata }> = now[kind];
        const object = objects.get(key);
        if (!object) throw new Error(`there is no ${key} among the ${kind}`);
        const metadata = { ...object.metadata, ...change, resourceVersion: String(version) };
        return { [kind]: new Map(objects).set(key, { ...object, metadata }) };
      });
    },

    async close() {
      closing.abort(new Error("the lab was closed"));
      await Promise.all([...fleets.values()].map((fleet) => fleet.close()));
      await Promise.all(under);
    },
  };
}

function refuseStale(current: Metadata, patch: Patch, resource: Parameters<typeof stale>[0]): void {
  const wanted = patch.metadata?.["resourceVersion"];
  if (wanted !== undefined && wanted !== current.resourceVersion) throw stale(resource, current.name);
}

function readData(name: string, data: unknown): Record<string, string> {
  const entries = Object.entries(data ?? {});
  for (const [key, value] of entries) {
    const field = `data[${key}]`;
    if (!/^[-._a-zA-Z0-9]{1,253}$/.test(key))
      throw invalid("ConfigMap", name, field, `Invalid value: "${key}": a valid config key`);
    if (typeof value !== "string") {
      throw invalid("ConfigMap", name, field, `Invalid value: json: cannot unmarshal ${typeof value} into type string`);
    }
  }
  return Object.fromEntries(entries) as Record<string, string>;
}

function firstState(namespaces: readonly Namespace[], now: Date): State {
  let resourceVersion = 1000;
  const metadata = (
    namespace: string,
    { name, labels = {}, annotations = {}, manager }: { name: string } & Labelled,
  ) => ({
    name,
    namespace,
    uid: randomUUID(),
    resourceVersion: String((resourceVersion += 1)),
    creationTimestamp: stamp(now),
    labels,
    annotations,
    manager: manager ?? "kubectl-create",
  });
  const configMaps = new Map<string, ConfigMap>();
  const deployments = new Map<string, Deployment>();
  for (const namespace of namespaces) {
    for (const wanted of namespace.configMaps) {
      const { manager, ...rest } = metadata(namespace.name, wanted);
      const by = { manager, apiVersion: "v1", at: now, parent: "data", fields: Object.keys(wanted.data) };
      const object: ConfigMap = { metadata: { ...rest, managedFields: takeFields([], by) }, data: { ...wanted.data } };
      if (wanted.immutable) object.immutable = true;
      configMaps.set(`${namespace.name}/${wanted.name}`, object);
    }
    for (const wanted of namespace.deployments) {
      const { manager, ...rest } = metadata(namespace.name, wanted);
      const by = { manager, apiVersion: "apps/v1", at: now, parent: "spec", fields: ["replicas", "template"] };
      const object: Deployment = {
        metadata: { ...rest, generation: 1, managedFields: takeFields([], by) },
        replicas: wanted.replicas,
        observedGeneration: 1,
      };
      if (wanted.paused) object.paused = true;
      deployments.set(`${namespace.name}/${wanted.name}`, object);
    }
  }
  return { configMaps, deployments, pods: new Map(), resourceVersion };
}
