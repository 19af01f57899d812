import { sql } from "kysely";
import type { Context } from "../context.ts";
import type { Db } from "../db/connect.ts";

/** Hours after which what never went out is no news any more, once its run is over. */
const newsHours = 24;

/** So many in one statement: years without a mail server are left out in more than one. */
const mostAtOnce = 5000;

const because = "it never went out within a day, and its run is over: too old to be told";

/**
 * Parks what nobody is to be bothered with any more: a mail, a line or a card that no server could take out for a day, because
 * none had a sender for it, or none ran. A run that is open keeps all of its own, and a thread of which anything was tried is
 * told to its end: whoever shut Muster out lets it in again. A mail that is of no run waits for a server that sends mail.
 * Where something newer is to be told in a thread, its card is shown. The status page is told all: an incident that was begun
 * there is ended there.
 */
export async function parkTooOld({ db }: Pick<Context, "db">): Promise<void> {
  while ((await parkSome(db)) === mostAtOnce);
}

async function parkSome(db: Db): Promise<number> {
  // A card that lost its place has no try of its own any more: what was said of its run tells that it stood once.
  const { numAffectedRows } = await sql`
    with day_ago as (select muster.now() - make_interval(hours => ${newsHours}) as at),
    tried as (
      select distinct thread from muster.outbox
       where state in ('waiting', 'sending') and (attempts > 0 or state = 'sending')),
    unshown as (
      select card.run from muster.card join muster.run on run.id = card.run, day_ago
       where card.remote_ref is null and card.attempts = 0 and card.taken_until is null and run.ended_at < day_ago.at
         and (card.because is null or card.because = ${because})
         and not exists (select from muster.outbox as said
                          where substr(said.thread, strpos(said.thread, ':') + 1) = card.run
                            and split_part(said.thread, ':', 1) in ('run', 'chart')
                            and (said.attempts > 0 or said.state = 'sending'))),
    cards as (
      update muster.card set sent_version = wanted_version, because = ${because}
        from unshown, day_ago
       where card.run = unshown.run and wanted_version > sent_version
         and not exists (select from muster.outbox as news
                          where news.thread in ('run:' || card.run, 'chart:' || card.run)
                            and news.state in ('waiting', 'sending') and news.put_at >= day_ago.at))
    update muster.outbox set state = 'parked', because = ${because}
     where seq in (
       select seq from muster.outbox as one, day_ago
        where state = 'waiting' and attempts = 0 and taken_until is null and put_at < day_ago.at
          and thread not in (select thread from tried)
          and case split_part(thread, ':', 1)
                when 'run' then substr(thread, 5) in (select run from unshown)
                when 'chart' then substr(thread, 7) in (select run from unshown)
                when 'statuspage' then false
                else (thread not like 'mail:%' or payload ->> 'runId' is not null)
                     and not exists (select from muster.run where run.id = one.payload ->> 'runId' and run.ended_at is null)
              end
        limit ${mostAtOnce} for update of one skip locked)`.execute(db);
  return Number(numAffectedRows ?? 0);
}
