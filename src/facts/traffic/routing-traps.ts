import { quorum } from "../../steps/routing-states.ts";
import { seen, whyUnseen } from "../fact.ts";
import type { MoveFacts, RoutingFacts } from "./driver.ts";
import { checkIn } from "./traps.ts";

/** Warns of what people should know before customers are moved by routing controls; sentences. Pure. */
export function routingTraps(facts: MoveFacts, routing: RoutingFacts): string[] {
  return [...unseenTraps(facts), ...endpointTraps(routing), ...stateTraps(routing), ...calculatedTraps(facts)];
}

function unseenTraps({ dns }: MoveFacts): string[] {
  const why = whyUnseen(dns.records);
  if (!why) return [];
  return [
    `Route 53's control plane cannot be asked (${why}), so the records and their health checks are as nobody saw them now. The move does not need it.`,
  ];
}

function endpointTraps({ readings }: RoutingFacts): string[] {
  const silent = Object.values(readings).flatMap((reading) => whyUnseen(reading) ?? []);
  const answering = Object.keys(readings).length - silent.length;
  if (silent.length === 0) return [];
  const few =
    answering < quorum ? ` The cluster takes a change only while ${quorum} of its endpoints can agree on it.` : "";
  return [
    `${answering} of ${Object.keys(readings).length} endpoints of the recovery cluster answer: ${silent.join("; ")}.${few}`,
  ];
}

function stateTraps({ controls, readings }: RoutingFacts): string[] {
  const told = Object.values(readings)
    .map((reading) => seen(reading))
    .filter((states) => states !== undefined);
  const atOdds = Object.keys(controls).filter((region) => new Set(told.map((states) => states[region])).size > 1);
  const allOff = told.length > 0 && told.every((states) => Object.values(states).every((state) => state === "Off"));
  return [
    ...atOdds.map(
      (region) =>
        `The endpoints of the recovery cluster are at odds about the routing control of ${region}: somebody changed it in the last seconds, or one of them is behind.`,
    ),
    ...(allOff
      ? [
          "Every routing control is Off: Route 53 takes all regions for healthy then, and answers as if there were none.",
        ]
      : []),
  ];
}

function calculatedTraps(facts: MoveFacts): string[] {
  return [facts.fromRegion, facts.toRegion]
    .filter((region) => checkIn(facts, region)?.type === "CALCULATED")
    .map(
      (region) =>
        `The health check of ${region}'s record is calculated from others: Muster cannot tell whether the routing control alone decides. Whatever else is in it may keep customers away.`,
    );
}
