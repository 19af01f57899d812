import type { Service } from "../src/estate.ts";
import { seen } from "../src/facts/fact.ts";
import type { FailoverFacts } from "../src/facts/failover.ts";
import { reachedBySomebody } from "../src/facts/moves.ts";
import { driverOf } from "../src/facts/traffic/index.ts";
import type { DatabaseMove } from "./databases.ts";

/** When names are led to the new region: beside the promotion, or once everything there is proven; and why. */
export type NamesMove = { when: "beside" | "last"; because: string };

const last = (because: string): NamesMove => ({ when: "last", because });

/**
 * Tells when names are led to the new region. Beside the promotion they are where nobody is served by the old side and
 * the new front door was seen to turn people away: then its pods, which are ready only once their database takes writes, let
 * them in, and what resolvers keep costs no time of its own. Pure.
 */
export function whenNamesMove(
  facts: FailoverFacts,
  { admission }: Pick<Service, "admission">,
  database: Pick<DatabaseMove, "facts" | "mode"> | undefined,
): NamesMove {
  const { fromRegion, toRegion, edge, pods, probes, dns } = facts;
  if (!database) return last("its pods are all it needs");
  if (database.mode === "graceful" || reachedBySomebody(database.facts)) return last(`${fromRegion} still answers`);
  if (admission === "person") return last("the estate has a person let customers in");
  const rolled = pods.find(({ side, deployment }) => side === "to" && deployment.restart === "rollout");
  if (rolled)
    return last(`${rolled.deployment.name} is restarted by a rollout, which a region needs that serves already`);
  if (seen(probes)?.ok !== false) return last("nobody has seen that customers are not served");
  const status = seen(edge)?.status;
  if (status === undefined || status < 500)
    return last(`the front door of ${toRegion} was not seen to turn people away`);
  if (driverOf(dns).leadsUnready?.(facts) !== true)
    return last(`with these records nobody can promise that names lead to ${toRegion} before it serves`);
  return {
    when: "beside",
    because: `nobody is served by ${fromRegion}, and ${toRegion} turns people away (HTTP ${status}) until its database takes writes`,
  };
}
