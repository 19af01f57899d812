import type { Clock } from "../clock.ts";
import type { Cluster } from "./kubernetes-cluster.ts";
import type { Doc } from "./kubernetes-schema.ts";
import type { Power } from "./power.ts";

export type GitOpsTool = "argocd" | "flux" | "flux-helm";

/** What Git says of one object: the keys of a config map, or how many pods a deployment wants, unless it leaves that open. */
export type Said =
  | { resource: "configmaps"; namespace: string; name: string; data: Record<string, string> }
  | { resource: "deployments"; namespace: string; name: string; replicas?: number };

/** A repository, and what applies it in one cluster: an Application, a Kustomization or a HelmRelease. */
export type Git = { tool: GitOpsTool; namespace: string; name: string; says: Said[] };

/** The resource of each tool's object. */
export const resourceOf = { argocd: "applications", flux: "kustomizations", "flux-helm": "helmreleases" } as const;

/** Where each tool lives by its own manuals, and its object's name here. */
export const homeOf = (tool: GitOpsTool): { namespace: string; name: string } => ({
  namespace: tool === "argocd" ? "argocd" : "flux-system",
  name: "shop",
});

/**
 * How often each looks for drift, in seconds. Flux: the object's own `spec.interval`, a minute here; a HelmRelease only where
 * its `spec.driftDetection.mode` is "enabled", as here. Argo CD watches what it applied; its self-healing waits 5 seconds
 * between tries (application controller, `--self-heal-timeout-seconds`).
 * @see https://fluxcd.io/flux/components/helm/helmreleases/#drift-detection
 */
const everySeconds = { argocd: 5, flux: 60, "flux-helm": 60 } as const;

/** The field manager each writes as. */
const managers = {
  argocd: "argocd-controller",
  flux: "kustomize-controller",
  "flux-helm": "helm-controller",
} as const;

const specs: Record<GitOpsTool, Doc> = {
  argocd: {
    project: "default",
    source: { repoURL: "https://git.example.com/shop.git", path: "." },
    destination: { server: "https://kubernetes.default.svc", namespace: "shop" },
    syncPolicy: { automated: { selfHeal: true } },
  },
  flux: {
    interval: `${everySeconds.flux}s`,
    path: "./",
    prune: false,
    sourceRef: { kind: "GitRepository", name: "shop" },
  },
  "flux-helm": {
    interval: `${everySeconds["flux-helm"]}s`,
    chartRef: { kind: "OCIRepository", name: "shop" },
    targetNamespace: "shop",
    driftDetection: { mode: "enabled" },
  },
};

/** The spec of the object that says where the repository is. */
export const specOf = (tool: GitOpsTool): Doc => specs[tool];

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
    // A server-side apply, as Flux does it, and Argo CD where it was told to (ServerSideApply=true). So does a HelmRelease by
    // Helm 4; its drift is put right by a JSON patch under the same name, which says and owns the same here.
    cluster.change(
      target,
      { by: "apply", manifest: manifestOf(git, said), force: true },
      { manager: managers[git.tool], dryRun: false },
    );
  }
}

/**
 * As its controller reads it, every time before it does anything. Argo CD parses the annotation as Go does a boolean, and goes
 * on where that fails.
 * @see https://pkg.go.dev/strconv#ParseBool
 */
export function isPaused(cluster: Cluster, { tool, namespace, name }: Git): boolean {
  const object = cluster.state.now[resourceOf[tool]].get(`${namespace}/${name}`);
  if (tool !== "argocd") return (object?.["spec"] as { suspend?: boolean } | undefined)?.suspend === true;
  return /^(?:1|t|T|true|TRUE|True)$/.test(object?.metadata.annotations?.["argocd.argoproj.io/skip-reconcile"] ?? "");
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
  if (tool !== "argocd") {
    const prefix = tool === "flux" ? "kustomize.toolkit.fluxcd.io" : "helm.toolkit.fluxcd.io";
    return { labels: { [`${prefix}/name`]: name, [`${prefix}/namespace`]: namespace } };
  }
  const kind = said.resource === "configmaps" ? "/ConfigMap" : "apps/Deployment";
  const id = `${name}:${kind}:${said.namespace}/${said.name}`;
  return { annotations: { "argocd.argoproj.io/tracking-id": id } };
}
