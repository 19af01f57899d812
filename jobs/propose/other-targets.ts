import { spellObject } from "../../src/adapters/s3.ts";
import type { Plan, PlanNode } from "../../src/engine/plan.ts";
import type { Estate, Service } from "../../src/estate.ts";
import { sidesOf } from "../../src/facts/databases/index.ts";
import type { Side } from "../../src/facts/targets.ts";
import { driverOf, drivers } from "../../src/facts/traffic/index.ts";
import { fenceWrites } from "../../src/steps/fence-writes.ts";
import { flipControlObject, type FlipControlObjectInput } from "../../src/steps/flip-control-object.ts";
import { pointConfig, type PointConfigInput } from "../../src/steps/point-config.ts";
import { setRoutingControls, type SetRoutingControlsInput } from "../../src/steps/set-routing-controls.ts";
import { spelt, type ConfigTarget, type DatabaseTarget } from "../../src/steps/targets.ts";
import { verifyPublic, type VerifyPublicInput } from "../../src/steps/verify-public.ts";

/**
 * Says where the estate of now names something else for a service than its plan was made for: a server, a config key, a
 * record, or the way customers are moved. A sentence each. What the claims tell of would be looked at there, and the old one
 * changed. What the estate has no more of, the looks say. Pure.
 */
export function otherTargets({ services }: Estate, { nodes }: Plan): string[] {
  return nodes.flatMap((node) => {
    const service = Object.hasOwn(services, node.service) ? services[node.service] : undefined;
    if (!service) return [];
    if (node.step === fenceWrites.name) return otherServers(service, node);
    if (node.step === pointConfig.name) return otherKeys(service, node);
    if (drivers.some(({ shiftStep }) => shiftStep === node.step)) return otherWay(service, node);
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

function otherKeys({ configs }: Service, { service, input }: PlanNode): string[] {
  const { configs: planned, toRegion } = input as PointConfigInput;
  const now = configs.filter(({ region }) => region === toRegion);
  return differing(service, spellKeys(planned, toRegion), spellKeys(now, toRegion));
}

function spellKeys(keys: readonly ConfigTarget[], region: string): string {
  const each = keys.map((key) => `${key.key} of ${spelt(key)}`).toSorted();
  return each.length > 0 ? each.join(" and ") : `no config key in ${region}`;
}

/** Another way of moving customers is told alone: what it moves them by is another thing then, too. */
function otherWay({ traffic }: Service, { service, step, input }: PlanNode): string[] {
  const { name, shiftStep } = driverOf(traffic);
  if (shiftStep !== step) {
    const planned = drivers.find((driver) => driver.shiftStep === step)?.name ?? step;
    return differing(service, `traffic.driver ${planned}`, `traffic.driver ${name}`);
  }
  if (step === flipControlObject.name && traffic.driver === "route53-switch") {
    const { object } = input as FlipControlObjectInput;
    return differing(service, spellSwitch(object), spellSwitch(traffic.control));
  }
  if (step === setRoutingControls.name && traffic.driver === "arc-routing-control") {
    const { controls } = input as SetRoutingControlsInput;
    const regions = [...new Set([...Object.keys(controls), ...Object.keys(traffic.controls)])].toSorted();
    return regions.flatMap((region) =>
      differing(service, spellControl(controls, region), spellControl(traffic.controls, region)),
    );
  }
  return [];
}

const spellSwitch = (object: FlipControlObjectInput["object"]): string =>
  `the control object ${spellObject(object)} in ${object.region}`;

function spellControl(controls: Record<string, string>, region: string): string {
  const control = controls[region];
  return control === undefined ? `no routing control for ${region}` : `the routing control ${control} for ${region}`;
}

function otherRecord({ traffic }: Service, { service, input }: PlanNode): string[] {
  const { dns } = input as VerifyPublicInput;
  const spell = ({ zone, name, type }: Pick<typeof dns, "zone" | "name" | "type">) =>
    `the ${type} record ${name} of the zone ${zone}`;
  return differing(service, spell(dns), spell(traffic));
}

const differing = (service: string, planned: string, now: string): string[] =>
  planned === now ? [] : [`the plan of ${service} is about ${planned}, and the estate names ${now} now`];
