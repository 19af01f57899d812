import { sql } from "kysely";
import { call } from "../../src/call.ts";
import type { Context } from "../../src/context.ts";
import type { Db } from "../../src/db/connect.ts";
import { standing } from "../../src/engine/decide.ts";
import { fold } from "../../src/engine/fold.ts";
import { loadJournal } from "../../src/engine/journal.ts";
import type { Json } from "../../src/engine/step.ts";
import { endTheRun, UserError } from "../../src/errors.ts";
import type { AnyJob } from "../job.ts";

type Loaded = NonNullable<Awaited<ReturnType<typeof loadJournal>>>;

/**
 * Finds the run that somebody else asked for with the same words and that is still live: under way, or waiting for its
 * approvals. One that nobody may approve is not live: whoever asks again wants another look. Nor is one under way that left out
 * services: whoever asks again wants those.
 */
export async function findLiveRun(
  db: Db,
  { name, leavesOutHeld = false }: Pick<AnyJob, "name" | "leavesOutHeld">,
  input: Json,
): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    select id from muster.run
     where ended_at is null and job = ${name} and plan -> 'input' = ${JSON.stringify(input)}::jsonb
       and ((state <> 'proposed' and not ${leavesOutHeld}::boolean)
            or (state = 'proposed' and approve_until > muster.now() and plan -> 'blockers' = '[]'::jsonb))
     order by state <> 'proposed' desc, proposed_at desc limit 1`.execute(db);
  return rows[0]?.id;
}

/** Refuses what another run is changing right now, names that run, and says where it waits for people. */
export async function refuseIfLocked(ctx: Context, locks: readonly string[]): Promise<void> {
  const held = await call(ctx, "db.locked", () => findHolder(ctx.db, locks));
  if (!held) return;
  const { id, service, isParked } = held;
  throw new UserError({
    happened: `Run ${held.id} has ${held.service} in its hands (${held.title}).`,
    means: "Nothing was changed by asking.",
    todo: isParked
      ? `It is parked and does nothing more by itself: press Continue on its card, or, to free ${service}, ${endTheRun}. Look at it: /muster runs show ${id}.`
      : `Wait for it, or look at it: /muster runs show ${id}.`,
  });
}

async function findHolder(db: Db, locks: readonly string[]) {
  const { rows } = await sql<{ service: string; id: string; title: string }>`
    select lock.service, run.id, run.title
      from muster.run_service lock join muster.run on run.id = lock.run
     where lock.service = any (${locks}::text[]) order by lock.service limit 1`.execute(db);
  const [held] = rows;
  const loaded = held && (await loadJournal(db, held.id));
  return held && { ...held, isParked: loaded !== undefined && isParked(loaded) };
}

const isParked = ({ run, events }: Loaded): boolean => standing(fold(run.plan, events)) === "parked";
