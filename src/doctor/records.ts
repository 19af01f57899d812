import { listRecords, type ZoneRecord } from "../adapters/route53-inventory.ts";
import { perSecond } from "../adapters/route53-pace.ts";
import { otherAddresses } from "../adapters/route53-records.ts";
import { getZone } from "../adapters/route53.ts";
import { spellObject } from "../adapters/s3.ts";
import type { Explanation } from "../errors.ts";
import type { Estate, Service, Traffic } from "../estate.ts";
import { explainAs } from "../facts/explain.ts";
import { look, seen, whyUnseen } from "../facts/fact.ts";
import { homesOf } from "../facts/targets.ts";
import type { Check, DoctorContext } from "./check.ts";
import { broken, ok, warning, type Finding } from "./finding.ts";
import { lookAtHealthCheck } from "./health-checks.ts";

type Named = { name: string; service: Service };

/** Whether each zone and each record of the estate is there, one record a region, and their health checks are. */
export const records: Check = {
  name: "the DNS records",
  /** Each zone is asked for itself and its list, and each record may have a check to be asked for. */
  extraMs({ estate }) {
    const zones = new Set(Object.values(estate.services).map(({ traffic }) => traffic.zone));
    const homes = Object.keys(estate.services).flatMap((name) => homesOf(estate, name));
    return (1000 * (2 * zones.size + homes.length)) / perSecond;
  },
  async look(ctx, soFar) {
    const services = Object.entries(ctx.estate.services).map(([name, service]) => ({ name, service }));
    const zones = Map.groupBy(services, ({ service }) => service.traffic.zone);
    // One request at a time: the account has five a second, and a failover may need them now.
    for (const [zone, inZone] of zones) {
      for await (const finding of lookAtZone(ctx, zone, inZone)) soFar.push(finding);
    }
    return soFar;
  },
};

async function* lookAtZone(ctx: DoctorContext, id: string, inZone: Named[]): AsyncGenerator<Finding> {
  const { route53 } = ctx.clients;
  const subject = `the zone ${id}`;
  const zone = await look(ctx, () => getZone(ctx, route53, id), explainAs("Route 53"));
  const listed = await look(ctx, () => listRecords(ctx, route53, id), explainAs("Route 53"));
  const [there, all] = [seen(zone), seen(listed)];
  if (!there || !all) {
    yield broken(subject, {
      happened: `${whyUnseen(zone) ?? whyUnseen(listed)}.`,
      means: `Nobody can be sent to another region for ${inZone.map(({ name }) => name).join(", ")}.`,
      todo: "Correct the zone in the estate file, or give Muster's role route53:GetHostedZone and route53:ListResourceRecordSets on it.",
    });
    return;
  }
  yield ok(subject, `${there.name}, ${all.length} records`);
  for (const named of inZone) yield judgeRecords(ctx.estate, named, all);
  for (const named of inZone) {
    for (const { healthCheck: id, set = "" } of recordsOf(named, all)) {
      if (id !== undefined) yield await lookAtHealthCheck(ctx, named, { id, set });
    }
  }
}

/** The records that the estate means: of its name and type, one for each region that the service can be moved to. */
const recordsOf = ({ service: { traffic } }: Named, all: readonly ZoneRecord[]): ZoneRecord[] =>
  all.filter(({ name, type }) => name === plainName(traffic.name) && type === traffic.type);

/** The types of address that the name has besides. */
const otherTypesOf = ({ service: { traffic } }: Named, all: readonly ZoneRecord[]): string[] =>
  otherAddresses(
    traffic.type,
    all.filter(({ name }) => name === plainName(traffic.name)).map(({ type }) => type),
  );

const plainName = (name: string): string => name.toLowerCase().replace(/\.$/, "");

/** What a driver's records must be, and how to come by them. */
type Kind = { called: string; isIt: (record: ZoneRecord) => boolean; todo: string };

function kindOf({ name, service: { traffic } }: Named): Kind {
  if (traffic.driver === "route53-weighted") {
    return {
      called: "weighted record",
      isIt: ({ weight }) => weight !== undefined,
      todo: `Add a weighted record ${traffic.name} whose set identifier is the region's name, with weight 0.`,
    };
  }
  if (traffic.driver === "arc-routing-control") {
    return {
      called: "record with a health check",
      isIt: ({ healthCheck }) => healthCheck !== undefined,
      todo: `Give each region a record ${traffic.name} whose set identifier is the region's name, with a health check that follows its routing control.`,
    };
  }
  const isIt = ({ role }: ZoneRecord) => role !== undefined;
  const todo =
    traffic.driver === "route53-switch"
      ? `Make one record ${traffic.name} a region, whose set identifier is the region's name, then type: muster traffic setup ${name}.`
      : `Make a pair of failover records ${traffic.name}, each with its region's name as set identifier: PRIMARY where customers are now, SECONDARY in the other region.`;
  return { called: "failover record", isIt, todo };
}

/** Says what of a service's records would stand in the way of a move. */
export function judgeRecords(estate: Estate, named: Named, all: readonly ZoneRecord[]): Finding {
  const { traffic } = named.service;
  const subject = `the record ${traffic.name}`;
  const found = recordsOf(named, all);
  const kind = kindOf(named);
  const homes = homesOf(estate, named.name);
  const uncontrolled = controlFault(named, homes);
  if (uncontrolled) return broken(subject, uncontrolled);
  const needed = [...new Set([...homes, ...controlledIn(traffic)])];
  const lacking = needed.filter((region) => !found.some((one) => one.set === region && kind.isIt(one)));
  if (lacking.length > 0) {
    const is = found.length === 0 ? "has no such record" : `has no ${kind.called} of that name`;
    return broken(subject, {
      happened: `The zone ${traffic.zone} ${is} (${traffic.type}) for ${lacking.join(" and ")}.`,
      means:
        traffic.driver === "arc-routing-control"
          ? `No move of ${named.name} can be approved.`
          : `Nobody can be sent to ${lacking.join(" or ")} for ${named.name}.`,
      todo: kind.todo,
    });
  }
  const fault = switchFault(named.service.traffic, found);
  if (fault) {
    return broken(subject, {
      happened: fault,
      means: `Nobody can be sent to another region for ${named.name}.`,
      todo: `Correct traffic.primary in the estate file, or type: muster traffic setup ${named.name}.`,
    });
  }
  const stray = strayFault(named, found, needed);
  if (stray) return broken(subject, stray);
  const [other] = otherTypesOf(named, all);
  if (other) return judgeOther(named, other);
  const shares = found.map(({ set, weight, role }) => `${set} ${weight ?? role}`).join(", ");
  if (found.every(({ weight }) => weight === 0)) {
    return warning(subject, {
      happened: `Every share of ${traffic.name} is 0.`,
      means: "Route 53 reads that as all equal: people reach every region, also one that cannot write.",
      todo: "Give the region that serves a share above 0.",
    });
  }
  const slow = Math.max(...found.map(({ ttl = 0 }) => ttl));
  if (slow > 300) {
    return warning(subject, {
      happened: `${traffic.name} has a TTL of ${slow} seconds.`,
      means: "People reach the old region for as long after a move.",
      todo: "Give it a TTL of 60 seconds.",
    });
  }
  return ok(subject, shares);
}

/** The regions that have a routing control. */
const controlledIn = (traffic: Traffic): string[] =>
  traffic.driver === "arc-routing-control" ? Object.keys(traffic.controls) : [];

/** Which regions of a service have no routing control that would move its customers. */
function controlFault({ name, service: { traffic } }: Named, homes: readonly string[]): Explanation | undefined {
  if (traffic.driver !== "arc-routing-control") return undefined;
  const bare = homes.filter((region) => !traffic.controls[region]);
  if (bare.length === 0) return undefined;
  return {
    happened: `The estate names no routing control of ${name} for ${bare.join(" and ")}.`,
    means: `No move of ${name} into ${bare.join(" or ")}, or out of there, can be approved.`,
    todo: "Name it under traffic.controls in the estate file, by its ARN.",
  };
}

/** Which further record of the name goes on answering wherever customers are moved by routing controls. */
function strayFault(
  { name, service: { traffic } }: Named,
  found: readonly ZoneRecord[],
  needed: readonly string[],
): Explanation | undefined {
  if (traffic.driver !== "arc-routing-control") return undefined;
  const stray = found.find(({ set }) => set !== undefined && !needed.includes(set));
  if (!stray) return undefined;
  return {
    happened: `The record ${traffic.name} whose set identifier is ${stray.set} has no routing control in the estate.`,
    means: `Nothing stops its answers, so that no move of ${name} can be approved.`,
    todo: "Delete that record, or name the routing control that its health check follows under traffic.controls in the estate file.",
  };
}

/** What is wrong with the records of a switch: their roles, or that nothing watches the object. */
function switchFault(traffic: Traffic, found: readonly ZoneRecord[]): string | undefined {
  if (traffic.driver !== "route53-switch") return undefined;
  const primary = found.find(({ set }) => set === traffic.primary);
  if (primary?.role !== "PRIMARY")
    return `The record ${traffic.name} of ${traffic.primary} is not the primary of its pair, and the estate file says that it is.`;
  return primary.healthCheck === undefined
    ? `The record ${traffic.name} of ${traffic.primary} has no health check, so nothing watches ${spellObject(traffic.control)}.`
    : undefined;
}

/** A switch and routing controls may move records that Muster does not look at; whoever changes records moves those alone. */
function judgeOther({ service: { traffic } }: Named, other: string): Finding {
  const subject = `the record ${traffic.name}`;
  const happened = `${traffic.name} has ${other} records too.`;
  const todo = "Keep the A records alone, with traffic.type A: whoever has IPv6 then comes by IPv4.";
  if (traffic.driver === "route53-weighted" || traffic.driver === "route53-failover") {
    const means = `Muster moves the ${traffic.type} records alone, and some customers would stay where the others lead: a move is blocked while anybody is served.`;
    return broken(subject, { happened, means, todo });
  }
  const means = `Muster does not look at them: they follow the ${traffic.type} records only with the same roles and health checks.`;
  return warning(subject, { happened, means, todo: `Give them the same, in each region. Or: ${todo}` });
}
