import { delayBlockers } from "../../src/facts/apply-delay.ts";
import { databaseDriver } from "../../src/facts/databases/index.ts";
import { promotedAlready } from "../../src/facts/moves.ts";
import type { DatabaseMove } from "../databases.ts";
import { roleBlockers } from "./fence-rights.ts";
import { oldSideBlockers } from "./old-side.ts";

/** Says why a service's database may not be moved as the world is, a sentence each without its full stop. Pure. */
export function databaseBlockers(database: DatabaseMove): string[] {
  return [
    ...missingFromEstate(database),
    ...databaseDriver(database.facts.databaseDriver).blockers(database, promotedAlready(database.facts)),
    ...delayBlockers(database, database.mode),
    ...oldSideBlockers(database),
    ...roleBlockers(database),
  ];
}

function missingFromEstate({ from, to, facts }: DatabaseMove): string[] {
  if (from.appRole ?? to.appRole) return [];
  return [`the estate names no appRole of ${facts.service}, so a fence could not be proven`];
}
