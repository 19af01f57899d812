import { isIPv4 } from "node:net";
import type { ZoneRecord } from "./dns-answers.ts";

export type Change = { action: "CREATE" | "DELETE" | "UPSERT"; record: ZoneRecord };

/** Either the records after the whole batch, or every sentence that Route 53 refuses it with. */
export type Applied = { records: ZoneRecord[] } | { refused: string[] };

/** Limits of one batch; an UPSERT counts twice. */
const mostRecords = 1000;
const mostCharacters = 32_000;

/**
 * Applies a batch to the records of a zone: all of it or nothing. The sentences are Route 53's own.
 * @see https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
 */
export function applyBatch(zone: string, records: readonly ZoneRecord[], changes: readonly Change[]): Applied {
  const tooLarge = sizeFault(changes);
  if (tooLarge) return { refused: [tooLarge] };
  let left = [...records];
  const refused: string[] = [];
  const touched = new Map<string, string>();
  for (const { action, record } of changes) {
    const fault = placeFault(zone, record) ?? twiceFault(touched, action, record) ?? changeFault(left, action, record);
    if (fault) refused.push(fault);
    else left = changed(left, action, record);
  }
  for (const { action, record } of changes) {
    const fault =
      action === "DELETE" || refused.length > 0
        ? undefined
        : (aliasFault(zone, left, record) ?? groupFault(left, record));
    if (fault) refused.push(fault);
  }
  if (refused.length === 0 && !hasApex(zone, left)) {
    refused.push("A HostedZone must contain at least one NS record for the zone itself.");
    refused.push("A HostedZone must contain exactly one SOA record.");
  }
  return refused.length > 0 ? { refused: [...new Set(refused)] } : { records: left };
}

/** Tells whether two record sets are the same to the last value; a DELETE must be. */
export function same(one: ZoneRecord, other: ZoneRecord): boolean {
  const values = (record: ZoneRecord) => JSON.stringify(record.values.toSorted());
  const routing = ({ ttl, weight, failover, healthCheckId, alias }: ZoneRecord) =>
    JSON.stringify([ttl, weight, failover, healthCheckId, alias?.zone, alias?.name, alias?.evaluateTargetHealth]);
  return isSet(one, other) && routing(one) === routing(other) && values(one) === values(other);
}

/** Tells whether two records are one record set: name, type and SetIdentifier. */
export function isSet(one: ZoneRecord, other: ZoneRecord): boolean {
  return one.name === other.name && one.type === other.type && one.setIdentifier === other.setIdentifier;
}

function changed(records: ZoneRecord[], action: Change["action"], record: ZoneRecord): ZoneRecord[] {
  const others = records.filter((known) => !isSet(known, record));
  return action === "DELETE" ? others : [...others, record];
}

function sizeFault(changes: readonly Change[]): string | undefined {
  let elements = 0;
  let characters = 0;
  for (const { action, record } of changes) {
    const times = action === "UPSERT" ? 2 : 1;
    elements += times * record.values.length;
    for (const value of record.values) characters += times * value.length;
  }
  if (elements > mostRecords) return `Number of records limit of ${mostRecords} exceeded.`;
  if (characters > mostCharacters) return `Number of characters limit of ${mostCharacters} exceeded.`;
  return undefined;
}

function placeFault(zone: string, { name, type, values }: ZoneRecord): string | undefined {
  if (name !== zone && !name.endsWith(`.${zone}`)) {
    return `RRSet with DNS name ${name} is not permitted in zone ${zone}`;
  }
  const wrong = type === "A" ? values.find((value) => !isIPv4(value)) : undefined;
  if (wrong === undefined) return undefined;
  const reason = "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)";
  return `Invalid Resource Record: 'FATAL problem: ${reason} encountered with '${wrong}''`;
}

/** A batch may delete a set and create it again, in this order; nothing else touches one set twice. */
function twiceFault(touched: Map<string, string>, action: string, record: ZoneRecord): string | undefined {
  const key = label(record);
  const before = touched.get(key);
  touched.set(key, action);
  if (before === undefined || (before === "DELETE" && action === "CREATE")) return undefined;
  return `The request contains an invalid set of changes for a resource record set '${record.type} ${record.name}'`;
}

function changeFault(records: ZoneRecord[], action: Change["action"], record: ZoneRecord): string | undefined {
  const known = records.find((candidate) => isSet(candidate, record));
  if (action === "CREATE" && known) {
    return `Tried to create resource record set ${label(record)} but it already exists`;
  }
  if (action === "DELETE" && !known) return `Tried to delete resource record set ${label(record)} but it was not found`;
  if (action === "DELETE" && known && !same(known, record)) {
    return `Tried to delete resource record set ${label(record)} but the values provided do not match the current values`;
  }
  return undefined;
}

/** An alias leads to a record of its own type that is there once the batch is done. Of zones the lab has one. */
function aliasFault(zone: string, records: ZoneRecord[], { type, alias }: ZoneRecord): string | undefined {
  if (!alias) return undefined;
  const tried = `Tried to create an alias that targets ${alias.name}, type ${type} in zone ${alias.zone}, but`;
  if (alias.name !== zone && !alias.name.endsWith(`.${zone}`)) {
    return `${tried} the alias target name does not lie within the target zone`;
  }
  const there = records.some((other) => other.name === alias.name && other.type === type);
  return there ? undefined : `${tried} that target was not found`;
}

function groupFault(records: ZoneRecord[], record: ZoneRecord): string | undefined {
  const { name, type, setIdentifier, ttl, failover } = record;
  const others = records.filter((other) => other.name === name && other.type === type && !isSet(other, record));
  if (setIdentifier === undefined) {
    return others.length === 0
      ? undefined
      : `RRSet with DNS name ${name}, type ${type} cannot be created as other RRSets exist with the same name and type.`;
  }
  const which = `RRSet with DNS name ${name}, type ${type}, SetIdentifier ${setIdentifier} cannot be created as`;
  if (others.some((other) => other.setIdentifier === undefined)) {
    return `${which} a non-weighted set exists with the same name and type.`;
  }
  if (others.some((other) => (other.failover === undefined) !== (failover === undefined))) {
    return `${which} a non-${failover ? "failover" : "weighted"} set exists with the same name and type.`;
  }
  if (failover) {
    const twice = others.some((other) => other.failover === failover);
    return twice ? `${which} a ${failover} set exists with the same name and type.` : undefined;
  }
  if (!record.alias && others.some((other) => !other.alias && other.ttl !== ttl))
    return `${which} weighted sets must contain the same TTL.`;
  return undefined;
}

function hasApex(zone: string, records: readonly ZoneRecord[]): boolean {
  const apex = (type: string) => records.some((record) => record.name === zone && record.type === type);
  return apex("SOA") && apex("NS");
}

function label({ name, type, setIdentifier }: ZoneRecord): string {
  const set = setIdentifier === undefined ? "" : `, set identifier='${setIdentifier}'`;
  return `[name='${name.replace(/\*/g, "\\052")}', type='${type}'${set}]`;
}
