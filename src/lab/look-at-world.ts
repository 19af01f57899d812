import { east, instances, persons, record, west } from "./estate.ts";
import type { Lab } from "./lab.ts";
import type { DnsAnswer, RegionView, ServiceView, WorldView } from "./page-world.ts";
import { ask, type PairSide } from "./postgres-pair.ts";
import { podsIn } from "./service-sights.ts";
import { checkout, configMapOf } from "./services.ts";
import { app } from "./shop.ts";
import { viewStatusPage } from "./statuspage-view.ts";
import { askEdge, pagePatienceMs, regionAt, resolveName, visit } from "./visit.ts";
import type { LabService } from "./world.ts";

/** Lab seconds that the customers' rate looks back, and that their chart does. */
const rateSeconds = 20;
const chartSeconds = 300;
/** How many mails of a box are shown, and how much of each: the page is told everything once a second. */
const mostMails = 10;
const mostText = 3000;

/** Looks at both regions and at what customers see, past every dead line, as only a lab can. */
export async function lookAtWorld(lab: Lab): Promise<WorldView> {
  const shares = sharesOf(lab, record);
  const { primary, replica } = lab.pair;
  const [regions, authoritative, resolved, services] = await Promise.all([
    Promise.all([lookAtRegion(lab, east, primary, replica), lookAtRegion(lab, west, replica, primary)]),
    resolve(lab, lab.dns.server),
    resolve(lab, lab.resolver.server),
    lab.services.length > 1 ? Promise.all(lab.services.map((service) => lookAtService(lab, service))) : undefined,
  ]);
  return {
    service: checkout.name,
    regions: regions.map((region) => ({ ...region, dnsShare: shares[region.name] ?? 0 })),
    ...(services ? { services } : {}),
    dns: { name: record, ttlSeconds: 60, authoritative, resolver: resolved },
    customers: lookAtCustomers(lab),
    statusPage: viewStatusPage(lab.statusPage),
    mailboxes: mailboxesOf(lab),
  };
}

/** Shares of DNS answers by region, in percent. */
function sharesOf({ dns }: Lab, name: string): Record<string, number> {
  const weights = dns.weights(name);
  const whole = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  const share = (weight: number) => (whole === 0 ? 0 : Math.round((100 * weight) / whole));
  return Object.fromEntries(Object.entries(weights).map(([region, weight]) => [region, share(weight)]));
}

async function lookAtService(lab: Lab, { name, tier, record: publicName }: LabService): Promise<ServiceView> {
  const status = await visit(lab, publicName, pagePatienceMs);
  const shares = sharesOf(lab, publicName);
  const regions = [east, west].map((region) => {
    const { ready, wanted } = podsIn(lab, region, name);
    return {
      name: region,
      dnsShare: shares[region] ?? 0,
      pods: { ready: lab.deadRegions.has(region) ? 0 : ready, wanted },
    };
  });
  return { name, tier, regions, ...(status === undefined ? {} : { status }) };
}

async function lookAtRegion(
  lab: Lab,
  name: typeof east | typeof west,
  side: PairSide,
  other: PairSide,
): Promise<Omit<RegionView, "dnsShare">> {
  const cluster = lab.clusters[name];
  const { ready, wanted } = podsIn(lab, name, checkout.name);
  const reachable = !lab.deadRegions.has(name);
  const [database, edgeStatus] = await Promise.all([
    lookAtDatabase(lab, side, other),
    askEdge(lab, name, record, pagePatienceMs),
  ]);
  const configHost = cluster?.config("shop", configMapOf(checkout.name))["DB_HOST"];
  return {
    name,
    reachable,
    database: {
      ...(reachable ? database : { role: "down" }),
      state: reachable ? stateOf(lab, name) : "no answer",
    },
    pods: { ready: reachable ? ready : 0, wanted },
    ...(edgeStatus === undefined ? {} : { edgeStatus }),
    ...(configHost === undefined ? {} : { configHost }),
  };
}

/** By the word of what manages the database; its own administrators say nothing. */
const stateOf = ({ services, rds }: Lab, region: typeof east | typeof west): string =>
  services.some(({ name, driver = "rds-postgres" }) => name === checkout.name && driver !== "rds-postgres")
    ? "not an RDS instance"
    : rds.get(instances[region]).status;

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

async function resolve(lab: Lab, server: string): Promise<DnsAnswer[]> {
  const addresses = await resolveName(server, record, pagePatienceMs);
  return addresses.map((address) => {
    const region = regionAt(lab, address);
    return region === undefined ? { address } : { address, region };
  });
}

function lookAtCustomers({ customer, time }: Lab): WorldView["customers"] {
  const now = time.clock.now().getTime();
  if (!customer) return { accepted: 0, failed: 0, chart: { now, seconds: [] } };
  const { accepted, errors } = customer.counts();
  const buckets = customer.series(chartSeconds).map(({ at, ...counts }) => ({ at: at.getTime(), ...counts }));
  const latest = buckets.filter(({ at }) => at > now - rateSeconds * 1000);
  const answered = latest.reduce((sum, bucket) => sum + bucket.answered, 0);
  const failed = latest.reduce((sum, bucket) => sum + bucket.failed, 0);
  return {
    ...(answered + failed === 0 ? {} : { successRate: answered / (answered + failed) }),
    accepted: accepted.length,
    failed: errors,
    chart: { now, seconds: buckets.toSorted((left, right) => left.at - right.at) },
  };
}

function mailboxesOf({ mail }: Lab): WorldView["mailboxes"] {
  return persons
    .filter(({ guest }) => !guest)
    .map(({ name, email }) => {
      const box = mail.mailbox(email);
      const mails = box.map(({ at, subject, text }, key) => ({
        key,
        at: at.toISOString(),
        subject,
        text: text.slice(0, mostText),
      }));
      return { person: name, address: email, count: box.length, mails: mails.slice(-mostMails).toReversed() };
    });
}
