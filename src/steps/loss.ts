import { sql } from "kysely";
import { call, type CallContext } from "../call.ts";
import type { Context } from "../context.ts";

/** How often the heartbeat is written, in seconds: nobody can tell a loss more finely. */
export const beatSeconds = 5;

/** What is known of a writer that fell silent; moments are ISO. */
export type SignsOfLife = {
  /** The newest heartbeat that it is known to have taken. */
  beatAt?: string | undefined;
  /** The last green probe of the service, as customers reach it, and the first red one after that. */
  greenAt?: string | undefined;
  redSince?: string | undefined;
};

/**
 * Tells when a writer may have taken its last write, never in our favour: at its last sign of life, be it a heartbeat or a
 * customer who was served. Where customers were served long after the heartbeats had ended, they may have been until the
 * probe that was red; undefined while there is none, because then writes go on. Pure.
 */
export function lastWrite({ beatAt, greenAt, redSince }: SignsOfLife): string | undefined {
  if (greenAt === undefined) return beatAt;
  const without = beatAt === undefined ? Infinity : secondsFrom(beatAt, greenAt);
  // A beat may be late by one; after two, it is the heartbeat that ended first.
  if (without <= 0) return beatAt;
  return without <= 2 * beatSeconds ? greenAt : redSince;
}

/**
 * Tells how many seconds of writes are lost without another word from the old writer: from the newest heartbeat that
 * arrived at the replica to the last write that the writer may have taken, and on to the beat that nobody saw. Always a
 * multiple of 5, never in our favour. Undefined where either is not known.
 */
export function lossSeconds(lastWriteAt: string | undefined, arrivedBeatAt: string | undefined): number | undefined {
  if (lastWriteAt === undefined || arrivedBeatAt === undefined) return undefined;
  const behind = Math.max(0, secondsFrom(arrivedBeatAt, lastWriteAt));
  return (Math.floor(behind / beatSeconds) + 1) * beatSeconds;
}

/**
 * How the heartbeats of a database server are kept: both regions may have an instance of one name. Rows of the release before
 * have the name alone.
 */
export const beatKey = ({ region, instance }: { region: string; instance: string }): string => `${region}/${instance}`;

/** Finds when an old writer may have taken its last write (ISO): now, while its customers are served without a heartbeat. */
export async function findLastWrite(
  ctx: CallContext & Pick<Context, "db" | "now">,
  service: string,
  from: { region: string; instance: string },
): Promise<string | undefined> {
  const { rows } = await call(ctx, "db.last-write", () =>
    sql<{ beat_at: Date | null; green_at: Date | null; red_since: Date | null }>`
    with seen as (select ok, at from muster.probe where service = ${service} and via = 'public'),
         green as (select max(at) as at from seen where ok)
    select (select max(beat_at) from muster.heartbeat where instance in (${beatKey(from)}, ${from.instance})) as beat_at,
           green.at as green_at,
           (select min(seen.at) from seen where not ok and seen.at > green.at) as red_since
      from green`.execute(ctx.db),
  );
  const [row] = rows;
  return lastWrite({
    beatAt: row?.beat_at?.toISOString(),
    greenAt: row?.green_at?.toISOString(),
    redSince: (row?.red_since ?? ctx.now()).toISOString(),
  });
}

const secondsFrom = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 1000;
