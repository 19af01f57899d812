import { getNameRecords, type DnsName, type RegionRecord, type RegionRecords } from "../../adapters/route53.ts";
import type { Context } from "../../context.ts";
import type { Traffic } from "../../estate.ts";
import { explainAs } from "../explain.ts";
import { look, seen, whyUnseen } from "../fact.ts";
import type { Dependence, MoveFacts, TrafficFacts } from "./driver.ts";
import { isCheckDeleted } from "./traps.ts";

/** Names the records that a move of a service changes. */
export const dnsNameOf = ({ zone, name, type, ttl }: Traffic): DnsName => ({ zone, name, type, ttl });

/** Looks at a name's records of one kind, and at what other addresses it has. */
export async function lookAtRecords(
  ctx: Omit<Context, "estate">,
  name: DnsName,
  isOfKind: (record: RegionRecord) => boolean = () => true,
): Promise<Pick<TrafficFacts, "records" | "otherTypes">> {
  const all = await look(ctx, () => getNameRecords(ctx, ctx.clients.route53, name), explainAs("Route 53"));
  if (!("seen" in all)) return { records: all };
  const { records, otherTypes } = all.seen;
  const held = Object.fromEntries(Object.entries(records).filter(([, record]) => isOfKind(record)));
  return { records: { at: all.at, seen: held }, ...(otherTypes.length > 0 ? { otherTypes } : {}) };
}

/** What every driver leans on that changes records: the only way to move people then, whichever region they are moved out of. */
export const controlPlane = {
  dependence: ({ dns, fromRegion }: MoveFacts): Dependence => ({
    region: "us-east-1",
    value: "the records: Route 53's control plane is there",
    tone: fromRegion === "us-east-1" ? "bad" : "warn",
    warning: `The records of ${dns.name.name} are changed through Route 53's control plane, which is in us-east-1.`,
  }),
  right: "route53:ChangeResourceRecordSets",
};

/** Says why records of a kind could not be moved, or not be seen to have moved. */
export function recordBlockers(facts: MoveFacts, kind: "weighted" | "failover"): string[] {
  const { dns, fromRegion, toRegion, to } = facts;
  const records = seen(dns.records);
  if (!records) {
    return [
      `Route 53's control plane cannot be used (${whyUnseen(dns.records) ?? "no answer"}), and the records cannot be moved without it`,
    ];
  }
  const noZone = whyUnseen(dns.zone);
  if (noZone) return [`the zone ${dns.name.zone} cannot be seen, so its name servers could not be asked: ${noZone}`];
  // Private zones have none.
  if (seen(dns.zone)?.nameServers.length === 0)
    return [
      `the zone ${dns.name.zone} is private: it has no name servers that customers ask, and nobody outside can be asked either`,
    ];
  // Without data, nothing has to be left behind: a region that never had a weighted record gets no answers anyway.
  const needed = to === undefined && kind === "weighted" ? [toRegion] : [fromRegion, toRegion];
  return [
    ...needed
      .filter((region) => !records[region])
      .map(
        (region) => `the zone ${dns.name.zone} has no ${kind} ${dns.name.type} record ${dns.name.name} for ${region}`,
      ),
    ...deletedBlockers(
      facts,
      Object.keys(records).filter((region) => kind === "failover" || isShareChanged(records, region, toRegion)),
    ),
    ...(isAway(facts) ? [] : otherTypesLeft(facts).map((left) => `${left}; keep the A records alone`)),
  ];
}

/** A record that has no share and gets none is not sent. */
const isShareChanged = (records: RegionRecords, region: string, toRegion: string): boolean =>
  region === toRegion || (records[region]?.weight ?? 0) > 0;

/** Says the same to whom nobody serves now: those whom Muster moves are served again, and most of the others come by both. */
export const otherTypesTrapsWhileAway = (facts: MoveFacts): string[] =>
  isAway(facts) ? otherTypesLeft(facts).map((left) => `${left}.`) : [];

const isAway = ({ probes }: MoveFacts): boolean => probes !== undefined && seen(probes)?.ok === false;

const otherTypesLeft = ({ dns }: MoveFacts): string[] =>
  (dns.otherTypes ?? []).map(
    (type) =>
      `${dns.name.name} has ${type} records too, which Muster does not move: whoever comes by ${internetOf(type)} would stay where they lead`,
  );

/** Says that a name has addresses besides, which the same switch or controls may move, and nobody has looked whether they do. */
export function otherTypesTraps({ dns }: MoveFacts): string[] {
  return (dns.otherTypes ?? []).map(
    (type) =>
      `${dns.name.name} has ${type} records too, which Muster neither looks at nor asks for: whoever comes by ${internetOf(type)} is moved only where they have the same roles and health checks.`,
  );
}

const internetOf = (type: string): string => (type === "AAAA" ? "IPv6" : "IPv4");

/**
 * A record is replaced with everything it has, and Route 53 takes none whose check is not there (NoSuchHealthCheck).
 * @see https://docs.aws.amazon.com/Route53/latest/APIReference/API_DeleteHealthCheck.html
 */
function deletedBlockers(facts: MoveFacts, regions: readonly string[]): string[] {
  return regions
    .filter((region) => isCheckDeleted(facts, region))
    .map(
      (region) =>
        `the record of ${region} names a health check that was deleted, and Route 53 refuses every change of such a record: give it one that is there, or none`,
    );
}
