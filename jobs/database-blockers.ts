import { seen, whyUnseen } from "../src/facts/fact.ts";
import { promotedAlready } from "../src/facts/moves.ts";
import { readyToPromote } from "../src/facts/replica.ts";
import type { DatabaseMove } from "./databases.ts";
import { roleBlockers } from "./fence-rights.ts";
import { oldSideBlockers } from "./old-side.ts";

/** Says why a service's database may not be moved as the world is, a sentence each without its full stop. Pure. */
export function databaseBlockers(database: DatabaseMove): string[] {
  return [
    ...missingFromEstate(database),
    ...replicaBlockers(database),
    ...oldSideBlockers(database),
    ...roleBlockers(database),
  ];
}

function missingFromEstate({ from, to, facts }: DatabaseMove): string[] {
  if (from.appRole ?? to.appRole) return [];
  return [`the estate names no appRole of ${facts.service}, so a fence could not be proven`];
}

function replicaBlockers({ to, from, facts }: DatabaseMove): string[] {
  const instance = seen(facts.to.instance);
  if (!instance) return [`the database ${to.instance} cannot be seen: ${whyUnseen(facts.to.instance) ?? "no answer"}`];
  const blockers: string[] = [];
  if (!instance.endpoint) blockers.push(`RDS gives ${to.instance} no address`);
  if (!facts.from.known?.endpoint)
    blockers.push(`nobody knows the address of ${from.instance}, so it cannot be fenced, not even later`);
  if (promotedAlready(facts)) return blockers;
  if (instance.sourceId === undefined) {
    return [...blockers, `${to.instance} is not a replica of ${from.instance}: its data stops where it was last one`];
  }
  if (readyToPromote(instance.status) === "no")
    blockers.push(`${to.instance} is "${instance.status}"; RDS does not promote it like that`);
  if (instance.replication === "terminated")
    blockers.push(`replication to ${to.instance} was terminated; it can no longer follow ${from.instance}`);
  return blockers;
}
