import type { Claim } from "../src/engine/plan.ts";
import { databaseDriver } from "../src/facts/databases/index.ts";
import { seen, whyUnseen } from "../src/facts/fact.ts";
import { keepsData, type FactsWithDatabase, type FailoverFacts } from "../src/facts/failover.ts";
import { foreseenLoss, predictedLoss, reachedBySomebody, seenFrom } from "../src/facts/moves.ts";
import type { Shares } from "../src/facts/traffic/driver.ts";
import { driverOf } from "../src/facts/traffic/index.ts";
import { keyName, spellValue } from "./config-keys.ts";
import type { DatabaseMove } from "./databases.ts";

/** What a failover stands on. */
export function claimsOf(facts: FailoverFacts, database: DatabaseMove | undefined): Claim[] {
  const noData: Claim = { id: "no-data", sentence: `${facts.service} keeps no data of its own`, value: true };
  const { first, last } = database ? databaseClaims(database) : { first: [noData], last: [] };
  return [...first, ...dnsClaims(facts), ...configClaims(facts), ...last];
}

/** A forced move stands on nothing about the old side, so that it can be tried in any weather. */
function databaseClaims({ to, from, facts, mode, forced }: DatabaseMove): { first: Claim[]; last: Claim[] } {
  const writer = seen(facts.from.server)?.takesWrites;
  const { follows, value } = databaseDriver(facts.databaseDriver).claim(facts);
  // While the old writer is heard, the figure moves with every beat, and the fence may yet make it nothing.
  const loss = mode === "ungraceful" && !reachedBySomebody(facts) ? foreseenLoss(facts, mode) : undefined;
  const alive = mode === "graceful";
  return {
    first: [
      ...(writer === undefined
        ? []
        : [{ id: "writer", sentence: `${from.instance} ${writes(writer)}`, value: { takesWrites: writer } }]),
      {
        id: "replica",
        sentence: follows ? `${to.instance} is a replica` : `${to.instance} takes writes already`,
        value,
      },
    ],
    last: [
      ...(loss === undefined
        ? []
        : [{ id: "loss", sentence: `at most ${loss} seconds of writes are lost`, value: { seconds: loss } }]),
      ...(forced ? [] : [{ id: "old-side", sentence: reachable(from.instance, alive), value: { reachable: alive } }]),
    ],
  };
}

function dnsClaims(facts: FailoverFacts): Claim[] {
  const shares = sharesOf(facts);
  if (!shares) return [];
  return [{ id: "dns", sentence: `${facts.dns.name.name} is answered with ${spellShares(shares)}`, value: shares }];
}

function configClaims({ configs }: FailoverFacts): Claim[] {
  return configs.flatMap(({ config, now }) => {
    const found = seen(now);
    if (!found) return [];
    const sentence = `${keyName(config)} is ${spellValue(found.value)}`;
    return [{ id: `config ${keyName(config)}`, sentence, value: found.value }];
  });
}

/**
 * Says which claims no longer hold, each by its name and with what is seen instead. Only what was seen breaks a claim: a
 * look that saw nothing proves nothing, but for the old side, where to be seen or not is the claim itself.
 */
export function brokenClaims(claims: readonly Claim[], facts: FailoverFacts): string[] {
  return claims.flatMap((claim) => {
    const now = contradiction(claim, facts);
    return now === undefined ? [] : [`no longer true: ${claim.sentence}; ${now}`];
  });
}

/** The claims about a service's database. */
const ofDatabase = ["writer", "replica", "loss", "old-side"];

function contradiction(claim: Claim, facts: FailoverFacts): string | undefined {
  const { id, value } = claim;
  if (ofDatabase.includes(id))
    return keepsData(facts) ? databaseContradiction(claim, facts) : "the estate names no database of it now";
  if (id === "no-data") return keepsData(facts) ? "the estate names a database of it now" : undefined;
  if (id === "dns") {
    const now = sharesOf(facts);
    return !now || spellShares(now) === spellShares(value as Shares) ? undefined : `now with ${spellShares(now)}`;
  }
  for (const { config, now } of facts.configs) {
    const found = seen(now);
    if (id === `config ${keyName(config)}` && found && found.value !== value)
      return `it is ${spellValue(found.value)} now`;
  }
  return undefined;
}

function databaseContradiction({ id, value }: Claim, facts: FactsWithDatabase): string | undefined {
  if (id === "writer") {
    const now = seen(facts.from.server)?.takesWrites;
    if (now === undefined || now === (value as { takesWrites: boolean }).takesWrites) return undefined;
    return `it ${writes(now)} now`;
  }
  if (id === "replica") return databaseDriver(facts.databaseDriver).contradiction(value, facts);
  if (id === "loss") {
    const shown = (value as { seconds: number }).seconds;
    const now = predictedLoss(facts);
    return now === undefined || now <= shown ? undefined : `now it would be ${now} seconds`;
  }
  return oldSideContradiction((value as { reachable: boolean }).reachable, facts);
}

function oldSideContradiction(reachable: boolean, facts: FactsWithDatabase): string | undefined {
  const { muster, replica } = seenFrom(facts);
  if (reachedBySomebody(facts))
    return reachable ? undefined : `${muster === "yes" ? "Muster" : "the replica"} reaches it now`;
  if (muster === "unknown") return `it does not let Muster look now: ${whyUnseen(facts.from.server) ?? "no answer"}`;
  if (!reachable) return undefined;
  return replica === "no"
    ? "neither Muster nor the replica reaches it now"
    : "Muster reaches neither it nor its replica now";
}

const writes = (does: boolean): string => (does ? "takes writes" : "takes no writes");

const reachable = (instance: string, yes: boolean): string =>
  yes ? `${instance} can be reached` : `${instance} can be reached by nobody`;

/** The shares in which customers are sent to regions, or undefined where nobody could tell. */
export const sharesOf = ({ dns }: FailoverFacts): Shares | undefined => driverOf(dns).shares(dns);

/** Writes DNS shares as people say them: "us-east-1: 100, us-west-2: 0". */
export const spellShares = (shares: Shares): string =>
  Object.entries(shares)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([region, share]) => `${region}: ${share}`)
    .join(", ");
