import type { Database, Estate } from "../estate.ts";
import { databaseDriver, sidesOf } from "../facts/databases/index.ts";
import type { Side } from "../facts/targets.ts";

/** The database of one service: two instances, of which one writes. Which it is today is a fact, not a setting. */
export type Pair = {
  service: string;
  driver: Database["driver"];
  /** No control plane knows its servers. */
  selfManaged: boolean;
  sides: readonly [Side, Side];
};

/** Lists the database pairs of an estate. */
export function pairsOf({ services }: Estate): Pair[] {
  return Object.entries(services).flatMap(([service, { databases }]) =>
    databases.map((database) => ({
      service,
      driver: database.driver,
      selfManaged: databaseDriver(database.driver).selfManaged,
      sides: sidesOf(database),
    })),
  );
}

/** Names an instance, for a sentence. */
export const spelt = ({ instance, region }: Side): string => `${instance} in ${region}`;
