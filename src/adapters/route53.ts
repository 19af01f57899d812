import { GetChangeCommand } from "@aws-sdk/client-route-53";
import type { Change, Route53Client } from "@aws-sdk/client-route-53";
import { call, type CallOptions } from "../call.ts";
import { CannotContinue } from "../errors.ts";
import { changeRecords, type Company, type Sent } from "./route53-batches.ts";
import { pace, type PacedContext } from "./route53-pace.ts";
import { absolute, describe, otherAddresses, replaced } from "./route53-records.ts";
import type { DnsName, RegionRecord, RegionRecords } from "./route53-records.ts";
import { listRecords } from "./route53-zone.ts";

export { getZone } from "./route53-zone.ts";

export { isRefusal, isThrottled } from "./aws-errors.ts";

export type { DnsName, RegionRecord, RegionRecords } from "./route53-records.ts";

export type WeightedRecord = RegionRecord & { weight: number };

/** By set identifier. */
export type WeightedRecords = Record<string, WeightedRecord>;

/** What a name has: its records of the wanted type, and the types of address that it has besides. */
export type NameRecords = { records: RegionRecords; otherTypes: string[] };

/**
 * Looks at the records of a name that have a set identifier, of whatever kind, as the control plane in us-east-1 holds them,
 * and at whether the name has addresses of the other type (A, AAAA). Reads may lag writes.
 */
export async function getNameRecords(
  ctx: PacedContext,
  route53: Route53Client,
  { zone, name, type }: DnsName,
  options?: CallOptions,
): Promise<NameRecords> {
  const sets = await listRecords(ctx, route53, zone, absolute(name), options);
  const wanted = sets.filter((set) => set.Type === type);
  return {
    records: Object.fromEntries(
      wanted.flatMap((set) => (set.SetIdentifier ? [[set.SetIdentifier, describe(set)]] : [])),
    ),
    otherTypes: otherAddresses(
      type,
      sets.map(({ Type = "" }) => Type),
    ),
  };
}

/** Looks at the records of a name and its type alone. */
export async function getRegionRecords(
  ctx: PacedContext,
  route53: Route53Client,
  dns: DnsName,
  options?: CallOptions,
): Promise<RegionRecords> {
  return (await getNameRecords(ctx, route53, dns, options)).records;
}

/** Looks at the weighted records of a name; others do not count. */
export async function getWeightedRecords(
  ctx: PacedContext,
  route53: Route53Client,
  dns: DnsName,
  options?: CallOptions,
): Promise<WeightedRecords> {
  const records = await getRegionRecords(ctx, route53, dns, options);
  return Object.fromEntries(
    Object.entries(records).flatMap(([set, record]) =>
      record.weight === undefined ? [] : [[set, { ...record, weight: record.weight }]],
    ),
  );
}

/** What the shares of a name are, and what they shall be. */
export type Shares = {
  from: WeightedRecords;
  weights: Record<string, number>;
  again?: boolean;
  /** Where many services move together: their changes go out together. */
  company?: Company | undefined;
};

/**
 * Replaces the DNS shares of a name in one batch: every record changes or none does. `from` must be exactly what the
 * zone holds now, so that a stale caller is refused by Route 53 instead of overwriting a newer change. Identifiers that
 * are not in `weights` get share 0. What is as wanted already is not sent, unless `again` is set: then it is replaced by
 * itself, which spreads a change anew that was accepted and never arrived.
 *
 * Shares are whole numbers from 0 to 255; one must be above 0, because Route 53 reads "all zero" as "all equal". Name
 * servers usually agree within 60 seconds; a resolver may keep the old answer for the record's TTL, in seconds.
 *
 * @throws CannotContinue when no region would be left, or AWS refuses our rights. Throttling, PriorRequestNotComplete and
 * InvalidChangeBatch are thrown as they are: they changed nothing (`isRefusal`); look again and decide.
 * @see https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
 */
export async function replaceWeights(
  ctx: PacedContext,
  route53: Route53Client,
  dns: DnsName,
  { from, weights, again = false, company }: Shares,
  options?: CallOptions,
): Promise<Sent> {
  const wanted = Object.keys(from).map((set) => ({ set, weight: weights[set] ?? 0 }));
  if (!wanted.some(({ weight }) => weight > 0)) throw nobodyLeft(dns, weights);
  const changes = wanted.flatMap(({ set, weight }) => replaceOne(dns, set, from[set], weight, again));
  if (changes.length === 0) return { changeId: undefined };
  return changeRecords(ctx, route53, dns.zone, changes, company, options);
}

/** Tells whether every name server of the zone has a change. */
export async function isInsync(
  ctx: PacedContext,
  route53: Route53Client,
  changeId: string,
  options?: CallOptions,
): Promise<boolean> {
  await pace(ctx, route53, options?.signal);
  const send = (abortSignal: AbortSignal) => route53.send(new GetChangeCommand({ Id: changeId }), { abortSignal });
  const found = await call(ctx, "route53.GetChange", send, options);
  return found.ChangeInfo?.Status === "INSYNC";
}

function replaceOne(
  dns: DnsName,
  set: string,
  record: WeightedRecord | undefined,
  weight: number,
  again: boolean,
): Change[] {
  if (!record || (record.weight === weight && !again)) return [];
  return replaced(dns, set, record, { ...record, weight });
}

function nobodyLeft(dns: DnsName, weights: Record<string, number>): CannotContinue {
  return new CannotContinue({
    happened: `${dns.name} has no record for ${Object.keys(weights).join(" or ")} in the zone ${dns.zone}.`,
    means: "No answer was changed: with every share at 0, Route 53 would spread customers over all regions.",
    todo: "Add the weighted record whose set identifier is the region's name, then press Continue.",
  });
}
