import { seen, whyUnseen } from "../../src/facts/fact.ts";
import type { FactsWithDatabase } from "../../src/facts/failover.ts";
import { reachedBySomebody, seenFrom } from "../../src/facts/moves.ts";
import type { DatabaseMove } from "../databases.ts";

/**
 * Says why nobody can tell how a service may be left: only silence seen from both vantage points is a dead old side, and
 * only a person may say more than was seen. Pure.
 */
export function oldSideBlockers({ from, to, facts, forced }: DatabaseMove): string[] {
  const noLogin = whyUnseen(facts.application);
  if (noLogin) return [`how ${facts.service} logs in to its database is not known: ${noLogin}`];
  // Without an address nobody was asked; what is missing says so itself.
  const fromKnown = facts.from.known?.endpoint !== undefined;
  const toKnown = seen(facts.to.instance)?.endpoint !== undefined;
  const { muster, replica } = seenFrom(facts);
  const whyNew = whyUnseen(facts.to.server) ?? "it does not tell";
  const shut =
    toKnown && "unknown" in facts.to.server && !facts.to.server.silent
      ? [`${to.instance} answers, and does not let Muster look into it: ${whyNew}`]
      : [];
  if (forced || !fromKnown) return shut;
  if (muster === "unknown") {
    const why = whyUnseen(facts.from.server) ?? "no answer";
    return [
      ...shut,
      `${from.instance} answers, and does not let Muster look into it: ${why}. It lives, and could not be fenced. Let Muster in; or leave it unfenced with --ungraceful`,
    ];
  }
  if (muster === "no" && replica === "unknown" && toKnown && shut.length === 0) {
    return [
      `nobody can tell whether ${from.instance} lives: Muster gets no answer from it, and its replica was not seen (${whyNew}). Look again once Muster reaches ${to.instance}; or say with --ungraceful that the old side is dead`,
    ];
  }
  return shut;
}

/** Tells how the old side stands, to finish the sentence "Move checkout to us-west-2, ...". Pure. */
export function spellOldSide(facts: FactsWithDatabase, mode: string): string {
  const { muster, replica } = seenFrom(facts);
  if (mode === "graceful") return "with the old side alive";
  if (reachedBySomebody(facts)) return "without waiting for the old side, which is reached";
  return muster === "no" && replica === "no"
    ? "with the old side out of reach"
    : "and nobody can tell whether the old side lives";
}

/** Tells from where the old side is reached, and where it is not, why; what was not looked at proves nothing. Pure. */
export function spellReach(facts: FactsWithDatabase): string {
  const { muster, replica } = seenFrom(facts);
  const by = [...(muster === "yes" ? ["Muster"] : []), ...(replica === "yes" ? ["the replica"] : [])];
  if (by.length > 0) return `reached by ${by.join(" and by ")}`;
  const why = whyUnseen(facts.from.server) ?? "Muster did not reach it";
  if (replica === "unknown") return `not known: ${why}, and the replica was not seen`;
  return `${muster === "no" ? "reached by nobody" : "not known"}: ${why}, and the replica does not hear it`;
}
