import type { V1ObjectMeta } from "@kubernetes/client-node";
import type { CallContext, CallOptions } from "../call.ts";
import type { Cluster } from "./kubernetes-client.ts";
import { getObject, objectPath, ownerOfKind, patchObject, type Ref } from "./kubernetes-objects.ts";
import { controllerOf, type Owner } from "./kubernetes-owners.ts";

/** What keeps a cluster as Git says, as the estate calls it. */
export type GitOpsTool = "argocd" | "flux" | "flux-helm";

/** An Application of Argo CD, or a Kustomization or a HelmRelease of Flux. */
export type GitOpsRef = Ref & { tool: GitOpsTool };

/** Whether it keeps its objects as Git says, and for which services Muster has stopped it. */
export type GitOps = {
  paused: boolean;
  /** By service, the run that paused it. Empty where it runs, and where somebody else paused it. */
  holds: Record<string, string>;
  /** What applies the object itself, where Git says there whether it is paused: it would let it run again. */
  appliedBy?: Owner;
  /** The ApplicationSet that made it, in its own namespace: it takes annotations away that it does not know. */
  madeBy?: string;
  resourceVersion: string;
};

/** Argo CD's user guide, "Skip Application Reconcile": all processing of the Application stops while this is true. */
const skipReconcile = "argocd.argoproj.io/skip-reconcile";
/** As its controller reads it, by Go's strconv.ParseBool; whatever else stands there does not stop it. */
const goTrue: ReadonlySet<string | undefined> = new Set(["1", "t", "T", "true", "TRUE", "True"]);
/** An annotation for each service that needs it paused: several may live in one, and each run resumes only its own. */
const hold = "paused.muster/";
export const noteFor = (service: string): string => `${hold}${service}`;
/** What stands on an Application while it is paused for a service. */
export const pausingAnnotations = (service: string): string[] => [skipReconcile, noteFor(service)];

const kinds = {
  argocd: {
    kind: "Application",
    api: "/apis/argoproj.io/v1alpha1",
    resource: "applications",
    reading: { call: "GetApplication" },
    changing: { call: "PatchApplication" },
  },
  // Flux's kinds have a field for it, `spec.suspend`, which `flux suspend` sets. What is under way is brought to its end.
  flux: {
    kind: "Kustomization",
    api: "/apis/kustomize.toolkit.fluxcd.io/v1",
    resource: "kustomizations",
    reading: { call: "GetKustomization" },
    changing: { call: "PatchKustomization" },
  },
  // Since Flux 2.3. https://fluxcd.io/flux/components/helm/helmreleases/#suspend
  "flux-helm": {
    kind: "HelmRelease",
    api: "/apis/helm.toolkit.fluxcd.io/v2",
    resource: "helmreleases",
    reading: { call: "GetHelmRelease" },
    changing: { call: "PatchHelmRelease" },
  },
} as const;

/** What its object is called: "Kustomization". */
export const kindOf = (tool: GitOpsTool): string => kinds[tool].kind;

type Found = { metadata?: V1ObjectMeta; spec?: { suspend?: boolean } };

/** Looks at what keeps objects as Git says; undefined where there is none. */
export async function getGitOps(
  ctx: CallContext,
  cluster: Cluster,
  ref: GitOpsRef,
  options?: CallOptions,
): Promise<GitOps | undefined> {
  const { reading } = kinds[ref.tool];
  const found = await getObject(ctx, cluster, { ...reading, path: pathOf(ref) }, options);
  if (!found) return undefined;
  const { metadata, spec } = found as Found;
  const annotations = metadata?.annotations ?? {};
  const holds = Object.entries(annotations).flatMap(([key, run]) =>
    key.startsWith(hold) ? [[key.slice(hold.length), run] as const] : [],
  );
  const byField = ref.tool !== "argocd";
  const appliedBy = controllerOf(
    metadata,
    byField ? ["f:spec", "f:suspend"] : ["f:metadata", "f:annotations", `f:${skipReconcile}`],
  );
  const madeBy = byField ? undefined : ownerOfKind(metadata, "ApplicationSet", "argoproj.io/");
  return {
    paused: byField ? (spec?.suspend ?? false) : goTrue.has(annotations[skipReconcile]),
    holds: Object.fromEntries(holds),
    ...(appliedBy ? { appliedBy } : {}),
    ...(madeBy === undefined ? {} : { madeBy }),
    resourceVersion: metadata?.resourceVersion ?? "",
  };
}

/** Pauses it, and notes for which service and by which run. One that was changed since it was read is left alone (409). */
export async function pauseGitOps(
  ctx: CallContext,
  cluster: Cluster,
  ref: GitOpsRef,
  { service, runId, resourceVersion }: { service: string; runId: string; resourceVersion: string },
  options?: CallOptions,
): Promise<void> {
  await patch(ctx, cluster, ref, { service, holder: runId, resourceVersion, paused: true }, options);
}

/** Takes the note of a service away, and lets it run again where nobody else's is left. One that was changed is left alone (409). */
export async function resumeGitOps(
  ctx: CallContext,
  cluster: Cluster,
  ref: GitOpsRef,
  { service, seen: { paused, holds, resourceVersion } }: { service: string; seen: GitOps },
  options?: CallOptions,
): Promise<void> {
  const stays = paused && Object.keys(holds).some((other) => other !== service);
  await patch(ctx, cluster, ref, { service, holder: null, resourceVersion, paused: stays }, options);
}

type Wanted = { service: string; holder: string | null; paused: boolean };

async function patch(
  ctx: CallContext,
  cluster: Cluster,
  ref: GitOpsRef,
  { resourceVersion, ...wanted }: Wanted & { resourceVersion: string },
  options?: CallOptions,
): Promise<void> {
  const { metadata, ...rest } = change(ref.tool, wanted);
  const body = { metadata: { resourceVersion, ...metadata }, ...rest };
  await patchObject(ctx, cluster, { ...kinds[ref.tool].changing, path: pathOf(ref), body }, options);
}

/** The merge patch that pauses it or lets it run; null removes. */
function change(tool: GitOpsTool, { service, holder, paused }: Wanted) {
  const note = { [noteFor(service)]: holder };
  return tool === "argocd"
    ? { metadata: { annotations: { ...note, [skipReconcile]: paused ? "true" : null } } }
    : { metadata: { annotations: note }, spec: { suspend: paused ? true : null } };
}

/** What a person types to take the note of a service away and let it run again, where no other note is left. */
export function resumeByHand({ tool, namespace, name }: GitOpsRef, service: string): string {
  const { api, resource } = kinds[tool];
  const wanted = JSON.stringify(change(tool, { service, holder: null, paused: false }));
  return `kubectl -n ${namespace} patch ${resource}.${groupOf(api)} ${name} --type merge -p '${wanted}'`;
}

const pathOf = (ref: GitOpsRef): string => objectPath(kinds[ref.tool].api, kinds[ref.tool].resource, ref);

/** The resource to ask rights for. */
export const gitOpsResource = (tool: GitOpsTool): { group: string; resource: string } => ({
  group: groupOf(kinds[tool].api),
  resource: kinds[tool].resource,
});

/** "/apis/argoproj.io/v1alpha1" is of the group argoproj.io. */
const groupOf = (api: string): string => api.split("/")[2] ?? "";
