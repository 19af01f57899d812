import type { Change, ResourceRecordSet } from "@aws-sdk/client-route-53";
import type { RecordType } from "./dns.ts";

/** A name with one record a region, whose set identifier is the region's name. */
export type DnsName = { zone: string; name: string; type: RecordType; /** Seconds. */ ttl: number };

/** Everything of one region's record that Route 53 wants to hear again when it is deleted. */
export type RegionRecord = {
  /** Of weighted records. */
  weight?: number;
  /** Of failover records. */
  role?: "PRIMARY" | "SECONDARY";
  ttl?: number;
  values: string[];
  healthCheckId?: string;
  alias?: { zone: string; name: string; evaluateTargetHealth: boolean };
};

/** By set identifier. */
export type RegionRecords = Record<string, RegionRecord>;

/** The two changes that replace a record in a batch: refused where the zone does not hold exactly the old one. */
export function replaced(dns: DnsName, set: string, from: RegionRecord, to: RegionRecord): [Change, Change] {
  return [
    { Action: "DELETE", ResourceRecordSet: compose(dns, set, from) },
    { Action: "CREATE", ResourceRecordSet: compose(dns, set, to) },
  ];
}

function compose(dns: DnsName, set: string, { weight, role, ...record }: RegionRecord): ResourceRecordSet {
  const { alias } = record;
  return {
    Name: absolute(dns.name),
    Type: dns.type,
    SetIdentifier: set,
    ...(weight === undefined ? {} : { Weight: weight }),
    ...(role === undefined ? {} : { Failover: role }),
    ...(record.ttl === undefined ? {} : { TTL: record.ttl }),
    ...(record.values.length > 0 ? { ResourceRecords: record.values.map((Value) => ({ Value })) } : {}),
    ...(record.healthCheckId ? { HealthCheckId: record.healthCheckId } : {}),
    ...(alias
      ? {
          AliasTarget: {
            HostedZoneId: alias.zone,
            DNSName: alias.name,
            EvaluateTargetHealth: alias.evaluateTargetHealth,
          },
        }
      : {}),
  };
}

/** Reads a record set as Route 53 lists it. */
export function describe(set: ResourceRecordSet): RegionRecord {
  const { AliasTarget: alias } = set;
  return {
    ...(set.Weight === undefined ? {} : { weight: set.Weight }),
    ...(set.Failover === undefined ? {} : { role: set.Failover }),
    ...(set.TTL === undefined ? {} : { ttl: set.TTL }),
    values: (set.ResourceRecords ?? []).flatMap(({ Value }) => (Value ? [Value] : [])),
    ...(set.HealthCheckId ? { healthCheckId: set.HealthCheckId } : {}),
    ...(alias?.HostedZoneId && alias.DNSName
      ? {
          alias: {
            zone: alias.HostedZoneId,
            name: alias.DNSName,
            evaluateTargetHealth: alias.EvaluateTargetHealth ?? false,
          },
        }
      : {}),
  };
}

/**
 * Reads a name as Route 53 lists it, where the star of a wildcard is \052.
 * @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
 */
export const listedName = (name = ""): string => name.replace(/^\\052(?=\.)/, "*");

/** Of the types that a name has records of, those of addresses besides the wanted one, once each. */
export const otherAddresses = (wanted: string, types: readonly string[]): string[] =>
  ["A", "AAAA"].filter((type) => type !== wanted && types.includes(type));

/** Writes a name in full: lower case, a dot at its end. */
export const absolute = (name: string): string => `${name.toLowerCase().replace(/\.$/, "")}.`;
