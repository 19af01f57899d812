import { sql } from "kysely";
import type { Place } from "../../src/chat.ts";
import type { Db } from "../../src/db/connect.ts";
import { approvalSeconds } from "../../src/engine/decide.ts";
import type { EventBody } from "../../src/engine/events.ts";
import { engineVersion as ours } from "../../src/engine/lease.ts";
import type { Plan } from "../../src/engine/plan.ts";
import type { Json } from "../../src/engine/step.ts";
import { tell } from "../../src/engine/tell.ts";
import type { Tell } from "../../src/engine/told.ts";
import { isBroken } from "../../src/engine/break-glass.ts";
import { fold } from "../../src/engine/fold.ts";
import type { MessagePayload } from "../../src/outbox/sender.ts";
import { wakeOutbox } from "../../src/outbox/wake.ts";
import { currentTrace } from "../../src/trace.ts";

export type NewRun = {
  id: string;
  job: string;
  plan: Plan;
  facts: Json;
  planHash: string;
  /** Unset: that of this code. */
  engineVersion?: number;
  by: string;
  place: Place;
  /** Where its card lives. */
  channel: string;
  /** Where those hear of it who do not work on it, when somebody breaks glass. */
  executives?: string;
  reason?: string;
  parent?: string;
};

/** Writes a proposed run, its first event, what people hear of it, its card and its mails, in one statement. Twice is once. */
export async function insertRun(db: Db, run: NewRun): Promise<void> {
  const { id, job, plan, facts, planHash, by, place, channel, reason = null, parent = null } = run;
  const { engineVersion = ours } = run;
  const event: EventBody = {
    kind: "proposed",
    by,
    planHash,
    ...(reason === null ? {} : { reason }),
    ...(plan.breakGlass ? { breakGlass: plan.breakGlass } : {}),
  };
  const { kind, ...payload } = event;
  const told = tell({ id, plan }, fold(plan, []), event, new Date(0));
  const { line = null } = told;
  const posts = JSON.stringify([...mailsOf(run, told), ...postsOf(run, told)]);
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
      select x.thread, 'proposed:' || id || ':' || x.key, x.payload
        from r, jsonb_to_recordset(${posts}::jsonb) x(thread text, key text, payload jsonb))
    insert into muster.card (run, channel) select id, ${channel} from r`.execute(db);
  wakeOutbox();
}

type Post = { thread: string; key: string; payload: MessagePayload };

/**
 * Who could approve a run hears of it by mail as well. Nobody is bothered with one that cannot be approved; but that glass
 * was broken is told to every approver, whoever did it and whatever comes of it.
 */
function mailsOf(run: NewRun, told: Tell): Post[] {
  const { plan, by } = run;
  const open = plan.needed > 0 && plan.blockers.length === 0;
  const asked = open ? plan.approvers.filter((name) => name !== by) : [];
  return (plan.breakGlass ? plan.approvers : asked).map((person) => ({
    thread: `mail:${person}`,
    key: person,
    payload: mailOf(run, told, open),
  }));
}

function mailOf({ id, plan, by }: NewRun, { line, mail }: Tell, open: boolean): MessagePayload {
  const others = isBroken(plan, "requester") ? "" : ` other than ${by}`;
  const people = plan.needed === 1 ? "one approver" : `${plan.needed} approvers`;
  return {
    subject: (mail?.subject ?? `[Muster] ${by} asks to ${plan.title}`).slice(0, 150),
    lines: [
      ...(mail?.lines ?? [line ?? `${by} asked to ${plan.title}.`]),
      ...againstIt(plan),
      ...(open
        ? [
            `Nothing has been changed, and nothing will be unless ${people}${others} ${plan.needed === 1 ? "says" : "say"} so within 15 minutes.`,
            `Read the plan on its card in Slack, or in a terminal: muster runs show ${id}, then muster runs approve ${id} --code <code>.`,
          ]
        : ["Nothing has been changed, and it cannot be approved as things are."]),
    ],
    runId: id,
  };
}

/** What whoever approves by a mail must have read; of a whole region's warnings those that come first. */
function againstIt({ warnings, blockers }: Plan): string[] {
  const left = warnings.length - mostWarnings;
  return [
    ...blockers.map((blocker) => `Cannot be approved: ${blocker}.`),
    ...warnings.slice(0, mostWarnings).map((warning) => `Warning: ${warning}`),
    ...(left > 0 ? [`And ${left} more ${left === 1 ? "warning" : "warnings"}.`] : []),
  ];
}

const mostWarnings = 20;

/** Broken glass is told in the run's thread, with everybody's name, and to the executives. */
function postsOf({ id, executives, channel }: NewRun, { milestone }: Tell): Post[] {
  if (!milestone) return [];
  const elsewhere = executives !== undefined && executives !== channel;
  return [
    { thread: `run:${id}`, key: "thread", payload: { ...milestone, runId: id } },
    ...(elsewhere
      ? [{ thread: `channel:${executives}`, key: "executives", payload: { lines: milestone.lines, runId: id } }]
      : []),
  ];
}
