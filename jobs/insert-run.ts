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
import type { MessagePayload } from "../src/outbox/sender.ts";
import { wakeOutbox } from "../src/outbox/wake.ts";
import { currentTrace } from "../src/trace.ts";

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

/** Writes a proposed run, its first event, what people hear of it, its card and its mails, in one statement. Twice is once. */
export async function insertRun(db: Db, run: NewRun): Promise<void> {
  const { id, job, plan, facts, planHash, by, place, channel, reason = null, parent = null } = run;
  const event: EventBody = { kind: "proposed", by, planHash, ...(reason === null ? {} : { reason }) };
  const { kind, ...payload } = event;
  const { line = null } = tell({ id, plan }, fold(plan, []), event, new Date(0));
  await sql`
    with r as (
      insert into muster.run (id, job, title, plan, facts, plan_hash, engine_version, requested_by, reason, place, parent,
                              approve_until, next_wake_at, trace)
      values (${id}, ${job}, ${plan.title}, ${JSON.stringify(plan)}::jsonb, ${JSON.stringify(facts)}::jsonb, ${planHash},
              ${engineVersion}, ${by}, ${reason}, ${JSON.stringify(place)}::jsonb, ${parent},
              muster.now() + make_interval(secs => ${approvalSeconds}), muster.now(), ${currentTrace() ?? null})
      on conflict (id) do nothing
      returning id),
    e as (
      insert into muster.step_event (run, kind, epoch, payload)
      select id, ${kind}, 0, ${JSON.stringify(payload)}::jsonb from r),
    t as (insert into muster.timeline (run, line) select id, ${line}::text from r where ${line}::text is not null),
    m as (
      insert into muster.outbox (thread, dedupe_key, payload)
      select 'mail:' || person, 'proposed:' || id || ':' || person, ${JSON.stringify(mailOf(run, line))}::jsonb
        from r, unnest(${toldBy(run)}::text[]) person)
    insert into muster.card (run, channel) select id, ${channel} from r`.execute(db);
  wakeOutbox();
}

/** Who could approve a run hears of it by mail as well. Nobody is bothered with one that cannot be approved. */
const toldBy = ({ plan, by }: NewRun): string[] =>
  plan.needed > 0 && plan.blockers.length === 0 ? plan.approvers.filter((name) => name !== by) : [];

const mailOf = ({ id, plan, by }: NewRun, line: string | null): MessagePayload => ({
  subject: `[Muster] ${by} asks to ${plan.title}`.slice(0, 150),
  lines: [
    line ?? `${by} asked to ${plan.title}.`,
    `Nothing has been changed, and nothing will be unless ${plan.needed} approvers other than ${by} say so within 15 minutes.`,
    `Read the plan on its card in Slack, or in a terminal: muster runs show ${id}, then muster runs approve ${id} --code <code>.`,
  ],
  runId: id,
});
