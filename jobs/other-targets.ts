import type { Plan, PlanNode } from "../src/engine/plan.ts";
import type { Estate, Service } from "../src/estate.ts";
import { sidesOf } from "../src/facts/databases/index.ts";
import type { Side } from "../src/facts/targets.ts";
import { fenceWrites } from "../src/steps/fence-writes.ts";
import type { DatabaseTarget } from "../src/steps/targets.ts";
import { verifyPublic, type VerifyPublicInput } from "../src/steps/verify-public.ts";

/**
 * Says where the estate of now names another server or record for a service than its plan was made for, a sentence each: what
 * the claims tell of would be looked at there, and the old one changed. What the estate has no more of, the looks say. Pure.
 */
export function otherTargets({ services }: Estate, { nodes }: Plan): string[] {
  return nodes.flatMap((node) => {
    const service = Object.hasOwn(services, node.service) ? services[node.service] : undefined;
    if (!service) return [];
    if (node.step === fenceWrites.name) return otherServers(service, node);
    return node.step === verifyPublic.name ? otherRecord(service, node) : [];
  });
}

function otherServers({ databases }: Service, { service, input }: PlanNode): string[] {
  const { from, to } = input as { from: DatabaseTarget; to: DatabaseTarget };
  const sides = databases.flatMap(sidesOf);
  const others = [
    [from, sides.find(({ region }) => region !== to.region)],
    [to, sides.find(({ region }) => region === to.region)],
  ] as const;
  return others.flatMap(([planned, now]) => (now ? differing(service, placeOf(planned), placeOf(now)) : []));
}

/** Of a server that nobody else manages, its name is where it answers; where RDS's answer, RDS tells. */
const placeOf = ({ instance, region }: Pick<Side, "instance" | "region">): string => `${instance} in ${region}`;

function otherRecord({ traffic }: Service, { service, input }: PlanNode): string[] {
  const { dns } = input as VerifyPublicInput;
  const spell = ({ zone, name, type }: Pick<typeof dns, "zone" | "name" | "type">) =>
    `the ${type} record ${name} of the zone ${zone}`;
  return differing(service, spell(dns), spell(traffic));
}

const differing = (service: string, planned: string, now: string): string[] =>
  planned === now ? [] : [`the plan of ${service} is about ${planned}, and the estate names ${now} now`];
