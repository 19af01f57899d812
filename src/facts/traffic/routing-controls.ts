import { findZone } from "../../adapters/dns.ts";
import { readControls, type Readings } from "../../adapters/routing-controls.ts";
import { use } from "../../engine/plan.ts";
import { unknown } from "../../engine/step.ts";
import type { Traffic } from "../../estate.ts";
import { agreedStates, quorum } from "../../steps/routing-states.ts";
import { setRoutingControls } from "../../steps/set-routing-controls.ts";
import { explainAs } from "../explain.ts";
import { look, seen, whyUnseen } from "../fact.ts";
import { lookAtChecks } from "./checks.ts";
import { dnsNameOf, lookAtRecords, otherTypesTraps } from "./control-plane.ts";
import type { MoveFacts, RoutingFacts, TrafficDriver } from "./driver.ts";
import { expectedAnswers, expectedBy } from "./expected.ts";
import { routingBlockers } from "./routing-blockers.ts";
import { sharesByStates } from "./routing-shares.ts";
import { routingTraps } from "./routing-traps.ts";
import { autoAdmitTraps, checkTraps, sentBackTraps, ttlOf, ttlTraps } from "./traps.ts";

type Settings = Extract<Traffic, { driver: "arc-routing-control" }>;

/**
 * Sends customers by routing controls of Application Recovery Controller: Route 53's health checks follow them, and any of
 * five endpoints in five regions switches them. Neither Route 53's control plane nor ARC's is needed.
 * @see https://docs.aws.amazon.com/r53recovery/latest/dg/routing-control.html
 */
export const routingControls: TrafficDriver<Settings> = {
  name: "arc-routing-control",

  async look(ctx, targets, settings, before) {
    const name = dnsNameOf(settings);
    const { endpoints, controls } = settings;
    const { names, recoveryCluster } = ctx.clients;
    const [named, zone, readings] = await Promise.all([
      lookAtRecords(ctx, name),
      // The move leans on DNS alone, and so does this look.
      look(ctx, async () => (await findZone(ctx, names, name)) ?? unknown("no parent of it has name servers")),
      Promise.all(
        endpoints.map(async (endpoint) => {
          const read = () => readControls(ctx, recoveryCluster(endpoint), { endpoint, controls });
          return [endpoint.region, await look(ctx, read, explainAs(`the endpoint in ${endpoint.region}`))] as const;
        }),
      ),
    ]);
    const checks = before?.checks ?? (await lookAtChecks(ctx, named.records));
    const expected = expectedAnswers(named.records, targets, name.type);
    const routing = { endpoints, controls, readings: Object.fromEntries(readings), ...expected };
    return { driver: settings.driver, name, ...named, zone, checks, routing };
  },

  shares({ records, routing }) {
    if (!routing) return undefined;
    return sharesByStates(agreedStates(readingsOf(routing), Object.keys(routing.controls)), seen(records));
  },

  blockers: (facts) => routingBlockers(facts, routingOf(facts)),

  traps: (facts) => [
    ...admitTraps(facts),
    ...sentBackTraps(facts, Object.keys(routingOf(facts).controls)),
    ...routingTraps(facts, routingOf(facts)),
    ...checkTraps(facts),
    ...otherTypesTraps(facts),
    ...ttlTraps(facts),
  ],

  dependence(facts) {
    const { endpoints, readings } = routingOf(facts);
    const answering = Object.values(readings).filter((reading) => seen(reading)).length;
    const count = `${answering} of the ${endpoints.length} endpoints of the recovery cluster`;
    return {
      region: facts.fromRegion,
      value: `nothing: customers are moved by routing controls, at any of five endpoints; ${answering} answer`,
      tone: answering >= quorum ? "good" : "warn",
      warning: `Customers are moved by routing controls, and no control plane is needed for that: ${count} answer, and one that ${quorum} agree with is enough.`,
    };
  },

  right: "route53-recovery-cluster:UpdateRoutingControlStates",

  shiftStep: setRoutingControls.name,
  shift(facts, after) {
    const { service, fromRegion, toRegion } = facts;
    const { endpoints, controls, expected } = routingOf(facts);
    const dns = { ...facts.dns.name, ttl: ttlOf(facts) };
    const nameServers = seen(facts.dns.zone)?.nameServers ?? [];
    const where = { endpoints, controls, dns, expected: { values: expected, nameServers } };
    return use(setRoutingControls, service, { service, fromRegion, toRegion, ...where }, { after: [after] });
  },

  expected: (facts) => expectedBy(facts, routingOf(facts)),
};

function routingOf({ dns }: Pick<MoveFacts, "dns">): RoutingFacts {
  if (!dns.routing) throw new Error("the facts have no routing controls");
  return dns.routing;
}

/** With the new region's control Off both are red once the old one is: Route 53 answers the primary of a pair then. */
function admitTraps(facts: MoveFacts): string[] {
  const { dns, fromRegion, toRegion } = facts;
  const regions = Object.keys(routingOf(facts).controls);
  const isOff = agreedStates(readingsOf(routingOf(facts)), regions)[toRegion] === "Off";
  const staysPrimary = isOff && seen(dns.records)?.[fromRegion]?.role === "PRIMARY";
  return staysPrimary ? [] : autoAdmitTraps(facts, regions);
}

/** What preflight saw at each endpoint, as a step would have seen it. */
function readingsOf({ readings }: RoutingFacts): Readings {
  return Object.fromEntries(
    Object.entries(readings).map(([region, fact]) => {
      const states = seen(fact);
      return [region, states ? { states } : { failed: whyUnseen(fact) ?? "does not answer" }];
    }),
  );
}
