import type { Clock } from "../clock.ts";
import type { Cluster } from "./kubernetes-cluster.ts";
import type { Doc } from "./kubernetes-schema.ts";
import type { Power } from "./power.ts";

export type GitOpsTool = "argocd" | "flux";

/** What Git says of one object: the keys of a config map, or how many pods a deployment wants, unless it leaves that open. */
export type Said =
  | { resource: "configmaps"; namespace: string; name: string; data: Record<string, string> }
  | { resource: "deployments"; namespace: string; name: string; replicas?: number };

/** A repository, and what applies it in one cluster: an Application, or a Kustomization. */
export type Git = { tool: GitOpsTool; namespace: string; name: string; says: Said[] };

/** Where each tool lives by its own manuals, and its object's name here. */
export const homeOf = (tool: GitOpsTool): { namespace: string; name: string } => ({
  namespace: tool === "argocd" ? "argocd" : "flux-system",
  name: "shop",
});

/**
 * How often each looks for drift, in seconds. Flux: the Kustomization's own `spec.interval`, a minute here. Argo CD watches
 * what it applied; its self-healing waits 5 seconds between tries (application controller, `--self-heal-timeout-seconds`).
 */
const everySeconds = { argocd: 5, flux: 60 } as const;

/** The spec of the object that says where the repository is. */
export const specOf = (tool: GitOpsTool): Doc =>
  tool === "argocd"
    ? {
        project: "default",
        source: { repoURL: "https://git.example.com/shop.git", path: "." },
        destination: { server: "https://kubernetes.default.svc", namespace: "shop" },
        syncPolicy: { automated: { selfHeal: true } },
      }
    : {
        interval: `${everySeconds.flux}s`,
        path: "./",
        prune: false,
        sourceRef: { kind: "GitRepository", name: "shop" },
      };

type Options = { cluster: Cluster; git: Git; clock: Clock; power: Power; signal: AbortSignal };

/** Puts back what differs from Git, again and again, unless it is paused; until the signal fires. */
export async function runGitOps(options: Options): Promise<void> {
  const { git, clock, power, signal } = options;
  applyGit(options);
  for (;;) {
    await clock.sleep(everySeconds[git.tool], signal);
    await power.whenOn(signal);
    applyGit(options);
  }
}

function applyGit({ cluster, git }: Options): void {
  if (isPaused(cluster, git)) return;
  for (const said of git.says) {
    const { resource, namespace, name } = said;
    const target = { resource, namespace, name };
    // A server-side apply, as Flux does it, and Argo CD where it was told to (ServerSideApply=true).
    cluster.change(
      target,
      { by: "apply", manifest: manifestOf(git, said), force: true },
      { manager: git.tool === "argocd" ? "argocd-controller" : "kustomize-controller", dryRun: false },
    );
  }
}

/** As its controller reads it, every time before it does anything. */
export function isPaused(cluster: Cluster, { tool, namespace, name }: Git): boolean {
  const key = `${namespace}/${name}`;
  if (tool === "flux") {
    const spec = cluster.state.now.kustomizations.get(key)?.["spec"] as { suspend?: boolean } | undefined;
    return spec?.suspend === true;
  }
  const { annotations = {} } = cluster.state.now.applications.get(key)?.metadata ?? {};
  return annotations["argocd.argoproj.io/skip-reconcile"] === "true";
}

function manifestOf(git: Git, said: Said): Doc {
  const { namespace, name } = said;
  const metadata = { namespace, name, ...marksOf(git, said) };
  const replicas = said.resource === "deployments" ? said.replicas : undefined;
  return said.resource === "configmaps"
    ? { apiVersion: "v1", kind: "ConfigMap", metadata, data: said.data }
    : { apiVersion: "apps/v1", kind: "Deployment", metadata, spec: replicas === undefined ? {} : { replicas } };
}

/** By what each tool knows its objects again. */
function marksOf({ tool, namespace, name }: Git, said: Said): Doc {
  if (tool === "flux") {
    const prefix = "kustomize.toolkit.fluxcd.io";
    return { labels: { [`${prefix}/name`]: name, [`${prefix}/namespace`]: namespace } };
  }
  const kind = said.resource === "configmaps" ? "/ConfigMap" : "apps/Deployment";
  const id = `${name}:${kind}:${said.namespace}/${said.name}`;
  return { annotations: { "argocd.argoproj.io/tracking-id": id } };
}
