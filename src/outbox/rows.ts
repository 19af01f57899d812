import { sql } from "kysely";
import type { Db } from "../db/connect.ts";
import type { Card, MessagePayload, Taken } from "./sender.ts";

/** Wall seconds a row belongs to whoever took it; who lives and works on it keeps it longer: see `holding`. */
export const takenSeconds = 45;

export type TakenMessage = Taken & {
  thread: string;
  dedupe_key: string;
  payload: MessagePayload;
  /** It was being sent before, and nobody noted the outcome. */
  again: boolean;
};

/** Whether an outbox row "earlier" is to go out before the row "one". */
const waitsBefore = sql`earlier.seq < one.seq and earlier.state in ('waiting', 'sending')`;

/**
 * Whether it is the turn of the row "one": nothing earlier of its thread is on its way; what is told of a run has its card
 * to stand under, and its chart comes when everything before it was said.
 */
const itsTurn = sql`
  not exists (select from muster.outbox as earlier where earlier.thread = one.thread and ${waitsBefore})
  and (split_part(one.thread, ':', 1) not in ('run', 'chart')
       or exists (select from muster.card
                   where card.run = substr(one.thread, strpos(one.thread, ':') + 1) and card.remote_ref is not null))
  and (one.thread not like 'chart:%'
       or not exists (select from muster.outbox as earlier
                       where earlier.thread = 'run:' || substr(one.thread, 7) and ${waitsBefore}))`;

/**
 * Takes the first message that is due of one kind of thread and whose turn it is, or returns undefined. From then on it may
 * have arrived; but of a mail, after which nobody can look, that is noted as its last word leaves: see `markLeaving`.
 */
export async function takeMessage(db: Db, kind: string): Promise<TakenMessage | undefined> {
  const { rows } = await sql<TakenMessage>`
    with head as (
      select seq, state = 'sending' as again from muster.outbox as one
       where state in ('waiting', 'sending') and split_part(thread, ':', 1) = ${kind}
         and next_at <= (select muster.now()) and (taken_until is null or taken_until <= clock_timestamp())
         and ${itsTurn}
       order by seq limit 1 for update skip locked)
    update muster.outbox as taken
       set state = case when ${kind} = 'mail' then state else 'sending' end, attempts = attempts + 1,
           taken_until = clock_timestamp() + make_interval(secs => ${takenSeconds})
      from head where taken.seq = head.seq
    returning taken.seq, thread, dedupe_key, payload, attempts, again`.execute(db);
  return rows[0];
}

/** Takes everything that waits behind a mail in its thread, up to `most`, when that is at least `least`; else nothing. */
export async function takeBehind(
  db: Db,
  { thread, seq }: { thread: string; seq: number },
  { least, most }: { least: number; most: number },
): Promise<(Taken & { payload: MessagePayload })[]> {
  const { rows } = await sql<Taken & { payload: MessagePayload }>`
    with behind as (
      select seq from muster.outbox where thread = ${thread} and seq > ${seq} and state = 'waiting'
       order by seq limit ${most} for update),
    taken as (
      update muster.outbox as one
         set attempts = attempts + 1, taken_until = clock_timestamp() + make_interval(secs => ${takenSeconds})
       where seq in (select seq from behind) and (select count(*) from behind) >= ${least}
      returning one.seq, attempts, payload)
    select seq, attempts, payload from taken order by seq`.execute(db);
  return rows;
}

/** Those of these messages that are still in the hands of whoever took them so. */
const stillTaken = (taken: readonly Taken[]) => sql`
  select seq from muster.outbox as one
    join unnest(${taken.map(({ seq }) => seq)}::bigint[], ${taken.map(({ attempts }) => attempts)}::int[])
         as ours(seq, attempts) using (seq, attempts)
   where taken_until is not null order by seq for update of one`;

/**
 * Keeps a message for another while. False when another process has it, and then nothing of it may be sent: asked before
 * each post that nobody could take back.
 */
export async function keepMessage(db: Db, taken: Taken): Promise<boolean> {
  return inTime(async () => {
    const { numAffectedRows } = await sql`
      with ours as (${stillTaken([taken])})
      update muster.outbox as one set taken_until = clock_timestamp() + make_interval(secs => ${takenSeconds})
        from ours where one.seq = ours.seq`.execute(db);
    return Number(numAffectedRows) > 0;
  });
}

/** What a process heard long after it asked, because it was frozen, is not true any more. */
async function inTime(isOurs: () => Promise<boolean>): Promise<boolean> {
  const askedAt = performance.now();
  return (await isOurs()) && performance.now() - askedAt < (takenSeconds * 1000) / 3;
}

/** Notes that from now on these messages may have arrived. False, and nothing is noted, when one of them is not ours any more. */
export async function markLeaving(db: Db, taken: readonly Taken[]): Promise<boolean> {
  const { numAffectedRows } = await sql`
    with ours as (${stillTaken(taken)})
    update muster.outbox as one
       set state = 'sending', taken_until = clock_timestamp() + make_interval(secs => ${takenSeconds})
      from ours where one.seq = ours.seq and (select count(*) from ours) = ${taken.length}`.execute(db);
  return Number(numAffectedRows) > 0;
}

/** How a try ended. What is doubtful stays "sending", so that the next try looks first. */
export type MessageEnd = {
  state: "waiting" | "sending" | "sent" | "parked";
  /** Before the next try. */
  afterSeconds?: number;
  because?: string;
  ref?: string;
  /** Nothing was tried: what is parked with no try was refused by nobody. */
  untried?: true;
};

/** Notes how a try of these messages ended; not of those that another process has taken meanwhile. */
export async function settleMessage(db: Db, taken: readonly Taken[], end: MessageEnd): Promise<void> {
  const { state, afterSeconds = 0, because = null, ref = null, untried = false } = end;
  await sql`
    with ours as (${stillTaken(taken)})
    update muster.outbox as one
       set state = ${state}, taken_until = null, because = ${because},
           attempts = case when ${untried}::boolean then 0 else one.attempts end, remote_ref = coalesce(${ref}, remote_ref),
           next_at = muster.now() + make_interval(secs => ${afterSeconds}),
           sent_at = case when ${state} = 'sent' then muster.now() end
      from ours where one.seq = ours.seq`.execute(db);
}

export type TakenCard = {
  run: string;
  channel: string;
  wanted_version: number;
  attempts: number;
  remote_ref: string | null;
};

/** A card is drawn from the whole journal: one of a run that a newer Muster has is left to it. */
const readBy = (engineVersion: number) => sql`
  exists (select from muster.run where run.id = card.run and run.engine_version <= ${engineVersion})`;

/** Takes a card that shows less than is wanted and is due, or returns undefined. */
export async function takeCard(db: Db, engineVersion: number): Promise<TakenCard | undefined> {
  const { rows } = await sql<TakenCard>`
    update muster.card set attempts = attempts + 1, taken_until = clock_timestamp() + make_interval(secs => ${takenSeconds})
     where run = (select run from muster.card
                   where wanted_version > sent_version and next_at <= (select muster.now())
                     and (taken_until is null or taken_until <= clock_timestamp()) and ${readBy(engineVersion)}
                   order by next_at limit 1 for update skip locked)
    returning run, channel, wanted_version, attempts, remote_ref`.execute(db);
  return rows[0];
}

/** Keeps a card for another while, like `keepMessage`. */
export async function keepCard(db: Db, { run, ref, attempts }: Card): Promise<boolean> {
  return inTime(async () => {
    const { numAffectedRows } = await sql`
      update muster.card set taken_until = clock_timestamp() + make_interval(secs => ${takenSeconds})
       where run = ${run} and attempts = ${attempts} and remote_ref is not distinct from ${ref ?? null}
         and taken_until is not null`.execute(db);
    return Number(numAffectedRows) > 0;
  });
}

/**
 * Notes that a card shows a version (or that no version like it can be shown), and when it may be edited next; not when
 * another process has taken it meanwhile.
 */
export async function settleCard(
  db: Db,
  { run, attempts }: Pick<TakenCard, "run" | "attempts">,
  shown: { version: number; ref?: string; because?: string; afterSeconds: number },
): Promise<void> {
  await sql`
    update muster.card
       set sent_version = greatest(sent_version, ${shown.version}), attempts = 0, taken_until = null,
           remote_ref = coalesce(${shown.ref ?? null}, remote_ref), because = ${shown.because ?? null},
           next_at = muster.now() + make_interval(secs => ${shown.afterSeconds})
     where run = ${run} and attempts = ${attempts}`.execute(db);
}

/** Lets a card be tried again later, unless another process has taken it. Its attempts stay, so that the next try looks first. */
export async function postponeCard(
  db: Db,
  { run, attempts }: Pick<TakenCard, "run" | "attempts">,
  { afterSeconds, because, arrivedNot }: { afterSeconds: number; because: string; arrivedNot: boolean },
): Promise<void> {
  await sql`
    update muster.card
       set taken_until = null, because = ${because}, attempts = case when ${arrivedNot} then 0 else attempts end,
           next_at = muster.now() + make_interval(secs => ${afterSeconds})
     where run = ${run} and attempts = ${attempts}`.execute(db);
}

/** Of one kind of thread, or of the cards: when the next thing is to go out, and whether that moment is here. */
export type LaneDue = { lane: string; due: Date; isDue: boolean };

/** The lane of cards, beside the kinds of threads. */
export const cardLane = "cards";

/** Finds when the next thing of each lane is to go out; of cards, those of runs that this engine version reads. */
export async function findDue(db: Db, engineVersion: number): Promise<LaneDue[]> {
  const { rows } = await sql<LaneDue>`
    select lane, min(next_at) as due, min(next_at) <= (select muster.now()) as "isDue"
      from (select split_part(thread, ':', 1) as lane, next_at from muster.outbox as one
             where state in ('waiting', 'sending') and ${itsTurn}
            union all
            select ${cardLane}, next_at from muster.card
             where wanted_version > sent_version and ${readBy(engineVersion)}) as waiting
     group by lane`.execute(db);
  return rows;
}
