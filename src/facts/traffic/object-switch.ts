import { findZone } from "../../adapters/dns.ts";
import { getObject, objectHost, spellObject } from "../../adapters/s3.ts";
import { use } from "../../engine/plan.ts";
import { unknown } from "../../engine/step.ts";
import type { Traffic } from "../../estate.ts";
import { flipControlObject } from "../../steps/flip-control-object.ts";
import { explainAs } from "../explain.ts";
import { look, seen, whyUnseen } from "../fact.ts";
import { lookAtChecks } from "./checks.ts";
import { dnsNameOf, lookAtRecords, otherTypesTraps } from "./control-plane.ts";
import type { CheckSeen, ControlFacts, MoveFacts, TrafficDriver } from "./driver.ts";
import { expectedAnswers, expectedBy } from "./expected.ts";
import {
  autoAdmitTraps,
  checkIn,
  checkTraps,
  isCheckDeleted,
  redTraps,
  sentBackTraps,
  ttlOf,
  ttlTraps,
} from "./traps.ts";

type Settings = Extract<Traffic, { driver: "route53-switch" }>;

/**
 * Sends customers by an object in the region that stands by ("standby takes over primary"). The primary's health check
 * watches it, inverted: only an object that is there and can be read makes the primary unhealthy. What is not there, and a
 * region that is dead, leave customers where they are.
 * @see https://aws.amazon.com/blogs/networking-and-content-delivery/creating-disaster-recovery-mechanisms-using-amazon-route-53/
 */
export const objectSwitch: TrafficDriver<Settings> = {
  name: "route53-switch",

  async look(ctx, targets, settings, before) {
    const name = dnsNameOf(settings);
    const { control: object, primary } = settings;
    const { names } = ctx.clients;
    const [named, zone, found] = await Promise.all([
      lookAtRecords(ctx, name),
      // The move leans on DNS alone, and so does this look.
      look(ctx, async () => (await findZone(ctx, names, name)) ?? unknown("no parent of it has name servers")),
      look(
        ctx,
        async () => ({ isThere: (await getObject(ctx, await ctx.clients.s3(object.region), object)) !== null }),
        explainAs("S3"),
      ),
    ]);
    const checks = before?.checks ?? (await lookAtChecks(ctx, named.records));
    const expected = expectedAnswers(named.records, targets, name.type);
    return { driver: settings.driver, name, ...named, zone, checks, control: { object, primary, found, ...expected } };
  },

  shares({ control }) {
    const found = control && seen(control.found);
    if (!found) return undefined;
    const { primary, object } = control;
    return { [primary]: found.isThere ? 0 : 100, [object.region]: found.isThere ? 100 : 0 };
  },

  blockers: (facts) => [...placeBlockers(facts), ...recordBlockers(facts), ...checkBlockers(facts)],

  traps: (facts) => [
    // On the way back the primary is red for as long as the object is there: that is how it works.
    ...(facts.toRegion === controlOf(facts).object.region ? redTraps(facts) : []),
    ...autoAdmitTraps(facts, [controlOf(facts).primary]),
    ...sentBackTraps(facts, [controlOf(facts).primary]),
    ...unseenTraps(facts),
    ...calculatedTraps(facts),
    ...checkTraps(facts),
    ...otherTypesTraps(facts),
    ...ttlTraps(facts),
  ],

  dependence(facts) {
    const { object, primary } = controlOf(facts);
    if (facts.toRegion === object.region) {
      const warning = `Customers stay in ${object.region} for as long as ${spellObject(object)} can be read there and its own record is healthy; else Route 53 answers ${primary} again.`;
      const value = `nothing: customers are moved by ${spellObject(object)}, in ${object.region}`;
      return { region: facts.fromRegion, value, tone: "good", warning };
    }
    const warning = `Customers are moved back by deleting ${spellObject(object)}, which is in ${object.region}, the region being left.`;
    return { region: object.region, value: `${spellObject(object)}, which has to be deleted`, tone: "bad", warning };
  },

  right: "s3:PutObject and s3:DeleteObject",

  shiftStep: flipControlObject.name,
  shift(facts, after) {
    const { service, toRegion } = facts;
    const { object, expected } = controlOf(facts);
    const dns = { ...facts.dns.name, ttl: ttlOf(facts) };
    const nameServers = seen(facts.dns.zone)?.nameServers ?? [];
    const wanted = toRegion === object.region ? ("there" as const) : ("gone" as const);
    const input = { service, toRegion, object, wanted, dns, expected: { values: expected, nameServers } };
    return use(flipControlObject, service, input, { after: [after] });
  },

  expected: (facts) => expectedBy(facts, controlOf(facts)),
};

function controlOf({ dns }: MoveFacts): ControlFacts {
  if (!dns.control) throw new Error("the facts have no control object");
  return dns.control;
}

function placeBlockers({ dns, ...facts }: MoveFacts): string[] {
  const { object, primary, found } = controlOf({ dns, ...facts });
  const noZone = whyUnseen(dns.zone);
  const noObject = facts.toRegion === object.region ? whyUnseen(found) : undefined;
  return [
    ...[facts.fromRegion, facts.toRegion]
      .filter((region) => region !== primary && region !== object.region)
      .map(
        (region) =>
          `${spellObject(object)} moves customers between ${primary} and ${object.region} only, not ${region}`,
      ),
    ...(noZone ? [`the name servers of ${dns.name.name} cannot be found, so they could not be asked: ${noZone}`] : []),
    ...(noObject
      ? [`${spellObject(object)} cannot be seen (${noObject}), and customers cannot be moved without it`]
      : []),
  ];
}

const setItUp = (service: string): string => `muster traffic setup ${service} shows how to put it right`;

/** Only what was seen to be wrong: with the control plane away, the move is as good as it was set up. */
function recordBlockers(facts: MoveFacts): string[] {
  const { object, primary } = controlOf(facts);
  const records = seen(facts.dns.records);
  if (!records) return [];
  const { name, zone } = facts.dns.name;
  if (records[primary]?.role === "PRIMARY" && records[object.region]?.role === "SECONDARY") return [];
  return [
    `${name} has no failover records in the zone ${zone} with ${primary} as primary and ${object.region} as secondary; ${setItUp(facts.service)}`,
  ];
}

/** A check that does not follow the object moves nobody, or moves people by itself. */
function checkBlockers(facts: MoveFacts): string[] {
  const { primary } = controlOf(facts);
  const record = seen(facts.dns.records)?.[primary];
  if (record?.role !== "PRIMARY") return [];
  const isThere = record.healthCheckId !== undefined && !isCheckDeleted(facts, primary);
  const why = isThere ? faultOf(checkIn(facts, primary), controlOf(facts)) : "there is none";
  return why
    ? [`the health check of ${primary}'s record does not follow the object: ${why}; ${setItUp(facts.service)}`]
    : [];
}

/** What is wrong with the check that should follow the object, as a clause; undefined where nothing is, or it was not seen. Pure. */
export function faultOf(check: CheckSeen | undefined, { object }: Pick<ControlFacts, "object">): string | undefined {
  if (!check || check.type === "CALCULATED") return undefined;
  if (check.disabled) return "it is disabled";
  if (check.type !== "HTTPS" && check.type !== "HTTP") return `it is of type ${check.type}`;
  if (check.host !== objectHost(object) || check.path !== `/${object.key}`) {
    return `it watches ${check.host ?? "nothing"}${check.path ?? ""}`;
  }
  return check.inverted ? undefined : "it is not inverted, so the object would have to be there all the time";
}

function calculatedTraps(facts: MoveFacts): string[] {
  const { primary } = controlOf(facts);
  if (checkIn(facts, primary)?.type !== "CALCULATED") return [];
  return [
    `The health check of ${primary}'s record is calculated from others: Muster cannot tell whether the object alone decides. Whatever else is in it may move customers by itself.`,
  ];
}

function unseenTraps(facts: MoveFacts): string[] {
  const { object, found } = controlOf(facts);
  const noRecords = whyUnseen(facts.dns.records);
  const noObject = facts.toRegion === object.region ? undefined : whyUnseen(found);
  return [
    ...(noRecords
      ? [
          `Route 53's control plane cannot be asked (${noRecords}), so the records and their health checks are as nobody saw them now. The move does not need it.`,
        ]
      : []),
    ...(noObject
      ? [
          `${spellObject(object)} cannot be seen (${noObject}). While nobody can read it Route 53 answers ${facts.toRegion} by itself; it has to be deleted before ${object.region} comes back.`,
        ]
      : []),
  ];
}
