import { sql } from "kysely";
import type { Db } from "../db/connect.ts";
import { putOut } from "../outbox/put.ts";
import type { Message } from "../outbox/sender.ts";
import type { Received } from "./delivery.ts";

/** Wall seconds a delivery belongs to whoever took it without renewal. */
export const takenSeconds = 20;

/** Takes the oldest delivery that nobody works on, or returns undefined. */
export async function takeReceived(db: Db): Promise<Received | undefined> {
  const { rows } = await sql<Received>`
    update muster.inbox set tries = tries + 1, taken_until = clock_timestamp() + make_interval(secs => ${takenSeconds})
     where seq = (select seq from muster.inbox
                   where processed_at is null and source = 'slack'
                     and (taken_until is null or taken_until <= clock_timestamp())
                   order by seq limit 1 for update skip locked)
    returning seq, delivery_key as "deliveryKey", tries, body as delivery`.execute(db);
  return rows[0];
}

/** Keeps a delivery while its command works: preflight may take longer than the first claim. */
export async function renew(db: Db, seq: number): Promise<void> {
  await sql`
    update muster.inbox set taken_until = clock_timestamp() + make_interval(secs => ${takenSeconds})
     where seq = ${seq} and processed_at is null`.execute(db);
}

/** Lets a delivery be tried again after so many wall seconds. */
export async function postpone(db: Db, seq: number, seconds: number): Promise<void> {
  await sql`
    update muster.inbox set taken_until = clock_timestamp() + make_interval(secs => ${seconds})
     where seq = ${seq} and processed_at is null`.execute(db);
}

/** Closes a delivery with its answer, in one transaction: of two who worked on it, one is heard. */
export async function conclude(db: Db, seq: number, answer: Message): Promise<void> {
  await db.transaction().execute(async (inside) => {
    const { numAffectedRows } = await sql`
      update muster.inbox set processed_at = muster.now(), taken_until = null
       where seq = ${seq} and processed_at is null`.execute(inside);
    if (numAffectedRows) await putOut(inside, answer);
  });
}
