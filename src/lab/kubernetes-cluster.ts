import type { Clock } from "../clock.ts";
import { drawDelay } from "./delays.ts";
import { History } from "./history.ts";
import { notFound, resources } from "./kubernetes-answers.ts";
import { changed } from "./kubernetes-change.ts";
import type { Changed, Document, How } from "./kubernetes-change.ts";
import { Kubelet } from "./kubelet.ts";
import { countPods, scaleJson, stamp } from "./kubernetes-objects.ts";
import type { Deployment, Metadata, Rollout } from "./kubernetes-objects.ts";
import type { Change } from "./kubernetes-patch.ts";
import { firstState } from "./kubernetes-state.ts";
import type { Kept, Namespace, State } from "./kubernetes-state.ts";
import type { AppSettings } from "./pod-app.ts";
import { openPods } from "./pods.ts";
import type { Pods, PodView } from "./pods.ts";
import type { Power } from "./power.ts";
import type { LabRequest, RequestLog } from "./request-log.ts";
import type { Wanted } from "./rollout.ts";

export type Writable = Exclude<Kept, "pods">;

export type Write = { manager: string; dryRun: boolean; fieldValidation?: string; request?: LabRequest };

/** Which object somebody writes, and whether through its scale. */
export type Target = { resource: Writable; namespace: string; name: string; scale?: boolean };

type Options = {
  log: RequestLog;
  clock: Clock;
  random: () => number;
  region: string;
  host: string;
  power: Power;
  endings: Power;
  app: AppSettings;
  namespaces: Namespace[];
};

export type Cluster = ReturnType<typeof openCluster>;

/** Keeps the objects of one cluster, and runs what they ask for. */
export function openCluster(options: Options) {
  const { clock, random, power, region, namespaces } = options;
  const state = new History<State>(clock, firstState(namespaces, clock.now()));
  const closing = new AbortController();
  const kubelet = new Kubelet(options);
  const fleets = new Map<string, Pods>();
  const under = new Set<Promise<void>>();

  const store = (resource: Writable, key: string, object: Document) => {
    const resourceVersion = state.now.resourceVersion + 1;
    const metadata = { ...object.metadata, resourceVersion: String(resourceVersion) };
    const objects: ReadonlyMap<string, Document> = state.now[resource];
    state.write({
      ...state.now,
      [resource]: new Map(objects).set(key, { ...object, metadata }),
      resourceVersion,
    });
  };
  const noteRollout = (key: string, change: (deployment: Deployment) => Partial<Rollout>) => {
    const deployment = state.now.deployments.get(key);
    if (!deployment) return;
    store("deployments", key, { ...deployment, rollout: { ...deployment.rollout, ...change(deployment) } });
  };

  for (const namespace of namespaces) {
    for (const { name, config } of namespace.deployments) {
      const key = `${namespace.name}/${name}`;
      const fleet = openPods({
        ...options,
        kubelet,
        deployment: key,
        ...(config
          ? { databaseHost: () => state.now.configmaps.get(`${namespace.name}/${config.name}`)?.data[config.key] }
          : {}),
        changed: (pods) => {
          const before = state.now.pods.get(key) ?? [];
          state.write({ ...state.now, pods: new Map(state.now.pods).set(key, pods) });
          // The controller writes the new counts into the deployment's status: its version moves although nobody patched it.
          noteRollout(key, (deployment) => progress(deployment, { before, pods, now: clock.now() }));
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
    noteRollout(key, ({ metadata, spec, rollout }) => {
      const observedGeneration = metadata.generation ?? 1;
      const template = JSON.stringify(spec.template);
      // A paused deployment is scaled, but its new template waits.
      if (spec.paused || template === rollout.template) return { observedGeneration };
      const revision = rollout.revision + 1;
      return { observedGeneration, revision, template, complete: false, progressedAt: clock.now() };
    });
    const deployment = state.now.deployments.get(key);
    const longest = deployment ? (fleets.get(key)?.follow(wantedOf(deployment)) ?? 0) : 0;
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
      for (const [key, deployment] of state.now.deployments) {
        fleets.get(key)?.follow(wantedOf(deployment), { atOnce: true });
      }
      await Promise.all([...fleets.values()].map((fleet) => fleet.settled()));
    },

    /** Changes one object, or throws the Status that the API server refuses it with. */
    change(target: Target, change: Change, write: Write): { object: Document; warnings: string[] } {
      const { resource, namespace, name, scale = false } = target;
      const { manager, dryRun, fieldValidation = "Warn", request } = write;
      const key = `${namespace}/${name}`;
      const before = state.now[resource].get(key);
      if (!before) throw notFound(resources[resource], name);
      const by: How["by"] = { manager, apiVersion: before.apiVersion, time: stamp(clock.now()) };
      if (scale) by.subresource = "scale";
      const how: How = { resource: resources[resource], by, fieldValidation };
      const { rollout, ...document } = before as Deployment;
      const outcome = scale
        ? changeScale(before as Deployment, change, how)
        : changed(resource === "deployments" ? document : before, change, how);
      const { paths, managedFields, warnings } = outcome;
      const { metadata } = outcome.document;
      const sameOwners = JSON.stringify(managedFields) === JSON.stringify(metadata.managedFields);
      const nothing = paths.length === 0 && (change.by !== "apply" || sameApartFromTime(managedFields, metadata));
      if (nothing || (paths.length === 0 && sameOwners)) return { object: before, warnings };
      const respecified = resource === "deployments" && paths.some((path) => path.startsWith("f:spec\n"));
      const generation = (metadata.generation ?? 0) + (respecified ? 1 : 0);
      const after: Document = {
        ...outcome.document,
        metadata: { ...metadata, managedFields, ...(resource === "deployments" ? { generation } : {}) },
        ...(resource === "deployments" ? { rollout } : {}),
      };
      if (dryRun) return { object: after, warnings };
      store(resource, key, after);
      if (paths.length > 0) {
        request?.effects.push({ target: `kubernetes:${region}/${key}`, wanted: describe(resource, paths, after) });
      }
      if (respecified) begin(control(key, request));
      return { object: state.now[resource].get(key) ?? after, warnings };
    },

    /** Changes labels, annotations or the like of an object behind everybody's back. */
    describe(resource: Writable, key: string, change: Partial<Metadata>) {
      const object = state.now[resource].get(key);
      if (!object) throw new Error(`there is no ${key} among the ${resource}`);
      store(resource, key, { ...object, metadata: { ...object.metadata, ...change } });
    },

    async close() {
      closing.abort(new Error("the lab was closed"));
      const kubeletEnded = kubelet.close();
      await Promise.all([...fleets.values()].map((fleet) => fleet.close()));
      await Promise.all([...under, kubeletEnded]);
    },
  };
}

function wantedOf({ spec, rollout }: Deployment): Wanted {
  const { metadata } = JSON.parse(rollout.template) as Deployment["spec"]["template"];
  return { replicas: spec.replicas, revision: rollout.revision, annotations: metadata?.annotations ?? {} };
}

type Pace = { before: readonly PodView[]; pods: readonly PodView[]; now: Date };

/** Notes how far a rollout is: complete once all pods are of the newest template, wanted and ready. */
function progress({ spec, rollout }: Deployment, { before, pods, now }: Pace): Partial<Rollout> {
  if (rollout.complete) return {};
  const was = countPods(before, rollout.revision);
  const is = countPods(pods, rollout.revision);
  const moved = is.updated > was.updated || is.ready > was.ready || is.alive < was.alive;
  const complete = [is.alive, is.updated, is.ready].every((count) => count === spec.replicas);
  return { complete, ...(moved ? { progressedAt: now } : {}) };
}

/** Changes a deployment through its scale, which shows the number of pods and nothing else. */
function changeScale(deployment: Deployment, change: Change, how: How): Changed {
  const { rollout: _rollout, ...document } = deployment;
  const scale = { ...scaleJson(deployment, []), kind: "Scale" as const, metadata: deployment.metadata } as Document;
  const outcome = changed({ ...scale, apiVersion: "autoscaling/v1" }, change, how);
  const { replicas = 0 } = outcome.document["spec"] as { replicas?: number };
  const paths = replicas === deployment.spec.replicas ? [] : ["f:spec\nf:replicas"];
  return { ...outcome, paths, document: { ...document, spec: { ...deployment.spec, replicas } } };
}

/** Says what a write changed; a secret's values stay out of it. */
function describe(resource: Writable, paths: readonly string[], after: Document): string {
  const said = paths.map((path) => {
    const parts = path.split("\n").map((part) => part.slice(2));
    const value = parts.reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], after);
    const shown = ["string", "number", "boolean"].includes(typeof value) ? String(value) : "";
    return `${parts.at(-1)}=${resource === "secrets" ? "" : shown}`;
  });
  return said.join(" ");
}

/** An apply that changes nothing, not even who owns what, is no write. */
function sameApartFromTime(managedFields: Metadata["managedFields"], before: Metadata): boolean {
  const timeless = (entries: Metadata["managedFields"]) =>
    JSON.stringify(entries.map(({ time: _time, ...rest }) => rest));
  return timeless(managedFields) === timeless(before.managedFields);
}
