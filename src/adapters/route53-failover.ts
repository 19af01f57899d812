import type { Route53Client } from "@aws-sdk/client-route-53";
import type { CallOptions } from "../call.ts";
import { CannotContinue } from "../errors.ts";
import { changeRecords, type Company, type Sent } from "./route53-batches.ts";
import type { PacedContext } from "./route53-pace.ts";
import { replaced, type DnsName, type RegionRecord, type RegionRecords } from "./route53-records.ts";

/** What a pair of records is to be, by set identifier: its roles and, where it changes, the check that decides on each. */
export type Roles = Record<string, Pick<RegionRecord, "role" | "healthCheckId">>;

/** What a pair of records is now, and what it shall be. */
export type PairChange = {
  from: RegionRecords;
  roles: Roles;
  /** Where many services move together: their changes go out together. */
  company?: Company | undefined;
};

/**
 * Makes a pair of records a failover pair with these roles, in one batch: both change or none does. `from` must be exactly
 * what the zone holds now, weighted or failover records, so that a stale caller is refused by Route 53. A record whose entry
 * names no health check keeps the one it has. Records that are as wanted are sent all the same: that is what a change which
 * was taken and never reached the name servers needs.
 *
 * Route 53 answers the primary while its check is healthy or it has none; else the secondary where that is healthy; with both
 * unhealthy, the primary. Each of the two roles must stand once.
 *
 * This is the Route 53 control plane, which lives in us-east-1.
 *
 * @throws CannotContinue when a region has no record, or AWS refuses our rights. Throttling, PriorRequestNotComplete and
 * InvalidChangeBatch are thrown as they are: they changed nothing (`isRefusal`); look again and decide.
 * @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-how-route-53-chooses-records.html
 */
export async function replaceRoles(
  ctx: PacedContext,
  route53: Route53Client,
  dns: DnsName,
  { from, roles, company }: PairChange,
  options?: CallOptions,
): Promise<Sent> {
  const pairs = Object.entries(roles).map(([set, wanted]) => {
    const record = from[set];
    if (!record) throw noRecord(dns, set);
    const { weight: _, ...rest } = record;
    return replaced(dns, set, record, { ...rest, ...wanted });
  });
  // All that goes first: two primaries at once are refused, even in the middle of a batch.
  const changes = [...pairs.map(([removal]) => removal), ...pairs.map(([, creation]) => creation)];
  return changeRecords(ctx, route53, dns.zone, changes, company, options);
}

function noRecord(dns: DnsName, set: string): CannotContinue {
  return new CannotContinue({
    happened: `${dns.name} has no ${dns.type} record for ${set} in the zone ${dns.zone}.`,
    means: "No answer was changed.",
    todo: "Add the record whose set identifier is the region's name, then press Continue.",
  });
}
