import type { Announcement } from "../src/engine/announce.ts";
import type { PlanNode } from "../src/engine/plan.ts";
import type { Estate } from "../src/estate.ts";
import { seen } from "../src/facts/fact.ts";
import { keepsData, type FailoverFacts } from "../src/facts/failover.ts";
import { statusAnnouncements } from "../src/statuspage/announcements.ts";
import type { Mode } from "../src/steps/targets.ts";
import { verifyDatabase } from "../src/steps/verify-database.ts";
import { verifyPublic } from "../src/steps/verify-public.ts";
import { watchStability } from "../src/steps/watch-stability.ts";
import { modeOf } from "./mode.ts";

/**
 * Tells in whose words customers are told of a service's move. One that keeps no data is moved in one way only, but where the
 * newest probe found customers not served, or a person forced the move, what they read of is an outage. Pure.
 */
export function toldAs(facts: FailoverFacts, force: "ungraceful" | undefined): Mode {
  if (keepsData(facts)) return modeOf(facts, force);
  return force ?? (seen(facts.probes)?.ok === false ? "ungraceful" : "graceful");
}

/** What customers are told of a move of services: nothing where the estate names no page, or none of their components. Pure. */
export function toldToCustomers(
  { statusPage, services }: Estate,
  moved: readonly string[],
  mode: Mode,
  nodes: readonly PlanNode[],
): Announcement[] {
  const components = [...new Set(moved.flatMap((name) => services[name]?.statusComponents ?? []))];
  if (!statusPage || components.length === 0 || nodes.length === 0) return [];
  // Where one run moves several, customers are only told that they are served once all of them are.
  const all = (step: { name: string }) => nodes.filter((node) => node.step === step.name).map(({ id }) => id);
  const proofs = { dataReady: all(verifyDatabase), served: all(verifyPublic), held: all(watchStability) };
  return statusAnnouncements({ page: statusPage.page, components, mode, proofs });
}
