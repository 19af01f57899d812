import type { FactsWithDatabase } from "../src/facts/failover.ts";
import { reachedBySomebody } from "../src/facts/moves.ts";
import type { Mode } from "../src/steps/targets.ts";

/**
 * Tells how a service that keeps data can be moved: gracefully as long as one vantage point sees the old side. Where neither does and
 * nobody can tell why, a blocker says so (`oldSideBlockers`).
 */
export function modeOf(facts: FactsWithDatabase, force?: "ungraceful"): Mode {
  return force ?? (reachedBySomebody(facts) ? "graceful" : "ungraceful");
}
