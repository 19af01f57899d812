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
  /** The Application or Kustomization it belongs to, where that is written on it. */
  app?: string;
};

const controllers = /argocd|argo-cd|flux|kustomize-controller|helm-controller|fleet|config-sync/i;

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
  const writer = writerOf(metadata, ["f:spec", `f:${field}`]);
  return writer?.gitops ? { ...writer, ...markedBy(metadata) } : undefined;
}

/** Flux writes labels on what it applies; Argo CD an annotation, or a label where it was told to. */
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
  return has("helm.toolkit.fluxcd.io/") ? { manager: "flux", gitops: true } : undefined;
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
  const tool = /argo-?cd/i.test(other) ? "argocd" : other === "kustomize-controller" ? "flux" : undefined;
  return { manager: other, gitops: controllers.test(other), ...(tool ? { tool } : {}) };
}

function holds(fields: unknown, [part, ...rest]: readonly string[]): boolean {
  if (part === undefined) return true;
  if (typeof fields !== "object" || fields === null || !(part in fields)) return false;
  return holds((fields as Record<string, unknown>)[part], rest);
}
