import { claimAddresses, type Addresses } from "./address.ts";
import { openAuthority, type Authority } from "./certificates.ts";
import { Closing } from "./closing.ts";
import { openCustomer, type Customer } from "./customer.ts";
import { openDns, type Dns } from "./dns.ts";
import type { Edge } from "./edge.ts";
import { databaseHostOf, east, persons, record, recordOf, west, zone, type LabTraffic } from "./estate.ts";
import { makeCheckers } from "./health-checkers.ts";
import type { Kubernetes } from "./kubernetes.ts";
import { openMail, type MailServer } from "./mail.ts";
import type { Pair } from "./postgres-pair.ts";
import { openMusterDatabase, type MusterDatabase } from "./postgres.ts";
import { openRds, type Rds } from "./rds.ts";
import { openRecoveryCluster, type RecoveryCluster } from "./recovery-cluster.ts";
import { RequestLog } from "./request-log.ts";
import { openResolver, type LabResolver } from "./resolver.ts";
import { openRoute53, type Route53 } from "./route53.ts";
import { controlPanel } from "./routing.ts";
import { openS3, type S3 } from "./s3.ts";
import { checkout, checkWishes, type ServiceWish } from "./services.ts";
import { openSlack, type Slack } from "./slack.ts";
import { openStatusPage, type LabStatusPage } from "./statuspage.ts";
import { openSts, type Sts } from "./sts.ts";
import { LabTime } from "./time.ts";
import { labBuckets, recordsFor } from "./traffic.ts";
import { globalsFor } from "./world-aurora.ts";
import { instancesFor, openPairs, setPairsDead } from "./world-databases.ts";
import { firstRecords, setNames } from "./world-names.ts";
import { openRegion } from "./world-region.ts";

export type WorldOptions = {
  /** Lab seconds in one second on the wall. */
  rate?: number;
  /** Pods of a service in the east at first, unless it wishes otherwise; the west idles with one each. */
  replicas?: number;
  /** What runs here. Checkout must be among them, with a database; left out, it is alone. */
  services?: readonly ServiceWish[];
  random?: () => number;
  /** True: every delay takes the middle of its range, so that what a run can take at least is a number and no draw. */
  steady?: boolean;
  /** True: health is asked without TLS, whose handshakes cost more than everything else where there are many services. */
  plain?: boolean;
  /**
   * How many customers buy at once, how many lab seconds each thinks, and waits for an answer; how often somebody looks at
   * what was bought. None: nobody buys.
   */
  customers?: { count: number; everySeconds: number; timeoutSeconds?: number; lookEverySeconds?: number };
  /** The way by which customers are sent to a region; Route 53's weighted records, unless told otherwise. */
  traffic?: LabTraffic;
  /** Slash commands that the workspace's app has. */
  commands?: readonly string[];
};

/** A service as it runs in the lab. */
export type LabService = ServiceWish & {
  /** The record that customers open. */
  record: string;
  /** Pods that serve it where people are served. */
  replicas: number;
  /** Where its data is; undefined where it keeps none. */
  pair: Pair | undefined;
};

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
  s3: S3;
  recoveryCluster: RecoveryCluster;
  /** Sends customers in another way from now on, and to the east: what somebody who sets it up does. */
  useTraffic(driver: LabTraffic): void;
  /** In the order in which they were wished. */
  services: readonly LabService[];
  /** Checkout's. */
  pair: Pair;
  rds: Rds;
  sts: Sts;
  clusters: Record<string, Kubernetes>;
  edges: Record<string, Edge>;
  slack: Slack;
  mail: MailServer;
  statusPage: LabStatusPage;
  musterDatabase: MusterDatabase;
  customer: Customer | undefined;
  /** Kills a region: its databases, its cluster, its edge and its RDS answer nobody. Its data stays. Or revives it. */
  setRegionDead(region: string, dead: boolean): Promise<void>;
  deadRegions: ReadonlySet<string>;
  close(): Promise<void>;
};

const middle = (): number => 0.5;

/** Opens the world of a lab. Regions are healthy, and people are served from the east. @throws Error for services that cannot be. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const { rate = 1, replicas = 3, random = Math.random } = options;
  const delaying = options.steady ? middle : random;
  const wishes: readonly ServiceWish[] = options.services ?? [checkout];
  checkWishes(wishes);
  const closing = new Closing();
  try {
    const time = new LabTime(rate);
    await closing.add(() => time.close());
    const { clock } = time;
    const log = new RequestLog(clock);
    time.watch(log);
    const addresses = await claimAddresses();
    await closing.add(() => addresses.release());
    const { host } = addresses;
    const [authority, dns, musterDatabase, pairs] = await Promise.all([
      openAuthority(),
      closing.opened(openDns({ host: host(2), clock, random })),
      closing.opened(openMusterDatabase(addresses, { migrated: true })),
      openPairs(addresses, wishes, closing),
    ]);
    const pair = pairs.get(checkout.name);
    if (!pair) throw new Error("the lab has no database");
    const resolver = await closing.opened(openResolver({ host: host(3), upstream: dns.server, clock }));
    const services = wishes.map((wish): LabService => {
      const { name, replicas: pods = replicas } = wish;
      return { ...wish, record: recordOf(name), replicas: pods, pair: pairs.get(name) };
    });
    setNames(dns, addresses, services);
    const s3 = await closing.opened(openS3({ log, clock, host: host(5), buckets: labBuckets() }));
    const recoveryCluster = await closing.opened(openRecoveryCluster({ log, clock, host: host(5), ...controlPanel() }));
    const edges: Record<string, Edge> = {};
    const ask = makeCheckers({ s3, recoveryCluster, authority, edges: () => edges });
    const hosted = { ...zone, nameServers: [zone.nameServer], records: firstRecords(addresses, wishes) };
    const [route53, rds, slack, mail, sts, statusPage] = await Promise.all([
      closing.opened(openRoute53({ log, clock, host: host(5), zone: hosted, dns, random: delaying, ask })),
      closing.opened(
        openRds({
          log,
          clock,
          address: host(5),
          random: delaying,
          instances: instancesFor(services),
          globals: globalsFor(services, dns),
        }),
      ),
      closing.opened(
        openSlack({ log, clock, host: host(1), persons, ...(options.commands ? { commands: options.commands } : {}) }),
      ),
      closing.opened(openMail({ log, clock, host: host(1) })),
      closing.opened(openSts({ log, clock, host: host(5) })),
      closing.opened(openStatusPage({ log, clock, host: host(1) })),
    ]);
    const addressOf = { [east]: host(11), [west]: host(21) };
    const useTraffic = (driver: LabTraffic) => route53.edit(recordsFor(driver, { addressOf, health: route53.health }));
    if (options.traffic) useTraffic(options.traffic);
    const deadRegions = new Set<string>();
    const isDead = (databaseHost: string) =>
      services.some((service) =>
        ([east, west] as const).some((each) => deadRegions.has(each) && databaseHostOf(each, service) === databaseHost),
      );
    const place = {
      addresses,
      log,
      clock,
      random: delaying,
      authority,
      resolver: dns.server,
      services,
      isDead,
      plain: options.plain ?? false,
    };
    const eastern = await openRegion({ ...place, region: east, podsOf: (service) => service.replicas }, closing);
    const western = await openRegion({ ...place, region: west, podsOf: ({ idle = 1 }) => idle }, closing);
    const clusters: Record<string, Kubernetes> = { [east]: eastern.kubernetes, [west]: western.kubernetes };
    Object.assign(edges, { [east]: eastern.edge, [west]: western.edge });
    const customer = options.customers
      ? openCustomer({
          log,
          clock,
          random,
          name: record,
          resolver: resolver.server,
          ca: authority.cert,
          ...options.customers,
          customers: options.customers.count,
          isDead: (address) =>
            Object.values(edges).some((edge) => edge.address === address && edge.knobs.down === "silent"),
        })
      : undefined;
    if (customer) await closing.add(() => customer.stop());

    const setRegionDead = async (region: string, dead: boolean) => {
      if (dead) deadRegions.add(region);
      else deadRegions.delete(region);
      const edge = edges[region];
      if (edge) edge.knobs.down = dead ? "silent" : false;
      clusters[region]?.setDead(dead);
      rds.setRegion(region, dead ? "silent" : false);
      s3.setRegion(region, dead ? "silent" : false);
      recoveryCluster.setRegion(region, dead ? "silent" : false);
      sts.setRegion(region, dead ? "silent" : false);
      await setPairsDead([...pairs.values()], {
        region,
        isDead: () => deadRegions.has(region),
        clock,
        signal: closing.signal,
      });
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
      services,
      s3,
      recoveryCluster,
      useTraffic,
      pair,
      rds,
      sts,
      clusters,
      edges,
      slack,
      mail,
      statusPage,
      musterDatabase,
      customer,
      setRegionDead,
      deadRegions,
      close: () => closing.close(),
    };
  } catch (error) {
    await closing.close();
    throw error;
  }
}
