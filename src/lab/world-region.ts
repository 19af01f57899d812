import type { Clock } from "../clock.ts";
import { ports, type Addresses } from "./address.ts";
import { applicationSetSpec } from "./application-sets.ts";
import type { Authority } from "./certificates.ts";
import type { Closing } from "./closing.ts";
import { openEdge, type Edge } from "./edge.ts";
import { databaseHostOf, east, frontDoorOf, recordOf, shortOf, type LabRegion } from "./estate.ts";
import { homeOf, resourceOf, specOf, type Git, type GitOpsTool } from "./gitops.ts";
import { resources } from "./kubernetes-answers.ts";
import { openKubernetes, type Kubernetes } from "./kubernetes.ts";
import type { Rule } from "./kubernetes-access.ts";
import type { Namespace } from "./kubernetes-state.ts";
import type { RequestLog } from "./request-log.ts";
import { checkout, workloadsOf } from "./services.ts";
import { app } from "./shop.ts";
import { regionHosts } from "./world-names.ts";
import type { LabService } from "./world.ts";

export type RegionOptions = {
  addresses: Addresses;
  log: RequestLog;
  clock: Clock;
  random: () => number;
  authority: Authority;
  /** Name server that pods look their databases up at. */
  resolver: string;
  region: LabRegion;
  services: readonly LabService[];
  /** Whether its front door answers without TLS, too. */
  plain: boolean;
  /** Whether nobody answers at a database's name by the lab's own doing. */
  isDead: (databaseHost: string) => boolean;
  /** How many pods of a service run here at first. */
  podsOf: (service: LabService) => number;
};

/** Opens a region: a cluster in which every service has its pods, and one front door for all of them. */
export async function openRegion(
  options: RegionOptions,
  closing: Closing,
): Promise<{ kubernetes: Kubernetes; edge: Edge }> {
  const { addresses, log, clock, random, authority, resolver, region, services, plain } = options;
  const short = shortOf(region);
  const hosts = regionHosts[region];
  const gits = gitsOf(options);
  const kubernetes = await closing.opened(
    openKubernetes({
      log,
      clock,
      random,
      region,
      authority,
      host: addresses.host(hosts.cluster),
      context: `prod-${short}`,
      token: `lab-token-${short}-${addresses.network}`,
      namespaces: [namespaceOf(options), ...gits.map((git) => homeOfGit(git, options))],
      gits,
      rules: furtherRules(options),
      app: { resolver, role: app, isDead: options.isDead },
    }),
  );
  const serviceOf = new Map(services.map(({ name }) => [recordOf(name), name]));
  // Who names the front door itself gets what was there before there were others.
  serviceOf.set(frontDoorOf(region), checkout.name);
  const edge = await closing.opened(
    openEdge({
      log,
      clock,
      region,
      authority,
      host: addresses.host(hosts.edge),
      plainPort: plain ? ports.plainEdge : undefined,
      names: [...serviceOf.keys()],
      pods: (name) => {
        const service = serviceOf.get(name);
        return service === undefined ? undefined : kubernetes.pods("shop", service);
      },
    }),
  );
  return { kubernetes, edge };
}

function namespaceOf({ services, podsOf }: RegionOptions): Namespace {
  const workloads = services.flatMap((service) => workloadsOf(service).map((workload) => ({ service, workload })));
  return {
    name: "shop",
    // The west is told of the east's writers until somebody fails over: that is how it is found in practice.
    configMaps: workloads.flatMap(({ service, workload: { config } }) =>
      config ? [{ name: config.name, data: { [config.key]: databaseHostOf(east, service) } }] : [],
    ),
    deployments: workloads.map(({ service, workload }) => ({ ...workload, replicas: podsOf(service) })),
    autoscalers: services.flatMap(({ name, autoscaler }) =>
      autoscaler ? [{ name, deployment: name, ...autoscaler }] : [],
    ),
  };
}

/** What Git says of the services that it keeps here: all as it is found. One repository holds all of a tool's. */
function gitsOf(options: RegionOptions): Git[] {
  const tools = new Set(options.services.flatMap(({ gitops }) => gitops ?? []));
  return [...tools].map((tool) => gitOf(options, tool));
}

function gitOf(options: RegionOptions, tool: GitOpsTool): Git {
  const { services, podsOf } = options;
  const kept = services.filter(({ gitops }) => gitops === tool);
  const { configMaps } = namespaceOf({ ...options, services: kept });
  return {
    tool,
    ...homeOf(tool),
    says: [
      ...configMaps.map(({ name, data }) => ({ resource: "configmaps" as const, namespace: "shop", name, data })),
      // Nobody writes into Git how many pods an autoscaler wants.
      ...kept
        .filter(({ autoscaler }) => !autoscaler)
        .map((service) => {
          const { name } = service;
          return { resource: "deployments" as const, namespace: "shop", name, replicas: podsOf(service) };
        }),
    ],
  };
}

function homeOfGit(git: Git, { services }: RegionOptions): Namespace {
  const home: Namespace = { name: git.namespace, configMaps: [], deployments: [] };
  const made = { name: git.name, spec: specOf(git.tool) };
  home[resourceOf[git.tool]] = [made];
  const preserved = git.tool === "argocd" ? preservedOf(services) : undefined;
  if (preserved) home.applicationsets = [{ name: git.name, spec: applicationSetSpec(made, preserved) }];
  return home;
}

/** What the ApplicationSet preserves; undefined where there is none. */
function preservedOf(services: RegionOptions["services"]): string[] | undefined {
  const wished = services.flatMap(({ preserved }) => (preserved ? [preserved] : []));
  return wished.length > 0 ? wished.flat() : undefined;
}

/** What Muster may do beyond what every move needs. */
function furtherRules({ services }: RegionOptions): Rule[] {
  const rolling = services.some(({ restart }) => restart === "rollout");
  const scaling = services.some(({ autoscaler }) => autoscaler);
  const tools = new Set(services.flatMap(({ gitops }) => gitops ?? []));
  return [
    ...(rolling ? [{ group: "apps", resource: "deployments", verbs: ["patch"] }] : []),
    ...(scaling ? [{ group: "autoscaling", resource: "horizontalpodautoscalers", verbs: ["patch"] }] : []),
    ...[...tools].map((tool) => ({
      group: resources[resourceOf[tool]].group,
      resource: resourceOf[tool],
      verbs: ["get", "patch"],
    })),
    ...(preservedOf(services) ? [{ group: "argoproj.io", resource: "applicationsets", verbs: ["get"] }] : []),
  ];
}
