import type { Database, Estate } from "../estate.ts";

/** The database of one service: two instances, of which one writes. Which it is today is a fact, not a setting. */
export type Pair = { service: string; sides: readonly [Database["writer"], Database["replica"]] };

/** Lists the database pairs of an estate. */
export function pairsOf({ services }: Estate): Pair[] {
  return Object.entries(services).flatMap(([service, { databases }]) =>
    databases.map(({ writer, replica }) => ({ service, sides: [writer, replica] as const })),
  );
}

/** Names an instance, for a sentence. */
export const spelt = ({ instance, region }: Database["writer"]): string => `${instance} in ${region}`;
