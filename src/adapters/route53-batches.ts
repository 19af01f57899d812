import { ChangeResourceRecordSetsCommand } from "@aws-sdk/client-route-53";
import type { Change, Route53Client } from "@aws-sdk/client-route-53";
import { call, type CallOptions } from "../call.ts";
import { explainDenied, isDenied } from "./aws-errors.ts";
import { pace, type PacedContext } from "./route53-pace.ts";
import { inTurn } from "./route53-queue.ts";

/** What one service wants of a zone, and who waits for it. */
type Member = {
  ctx: PacedContext;
  changes: Change[];
  company: Company;
  options: CallOptions;
  resolve: (sent: Sent) => void;
  reject: (error: unknown) => void;
};

export type Sent = { changeId: string | undefined };

/**
 * How many of a kind wait for each other, and how long at most, in seconds of Muster's clock. Where the company has a name,
 * those of it that went before are not waited for.
 */
export type Company = {
  of: number;
  seconds: number;
  name?: string;
  /** Ends the wait: all who are there go out at once. */
  hurry?: AbortSignal;
  /** Takes this caller's changes out before they are sent, and rejects with its reason. */
  leave?: AbortSignal;
};

/** Of one request: elements, and characters of all values together. */
const mostElements = 1000;
const mostCharacters = 32_000;

/** Once closed it is on its way, and nobody joins or leaves. */
type Gathering = { members: Member[]; close: AbortController };

const gatherings = new WeakMap<Route53Client, Map<string, Gathering>>();

/** Records of each named company whose changes were taken by this process. */
const gone = new WeakMap<Route53Client, Map<string, Set<string>>>();

/** Sends one service's changes of a zone: in the company of others where there is any, else as a batch of their own. */
export function changeRecords(
  ctx: PacedContext,
  route53: Route53Client,
  zone: string,
  changes: Change[],
  company: Company | undefined,
  options?: CallOptions,
): Promise<Sent> {
  if (!company || company.of < 2) return changeZone(ctx, route53, zone, changes, options);
  return changeInCompany(ctx, route53, zone, changes, company, options);
}

/**
 * Sends changes of a zone together with those of others who come within a while, as few batches as Route 53 takes: each
 * batch is whole or nothing, so one that is refused is halved until the refusal meets only whoever caused it. Goes out at
 * once when nobody of the company is still to come.
 *
 * A caller who gives up, or leaves, before that is left out and nothing of it is sent; afterwards it hears what became of it.
 * @throws what Route 53 answers to this caller's own changes.
 * @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html#limits-api-requests-changeresourcerecordsets
 */
function changeInCompany(
  ctx: PacedContext,
  route53: Route53Client,
  zone: string,
  changes: Change[],
  company: Company,
  options: CallOptions = {},
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const gone = [options.signal, company.leave].find((signal) => signal?.aborted);
    if (gone) return reject(gone.reason as Error);
    const member: Member = { ctx, changes, company, options, resolve, reject };
    const gathering = gather(ctx, route53, zone, company);
    const closed = gathering.close.signal;
    gathering.members.push(member);
    for (const signal of [options.signal, company.leave])
      signal?.addEventListener("abort", () => leave(gathering, member, signal), { signal: closed });
    company.hurry?.addEventListener("abort", () => gathering.close.abort(), { signal: closed });
    if (company.hurry?.aborted || isComplete(route53, gathering, company)) gathering.close.abort();
  });
}

function gather(ctx: PacedContext, route53: Route53Client, zone: string, { seconds }: Company): Gathering {
  const zones = gatherings.get(route53) ?? new Map<string, Gathering>();
  gatherings.set(route53, zones);
  const open = zones.get(zone);
  if (open && !open.close.signal.aborted) return open;
  const gathering: Gathering = { members: [], close: new AbortController() };
  zones.set(zone, gathering);
  const waited = ctx.activity.waiting("route53 company", () => ctx.clock.sleep(seconds, gathering.close.signal));
  void waited
    .catch(() => undefined)
    .then(async () => {
      gathering.close.abort();
      if (zones.get(zone) === gathering) zones.delete(zone);
      for (const batch of batchesOf(gathering.members)) await sendBatch(route53, zone, batch);
    });
  return gathering;
}

function isComplete(route53: Route53Client, { members }: Gathering, { name, of }: Company): boolean {
  if (name === undefined) return members.length >= of;
  const there = members.filter(({ company }) => company.name === name).map(recordOf);
  return new Set([...there, ...(gone.get(route53)?.get(name) ?? [])]).size >= of;
}

/** Remembers who of a company went; nothing is left to remember once all have. */
function noteGone(route53: Route53Client, member: Member): void {
  const { name, of } = member.company;
  if (name === undefined) return;
  const all = gone.get(route53) ?? new Map<string, Set<string>>();
  gone.set(route53, all);
  const went = (all.get(name) ?? new Set<string>()).add(recordOf(member));
  if (went.size < of) all.set(name, went);
  else all.delete(name);
}

const recordOf = ({ changes }: Member): string => changes[0]?.ResourceRecordSet?.Name ?? "";

function leave({ members, close }: Gathering, member: Member, signal: AbortSignal): void {
  const index = members.indexOf(member);
  if (index < 0 || close.signal.aborted) return;
  members.splice(index, 1);
  member.reject(signal.reason);
}

/** Cuts members into batches that Route 53 takes; what one service wants is never cut in two. */
export function batchesOf<Wanting extends { changes: Change[] }>(members: readonly Wanting[]): Wanting[][] {
  const batches: Wanting[][] = [];
  let [elements, characters] = [Infinity, Infinity];
  for (const member of members) {
    const more = { elements: member.changes.length, characters: charactersOf(member.changes) };
    if (elements + more.elements > mostElements || characters + more.characters > mostCharacters) {
      batches.push([]);
      [elements, characters] = [0, 0];
    }
    elements += more.elements;
    characters += more.characters;
    batches.at(-1)?.push(member);
  }
  return batches;
}

const charactersOf = (changes: Change[]): number =>
  changes
    .flatMap(({ ResourceRecordSet: set }) => set?.ResourceRecords ?? [])
    .reduce((sum, { Value }) => sum + (Value?.length ?? 0), 0);

/**
 * Sends a batch; one that is refused is tried in halves, since nothing of it has changed. Tells whether anything was taken.
 * `mayChange`: that Muster may change records of the zone at all is known.
 */
async function sendBatch(route53: Route53Client, zone: string, members: Member[], mayChange = false): Promise<boolean> {
  const [first] = members;
  if (!first) return false;
  try {
    const options = members.length === 1 ? first.options : {};
    const sent = await changeZone(
      first.ctx,
      route53,
      zone,
      members.flatMap(({ changes }) => changes),
      options,
    );
    for (const member of members) {
      noteGone(route53, member);
      member.resolve(sent);
    }
    return true;
  } catch (error) {
    if (members.length === 1 || !isRefusedBatch(error)) {
      for (const { reject } of members) reject(error);
      return false;
    }
    if (isDenied((error as Error).cause) && !mayChange && members.length > samples)
      return sendDenied(route53, zone, members, error);
    const half = Math.ceil(members.length / 2);
    const halves = [members.slice(0, half), members.slice(half)];
    let taken = false;
    for (const some of halves) if (await sendBatch(route53, zone, some, mayChange)) taken = true;
    return taken;
  }
}

/** So many of a denied batch are sent alone before it is halved. */
const samples = 3;

/** A few go first: where none of them may be changed the right is missing, and halving would ask a thousand times for nothing. */
async function sendDenied(route53: Route53Client, zone: string, members: Member[], why: unknown): Promise<boolean> {
  const apart = Math.floor((members.length - 1) / (samples - 1));
  const isFirst = (_member: Member, index: number) => index % apart === 0 && index / apart < samples;
  const rest = members.filter((member, index) => !isFirst(member, index));
  let taken = false;
  for (const one of members.filter(isFirst)) if (await sendBatch(route53, zone, [one])) taken = true;
  if (taken) return sendBatch(route53, zone, rest, true);
  for (const { reject } of rest) reject(why);
  return false;
}

/**
 * Refusals that one service's records are enough for: a zone that is not as it saw it, a check that was deleted meanwhile, a
 * record that the policy does not name (all names of a batch must be allowed: one that is not denies them all).
 * @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-conditions-route53.html
 */
const isRefusedBatch = (error: unknown): boolean =>
  error instanceof Error &&
  (/^(InvalidChangeBatch|InvalidInput|NoSuchHealthCheck)$/.test(error.name) || isDenied(error.cause));

/** Sends a list of changes to a zone as one batch, after the batches this process has already sent there. */
async function changeZone(
  ctx: PacedContext,
  route53: Route53Client,
  zone: string,
  changes: Change[],
  options: CallOptions = {},
): Promise<Sent> {
  const command = new ChangeResourceRecordSetsCommand({ HostedZoneId: zone, ChangeBatch: { Changes: changes } });
  const send = (abortSignal: AbortSignal) => route53.send(command, { abortSignal });
  try {
    const changed = await inTurn(route53, zone, async () => {
      await pace(ctx, route53, options.signal);
      return call(ctx, "route53.ChangeResourceRecordSets", send, options);
    });
    return { changeId: changed.ChangeInfo?.Id };
  } catch (error) {
    throw explainDenied(error, `change records of the zone ${zone}`, "route53:ChangeResourceRecordSets");
  }
}
