import type { Instance } from "../../src/adapters/rds.ts";
import { Estate, type Service } from "../../src/estate.ts";
import { parse } from "yaml";
import { keepsData, type FactsWithDatabase, type FailoverFacts } from "../../src/facts/failover.ts";
import { labEstate } from "../../src/lab/estate.ts";

export const at = "2026-11-23T12:00:00.000Z";

/** The lab's estate, with wishes of a test's own. */
export const estateWith = (wishes: Partial<Parameters<typeof labEstate>[0]> = {}): Estate =>
  Estate.parse(parse(labEstate({ replicas: 3, stabilitySeconds: 60, ...wishes })));

export const estate = estateWith();

/** What was seen, at the tests' only moment. */
export const saw = <Seen>(seen: Seen): { at: string; seen: Seen } => ({ at, seen });
export const sawNothing = (unknown: string): { at: string; unknown: string } => ({ at, unknown });
export const silent = (unknown: string): { at: string; unknown: string; silent: true } => ({
  at,
  unknown,
  silent: true,
});

const common = {
  backupRetentionDays: 7,
  backupWindow: "03:00-03:30",
  engine: "postgres",
  engineVersion: "15.18",
  instanceClass: "db.m6g.large",
  multiAz: false,
  hasBackup: true,
  status: "available",
};

export const writer: Instance = {
  ...common,
  id: "checkout-db",
  arn: "arn:aws:rds:us-east-1:123456789012:db:checkout-db",
  region: "us-east-1",
  endpoint: { host: "checkout-db.us-east-1.rds.lab", port: 5432 },
};

export const replica: Instance = {
  ...common,
  id: "checkout-db-west",
  arn: "arn:aws:rds:us-west-2:123456789012:db:checkout-db-west",
  region: "us-west-2",
  endpoint: { host: "checkout-db-west.us-west-2.rds.lab", port: 5432 },
  sourceId: writer.arn,
  replication: "replicating",
};

const service = estate.services["checkout"];
const [config] = service?.configs ?? [];
const deployments = service?.deployments ?? [];
if (!config) throw new Error("the lab's estate has no config");

/** A healthy world in which nobody needs to move. */
export const healthy: FactsWithDatabase = {
  service: "checkout",
  toRegion: "us-west-2",
  fromRegion: "us-east-1",
  lookedAt: at,
  objectives: { rtoSeconds: 3600, rpoSeconds: 900 },
  application: saw({ role: "app", database: "shop" }),
  to: {
    instance: saw(replica),
    server: saw({ takesWrites: false, hearsWriter: true, lsn: "0/5000000", unappliedBytes: 0, beatAt: at }),
  },
  from: {
    instance: saw(writer),
    known: writer,
    server: saw({ takesWrites: true, hearsWriter: false, lsn: "0/5000400", beatAt: at }),
  },
  lastBeat: saw({ at }),
  promotion: saw({ last: null }),
  pods: deployments.map((deployment) => ({
    side: deployment.region === "us-west-2" ? ("to" as const) : ("from" as const),
    deployment,
    found: saw(
      deployment.region === "us-west-2"
        ? { replicas: 1, ready: 0, paused: false }
        : { replicas: 3, ready: 3, paused: false },
    ),
  })),
  configs: [
    {
      config,
      now: saw({
        value: "checkout-db.us-east-1.rds.lab",
        resourceVersion: "7",
        owner: { manager: "kubectl", gitops: false },
      }),
      dryRun: saw({ accepted: true as const }),
    },
  ],
  dns: {
    name: { zone: "Z0LAB", name: "checkout.example.com", type: "A", ttl: 60 },
    records: saw({
      "us-east-1": { weight: 100, ttl: 60, values: ["127.0.0.11"] },
      "us-west-2": { weight: 0, ttl: 60, values: ["127.0.0.21"] },
    }),
    zone: saw({ name: "example.com", nameServers: ["ns-1.example-dns.lab"] }),
  },
  rights: [
    { deed: "scale shop/checkout", cluster: "west", needed: true, allowed: saw({ yes: true }) },
    { deed: "scale shop/checkout", cluster: "east", needed: false, allowed: saw({ yes: true }) },
  ],
  edge: saw({ ok: false, tookMs: 3, status: 503, why: "answers 503", certificateCovers: true }),
  probes: saw({ ok: true, at, greenAt: at }),
};

/** The same world after us-east-1 died: 12 seconds of heartbeats never arrived. */
export const eastDead: FactsWithDatabase = {
  ...healthy,
  to: {
    instance: saw(replica),
    server: saw({
      takesWrites: false,
      hearsWriter: false,
      lsn: "0/5000000",
      unappliedBytes: 0,
      beatAt: "2026-11-23T11:58:00.000Z",
    }),
  },
  from: {
    instance: sawNothing("RDS in us-east-1 does not answer"),
    known: writer,
    server: silent("checkout-db does not answer"),
  },
  lastBeat: saw({ at: "2026-11-23T11:58:12.000Z" }),
  pods: healthy.pods.map((pods) =>
    pods.side === "from" ? { ...pods, found: sawNothing("the cluster east does not answer") } : pods,
  ),
  probes: saw({
    ok: false,
    at,
    why: "does not answer",
    greenAt: "2026-11-23T11:58:10.000Z",
    redSince: "2026-11-23T11:58:20.000Z",
  }),
};

const { sourceId: _source, replication: _replication, ...noReplica } = replica;

/** The healthy world after an earlier run promoted the new side; that one takes the heartbeat since. */
export const promotedBefore: FactsWithDatabase = {
  ...healthy,
  to: {
    instance: saw(noReplica),
    server: saw({ takesWrites: true, hearsWriter: false, lsn: "0/6000000", beatAt: at }),
  },
  promotion: saw({ last: { region: "us-west-2", run: "fo-1", at: "2026-11-23T11:00:00.000Z" } }),
};

/** Facts of which a test knows that a database is among them. */
export function withDatabase(facts: FailoverFacts): FactsWithDatabase {
  if (!keepsData(facts)) throw new Error("no database was looked at");
  return facts;
}

/** The lab's estate with a second service, which keeps no data of its own: the shop's front; and what a test wants of it. */
export function estateWithFront(wishes: Partial<Service> = {}): Estate {
  const { checkout } = estate.services;
  if (!checkout) throw new Error("the lab's estate has no checkout");
  const front: Service = {
    ...checkout,
    dependsOn: ["checkout"],
    traffic: { ...checkout.traffic, name: "www.example.com" },
    databases: [],
    configs: [],
    ...wishes,
  };
  return { ...estate, services: { checkout, front } };
}

const {
  databaseDriver: _,
  application: __,
  to: ___,
  from: ____,
  lastBeat: _____,
  promotion: ______,
  ...anyService
} = healthy;

/** The healthy world as it is seen for the front. */
export const front: FailoverFacts = {
  ...anyService,
  service: "front",
  configs: [],
  dns: { ...healthy.dns, name: { ...healthy.dns.name, name: "www.example.com" } },
  rights: healthy.rights.filter(({ cluster }) => cluster === "west"),
};

/** An estate of services that differ in what matters for their order. */
export function estateOf(services: Record<string, Partial<Service>>): Estate {
  const { checkout } = estate.services;
  if (!checkout) throw new Error("the lab's estate has no checkout");
  const all = Object.entries(services).map(([name, more]) => {
    const traffic = { ...checkout.traffic, name: `${name}.example.com` };
    return [name, { ...checkout, traffic, ...more }];
  });
  return { ...estate, region_approvers: ["ana", "ben"], services: Object.fromEntries(all) as Estate["services"] };
}
