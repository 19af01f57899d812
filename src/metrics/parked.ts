import { sql } from "kysely";
import type { Db } from "../db/connect.ts";
import { fold } from "../engine/fold.ts";
import { loadJournal } from "../engine/journal.ts";

/** What parks a step, and what ends that: as `fold` reads a journal. Whatever else is written of a step leaves it as it is. */
const aboutParking = ["parked", "continued", "waived", "done", "undone"];

/**
 * Counts the steps of live runs that wait for a person. Turning back is an event of the run, and who goes back by it is read
 * from the plan: where something was parked before it, the whole journal is read, which is rare.
 */
export async function countParked(db: Db): Promise<number> {
  const { rows } = await sql<{ run: string; parked: number; turned: boolean }>`
    select run, count(*)::int as parked,
           exists (select from muster.step_event turn
                    where turn.run = newest.run and turn.kind = 'turned-back' and turn.seq > min(newest.seq)) as turned
      from (select distinct on (run, step) run, kind, seq
              from muster.step_event join muster.run on run.id = step_event.run
             where run.ended_at is null and step is not null and kind = any (${aboutParking}::text[])
             order by run, step, seq desc) newest
     where kind = 'parked' group by run`.execute(db);
  let all = 0;
  for (const { run, parked, turned } of rows) all += turned ? await countIn(db, run) : parked;
  return all;
}

async function countIn(db: Db, runId: string): Promise<number> {
  const loaded = await loadJournal(db, runId);
  if (!loaded || loaded.run.endedAt) return 0;
  const { steps } = fold(loaded.run.plan, loaded.events);
  return [...steps.values()].filter(({ parked }) => parked !== undefined).length;
}
