import type { Clock } from "../clock.ts";
import type { Addresses } from "./address.ts";
import type { Authority } from "./certificates.ts";
import type { Closing } from "./closing.ts";
import { openEdge, type Edge } from "./edge.ts";
import { configMapOf, databaseHostOf, east, frontDoorOf, recordOf, shortOf, type LabRegion } from "./estate.ts";
import { openKubernetes, type Kubernetes } from "./kubernetes.ts";
import type { Namespace } from "./kubernetes-state.ts";
import type { RequestLog } from "./request-log.ts";
import { checkout } from "./services.ts";
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
  /** How many pods of a service run here at first. */
  podsOf: (service: LabService) => number;
};

/** Opens a region: a cluster in which every service has its pods, and one front door for all of them. */
export async function openRegion(
  options: RegionOptions,
  closing: Closing,
): Promise<{ kubernetes: Kubernetes; edge: Edge }> {
  const { addresses, log, clock, random, authority, resolver, region, services } = options;
  const short = shortOf(region);
  const hosts = regionHosts[region];
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
      namespaces: [namespaceOf(options)],
      app: { resolver, role: app },
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
  return {
    name: "shop",
    // The west is told of the east's writers until somebody fails over: that is how it is found in practice.
    configMaps: services
      .filter(({ database }) => database)
      .map((service) => ({ name: configMapOf(service.name), data: { DB_HOST: databaseHostOf(east, service) } })),
    deployments: services.map((service) => ({
      name: service.name,
      replicas: podsOf(service),
      ...(service.database ? { config: { name: configMapOf(service.name), key: "DB_HOST" } } : {}),
    })),
  };
}
