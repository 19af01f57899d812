import { Resolver } from "node:dns/promises";
import { request } from "node:https";
import { east, instances, record, west } from "./estate.ts";
import type { Lab } from "./lab.ts";
import type { DnsAnswer, RegionView, WorldView } from "./page-world.ts";
import { ask, type PairSide } from "./postgres-pair.ts";
import { app } from "./shop.ts";

/** Lab seconds that the customers' rate looks back, and that one point of their history stands for. */
const rateSeconds = 20;
const pointSeconds = 5;
const points = 60;
/** Wall milliseconds that a look may take: the page asks once a second. */
const patienceMs = 800;

/** Looks at both regions and at what customers see, past every dead line, as only a lab can. */
export async function lookAtWorld(lab: Lab): Promise<WorldView> {
  const weights = lab.dns.weights(record);
  const whole = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  const shareOf = (region: string) => (whole === 0 ? 0 : Math.round((100 * (weights[region] ?? 0)) / whole));
  const { primary, replica } = lab.pair;
  const [regions, authoritative, resolved] = await Promise.all([
    Promise.all([lookAtRegion(lab, east, primary, replica), lookAtRegion(lab, west, replica, primary)]),
    resolve(lab, lab.dns.server),
    resolve(lab, lab.resolver.server),
  ]);
  return {
    service: "checkout",
    regions: regions.map((region) => ({ ...region, dnsShare: shareOf(region.name) })),
    dns: { name: record, ttlSeconds: 60, authoritative, resolver: resolved },
    customers: lookAtCustomers(lab),
  };
}

async function lookAtRegion(
  lab: Lab,
  name: typeof east | typeof west,
  side: PairSide,
  other: PairSide,
): Promise<Omit<RegionView, "dnsShare">> {
  const cluster = lab.clusters[name];
  const pods = cluster?.pods("shop", "checkout") ?? [];
  const reachable = !lab.deadRegions.has(name);
  const [database, edgeStatus] = await Promise.all([lookAtDatabase(lab, side, other), askEdge(lab, name)]);
  const configHost = cluster?.config("shop", "app-config")["DB_HOST"];
  return {
    name,
    reachable,
    database: {
      ...(reachable ? database : { role: "down" }),
      state: reachable ? lab.rds.get(instances[name]).status : "no answer",
    },
    pods: {
      ready: reachable ? pods.filter((pod) => pod.ready && !pod.deletedAt).length : 0,
      wanted: cluster?.replicas("shop", "checkout") ?? 0,
    },
    ...(edgeStatus === undefined ? {} : { edgeStatus }),
    ...(configHost === undefined ? {} : { configHost }),
  };
}

async function lookAtDatabase(
  { time }: Lab,
  { server }: PairSide,
  writer: PairSide,
): Promise<Omit<RegionView["database"], "state">> {
  if (!server.running()) return { role: "down" };
  try {
    const [row] = await ask<{ follows: boolean; open: boolean; behind: number | null; replayed: string | null }>(
      server,
      `select pg_is_in_recovery() as follows, pg_last_wal_replay_lsn()::text as replayed,
              (select rolcanlogin from pg_roles where rolname = '${app.user}') as open,
              extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8 as behind`,
    );
    if (!row) return { role: "down" };
    if (!row.follows) return { role: row.open ? "writer" : "read-only" };
    const lagBytes = await bytesBehind(writer, row.replayed);
    // Servers of the lab keep the wall's time; what is shown is the lab's.
    const lagSeconds = row.behind === null || lagBytes === 0 ? 0 : row.behind * time.clock.rate;
    return { role: "replica", lagSeconds, ...(lagBytes === undefined ? {} : { lagBytes }) };
  } catch {
    // It is stopping or starting at this moment; the next look is a second away.
    return { role: "down" };
  }
}

async function bytesBehind({ server }: PairSide, replayed: string | null): Promise<number | undefined> {
  if (replayed === null || !server.running()) return undefined;
  const rows = await ask<{ bytes: number }>(
    server,
    `select case when pg_is_in_recovery() then null else pg_current_wal_lsn() - '${replayed}'::pg_lsn end::float8 as bytes`,
  ).catch(() => []);
  return rows[0]?.bytes ?? undefined;
}

/** What a region's edge answers to a health request; undefined when it does not. */
function askEdge({ edges, authority }: Lab, region: string): Promise<number | undefined> {
  const edge = edges[region];
  if (!edge || edge.knobs.down) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const asked = request({
      host: edge.address,
      port: edge.port,
      path: "/health",
      servername: record,
      ca: authority.cert,
      agent: false,
      signal: AbortSignal.timeout(patienceMs),
    });
    asked.on("response", (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on("error", () => resolve(undefined));
    asked.end();
  });
}

async function resolve({ edges }: Lab, server: string): Promise<DnsAnswer[]> {
  const resolver = new Resolver({ timeout: patienceMs, tries: 1 });
  resolver.setServers([server]);
  const addresses = await resolver.resolve4(record).catch(() => []);
  return addresses.map((address) => {
    const edge = Object.values(edges).find((each) => each.address === address);
    return edge ? { address, region: edge.region } : { address };
  });
}

function lookAtCustomers({ customer, time }: Lab): WorldView["customers"] {
  if (!customer) return { accepted: 0, failed: 0, history: [] };
  const { accepted, errors } = customer.counts();
  const buckets = customer.series(points * pointSeconds);
  const now = time.clock.now().getTime();
  const rateBetween = (fromAgo: number, toAgo: number): number | undefined => {
    const within = buckets.filter(
      ({ at }) => at.getTime() > now - fromAgo * 1000 && at.getTime() <= now - toAgo * 1000,
    );
    const answered = within.reduce((sum, bucket) => sum + bucket.answered, 0);
    const failed = within.reduce((sum, bucket) => sum + bucket.failed, 0);
    return answered + failed === 0 ? undefined : answered / (answered + failed);
  };
  const history = Array.from({ length: points }, (_, index) =>
    rateBetween((points - index) * pointSeconds, (points - index - 1) * pointSeconds),
  ).filter((rate) => rate !== undefined);
  const successRate = rateBetween(rateSeconds, 0);
  return { ...(successRate === undefined ? {} : { successRate }), accepted: accepted.length, failed: errors, history };
}
