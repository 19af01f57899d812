import { sql } from "kysely";
import type { Place } from "../src/chat.ts";
import type { Db } from "../src/db/connect.ts";
import { approvalSeconds } from "../src/engine/decide.ts";
import type { EventBody } from "../src/engine/events.ts";
import { engineVersion } from "../src/engine/lease.ts";
import type { Plan } from "../src/engine/plan.ts";
import type { Json } from "../src/engine/step.ts";
import { tell } from "../src/engine/tell.ts";
import { fold } from "../src/engine/view.ts";
import { wakeOutbox } from "../src/outbox/wake.ts";

export type NewRun = {
  id: string;
  job: string;
  plan: Plan;
  facts: Json;
  planHash: string;
  by: string;
  place: Place;
  /** Where its card lives. */
  channel: string;
  reason?: string;
  parent?: string;
};

/** Writes a proposed run, its first event, what people hear of it and its card, in one statement. Twice is once. */
export async function insertRun(db: Db, run: NewRun): Promise<void> {
  const { id, job, plan, facts, planHash, by, place, channel, reason = null, parent = null } = run;
  const event: EventBody = { kind: "proposed", by, planHash, ...(reason === null ? {} : { reason }) };
  const { kind, ...payload } = event;
  const { line = null } = tell({ id, plan }, fold(plan, []), event, new Date(0));
  await sql`
    with r as (
      insert into muster.run (id, job, title, plan, facts, plan_hash, engine_version, requested_by, reason, place, parent,
                              approve_until, next_wake_at)
      values (${id}, ${job}, ${plan.title}, ${JSON.stringify(plan)}::jsonb, ${JSON.stringify(facts)}::jsonb, ${planHash},
              ${engineVersion}, ${by}, ${reason}, ${JSON.stringify(place)}::jsonb, ${parent},
              muster.now() + make_interval(secs => ${approvalSeconds}), muster.now())
      on conflict (id) do nothing
      returning id),
    e as (
      insert into muster.step_event (run, kind, epoch, payload)
      select id, ${kind}, 0, ${JSON.stringify(payload)}::jsonb from r),
    t as (insert into muster.timeline (run, line) select id, ${line}::text from r where ${line}::text is not null)
    insert into muster.card (run, channel) select id, ${channel} from r`.execute(db);
  wakeOutbox();
}
