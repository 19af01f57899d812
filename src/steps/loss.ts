import { sql } from "kysely";
import type { StepContext } from "../engine/step.ts";

/** How often the heartbeat is written, in seconds: nobody can tell a loss more finely. */
export const beatSeconds = 5;

/**
 * Tells how many seconds of writes are lost without another word from the old writer: from the newest heartbeat that
 * arrived at the replica to the newest that was seen at the writer, and on to the beat that nobody saw. Always a multiple
 * of 5, never in our favour. Undefined where either is not known.
 */
export function lossSeconds(lastBeatAt: string | undefined, arrivedBeatAt: string | undefined): number | undefined {
  if (lastBeatAt === undefined || arrivedBeatAt === undefined) return undefined;
  const behind = Math.max(0, (new Date(lastBeatAt).getTime() - new Date(arrivedBeatAt).getTime()) / 1000);
  return (Math.floor(behind / beatSeconds) + 1) * beatSeconds;
}

/** Finds the newest heartbeat that an instance is known to have taken (ISO); undefined when none ever was. */
export async function findLastBeat(ctx: StepContext, instance: string): Promise<string | undefined> {
  const { rows } = await sql<{ at: Date }>`
    select beat_at as at from muster.heartbeat where instance = ${instance}`.execute(ctx.db);
  return rows[0]?.at.toISOString();
}
