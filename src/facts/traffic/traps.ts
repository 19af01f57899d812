import { seen, whyUnseen } from "../fact.ts";
import { deleted, type CheckSeen, type MoveFacts } from "./driver.ts";

/** The most of its objective that a service may lose to answers that resolvers keep. */
const longestTtlShare = 1 / 4;

/** How long resolvers may keep the old answer, in seconds: as the records say, else as the estate does. */
export function ttlOf({ dns, toRegion }: MoveFacts): number {
  return seen(dns.records)?.[toRegion]?.ttl ?? dns.name.ttl;
}

/** Warns of a TTL that eats up the objective. */
export function ttlTraps(facts: MoveFacts): string[] {
  const { rtoSeconds } = facts.objectives;
  const ttl = ttlOf(facts);
  if (ttl <= rtoSeconds * longestTtlShare) return [];
  return [
    `Resolvers may keep the old answer for ${ttl} seconds (the records' TTL); the objective is ${rtoSeconds} seconds in all.`,
  ];
}

/** Warns of checks that decide nothing, because they are disabled or gone, and of those that nobody could look at. */
export function checkTraps(facts: MoveFacts): string[] {
  return Object.entries(facts.dns.checks ?? {}).flatMap(([region, fact]) => {
    const check = seen(fact);
    if (!check) return [`${checkOf(region)} could not be looked at: ${whyUnseen(fact) ?? "no answer"}.`];
    if (check === deleted) return [`${checkOf(region)} was deleted: nobody can tell what Route 53 takes it for.`];
    if (!check.disabled) return [];
    return [
      `${checkOf(region)} is disabled: Route 53 takes it for ${check.inverted ? "unhealthy" : "healthy"}, whatever happens there.`,
    ];
  });
}

/**
 * Warns of a record that lets Route 53 move customers by itself, before the new region takes writes. `levers` are the regions
 * whose record has the check by which Muster moves customers: no other thing turns that red.
 */
export function autoAdmitTraps(facts: MoveFacts, levers: readonly string[] = []): string[] {
  const { fromRegion, toRegion } = facts;
  const reason = redBy(facts, fromRegion, levers);
  if (!reason) return [];
  return [
    `When ${reason} turns red, as it does when the pods there stop, Route 53 sends customers to ${toRegion} by itself, before it takes writes.`,
  ];
}

/**
 * Warns that Route 53 may send customers back to an old side that is fenced. A weight of 0 does not keep them away: such a
 * record answers once every other is red, as the second of a failover pair does. An old side that its lever keeps red answers
 * when both are red, unless the new one is the primary.
 * @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-how-route-53-chooses-records.html
 */
export function sentBackTraps(facts: MoveFacts, levers: readonly string[] = []): string[] {
  const { dns, fromRegion, toRegion, to } = facts;
  const records = seen(dns.records);
  const reason = redBy(facts, toRegion, levers);
  // Where no data moves, the old side is not fenced, and serves whoever is sent there.
  if (!to || !reason || !records?.[fromRegion]) return [];
  const isKeptRed = levers.includes(fromRegion);
  if (isKeptRed && records[toRegion]?.role === "PRIMARY") return [];
  const unless = !isKeptRed && redBy(facts, fromRegion, levers) ? ` and ${fromRegion}'s is not` : "";
  return [
    `From then on, whenever ${reason} is red${unless}, Route 53 sends customers back to ${fromRegion}, which takes no writes.`,
  ];
}

/** What may turn a region's record red; undefined where Route 53 takes it for the same whatever happens there. */
function redBy(facts: MoveFacts, region: string, levers: readonly string[]): string | undefined {
  const record = seen(facts.dns.records)?.[region];
  const mayTurn = record?.healthCheckId && !levers.includes(region) && !checkIn(facts, region)?.disabled;
  if (mayTurn) return `the health check of ${region}'s record`;
  return record?.alias?.evaluateTargetHealth ? `the target of ${region}'s alias record` : undefined;
}

/** Warns of a new region that Route 53 takes for ill: it would go on answering the old one. */
export function redTraps(facts: MoveFacts): string[] {
  const { fromRegion, toRegion } = facts;
  if (checkIn(facts, toRegion)?.healthy !== false) return [];
  return [
    `${checkOf(toRegion)} is red now. As long as it is, Route 53 may go on answering ${fromRegion}, whatever is changed; it has to turn green before customers can arrive.`,
  ];
}

/** The check of a region's record, where it has one and it was seen. */
export function checkIn({ dns }: Pick<MoveFacts, "dns">, region: string): CheckSeen | undefined {
  const check = checkOrDeleted(dns, region);
  return check === deleted ? undefined : check;
}

/** Whether a region's record names a check that was deleted. */
export const isCheckDeleted = ({ dns }: Pick<MoveFacts, "dns">, region: string): boolean =>
  checkOrDeleted(dns, region) === deleted;

function checkOrDeleted({ checks }: MoveFacts["dns"], region: string) {
  const fact = checks?.[region];
  return fact && seen(fact);
}

const checkOf = (region: string): string => `The health check of ${region}'s record`;
