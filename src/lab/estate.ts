import { stringify } from "yaml";
import type { Database, Estate, SecretReference, Service, Traffic } from "../estate.ts";
import { ports } from "./address.ts";
import { homeOf } from "./gitops.ts";
import { checkout, workloadsOf, type ServiceWish } from "./services.ts";
import type { LabPerson } from "./slack-workspace.ts";

/** The regions of every lab: the one that people are served from, and the one that stands by. */
export const east = "us-east-1";
export const west = "us-west-2";

/** One of the two. */
export type LabRegion = typeof east | typeof west;

/** The zone that every name customers open stands in. */
export const zone = { id: "Z0LAB", name: "example.com", nameServer: "ns-1.example-dns.lab" } as const;

/** How long resolvers may keep an answer about customers' records, in seconds. */
export const recordTtl = 60;

/** The name of a region's own front door: one serves every service of the region. */
export const frontDoorOf = (region: string): string => `${shortOf(region)}.${zone.name}`;

/** What a region's cluster is called: "east". */
export const shortOf = (region: string): "east" | "west" => (region === east ? "east" : "west");

/** The record that customers of a service open. */
export const recordOf = (service: string): string => `${service}.${zone.name}`;

/** The instances of a service with a database, as RDS knows them. */
export const instancesOf = (service: string) => ({ [east]: `${service}-db`, [west]: `${service}-db-west` }) as const;

/** The name an instance is reached by. */
export const endpointOf = (region: LabRegion, service: string = checkout.name): string =>
  `${instancesOf(service)[region]}.${region}.rds.lab`;

/** The names that the two servers of a pair have which no RDS manages. */
export const hostOf = (region: LabRegion, service: string = checkout.name): string =>
  `${service}-db-${shortOf(region)}.shop.lab`;

/** The global cluster of Aurora that keeps a service's data, and its clusters. */
export const globalOf = (service: string): string => `${service}-global`;
export const clustersOf = (service: string) => ({ [east]: `${service}-east`, [west]: `${service}-west` }) as const;

/** The endpoints of a cluster: its writer's, which answers while it is the primary, and its readers'. */
export const clusterHostOf = (region: LabRegion, service: string = checkout.name): string =>
  `${clustersOf(service)[region]}.cluster-lab.${region}.rds.lab`;
export const readHostOf = (region: LabRegion, service: string = checkout.name): string =>
  `${clustersOf(service)[region]}.cluster-ro-lab.${region}.rds.lab`;

/** The name by which pods, and Muster while it writes, reach a service's database in a region. */
export function databaseHostOf(region: LabRegion, { name, driver }: Pick<ServiceWish, "name" | "driver">): string {
  if (driver === "aurora-postgres") return clusterHostOf(region, name);
  return driver === "postgres" ? hostOf(region, name) : endpointOf(region, name);
}

/** The setting that holds the role which a service's program logs in with: "CHECKOUT_DB_URL". */
export const roleSettingOf = (service: string): string => `${service.toUpperCase().replaceAll("-", "_")}_DB_URL`;

/** Those of checkout, which every lab has. */
export const record = recordOf(checkout.name);
export const instances = instancesOf(checkout.name);

export type LabTraffic = Traffic["driver"];

type Endpoints = Extract<Traffic, { driver: "arc-routing-control" }>["endpoints"];

/** The things of checkout's control panel, by ARC's names. */
export const arcArn = (kind: "routingcontrol" | "safetyrule", id: string): string =>
  `arn:aws:route53-recovery-control::123456789012:controlpanel/4c2dfe1b9d7a4d3c8b1a0f9e8d7c6b5a/${kind}/${id}`;

/** The routing controls by which customers are sent to a region, where that is how they are sent. */
export const routingControls = {
  [east]: arcArn("routingcontrol", "e1a57e1a57e1a570"),
  [west]: arcArn("routingcontrol", "3e573e573e573e57"),
} as const;

/** The object that sends customers to the west, where that is how they are sent. */
export const control = { region: west, bucket: "example-control-west", key: "checkout/go-west" } as const;

/** Who works in the lab. Ana, Ben and Cleo approve; Dora only asks; Gus is a guest of the workspace. */
export const persons: LabPerson[] = [
  { id: "U01", name: "ana", email: "ana@example.com" },
  { id: "U02", name: "ben", email: "ben@example.com" },
  { id: "U03", name: "cleo", email: "cleo@example.com" },
  { id: "U04", name: "dora", email: "dora@example.com" },
  { id: "U05", name: "gus", email: "gus@example.com", guest: true },
];

/** The status page: what customers look at, and the part of it that stands for the shop's checkout. */
export const statusPage = {
  page: "kctbh9vrtdwd",
  components: { basket: "ftgks51sfs2d", payment: "h1cj7kmnnx3p", newsletter: "b13yz5g2cw10" },
} as const;

export type EstateWishes = {
  /** Pods in each region, of a service that wishes nothing else. */
  replicas: number;
  stabilitySeconds: number;
  /** Health is asked without TLS. */
  plain?: boolean;
  /** Longest answer of the health page, on the wall. */
  limitMs?: number;
  rtoSeconds?: number;
  rpoSeconds?: number;
  admission?: "automatic" | "person";
  resumeGitops?: "automatic" | "person";
  /** The way customers of checkout are sent to a region; weighted records, when left out. */
  traffic?: LabTraffic;
  /** Those of the recovery cluster. */
  endpoints?: Endpoints;
  /** Checkout alone, when left out. What else is wished holds for each. */
  services?: readonly ServiceWish[];
};

/** Gives ana's login name to whoever sits here. Whoever was called so gets hers: two may not have one. */
export const sitsAsAna = (yaml: string, user: string): string =>
  yaml.replace(/(?<=^ +terminal: ).+$/gm, (login) =>
    login === "ana" ? JSON.stringify(user) : login === user ? "ana" : login,
  );

/** Writes the estate file of a lab, complete. */
export function labEstate({ services = [checkout], ...wishes }: EstateWishes): string {
  const estate: DeepPartial<Estate> = {
    regions: [east, west],
    channels: { incidents: "#incident-response", backup: "#emergency-backup", executives: "#executive-updates" },
    people: Object.fromEntries(
      persons
        .filter((person) => !person.guest)
        .map(({ id, name, email }) => [name, { slack: id, mail: email ?? "", terminal: name }]),
    ),
    approvers: ["ana", "ben", "cleo"],
    statusPage: { page: statusPage.page, token: { env: "STATUSPAGE_TOKEN" } },
    services: Object.fromEntries(services.map((service) => [service.name, serviceOf(service, wishes)])),
    clusters: { east: { context: "prod-east" }, west: { context: "prod-west" } },
  };
  return stringify(estate);
}

function serviceOf(
  wish: ServiceWish,
  {
    replicas,
    stabilitySeconds,
    limitMs = 1000,
    traffic,
    endpoints = [],
    plain = false,
    ...wishes
  }: Omit<EstateWishes, "services">,
): DeepPartial<Service> {
  const { name, tier, dependsOn = [], database = false, driver, restart, gitops, ...own } = wish;
  const workloads = workloadsOf(wish);
  const at = (host: string) => (plain ? `http://${host}:${ports.plainEdge}` : `https://${host}:${ports.edge}`);
  const secret = { env: roleSettingOf(name) };
  const size = { replicas: own.replicas ?? replicas, ...(restart ? { restart } : {}) };
  return {
    tier,
    // The page stands for what customers do: putting into a basket and paying are both checkout's.
    ...(name === "checkout" ? { statusComponents: [statusPage.components.basket, statusPage.components.payment] } : {}),
    ...(dependsOn.length > 0 ? { dependsOn: [...dependsOn] } : {}),
    // Only checkout can be led in another way.
    traffic: trafficOf(name === checkout.name && traffic ? traffic : "route53-weighted", recordOf(name), endpoints),
    ...(database
      ? {
          databases: [databaseOf(name, driver, secret)],
        }
      : {}),
    deployments: [west, east].flatMap((region) =>
      workloads.map(({ name: workload }) => ({
        region,
        cluster: shortOf(region),
        namespace: "shop",
        name: workload,
        ...size,
      })),
    ),
    ...(database
      ? {
          configs: workloads.map(({ config }) => ({ region: west, cluster: "west", namespace: "shop", ...config })),
        }
      : {}),
    ...(gitops
      ? {
          gitops: [west, east].map((region) => ({
            region,
            cluster: shortOf(region),
            tool: gitops,
            ...homeOf(gitops),
          })),
        }
      : {}),
    health: {
      url: `${at(recordOf(name))}/health`,
      edges: { [east]: at(frontDoorOf(east)), [west]: at(frontDoorOf(west)) },
      limitMs,
    },
    stabilitySeconds,
    ...wishes,
    ...(own.rtoSeconds === undefined ? {} : { rtoSeconds: own.rtoSeconds }),
  };
}

function databaseOf(name: string, driver: ServiceWish["driver"], appRole: SecretReference): DeepPartial<Database> {
  if (driver === "postgres") {
    return {
      driver,
      writer: { region: east, host: hostOf(east, name), appRole },
      replica: { region: west, host: hostOf(west, name), appRole },
    };
  }
  if (driver === "aurora-postgres") {
    const cluster = clustersOf(name);
    return {
      driver,
      global: globalOf(name),
      writer: { region: east, cluster: cluster[east], appRole },
      replica: { region: west, cluster: cluster[west], appRole },
    };
  }
  const instance = instancesOf(name);
  return {
    driver: "rds-postgres",
    writer: { region: east, instance: instance[east], appRole },
    replica: { region: west, instance: instance[west], appRole },
  };
}

type DeepPartial<T> = T extends object ? { [K in keyof T]?: DeepPartial<T[K]> } : T;

function trafficOf(driver: LabTraffic, recordName: string, endpoints: Endpoints): Partial<Traffic> {
  const name = { zone: zone.id, name: recordName, ttl: recordTtl };
  if (driver === "arc-routing-control") return { driver, ...name, endpoints, controls: routingControls };
  return driver === "route53-switch"
    ? { driver, ...name, primary: east, control: { ...control } }
    : { driver, ...name };
}
