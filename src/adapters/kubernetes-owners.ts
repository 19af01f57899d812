import type { V1ObjectMeta } from "@kubernetes/client-node";
import type { GitOpsTool } from "./kubernetes-gitops.ts";
import { manager } from "./kubernetes-objects.ts";

/** Who else thinks that something is theirs. */
export type Owner = {
  manager: string;
  /** A controller that will put its own value back. */
  gitops: boolean;
  /** Which one, where Muster knows how to pause it. */
  tool?: GitOpsTool;
  /** The Application, Kustomization or HelmRelease it belongs to, where that is written on it. */
  app?: string;
};

/** By the names under which they write; Config Sync's is "configsync.gke.io". */
const controllers = /argocd|argo-cd|flux|kustomize-controller|helm-controller|fleet|config-?sync/i;

/**
 * Tells who owns a key of a config map: a controller that owns the whole object, because it will put every key back, whoever
 * wrote it last; else who wrote the key. Nobody where that was Muster.
 */
export function ownerOfKey(metadata: V1ObjectMeta | undefined, key: string): Owner | undefined {
  return markedBy(metadata) ?? writerOf(metadata, ["f:data", `f:${key}`]);
}

/**
 * Tells which GitOps controller says how many pods a deployment wants, or an autoscaler keeps at least; undefined where Git
 * leaves that open.
 */
export function ownerOfNumber(
  metadata: V1ObjectMeta | undefined,
  field: "replicas" | "minReplicas",
): Owner | undefined {
  return controllerOf(metadata, ["f:spec", `f:${field}`]);
}

/** Tells which GitOps controller says what a field of an object holds, named as in FieldsV1; undefined where Git leaves that open. */
export function controllerOf(metadata: V1ObjectMeta | undefined, path: readonly string[]): Owner | undefined {
  const writer = writerOf(metadata, path);
  return writer?.gitops ? { ...writer, ...markedBy(metadata) } : undefined;
}

/**
 * Flux writes labels on what it applies, those of the Kustomization or those of the HelmRelease; Argo CD an annotation, or
 * a label where it was told to.
 */
function markedBy(metadata: V1ObjectMeta | undefined): Owner | undefined {
  const marks = { ...metadata?.labels, ...metadata?.annotations };
  const names = Object.keys(marks);
  const has = (prefix: string) => names.some((name) => name.startsWith(prefix));
  if (has("argocd.argoproj.io/")) {
    // "shop:/ConfigMap:shop/app-config", or "team_shop:..." for an Application outside Argo CD's own namespace.
    const tracked = marks["argocd.argoproj.io/tracking-id"]?.split(":")[0];
    return named("argocd", "argocd", tracked?.split("_").at(-1) ?? marks["argocd.argoproj.io/instance"]);
  }
  if (has("kustomize.toolkit.fluxcd.io/")) return named("flux", "flux", marks["kustomize.toolkit.fluxcd.io/name"]);
  const release = marks["helm.toolkit.fluxcd.io/name"];
  // Without a name it is a mark that somebody else put there, as the one that turns drift detection off.
  return release === undefined ? undefined : named("flux", "flux-helm", release);
}

const named = (name: string, tool: GitOpsTool, app: string | undefined): Owner => ({
  manager: name,
  gitops: true,
  tool,
  ...(app === undefined ? {} : { app }),
});

function writerOf(metadata: V1ObjectMeta | undefined, path: readonly string[]): Owner | undefined {
  const entries = (metadata?.managedFields ?? []).filter(({ fieldsV1 }) => holds(fieldsV1, path));
  const others = entries.flatMap((entry) => (entry.manager && entry.manager !== manager ? [entry.manager] : []));
  // Of several who agree on a value, only a controller will insist on it.
  const other = others.find((name) => controllers.test(name)) ?? others[0];
  if (other === undefined) return undefined;
  const tool = toolOf(other);
  return { manager: other, gitops: controllers.test(other), ...(tool ? { tool } : {}) };
}

function toolOf(writer: string): GitOpsTool | undefined {
  if (/argo-?cd/i.test(writer)) return "argocd";
  if (writer === "kustomize-controller") return "flux";
  return writer === "helm-controller" ? "flux-helm" : undefined;
}

function holds(fields: unknown, [part, ...rest]: readonly string[]): boolean {
  if (part === undefined) return true;
  if (typeof fields !== "object" || fields === null || !(part in fields)) return false;
  return holds((fields as Record<string, unknown>)[part], rest);
}
