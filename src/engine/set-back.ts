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
/** And each run's epochs so far beyond those that users' databases may have seen of it. */
const epochsLeftOut = 1_000;

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
export async function isInJournal(
  { db, highWater }: Pick<Context, "db" | "highWater">,
  entry: Position,
): Promise<boolean> {
  if (highWater.hasSeen(entry)) return true;
  const { rows } = await sql<{ stands: boolean }>`select ${stands(entry)} as stands`.execute(db);
  return rows[0]?.stands ?? false;
}

/**
 * Notes that the journal lacks an entry that somebody has seen in it, and says "hold" to every run that is open: what it
 * forgot may stand in the world (a promotion, an order to go back), so nothing is changed before people have looked. One
 * that has not begun loses its approvals. Messages that wait are looked for before they are posted.
 *
 * Whoever lacks an older entry lacks it for the same reason: nothing happens again. Nor within ten minutes, where two
 * Musters on two copies find each other's entries.
 */
export async function holdEverything(ctx: Context, lost: Position, seenBy: string): Promise<void> {
  const found = await call(ctx, "db.set-back", () =>
    ctx.db.transaction().execute(async (db) => {
      await sql`select pg_advisory_xact_lock(hashtext('muster.set_back'))`.execute(db);
      const noted = await note(db, lost, seenBy);
      if (!noted) return undefined;
      const because = explainSetBack(lost.at, noted.keptAt, seenBy);
      // Runs before cards, as every journal write goes.
      const runs = await sayHold(db, noted.id, because);
      await sql`
        update muster.card set attempts = greatest(attempts, 1), wanted_version = wanted_version + 1
         where run = any(${runs}::text[])`.execute(db);
      await sql`
        update muster.outbox set state = 'sending' where state = 'waiting' and thread not like 'mail:%'`.execute(db);
      await tellSetBack({ ...ctx, db }, { id: noted.id, because, runs });
      return { because, runs };
    }),
  );
  if (!found) return;
  wakeOutbox();
  ctx.log.error(found, "the journal is older than the world; every run is held");
  await Promise.all(found.runs.map((run) => ctx.ring(run)));
}

type Noted = { id: number; keptAt: Date | null };

/** Looks once more, where it is written: another connection may lead to a server that is behind. */
async function note(db: Db, lost: Position, seenBy: string): Promise<Noted | undefined> {
  const { rows } = await sql<Noted>`
    with news as (
      select 1 where not ${stands(lost)}
         and not exists (
           select from muster.set_back where next_seq > ${lost.seq} or found_at > muster.now() - interval '10 minutes'))
    insert into muster.set_back (lost_seq, lost_at, kept_at, seen_by, next_seq)
    select ${lost.seq}, ${lost.at}, (select at from muster.step_event where at < ${lost.at} order by seq desc limit 1),
           ${seenBy},
           setval('muster.step_event_seq_seq',
                  greatest((select last_value from muster.step_event_seq_seq), ${lost.seq}::bigint) + ${numbersLeftOut})
      from news
    returning id, kept_at as "keptAt"`.execute(db);
  return rows[0];
}

/** Says it to every open run, and takes it from whoever drives it: what that process remembers of it may be forgotten here. */
async function sayHold(db: Db, id: number, because: string): Promise<string[]> {
  const { rows } = await sql<{ run: string }>`
    with due as (select id from muster.run where ended_at is null order by id for no key update),
    open as (
      update muster.run r
         set next_wake_at = least(next_wake_at, muster.now()), signals = signals + 1, epoch = epoch + ${epochsLeftOut},
             owner = null, lease_until = null
        from due where r.id = due.id returning r.id, r.signals)
    insert into muster.signal (run, seq, key, verb, payload, by)
    select id, signals, ${`set-back:${id}`}, 'hold', ${JSON.stringify({ because })}::jsonb, ${muster} from open
    returning run`.execute(db);
  return rows.map(({ run }) => run);
}

/** Says what the journal lacks, as part of a sentence. Pure. */
export function explainSetBack(lostAt: Date, keptAt: Date | null, seenBy: string): string {
  const since = keptAt ? `, and perhaps everything since ${time(keptAt)}` : "";
  return `Muster's database was set back to an older copy: its journal lacks an entry of ${time(lostAt)} that ${seenBy} has seen${since}`;
}

const time = (at: Date): string => `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
