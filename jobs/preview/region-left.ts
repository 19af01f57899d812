import type { Plan } from "../../src/engine/plan.ts";
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

/** Those that are not in the new region, and stay where they are. Pure. */
export const staysOut = (left: readonly Left[]): NonNullable<Plan["left"]> =>
  left.flatMap(({ service, kind, because }) => (kind === "there" ? [] : [{ service, because }]));

/** More services than this, and what is true of many of them is said once: nobody reads a thousand lines before they approve. */
const mostOneByOne = 40;

type Said = { service: string; text: string };

/** Says what is true of services, by who they are: a line each while they are few, else one for all of whom the same is true. Pure. */
export function saidOf(
  all: readonly Said[],
  services: number,
  recordOf: (service: string) => string | undefined = () => undefined,
): { who: string; many: boolean; text: string }[] {
  if (services <= mostOneByOne) return all.map(({ service, text }) => ({ who: service, many: false, text }));
  const alike = Map.groupBy(all, ({ service, text }) => {
    const record = recordOf(service) ?? service;
    return text.replaceAll(record, "<record>").replaceAll(service, "<service>");
  });
  return [...alike.values()].map(([first, ...more]) => ({
    who: `${first?.service}${more.length > 0 ? ` and ${more.length} more ${more.length === 1 ? "service" : "services"}` : ""}`,
    many: more.length > 0,
    text: first?.text ?? "",
  }));
}
