import type { FailoverFacts } from "../src/facts/failover.ts";
import { seenFrom } from "../src/facts/moves.ts";
import type { Mode } from "../src/steps/targets.ts";

/** Tells how a service can be moved: gracefully as long as one vantage point sees the old side. */
export function modeOf(facts: FailoverFacts, force?: "ungraceful"): Mode {
  const { muster, replica } = seenFrom(facts);
  return force ?? (muster || replica ? "graceful" : "ungraceful");
}
