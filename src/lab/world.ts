import { readFile } from "node:fs/promises";
import { claimAddresses, type Addresses } from "./address.ts";
import { openAuthority, type Authority } from "./certificates.ts";
import { openCustomer, type Customer } from "./customer.ts";
import { openDns, type Dns } from "./dns.ts";
import { openEdge, type Edge } from "./edge.ts";
import { east, endpointOf, instances, persons, record, west, zone } from "./estate.ts";
import { openKubernetes, type Kubernetes } from "./kubernetes.ts";
import { openMail, type MailServer } from "./mail.ts";
import { machineOf, openPair, type Pair } from "./postgres-pair.ts";
import { openMusterDatabase, type MusterDatabase } from "./postgres.ts";
import { openRds, type Rds } from "./rds.ts";
import { RequestLog } from "./request-log.ts";
import { openResolver, type LabResolver } from "./resolver.ts";
import { openRoute53, type Route53 } from "./route53.ts";
import { app } from "./shop.ts";
import { openSlack, type Slack } from "./slack.ts";
import { LabTime } from "./time.ts";

export type WorldOptions = {
  /** Lab seconds in one second on the wall. */
  rate?: number;
  /** Pods in the east at first; the west idles with one. */
  replicas?: number;
  random?: () => number;
  /** How many customers buy at once, and how many lab seconds each thinks. None: nobody buys. */
  customers?: { count: number; everySeconds: number };
  /** Slash commands that the workspace's app has. */
  commands?: readonly string[];
};

/** How long a replica keeps up a line on which nothing comes: wal_receiver_timeout on RDS. In seconds. */
const receiverTimeoutSeconds = 30;

/** Everything outside Muster: two regions, their clouds, a workspace, a mail server, and people who buy. */
export type World = {
  addresses: Addresses;
  time: LabTime;
  log: RequestLog;
  random: () => number;
  authority: Authority;
  dns: Dns;
  resolver: LabResolver;
  route53: Route53;
  pair: Pair;
  rds: Rds;
  clusters: Record<string, Kubernetes>;
  edges: Record<string, Edge>;
  slack: Slack;
  mail: MailServer;
  musterDatabase: MusterDatabase;
  customer: Customer | undefined;
  /** Kills a region: its database, its cluster, its edge and its RDS answer nobody. Its data stays. Or revives it. */
  setRegionDead(region: string, dead: boolean): Promise<void>;
  deadRegions: ReadonlySet<string>;
  close(): Promise<void>;
};

/** Opens the world of a lab. Regions are healthy, and people are served from the east. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const { rate = 1, replicas = 3, random = Math.random } = options;
  const closing: (() => Promise<unknown>)[] = [];
  const opened = async <T>(part: Promise<T>, close: (part: T) => Promise<unknown>): Promise<T> => {
    const value = await part;
    closing.push(() => close(value));
    return value;
  };
  const closable = <T extends { close(): Promise<unknown> }>(part: Promise<T>) =>
    opened(part, (value) => value.close());
  const close = async () => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    const time = new LabTime(rate);
    closing.push(() => time.close());
    const { clock } = time;
    const log = new RequestLog(clock);
    time.watch(log);
    const addresses = await opened(claimAddresses(), (value) => value.release());
    const { host } = addresses;
    const guard = await readFile(new URL("../adapters/guard.sql", import.meta.url), "utf8");
    const [authority, dns, musterDatabase, pair] = await Promise.all([
      openAuthority(),
      closable(openDns({ host: host(2), clock, random })),
      closable(openMusterDatabase(addresses)),
      closable(openPair({ addresses, regions: [east, west], seed: guard })),
    ]);
    const resolver = await closable(openResolver({ host: host(3), upstream: dns.server, clock }));
    const names = { [endpointOf(east)]: 10, [endpointOf(west)]: 20, [zone.nameServer]: 2 };
    for (const [name, number] of Object.entries(names)) dns.setName(name, host(number));
    const weighted = (region: string, number: number, weight: number) => ({
      name: record,
      type: "A",
      ttl: 60,
      values: [host(number)],
      setIdentifier: region,
      weight,
    });
    const plain = (name: string, number: number) => ({ name, type: "A", ttl: 60, values: [host(number)] });
    const records = [
      weighted(east, 11, 100),
      weighted(west, 21, 0),
      plain("east.example.com", 11),
      plain("west.example.com", 21),
    ];
    const [route53, rds, slack, mail] = await Promise.all([
      closable(
        openRoute53({
          log,
          clock,
          host: host(5),
          zone: { ...zone, nameServers: [zone.nameServer], records },
          dns,
          random,
        }),
      ),
      closable(
        openRds({
          log,
          clock,
          address: host(5),
          random,
          instances: [
            { id: instances[east], region: east, host: endpointOf(east), machine: machineOf(pair.primary) },
            {
              id: instances[west],
              region: west,
              host: endpointOf(west),
              machine: machineOf(pair.replica),
              source: { id: instances[east], region: east },
            },
          ],
        }),
      ),
      closable(
        openSlack({ log, clock, host: host(1), persons, ...(options.commands ? { commands: options.commands } : {}) }),
      ),
      closable(openMail({ log, clock, host: host(1) })),
    ]);
    const openRegion = async (
      region: string,
      { cluster: clusterHost, edge: edgeHost, pods }: { cluster: number; edge: number; pods: number },
    ) => {
      const short = region === east ? "east" : "west";
      const kubernetes = await closable(
        openKubernetes({
          log,
          clock,
          random,
          region,
          authority,
          host: host(clusterHost),
          context: `prod-${short}`,
          token: `lab-token-${short}-${addresses.network}`,
          namespaces: [
            {
              name: "shop",
              // The west is told of the east's writer until somebody fails over: that is how it is found in practice.
              configMaps: [{ name: "app-config", data: { DB_HOST: endpointOf(east) } }],
              deployments: [{ name: "checkout", replicas: pods, config: { name: "app-config", key: "DB_HOST" } }],
            },
          ],
          app: { resolver: dns.server, role: app },
        }),
      );
      const edge = await closable(
        openEdge({
          log,
          clock,
          region,
          authority,
          host: host(edgeHost),
          names: [record, `${short}.example.com`],
          pods: () => kubernetes.pods("shop", "checkout"),
        }),
      );
      return { kubernetes, edge };
    };
    const eastern = await openRegion(east, { cluster: 12, edge: 11, pods: replicas });
    const western = await openRegion(west, { cluster: 22, edge: 21, pods: 1 });
    const clusters: Record<string, Kubernetes> = { [east]: eastern.kubernetes, [west]: western.kubernetes };
    const edges: Record<string, Edge> = { [east]: eastern.edge, [west]: western.edge };
    const customer = options.customers
      ? openCustomer({
          log,
          clock,
          random,
          name: record,
          resolver: resolver.server,
          ca: authority.cert,
          customers: options.customers.count,
          everySeconds: options.customers.everySeconds,
          isDead: (address) =>
            Object.values(edges).some((edge) => edge.address === address && edge.knobs.down === "silent"),
        })
      : undefined;
    if (customer) closing.push(() => customer.stop());

    const deadRegions = new Set<string>();
    const setRegionDead = async (region: string, dead: boolean) => {
      if (dead) deadRegions.add(region);
      else deadRegions.delete(region);
      const edge = edges[region];
      if (edge) edge.knobs.down = dead ? "silent" : false;
      clusters[region]?.setDead(dead);
      rds.setRegion(region, dead ? "silent" : false);
      await pair.setRegion(region, dead ? "silent" : "open");
      // The replica notices on the lab's clock, not after its own timeout on the wall.
      if (dead)
        void clock
          .sleep(receiverTimeoutSeconds)
          .then(() => (deadRegions.has(region) ? pair.link.setMode("refuses") : undefined));
    };
    return {
      addresses,
      time,
      log,
      random,
      authority,
      dns,
      resolver,
      route53,
      pair,
      rds,
      clusters,
      edges,
      slack,
      mail,
      musterDatabase,
      customer,
      setRegionDead,
      deadRegions,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
