import { sql } from "kysely";
import { call } from "../call.ts";
import type { Db } from "../db/connect.ts";
import { tellSetBack } from "../outbox/notices.ts";
import { wakeOutbox } from "../outbox/wake.ts";
import type { Context } from "../context.ts";
import { stands, type Position } from "./high-water.ts";

/** Who holds runs where nobody asked for it. */
const muster = "Muster";

/**
 * After it was set back, the journal's numbers go on so far beyond the entry that is missing: no number is given twice, so
 * that no message is taken for one that is forgotten.
 */
const numbersLeftOut = 1_000;

type Newest = { installation: string; stands: boolean; seq: number | null; at: Date | null };

/**
 * Sees how far the journal reaches, and that it still holds what this process has seen of it; where it does not, every run
 * is held and people are told. A process whose newest entry is older than the copy's end sees nothing: the others do.
 */
export async function lookBack(ctx: Context): Promise<void> {
  const { highWater } = ctx;
  const lost = highWater.position;
  const [row] = await call(ctx, "db.look-back", async () => {
    const { rows } = await sql<Newest>`
      select i.id as installation, ${stands(lost)} as stands, e.seq, e.at
        from muster.installation i
        left join (select seq, at from muster.step_event order by seq desc limit 1) e on true`.execute(ctx.db);
    return rows;
  });
  if (!row) return;
  highWater.installation = row.installation;
  const newest = row.seq !== null && row.at !== null ? { seq: row.seq, at: row.at } : undefined;
  if (lost && !row.stands) {
    await holdEverything(ctx, lost, ctx.worker);
    highWater.begin(newest);
  } else highWater.raise(newest);
}

/** Tells whether an entry stands in the journal. */
export async function isInJournal(ctx: Pick<Context, "db">, position: Position): Promise<boolean> {
  const { rows } = await sql<{ stands: boolean }>`select ${stands(position)} as stands`.execute(ctx.db);
  return rows[0]?.stands ?? false;
}

/**
 * Notes that the journal lacks an entry that somebody has seen in it, and says "hold" to every run that is open: what it
 * forgot may stand in the world (a promotion, an order to go back), so nothing is changed before people have looked. One
 * that has not begun loses its approvals. Messages that wait are looked for before they are posted. Whoever lacks an entry
 * that was written before this was found lacks it for the same reason: nothing happens again.
 */
export async function holdEverything(ctx: Context, lost: Position, seenBy: string): Promise<void> {
  const found = await call(ctx, "db.set-back", () =>
    ctx.db.transaction().execute(async (db) => {
      await sql`select pg_advisory_xact_lock(hashtext('muster.set_back'))`.execute(db);
      const id = await note(db, lost, seenBy);
      if (id === undefined) return undefined;
      await sql`
        select setval(pg_get_serial_sequence('muster.step_event', 'seq'),
                      greatest((select last_value from muster.step_event_seq_seq), ${lost.seq}) + ${numbersLeftOut})`.execute(
        db,
      );
      await sql`
        update muster.outbox set state = 'sending' where state = 'waiting' and thread not like 'mail:%'`.execute(db);
      await sql`
        update muster.card set attempts = greatest(attempts, 1), wanted_version = wanted_version + 1
         where run in (select id from muster.run where ended_at is null)`.execute(db);
      const because = explainSetBack(lost.at, seenBy);
      const runs = await sayHold(db, id, because);
      await tellSetBack({ ...ctx, db }, { id, because, runs });
      return { because, runs };
    }),
  );
  if (!found) return;
  wakeOutbox();
  ctx.log.error(found, "the journal is older than the world; every run is held");
  await Promise.all(found.runs.map((run) => ctx.ring(run)));
}

async function note(db: Db, lost: Position, seenBy: string): Promise<number | undefined> {
  const { rows } = await sql<{ id: number }>`
    insert into muster.set_back (lost_seq, lost_at, newest_seq, newest_at, seen_by)
    select ${lost.seq}, ${lost.at}, e.seq, e.at, ${seenBy}
      from (values (1)) one left join (select seq, at from muster.step_event order by seq desc limit 1) e on true
     where not exists (select from muster.set_back where found_at >= ${lost.at})
    returning id`.execute(db);
  return rows[0]?.id;
}

async function sayHold(db: Db, id: number, because: string): Promise<string[]> {
  const { rows } = await sql<{ run: string }>`
    with open as (
      update muster.run set next_wake_at = least(next_wake_at, muster.now()), signals = signals + 1
       where ended_at is null returning id, signals)
    insert into muster.signal (run, seq, key, verb, payload, by)
    select id, signals, ${`set-back:${id}`}, 'hold', ${JSON.stringify({ because })}::jsonb, ${muster} from open
    returning run`.execute(db);
  return rows.map(({ run }) => run);
}

/** Says what the journal lacks, as part of a sentence. Pure. */
export const explainSetBack = (lostAt: Date, seenBy: string): string =>
  `Muster's database was set back to an older copy: its journal lacks an entry of ${time(lostAt)} that ${seenBy} has seen`;

const time = (at: Date): string => `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
