import { fullName } from "./dns-answers.ts";
import type { ZoneRecord } from "./dns-answers.ts";
import { wrap, xml } from "./route53-xml.ts";

/** Writes one page of ListResourceRecordSets: sorted by name with its labels reversed, then type, then SetIdentifier. */
export function pageOf(records: readonly ZoneRecord[], query: URLSearchParams, write: (record: ZoneRecord) => string) {
  const most = Math.min(Number(query.get("maxitems") ?? 300), 300);
  const start = query.get("name");
  const from = start === null ? undefined : orderOf(fullName(start), query.get("type"), query.get("identifier"));
  const sorted = records
    .map((record) => ({ record, order: orderOf(record.name, record.type, record.setIdentifier) }))
    .toSorted((one, other) => compare(one.order, other.order))
    .filter(({ order }) => from === undefined || compare(order, from) >= 0)
    .map(({ record }) => record);
  const next = sorted[most];
  return [
    wrap("ResourceRecordSets", ...sorted.slice(0, most).map(write)),
    xml("IsTruncated", next !== undefined),
    xml("NextRecordName", next?.name),
    xml("NextRecordType", next?.type),
    xml("NextRecordIdentifier", next?.setIdentifier),
    xml("MaxItems", most),
  ];
}

/** Writes a zone as GetHostedZone and ListHostedZonesByName show it. */
export function hostedZoneXml(id: string, name: string, count: number): string {
  return wrap(
    "HostedZone",
    xml("Id", `/hostedzone/${id}`),
    xml("Name", name),
    xml("CallerReference", "lab"),
    wrap("Config", xml("PrivateZone", false)),
    xml("ResourceRecordSetCount", count),
  );
}

function orderOf(name: string, type: string | null, setIdentifier: string | null | undefined): string[] {
  return [name.split(".").toReversed().join("."), type ?? "", setIdentifier ?? ""];
}

function compare(one: readonly string[], other: readonly string[]): number {
  for (const [index, part] of one.entries()) {
    const against = other[index] ?? "";
    if (part !== against) return part < against ? -1 : 1;
  }
  return 0;
}
