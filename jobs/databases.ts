import type { Instance } from "../src/adapters/rds.ts";
import type { SecretReference } from "../src/estate.ts";
import { seen } from "../src/facts/fact.ts";
import type { FailoverFacts } from "../src/facts/failover.ts";
import type { Side, Targets } from "../src/facts/targets.ts";
import type { DatabaseTarget } from "../src/steps/targets.ts";

/** Names the old and the new writer of a service exactly. @throws Error when one is not known: a blocker says so first. */
export function databasesOf({ to, from }: Targets, facts: FailoverFacts): { from: DatabaseTarget; to: DatabaseTarget } {
  const appRole = from.appRole ?? to.appRole;
  return {
    from: target(from, facts.from.known, from.appRole ?? appRole),
    to: target(to, seen(facts.to.instance), to.appRole ?? appRole),
  };
}

function target(side: Side, instance: Instance | undefined, appRole: SecretReference | undefined): DatabaseTarget {
  if (!instance?.endpoint || !appRole)
    throw new Error(`the database ${side.instance} is not known well enough to be a target`);
  return { instance: side.instance, region: side.region, ...instance.endpoint, appRole };
}

/** Backups of the new writer, in days: as many as the old one keeps; never none, or no new replica could be made of it. */
export const backupDaysOf = ({ from, to }: FailoverFacts): number =>
  Math.max(1, from.known?.backupRetentionDays ?? seen(to.instance)?.backupRetentionDays ?? 1);
