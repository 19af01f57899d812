import type { IncomingMessage, ServerResponse } from "node:http";
import { stringify } from "yaml";
import type { Clock } from "../clock.ts";
import { serveCall } from "./api-call.ts";
import { runApplicationSets } from "./application-sets.ts";
import { runAutoscalers } from "./autoscaler.ts";
import type { Api } from "./api-call.ts";
import type { Authority } from "./certificates.ts";
import { homeOf, isPaused, resourceOf, runGitOps, type Git, type GitOpsTool, type Said } from "./gitops.ts";
import { Knobs } from "./knobs.ts";
import { musterRules } from "./kubernetes-access.ts";
import type { Rule } from "./kubernetes-access.ts";
import { internalError, loginPage, tooManyRequests, unauthorized } from "./kubernetes-answers.ts";
import { openCluster, type Writable } from "./kubernetes-cluster.ts";
import type { Metadata } from "./kubernetes-objects.ts";
import { routeOf, serve } from "./kubernetes-routes.ts";
import type { Namespace } from "./kubernetes-state.ts";
import { Tokens } from "./kubernetes-tokens.ts";
import { listenHttp, readBody } from "./listening.ts";
import type { AppSettings } from "./pod-app.ts";
import type { PodView } from "./pods.ts";
import { Power } from "./power.ts";
import type { LabRequest, RequestLog } from "./request-log.ts";

type Options = {
  log: RequestLog;
  clock: Clock;
  random: () => number;
  host: string;
  port?: number;
  region: string;
  /** The kubeconfig's context: "prod-east". */
  context: string;
  /** The bearer token of Muster's service account. */
  token: string;
  authority: Authority;
  namespaces: Namespace[];
  /** What keeps some of its objects as Git says, one a tool. */
  gits?: readonly Git[];
  /** What Muster may do beyond the least. */
  rules?: readonly Rule[];
  app: Omit<AppSettings, "clock">;
};

export type Kubernetes = {
  knobs: Knobs;
  region: string;
  context: string;
  url: string;
  token: string;
  ca: string;
  /** What Muster's service account may do; stories take rules away. */
  rules: Rule[];
  /** Cuts the power of the region, or brings it back: API server, controllers, kubelets and pods stand still meanwhile. */
  setDead(dead: boolean): void;
  /** Has pods that are to end hang in Terminating, as where their node is lost or a volume is not let go; or end at last. */
  hangEndings(hang: boolean): void;
  /** Answers so many next requests with a login page and status 200, or with half an answer. */
  misbehave(how: "html" | "cut", times: number): void;
  config(namespace: string, name: string): Record<string, string>;
  /** Somebody else writes a config map. */
  editConfig(namespace: string, name: string, data: Record<string, string | null>, manager: string): void;
  /** Somebody else scales a deployment. */
  scale(namespace: string, name: string, replicas: number, manager: string): void;
  /** The fewest and the most pods that an autoscaler keeps. */
  bounds(namespace: string, name: string): { min: number; max: number };
  /** Somebody else sets them. */
  bound(namespace: string, name: string, bounds: { min: number; max: number }, manager: string): void;
  /** Somebody changes what Git says of an object. */
  commit(said: Said): void;
  /** Whether what applies Git is paused, and its annotations; undefined where there is none. Of several, the tool's. */
  gitOps(tool?: GitOpsTool): { paused: boolean; notes: Record<string, string> } | undefined;
  /** Somebody has the ApplicationSet that made the Application preserve these annotations alone. */
  preserve(annotations: readonly string[]): void;
  /** Somebody else changes labels or annotations: a GitOps controller takes an object over. */
  describe(kind: Writable, namespace: string, name: string, change: Partial<Metadata>): void;
  replicas(namespace: string, name: string): number;
  pods(namespace: string, name: string): readonly PodView[];
  close(): Promise<void>;
};

const muster = { namespace: "muster", name: "muster" };

/** Opens a region's Kubernetes: an API server, and pods that really run. */
export async function openKubernetes(options: Options): Promise<Kubernetes> {
  const { log, clock, host, region, token, authority } = options;
  const power = new Power();
  const endings = new Power();
  const knobs = new Knobs();
  const cluster = openCluster({ ...options, power, endings, app: { ...options.app, clock } });
  const rules = structuredClone([...musterRules, ...(options.rules ?? [])]);
  const api: Api = {
    server: `kubernetes-${region}`,
    log,
    clock,
    knobs,
    failed: internalError,
    throttled: tooManyRequests,
  };
  const tokens = new Tokens(clock, [
    muster,
    ...options.namespaces.map(({ name }) => ({ namespace: name, name: "default" })),
  ]);
  /** Whoever shows no token is anonymous and may do nothing; a bad token is refused before that is asked. */
  const senderOf = (authorization: string | undefined): { user: string; rules: readonly Rule[] } | undefined => {
    if (authorization === undefined) return { user: "system:anonymous", rules: [] };
    const shown = authorization.replace(/^Bearer /, "");
    const account = shown === token ? muster : tokens.ownerOf(shown);
    if (!account) return undefined;
    const isMuster = account.namespace === muster.namespace && account.name === muster.name;
    return {
      user: `system:serviceaccount:${account.namespace}:${account.name}`,
      rules: isMuster ? rules : [],
    };
  };
  const odd: ("html" | "cut")[] = [];

  const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
    const url = new URL(incoming.url ?? "/", "http://lab");
    const method = incoming.method ?? "GET";
    const route = routeOf({ method, path: url.pathname });
    const part = [route.resource, route.subresource].filter(Boolean).join("/");
    const asked = {
      method,
      path: url.pathname,
      query: url.searchParams,
      contentType: incoming.headers["content-type"],
      userAgent: incoming.headers["user-agent"],
      body: await readBody(incoming),
    };
    const call = {
      action: `${route.verb === "list" ? "LIST" : method} ${part || url.pathname}`,
      resource: [route.namespace, route.name].filter(Boolean).join("/"),
      changes: route.verb === "patch" || route.verb === "update",
      run: (request: LabRequest) => {
        const sender = senderOf(incoming.headers.authorization);
        if (!sender) return unauthorized;
        const how = odd.shift();
        if (how === "html") return loginPage;
        const lagSeconds = knobs.readLagSeconds;
        const answer = serve(asked, route, { ...sender, cluster, tokens, lagSeconds, now: clock.now(), request });
        return how === "cut" ? { ...answer, cut: true } : answer;
      },
    };
    await serveCall(api, call, response);
  };

  await cluster.start();
  const closing = new AbortController();
  const { gits = [] } = options;
  const hands = { cluster, clock, power, signal: closing.signal };
  const controllers = [
    runAutoscalers(hands),
    runApplicationSets(hands),
    ...gits.map((git) => runGitOps({ ...hands, git })),
  ].map((runs) =>
    runs.catch((error: unknown) => {
      if (!closing.signal.aborted) throw error;
    }),
  );
  const listening = await listenHttp({
    host,
    port: options.port ?? 0,
    knobs: {
      get down() {
        return power.down || knobs.down;
      },
    },
    tls: await authority.issue({ hosts: ["kubernetes"], addresses: [host] }),
    handle,
    onSilence: (caller) => log.unanswered(api.server, "connect", "", caller),
  });
  const noteOf = ({ tool, namespace, name }: Git) =>
    cluster.state.now[resourceOf[tool]].get(`${namespace}/${name}`)?.metadata.annotations;
  const write = (manager: string) => ({ manager, dryRun: false });
  return {
    knobs,
    region,
    context: options.context,
    url: `https://${host}:${listening.port}`,
    token,
    ca: authority.cert,
    rules,
    setDead: (dead) => power.set(!dead),
    hangEndings: (hang) => endings.set(!hang),
    misbehave: (how, times) => void odd.push(...Array.from({ length: times }, () => how)),
    config: (namespace, name) => ({ ...cluster.state.now.configmaps.get(`${namespace}/${name}`)?.data }),
    editConfig: (namespace, name, data, manager) =>
      void cluster.change(
        { resource: "configmaps", namespace, name },
        { by: "merge-patch", patch: { data } },
        write(manager),
      ),
    scale: (namespace, name, replicas, manager) =>
      void cluster.change(
        { resource: "deployments", namespace, name, scale: true },
        { by: "merge-patch", patch: { spec: { replicas } } },
        write(manager),
      ),
    bounds: (namespace, name) => {
      const { minReplicas: min = 1, maxReplicas: max = 0 } =
        cluster.state.now.horizontalpodautoscalers.get(`${namespace}/${name}`)?.spec ?? {};
      return { min, max };
    },
    bound: (namespace, name, { min, max }, manager) =>
      void cluster.change(
        { resource: "horizontalpodautoscalers", namespace, name },
        { by: "merge-patch", patch: { spec: { minReplicas: min, maxReplicas: max } } },
        write(manager),
      ),
    commit(said) {
      const saysIt = ({ resource, namespace, name }: Said) =>
        resource === said.resource && namespace === said.namespace && name === said.name;
      const git = gits.find(({ says }) => says.some(saysIt)) ?? gits[0];
      git?.says.splice(0, git.says.length, ...git.says.filter((other) => !saysIt(other)), said);
    },
    gitOps(tool) {
      const git = gits.find((one) => tool === undefined || one.tool === tool);
      return git && { paused: isPaused(cluster, git), notes: { ...noteOf(git) } };
    },
    preserve: (annotations) =>
      void cluster.change(
        { resource: "applicationsets", ...homeOf("argocd") },
        { by: "merge-patch", patch: { spec: { preservedFields: { annotations } } } },
        write("kubectl-edit"),
      ),
    describe: (kind, namespace, name, change) => cluster.describe(kind, `${namespace}/${name}`, change),
    replicas: (namespace, name) => cluster.state.now.deployments.get(`${namespace}/${name}`)?.spec.replicas ?? 0,
    pods: (namespace, name) => cluster.state.now.pods.get(`${namespace}/${name}`) ?? [],
    async close() {
      await listening.close();
      closing.abort(new Error("the lab was closed"));
      await Promise.all(controllers);
      await cluster.close();
    },
  };
}

/** Writes the kubeconfig that reaches these clusters, as YAML. Every cluster has a user of its own. */
export function kubeconfig(clusters: readonly Pick<Kubernetes, "context" | "url" | "ca" | "token">[]): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": clusters[0]?.context ?? "",
    clusters: clusters.map(({ context, url, ca }) => ({
      name: context,
      cluster: { server: url, "certificate-authority-data": Buffer.from(ca).toString("base64") },
    })),
    users: clusters.map(({ context, token }) => ({ name: `muster-${context}`, user: { token } })),
    contexts: clusters.map(({ context }) => ({
      name: context,
      context: { cluster: context, user: `muster-${context}` },
    })),
  });
}
