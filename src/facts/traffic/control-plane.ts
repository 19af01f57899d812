import type { DnsName } from "../../adapters/route53.ts";
import type { Traffic } from "../../estate.ts";
import { seen, whyUnseen } from "../fact.ts";
import type { Dependence, MoveFacts } from "./driver.ts";
import { isCheckDeleted } from "./traps.ts";

/** Names the records that a move of a service changes. */
export const dnsNameOf = ({ zone, name, type, ttl }: Traffic): DnsName => ({ zone, name, type, ttl });

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
  // Without data, nothing has to be left behind: a region that never had a weighted record gets no answers anyway.
  const needed = to === undefined && kind === "weighted" ? [toRegion] : [fromRegion, toRegion];
  return [
    ...needed
      .filter((region) => !records[region])
      .map(
        (region) => `the zone ${dns.name.zone} has no ${kind} ${dns.name.type} record ${dns.name.name} for ${region}`,
      ),
    ...deletedBlockers(facts, Object.keys(records)),
  ];
}

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
