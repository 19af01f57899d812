import { GetHostedZoneCommand, ListResourceRecordSetsCommand } from "@aws-sdk/client-route-53";
import type {
  ListResourceRecordSetsResponse,
  ResourceRecordSet,
  Route53Client,
  RRType,
} from "@aws-sdk/client-route-53";
import { call, type CallOptions } from "../call.ts";
import { explainDenied } from "./aws-errors.ts";
import { NextRead } from "./next-read.ts";
import { laneOf, pace, type Lane, type PacedContext } from "./route53-pace.ts";
import { listedName } from "./route53-records.ts";

export type Zone = { name: string; nameServers: string[] };

/** One name's records, and who wants to know. */
type Wish = { ctx: PacedContext; name: string; options: CallOptions };

/** By zone and lane. */
type Reads<T> = WeakMap<Route53Client, Map<string, T>>;

/** What a process reads of each zone: one list at a time, for all of a lane who ask. */
const lists: Reads<NextRead<Wish, ResourceRecordSet[]>> = new WeakMap();
const zones: Reads<NextRead<Pick<Wish, "ctx" | "options">, Zone>> = new WeakMap();

/** The one of a zone for a lane, made when it is first asked for: a step would wait for the turns of a look whose list it shares. */
function oneOf<T>(
  all: Reads<T>,
  route53: Route53Client,
  { zone, lane }: { zone: string; lane: Lane },
  make: () => T,
): T {
  const ofClient = all.get(route53) ?? new Map<string, T>();
  all.set(route53, ofClient);
  const key = `${zone} ${lane}`;
  const one = ofClient.get(key) ?? make();
  ofClient.set(key, one);
  return one;
}

/** Route 53 gives at most so many records a page. */
const pageSize = 300;
/** The quota of a zone, with room: a list that does not end is not followed for ever. */
const mostPages = 100;

/**
 * Lists the records of one name, of every type. Those who ask while a list is under way share the next one: a hundred services
 * that look at once cost the pages of their zone, and not a hundred requests of the account's five a second.
 */
export function listRecords(
  ctx: PacedContext,
  route53: Route53Client,
  zone: string,
  name: string,
  options: CallOptions = {},
): Promise<ResourceRecordSet[]> {
  const of = { zone, lane: laneOf(ctx) };
  const list = oneOf(lists, route53, of, () => new NextRead((wishes: Wish[]) => readRecords(route53, zone, wishes)));
  return list.ask({ ctx, name, options }, options.signal);
}

/** All records of one name stand together, so one page tells of one wish; many are found in the whole zone. */
async function readRecords(route53: Route53Client, zone: string, wishes: Wish[]) {
  const [first] = wishes;
  if (!first) return () => [];
  const alone = wishes.length === 1;
  const found: ResourceRecordSet[] = [];
  let page: ListResourceRecordSetsResponse | undefined;
  for (let pages = 0; pages < mostPages; pages += 1) {
    const from = page
      ? { name: page.NextRecordName, type: page.NextRecordType, set: page.NextRecordIdentifier }
      : alone
        ? { name: first.name }
        : {};
    page = await listPage(first, route53, zone, from, alone ? first.options : {});
    found.push(...(page.ResourceRecordSets ?? []));
    if (alone || !page.IsTruncated) break;
  }
  return ({ name }: Wish) => found.filter((set) => listedName(set.Name) === name);
}

type From = { name?: string | undefined; type?: RRType | undefined; set?: string | undefined };

async function listPage(
  { ctx }: Wish,
  route53: Route53Client,
  zone: string,
  from: From,
  options: CallOptions,
): Promise<ListResourceRecordSetsResponse> {
  const command = new ListResourceRecordSetsCommand({
    HostedZoneId: zone,
    MaxItems: pageSize,
    ...(from.name ? { StartRecordName: from.name } : {}),
    ...(from.type ? { StartRecordType: from.type } : {}),
    ...(from.set ? { StartRecordIdentifier: from.set } : {}),
  });
  await pace(ctx, route53, options.signal);
  const send = (abortSignal: AbortSignal) => route53.send(command, { abortSignal });
  return call(ctx, "route53.ListResourceRecordSets", send, options).catch((error: unknown) => {
    throw explainDenied(error, `read the zone ${zone}`, "route53:ListResourceRecordSets");
  });
}

/** Looks up a zone's name and its authoritative name servers; those who ask at once share the answer. */
export function getZone(
  ctx: PacedContext,
  route53: Route53Client,
  zone: string,
  options: CallOptions = {},
): Promise<Zone> {
  const read = async (askers: Pick<Wish, "ctx" | "options">[]) => {
    const [first] = askers;
    const found = await readZone(first?.ctx ?? ctx, route53, zone, askers.length === 1 ? (first?.options ?? {}) : {});
    return () => found;
  };
  const of = { zone, lane: laneOf(ctx) };
  return oneOf(zones, route53, of, () => new NextRead(read)).ask({ ctx, options }, options.signal);
}

async function readZone(ctx: PacedContext, route53: Route53Client, zone: string, options: CallOptions): Promise<Zone> {
  await pace(ctx, route53, options.signal);
  const send = (abortSignal: AbortSignal) => route53.send(new GetHostedZoneCommand({ Id: zone }), { abortSignal });
  const found = await call(ctx, "route53.GetHostedZone", send, options).catch((error: unknown) => {
    throw explainDenied(error, `read the zone ${zone}`, "route53:GetHostedZone");
  });
  const name = found.HostedZone?.Name ?? "";
  return { name: name.replace(/\.$/, ""), nameServers: found.DelegationSet?.NameServers ?? [] };
}
