import { pickRecord } from "./dns-routing.ts";
import { Packet } from "./dns-wire.ts";
import type { Resource } from "./dns-wire.ts";

/** One resource record set: names are lower case with a trailing dot. An alias has no TTL and no values of its own. */
export type ZoneRecord = {
  name: string;
  type: string;
  ttl: number;
  values: string[];
  setIdentifier?: string;
  weight?: number;
  failover?: "PRIMARY" | "SECONDARY";
  healthCheckId?: string;
  /** The name whose answers, of the same type, it gives as its own. */
  alias?: { zone: string; name: string; evaluateTargetHealth: boolean };
};

/** Tells whether a health check says "healthy"; a record without one always is. */
export type Health = (record: ZoneRecord) => boolean;

/** Writes a name as zones do: lower case, one dot at the end. */
export function fullName(name: string): string {
  return `${name.toLowerCase().replace(/\.+$/, "")}.`;
}

/** What a zone says to a question: records, "no such name", or "that name, but not that type" (an empty list). */
export type Found = { records: ZoneRecord[]; exists: boolean };

/** Looks a name and type up in the records of a zone; follows an alias and a CNAME inside it. */
export function lookUp(
  zone: readonly ZoneRecord[],
  { name, type }: { name: string; type: string },
  chance: { random: () => number; healthy: Health },
): Found {
  const found: ZoneRecord[] = [];
  const targets = ({ alias, type: own }: ZoneRecord) =>
    zone.filter((record) => record.name === alias?.name && record.type === own);
  const healthy = (record: ZoneRecord): boolean =>
    chance.healthy(record) && (!record.alias?.evaluateTargetHealth || targets(record).some(healthy));
  const pick = (records: ZoneRecord[]) => pickRecord(records, { ...chance, healthy });
  const seen = new Set<string>();
  let wanted = name;
  while (!seen.has(wanted)) {
    seen.add(wanted);
    const named = zone.filter((record) => record.name === wanted);
    const exact = pick(named.filter((record) => record.type === type));
    if (exact) {
      // An alias answers under its own name, with the values and the TTL of what it leads to.
      let source: ZoneRecord | undefined = exact;
      while (source?.alias) source = pick(targets(source));
      return { records: source ? [...found, { ...source, name: wanted }] : found, exists: true };
    }
    const other = pick(named.filter((record) => record.type === "CNAME"));
    const target = other?.values[0];
    if (!other || !target) {
      const exists = named.length > 0 || zone.some((record) => record.name.endsWith(`.${wanted}`));
      return { records: found, exists: exists || found.length > 0 };
    }
    found.push(other);
    wanted = fullName(target);
  }
  return { records: found, exists: true };
}

/** Turns a record set into the resource records of an answer. */
export function resourcesOf(record: ZoneRecord): Resource[] {
  const type = Packet.TYPE[record.type as keyof typeof Packet.TYPE];
  return record.values.map(
    (value) =>
      new Packet.Resource({
        name: record.name.replace(/\.$/, ""),
        type,
        class: Packet.CLASS.IN,
        ttl: record.ttl,
        ...dataOf(record.type, value),
      }),
  );
}

function dataOf(type: string, value: string): Partial<Resource> {
  const words = value.split(" ");
  switch (type) {
    case "A":
    case "AAAA":
      return { address: value };
    case "NS":
      return { ns: value.replace(/\.$/, "") };
    case "CNAME":
      return { domain: value.replace(/\.$/, "") };
    case "MX":
      return { priority: Number(words[0]), exchange: (words[1] ?? "").replace(/\.$/, "") };
    case "SOA":
      return {
        primary: (words[0] ?? "").replace(/\.$/, ""),
        admin: (words[1] ?? "").replace(/\.$/, ""),
        serial: Number(words[2]),
        refresh: Number(words[3]),
        retry: Number(words[4]),
        expiration: Number(words[5]),
        minimum: Number(words[6]),
      };
    default:
      return { data: value.replace(/^"|"$/g, "") };
  }
}
