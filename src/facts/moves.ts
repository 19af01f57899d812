import { lastWrite, lossSeconds } from "../steps/loss.ts";
import type { Mode } from "../steps/targets.ts";
import { databaseDriver } from "./databases/index.ts";
import { seen } from "./fact.ts";
import { keepsData, type FactsWithDatabase, type FailoverFacts } from "./failover.ts";
import { bytesBetween } from "./lag.ts";
import { later, secondsBetween } from "./moment.ts";
import { driverOf } from "./traffic/index.ts";

/** What one vantage point tells of the old side: it is there, it is silent, or nobody can say. */
export type Sight = "yes" | "no" | "unknown";

/** Whether the old side is seen from each vantage point: Muster's own connection, and the replica's line to it. */
export function seenFrom({ to, from }: FactsWithDatabase): { muster: Sight; replica: Sight } {
  const replica = seen(to.server);
  return {
    muster: "seen" in from.server ? "yes" : from.server.silent ? "no" : "unknown",
    replica: replica === undefined ? "unknown" : replica.hearsWriter ? "yes" : "no",
  };
}

/** Whether one vantage point at least sees the old side. */
export function reachedBySomebody(facts: FactsWithDatabase): boolean {
  const { muster, replica } = seenFrom(facts);
  return muster === "yes" || replica === "yes";
}

/** The newest heartbeat of the old writer that anybody saw. */
const newestBeat = ({ from, lastBeat }: FactsWithDatabase): string | undefined =>
  later(seen(from.server)?.beatAt, seen(lastBeat)?.at);

/** Seconds of writes lost if the old writer never answered again; undefined where they cannot be told. */
export function predictedLoss(facts: FactsWithDatabase): number | undefined {
  const { greenAt, redSince } = seen(facts.probes) ?? {};
  return lossSeconds(lastWrite({ beatAt: newestBeat(facts), greenAt, redSince }), seen(facts.to.server)?.beatAt);
}

/**
 * Seconds of writes that a move would lose, as the card tells them; undefined where nobody can. What Muster promoted in an
 * earlier run is promoted: what that lost it measured, and no server tells afterwards.
 */
export function foreseenLoss(facts: FactsWithDatabase, mode: Mode): number | undefined {
  if (promotedAlready(facts)) return undefined;
  return mode === "graceful" ? 0 : predictedLoss(facts);
}

/**
 * How far the replica is behind, by heartbeat (seconds) and by log (bytes), each where it is known; without a word from the
 * writer, the bytes are those that arrived and are not applied.
 */
export function lagOf(facts: FactsWithDatabase): { seconds?: number; bytes?: number; unappliedBytes?: number } {
  const replica = seen(facts.to.server);
  const beat = newestBeat(facts);
  const bytes = bytesBetween(replica?.lsn, seen(facts.from.server)?.lsn);
  const unappliedBytes = replica?.unappliedBytes;
  const seconds = beat && replica?.beatAt ? Math.max(0, secondsBetween(replica.beatAt, beat)) : undefined;
  return {
    ...(seconds === undefined ? {} : { seconds }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(unappliedBytes === undefined ? {} : { unappliedBytes }),
  };
}

/** Tells whether the instance in the new region takes writes already because Muster promoted it, last of all. */
export function promotedAlready(facts: FactsWithDatabase): boolean {
  const { to, promotion, toRegion } = facts;
  const server = seen(to.server);
  const writes = server ? server.takesWrites : databaseDriver(facts.databaseDriver).follows(facts) === false;
  return writes && seen(promotion)?.last?.region === toRegion;
}

/**
 * Tells whether there is nothing left to move: customers are sent to the new region and nowhere else, and what data the service keeps is
 * written there.
 */
export function alreadyThere(facts: FailoverFacts): boolean {
  const shares = Object.entries(driverOf(facts.dns).shares(facts.dns) ?? {}).filter(([, share]) => share > 0);
  return writesThere(facts) && shares.length === 1 && shares[0]?.[0] === facts.toRegion;
}

function writesThere(facts: FailoverFacts): boolean {
  if (!keepsData(facts)) return true;
  return seen(facts.to.server)?.takesWrites === true && databaseDriver(facts.databaseDriver).follows(facts) !== true;
}
