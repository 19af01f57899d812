import { seen, whyUnseen } from "../fact.ts";
import type { CheckSeen, MoveFacts, RoutingFacts } from "./driver.ts";
import { checkIn, isCheckDeleted } from "./traps.ts";

/** Says why routing controls could not move customers, or nobody could see that they were. Pure. */
export function routingBlockers(facts: MoveFacts, routing: RoutingFacts): string[] {
  return [...placeBlockers(facts, routing), ...recordBlockers(facts, routing)];
}

function placeBlockers(
  { dns, service, fromRegion, toRegion }: MoveFacts,
  { controls, readings }: RoutingFacts,
): string[] {
  const noZone = whyUnseen(dns.zone);
  const silent = Object.values(readings).map(whyUnseen);
  const nobody = silent.every((why) => why !== undefined);
  return [
    ...[fromRegion, toRegion]
      .filter((region) => !controls[region])
      .map((region) => `the estate names no routing control of ${service} for ${region}`),
    ...(noZone ? [`the name servers of ${dns.name.name} cannot be found, so they could not be asked: ${noZone}`] : []),
    ...(nobody
      ? [
          `no endpoint of the recovery cluster can be used, and customers cannot be moved without one: ${silent.join("; ")}`,
        ]
      : []),
  ];
}

/** Only what was seen to be wrong: with the control plane away, the move is as good as it was set up. */
function recordBlockers(facts: MoveFacts, routing: RoutingFacts): string[] {
  const records = seen(facts.dns.records);
  if (!records) return [];
  const { name, type, zone } = facts.dns.name;
  const { controls } = routing;
  const needed = [...new Set([facts.fromRegion, facts.toRegion, ...Object.keys(controls)])];
  const strays = Object.keys(records).filter((region) => !needed.includes(region));
  return [
    ...needed.flatMap((region) => {
      const record = records[region];
      if (!record) return [`the zone ${zone} has no ${type} record ${name} whose set identifier is ${region}`];
      const arn = controls[region];
      const isThere = record.healthCheckId !== undefined && !isCheckDeleted(facts, region);
      const why = isThere ? arn && faultOf(checkIn(facts, region), arn) : "there is none";
      return why ? [`the health check of ${region}'s record does not follow its routing control: ${why}`] : [];
    }),
    ...strays.map(
      (set) =>
        `the record ${name} whose set identifier is ${set} has no routing control in the estate, so nothing stops its answers`,
    ),
  ];
}

/** What is wrong with a check that should follow a routing control, as a clause; undefined where nothing is, or it was not seen. Pure. */
export function faultOf(check: CheckSeen | undefined, arn: string): string | undefined {
  if (!check || check.type === "CALCULATED") return undefined;
  if (check.type !== "RECOVERY_CONTROL") return `it is of type ${check.type}`;
  if (check.routingControl !== arn) return `it follows ${check.routingControl ?? "nothing"}`;
  if (check.disabled) return "it is disabled";
  return check.inverted ? "it is inverted, so that Off sends customers there" : undefined;
}
