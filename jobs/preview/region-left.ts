import { alreadyThere } from "../../src/facts/moves.ts";
import type { RegionFacts } from "../../src/facts/region.ts";

/** A service that a move of its region leaves as it is, and why (a clause without its full stop). */
export type Left = { service: string; kind: "there" | "held" | "unmovable" | "blocked"; because: string };

/** Which services need no plan: they are there already, another run has them, or the estate cannot move them. Pure. */
export function outOfPlan({ toRegion, services, held, unmovable }: RegionFacts): Left[] {
  return [
    ...Object.entries(services)
      .filter(([, facts]) => alreadyThere(facts))
      .map(([service]): Left => ({ service, kind: "there", because: `it is in ${toRegion} already` })),
    ...Object.entries(held).map(([service, run]): Left => ({
      service,
      kind: "held",
      because: `run ${run} has it in its hands`,
    })),
    ...Object.entries(unmovable).map(([service, because]): Left => ({ service, kind: "unmovable", because })),
  ];
}
