import { createHash } from "node:crypto";
import type { RegionRecords } from "../../src/adapters/route53.ts";
import { objectHost, spellObject } from "../../src/adapters/s3.ts";
import { UserError } from "../../src/errors.ts";
import { seen, whyUnseen } from "../../src/facts/fact.ts";
import type { ControlFacts, MoveFacts } from "../../src/facts/traffic/driver.ts";
import { faultOf } from "../../src/facts/traffic/object-switch.ts";
import { checkIn } from "../../src/facts/traffic/traps.ts";

/** What is to be made so that an object moves the customers of a service. */
export type SwitchSetup = {
  service: string;
  control: ControlFacts;
  records: RegionRecords;
  /** The check that follows the object already, by its id; undefined where it is to be made. */
  checkId: string | undefined;
  /** Whether the records are to be changed. */
  changesRecords: boolean;
};

/**
 * Finds what is to be made. Nobody is moved by it: customers must be in the primary's region, and the object must not be
 * there. Pure.
 * @throws UserError when that is not so, or something that has to be known was not seen.
 */
export function setupOf(facts: MoveFacts): SwitchSetup {
  const { service, dns } = facts;
  const { control } = dns;
  if (!control)
    throw refusal(
      `Customers of ${service} are not moved by an object.`,
      dns.routing
        ? `Make the routing controls, their health checks and the records in AWS; muster traffic check ${service} says what is missing.`
        : `Set traffic.driver of ${service} to route53-switch in the estate first; docs/estate.md shows how.`,
    );
  const { object, primary, found } = control;
  const records = seen(dns.records);
  const isThere = seen(found)?.isThere;
  if (!records)
    throw refusal(
      `The records of ${dns.name.name} cannot be seen: ${whyUnseen(dns.records) ?? "no answer"}.`,
      "Setting up needs Route 53's control plane; try again when it answers.",
    );
  if (isThere === undefined)
    throw refusal(
      `${spellObject(object)} cannot be seen: ${whyUnseen(found) ?? "no answer"}.`,
      `Make the bucket ${object.bucket} in ${object.region} and give Muster its rights (docs/install.md), then try again.`,
    );
  if (isThere)
    throw refusal(
      `${spellObject(object)} is there: the check would send customers to ${object.region} at once.`,
      "Delete it, or move the service back first, then try again.",
    );
  const missing = [primary, object.region].find((region) => !records[region]);
  if (missing)
    throw refusal(
      `${dns.name.name} has no record whose set identifier is ${missing}.`,
      `Make one record a region in the zone ${dns.name.zone}, weighted or failover, then try again.`,
    );
  if (!leadsTo(records, primary))
    throw refusal(
      `Customers are not all in ${primary}, which is to be the primary.`,
      `Move them there first, or name the other region as traffic.primary.`,
    );
  const check = checkIn(facts, primary);
  const follows = check !== undefined && faultOf(check, control) === undefined;
  const isPair = records[primary]?.role === "PRIMARY" && records[object.region]?.role === "SECONDARY";
  return {
    service,
    control,
    records,
    checkId: follows ? check.id : undefined,
    changesRecords: !follows || !isPair,
  };
}

/** Says what a setup would do, a line each; nothing where all stands. Pure. */
export function setupLines({ control, records, checkId, changesRecords }: SwitchSetup, name: string): string[] {
  if (!changesRecords) return [];
  const { object, primary } = control;
  const kind = records[primary]?.role ? "failover" : "weighted";
  return [
    `Put ${spellObject(probeObject(object))}, read it as a stranger, and delete it again, to prove that the switch can be thrown.`,
    ...(checkId
      ? []
      : [
          `Make a health check of https://${objectHost(object)}/${object.key}, inverted: healthy as long as there is no such object, every 10 seconds, 3 in a row. Wait until its checkers have looked.`,
        ]),
    `Replace the ${kind} records of ${name} in one batch: ${primary} becomes the primary and gets that check, ${object.region} the secondary.`,
  ];
}

/** The object by which a setup proves its rights; no check watches it. */
export const probeObject = (object: ControlFacts["object"]): ControlFacts["object"] => ({
  ...object,
  key: `${object.key}.probe`,
});

/** Names a check so that asking twice makes one: at most 64 characters. */
export const checkName = (service: string, { bucket, key }: ControlFacts["object"]): string =>
  `muster-${createHash("sha256").update(`${service} ${bucket}/${key}`).digest("hex").slice(0, 40)}`;

function leadsTo(records: RegionRecords, primary: string): boolean {
  const { role, weight = 0 } = records[primary] ?? {};
  const others = Object.entries(records).filter(([region]) => region !== primary);
  return role ? role === "PRIMARY" : weight > 0 && others.every(([, other]) => (other.weight ?? 0) === 0);
}

const refusal = (happened: string, todo: string): UserError =>
  new UserError({ happened, means: "Nothing was changed.", todo });
