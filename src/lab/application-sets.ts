import type { Clock } from "../clock.ts";
import type { Document } from "./kubernetes-change.ts";
import type { Cluster } from "./kubernetes-cluster.ts";
import type { Doc } from "./kubernetes-schema.ts";
import type { Power } from "./power.ts";

/** Annotations that the controller preserves by itself, beside those that its set names. */
const preservedAlways = [
  "notified.notifications.argoproj.io",
  "argocd.argoproj.io/refresh",
  "argocd.argoproj.io/hydrate",
];

/** A change of an Application wakes the controller at once; this is about how long it takes to be done with it. */
const everySeconds = 1;

/** The spec of a set of one Application, whose template has no annotations. */
export const applicationSetSpec = (application: { name: string; spec: Doc }, preserved: readonly string[]): Doc => ({
  generators: [{ list: { elements: [{}] } }],
  template: { metadata: { name: application.name }, spec: application.spec },
  preservedFields: { annotations: [...preserved] },
});

type Options = { cluster: Cluster; clock: Clock; power: Power; signal: AbortSignal };

/**
 * Takes annotations from Applications that an ApplicationSet made, unless it names them, until the signal fires. Keys are
 * compared as they are.
 * @see https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Controlling-Resource-Modification/
 */
export async function runApplicationSets({ cluster, clock, power, signal }: Options): Promise<void> {
  if (cluster.state.now.applicationsets.size === 0) return;
  for (;;) {
    await clock.sleep(everySeconds, signal);
    await power.whenOn(signal);
    for (const application of cluster.state.now.applications.values()) takeAway(cluster, application);
  }
}

function takeAway(cluster: Cluster, { metadata }: Document): void {
  const { namespace, name, annotations = {}, ownerReferences = [] } = metadata;
  const maker = ownerReferences.find(({ kind }) => kind === "ApplicationSet")?.name;
  const set = cluster.state.now.applicationsets.get(`${namespace}/${maker}`);
  if (!set) return;
  const preserved = [...preservedAlways, ...preservedBy(set)];
  const strange = Object.keys(annotations).filter((key) => !preserved.includes(key));
  if (strange.length === 0) return;
  const patch = { metadata: { annotations: Object.fromEntries(strange.map((key) => [key, null])) } };
  cluster.change(
    { resource: "applications", namespace, name },
    { by: "merge-patch", patch },
    { manager: "argocd-applicationset-controller", dryRun: false },
  );
}

function preservedBy(set: Document): readonly string[] {
  const { preservedFields } = (set["spec"] ?? {}) as { preservedFields?: { annotations?: string[] } };
  return preservedFields?.annotations ?? [];
}
