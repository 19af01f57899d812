import { UserError } from "../src/errors.ts";
import type { SecretReference } from "../src/estate.ts";
import { seen } from "../src/facts/fact.ts";
import type { DatabaseServer } from "../src/facts/databases/driver.ts";
import { keepsData, type FactsWithDatabase, type FailoverFacts } from "../src/facts/failover.ts";
import type { Side, Sides, Targets } from "../src/facts/targets.ts";
import type { DatabaseTarget, Mode } from "../src/steps/targets.ts";
import { modeOf } from "./mode.ts";

/** The database of a service that is to move: its instances, what was seen of them, and how the old one is left. */
export type DatabaseMove = Sides & {
  facts: FactsWithDatabase;
  mode: Mode;
  /** True where a person said that the old side is not to be waited for. */
  forced: boolean;
};

/**
 * Finds the database that moves with a service; undefined for one that keeps no data of its own.
 * @throws UserError when the estate gained or lost the database while Muster looked.
 */
export function databaseMove(
  { name, database }: Targets,
  facts: FailoverFacts,
  force: "ungraceful" | undefined,
): DatabaseMove | undefined {
  const isLookedAt = keepsData(facts);
  if (isLookedAt && database) return { ...database, facts, mode: modeOf(facts, force), forced: force !== undefined };
  if (!isLookedAt && !database) return undefined;
  throw new UserError({
    happened: `The estate file was changed while Muster looked at ${name}: its database ${database ? "is new" : "is gone"}.`,
    means: "Nothing was changed.",
    todo: "Ask once more.",
  });
}

/** Names the old and the new writer of a service exactly, and where the new one is asked until then. @throws Error when one is not known: a blocker says so first. */
export function databasesOf({ to, from, facts }: DatabaseMove): {
  from: DatabaseTarget;
  to: DatabaseTarget;
  replica: DatabaseTarget;
} {
  const appRole = from.appRole ?? to.appRole;
  const found = seen(facts.to.instance);
  const writer = target(to, found, to.appRole ?? appRole);
  return {
    from: target(from, facts.from.known, from.appRole ?? appRole),
    to: writer,
    replica: { ...writer, ...found?.readEndpoint },
  };
}

function target(
  side: Side,
  instance: DatabaseServer | undefined,
  appRole: SecretReference | undefined,
): DatabaseTarget {
  if (!instance?.endpoint || !appRole)
    throw new Error(`the database ${side.instance} is not known well enough to be a target`);
  const { host, port } = instance.endpoint;
  const aurora = instance.aurora ? { aurora: true as const } : {};
  return { instance: side.instance, region: side.region, host, port, ...aurora, appRole };
}
