import type { V1ObjectMeta } from "@kubernetes/client-node";
import type { CallContext, CallOptions } from "../call.ts";
import type { Cluster } from "./kubernetes-client.ts";
import { getObject, objectPath, patchObject, type Ref } from "./kubernetes-objects.ts";

/** What keeps a cluster as Git says. */
export type GitOpsTool = "argocd" | "flux";

/** An Application of Argo CD, or a Kustomization of Flux. */
export type GitOpsRef = Ref & { tool: GitOpsTool };

/** Whether it keeps its objects as Git says, and for which services Muster has stopped it. */
export type GitOps = {
  paused: boolean;
  /** By service, the run that paused it. Empty where it runs, and where somebody else paused it. */
  holds: Record<string, string>;
  resourceVersion: string;
};

/** Argo CD's user guide, "Skip Application Reconcile": all processing of the Application stops while this is "true". */
const skipReconcile = "argocd.argoproj.io/skip-reconcile";
/** An annotation for each service that needs it paused: several may live in one, and each run resumes only its own. */
const hold = "paused.muster/";

const kinds = {
  argocd: {
    api: "/apis/argoproj.io/v1alpha1",
    resource: "applications",
    reading: { call: "GetApplication" },
    changing: { call: "PatchApplication" },
  },
  // Flux's Kustomization has a field for it, `spec.suspend`, which `flux suspend` sets.
  flux: {
    api: "/apis/kustomize.toolkit.fluxcd.io/v1",
    resource: "kustomizations",
    reading: { call: "GetKustomization" },
    changing: { call: "PatchKustomization" },
  },
} as const;

type Found = { metadata?: V1ObjectMeta; spec?: { suspend?: boolean } };

/** Looks at an Application or a Kustomization; undefined where there is none. */
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
  return {
    paused: ref.tool === "argocd" ? annotations[skipReconcile] === "true" : (spec?.suspend ?? false),
    holds: Object.fromEntries(holds),
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

type Wanted = { service: string; holder: string | null; paused: boolean; resourceVersion: string };

async function patch(
  ctx: CallContext,
  cluster: Cluster,
  ref: GitOpsRef,
  { service, holder, paused, resourceVersion }: Wanted,
  options?: CallOptions,
): Promise<void> {
  const note = { [`${hold}${service}`]: holder };
  const body =
    ref.tool === "argocd"
      ? { metadata: { resourceVersion, annotations: { ...note, [skipReconcile]: paused ? "true" : null } } }
      : { metadata: { resourceVersion, annotations: note }, spec: { suspend: paused ? true : null } };
  await patchObject(ctx, cluster, { ...kinds[ref.tool].changing, path: pathOf(ref), body }, options);
}

const pathOf = (ref: GitOpsRef): string => objectPath(kinds[ref.tool].api, kinds[ref.tool].resource, ref);

/** The resource to ask rights for. */
export const gitOpsResource = (tool: GitOpsTool): { group: string; resource: string } => ({
  group: kinds[tool].api.split("/")[2] ?? "",
  resource: kinds[tool].resource,
});
