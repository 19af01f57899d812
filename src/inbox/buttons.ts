import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import type { Button } from "../chat.ts";
import type { Db } from "../db/connect.ts";

/** What a press means. */
export type Meaning = { runId: string; verb: string; step?: string; park?: number; planHash: string };

/**
 * Names a button by a random id of 128 bits and keeps what it means, bound to the run's plan. The same button gets the same
 * id each time it is drawn. Returns undefined when there is no such run.
 */
export async function nameButton(
  db: Db,
  {
    runId,
    verb,
    step = null,
    park = null,
  }: Omit<Button, "label" | "step" | "park"> & {
    step?: string | null;
    park?: number | null;
  },
) {
  const { rows } = await sql<{ id: string }>`
    with wanted as (select id as run, plan_hash from muster.run where id = ${runId}),
         known as (select button.id from muster.button join wanted using (run, plan_hash)
                    where verb = ${verb} and step is not distinct from ${step}
                      and park is not distinct from ${park}::int order by made_at limit 1),
         made as (insert into muster.button (id, run, verb, step, park, plan_hash)
                  select ${randomBytes(16).toString("base64url")}, run, ${verb}, ${step}, ${park}::int, plan_hash from wanted
                   where not exists (select from known) returning id)
    select id from known union all select id from made`.execute(db);
  return rows[0]?.id;
}

/** Finds what a button means, or undefined for an id we never gave. */
export async function findButton(db: Db, id: string): Promise<Meaning | undefined> {
  const { rows } = await sql<{
    runId: string;
    verb: string;
    step: string | null;
    park: number | null;
    planHash: string;
  }>`select run as "runId", verb, step, park, plan_hash as "planHash" from muster.button where id = ${id}`.execute(db);
  const found = rows[0];
  if (!found) return undefined;
  const { step, park, ...rest } = found;
  return { ...rest, ...(step === null ? {} : { step }), ...(park === null ? {} : { park }) };
}

/**
 * Tells whether a message of a run is ours: its card, or a message of its thread or an answer of which we know where it
 * stands ("<channel>/<ts>"). A copy in another place is not.
 */
export async function isOurs(db: Db, runId: string, ref: string): Promise<boolean> {
  const { rows } = await sql`
    select 1 from muster.card where run = ${runId} and remote_ref = ${ref}
    union all
    select 1 from muster.outbox where remote_ref = ${ref} and (thread = ${`run:${runId}`} or payload ->> 'runId' = ${runId})
     limit 1`.execute(db);
  return rows.length > 0;
}
