import type { Database, Service } from "../estate.ts";
import type { GitOpsTool } from "./gitops.ts";

/** What a lab is asked for, of one service. */
export type ServiceWish = {
  /** Its record, deployment and key of the estate: a name that may stand in DNS. */
  name: string;
  tier: Service["tier"];
  /** Services of the same list that it needs. */
  dependsOn?: readonly string[];
  /** True: a Postgres pair of its own, which its pods find through a config map. Left out: its pods need nothing. */
  database?: boolean;
  /** What manages that pair; RDS, when left out. */
  driver?: Database["driver"];
  /** Longest it may be away, in seconds; left out, as long as its tier may. */
  rtoSeconds?: number;
  /** Pods that serve it; left out, as many as the lab gives every service. */
  replicas?: number;
  /** Pods that idle in the west at first; left out, one. */
  idle?: number;
  /** True: beside the pods that serve there are as many that work, of a deployment of their own that reads a key of its own. */
  worker?: boolean;
  /** How its pods are restarted; left out, all at once. */
  restart?: Service["deployments"][number]["restart"];
  /** Each region's autoscaler of the pods that serve, by the service's name; left out, there is none. */
  autoscaler?: { min: number; max: number };
  /** True: its records are aliases to the regions' front doors; left out, they hold addresses. */
  aliases?: boolean;
  /** What keeps its objects as Git says, in both regions; left out, nothing does. */
  gitops?: GitOpsTool;
  /** With Argo CD: an ApplicationSet made the Application, and preserves these annotations. Left out, somebody made it by hand. */
  preserved?: readonly string[];
};

/** The deployments of a service, each with the key from which its pods learn where the database is. */
export function workloadsOf({ name, database = false, worker = false }: ServiceWish) {
  const serving = { name, config: { name: configMapOf(name), key: "DB_HOST" } };
  const working = { name: `${name}-worker`, config: { name: `${name}-worker-config`, key: "DATABASE_HOST" } };
  return (worker ? [serving, working] : [serving]).map(({ name: deployment, config }) => ({
    name: deployment,
    ...(database ? { config } : {}),
  }));
}

/** The config map that tells the pods of a service, under DB_HOST, where its database is. */
export const configMapOf = (service: string): string =>
  service === checkout.name ? "app-config" : `${service}-config`;

/** The service of every lab: customers buy from it, and what a story says of "the" service is about it. */
export const checkout = { name: "checkout", tier: "critical", database: true } as const satisfies ServiceWish;

/**
 * A whole shop, for the move of a region: twelve services, of which four keep data. None needs another of its own tier, so
 * that tiers and dependencies agree on three waves. What is not critical runs two pods, so that the lab stays cheap.
 */
export const shopServices: readonly ServiceWish[] = [
  { name: "accounts", tier: "critical", database: true },
  { name: "payments", tier: "critical", database: true },
  checkout,
  { name: "shipping", tier: "important", database: true, dependsOn: ["checkout"], replicas: 2 },
  { name: "basket", tier: "important", dependsOn: ["accounts", "checkout"], replicas: 2 },
  { name: "catalog", tier: "important", dependsOn: ["accounts"], replicas: 2, aliases: true },
  { name: "refunds", tier: "important", dependsOn: ["payments"], replicas: 2 },
  { name: "search", tier: "standard", dependsOn: ["catalog"], replicas: 2 },
  { name: "reviews", tier: "standard", dependsOn: ["accounts", "catalog"], replicas: 2 },
  { name: "recommendations", tier: "standard", dependsOn: ["basket", "catalog"], replicas: 2 },
  { name: "newsletter", tier: "standard", dependsOn: ["catalog"], replicas: 2 },
  { name: "tracking", tier: "standard", dependsOn: ["shipping"], replicas: 2 },
];

/** Names of the two regions' own front doors. */
const taken = ["east", "west"];

/** @throws Error that says why no lab can be opened with these services. */
export function checkWishes(services: readonly ServiceWish[]): void {
  const names = services.map(({ name }) => name);
  const fault = (why: string) => new Error(`The lab was not opened: ${why}.`);
  if (!services.some(({ name, database }) => name === checkout.name && database)) {
    throw fault("among its services there is no checkout with a database");
  }
  for (const { name, dependsOn = [] } of services) {
    if (!/^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) throw fault(`"${name}" cannot stand in DNS`);
    if (taken.includes(name)) throw fault(`${name}.example.com is the front door of a region`);
    if (names.filter((other) => other === name).length > 1) throw fault(`there are two services "${name}"`);
    const missing = dependsOn.find((other) => !names.includes(other));
    if (missing !== undefined) throw fault(`"${name}" depends on "${missing}", which is not there`);
  }
}

/** What makes the four waves of a big estate; the last may be away for two days. */
const waves: readonly Pick<ServiceWish, "tier" | "rtoSeconds">[] = [
  { tier: "critical" },
  { tier: "important" },
  { tier: "standard" },
  { tier: "standard", rtoSeconds: 2 * 86_400 },
];

/**
 * A big estate: so many services in four waves of one size, and as many of them in each wave with a database. Every service
 * is one pod in the east and none in the west. Checkout is the first.
 */
export function manyServices(count: number, databases: number): ServiceWish[] {
  return Array.from({ length: count }, (_, index) => ({
    name: index === 0 ? checkout.name : `service-${index}`,
    ...(waves[index % waves.length] ?? { tier: "standard" as const }),
    ...(index < databases ? { database: true } : {}),
    idle: 0,
  }));
}
