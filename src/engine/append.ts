import { sql, type RawBuilder } from "kysely";
import { call } from "../call.ts";
import type { MessagePayload } from "../outbox/sender.ts";
import { wakeOutbox } from "../outbox/wake.ts";
import type { EventBody, Outcome } from "./events.ts";
import { stands } from "./high-water.ts";
import type { EngineContext, Lease } from "./lease.ts";
import type { Tell } from "./told.ts";

/** What happens to the run's own row in the statement that journals why. */
export type Move =
  /** Locks what the plan names; another run's lock makes the statement fail with ServiceLocked. */
  | { to: "approved"; locks: string[] }
  | { to: "running" }
  /** Frees the locks. Only while no signal came that was not read: `signals` is the count that was read. */
  | { to: "ended"; outcome: Outcome; signals: number };

export type Entry = { event: EventBody; tell: Tell };

/** What the database gave each event, in their order. */
export type Written = { seq: number; at: Date }[];

/** Another run holds a lock that an approval needs. */
export class ServiceLocked extends Error {}

/**
 * Journals events, and what people hear of them, in one statement that commits by itself and holds only while the epoch
 * is mine: a worker that was taken over writes nothing. Nor is anything written to a journal that lacks what this process
 * has seen in it. Returns undefined when it wrote nothing.
 *
 * `for share` waits for a take-over that is under way and then finds nothing. It must not be followed by an update of the
 * run in one transaction (two of them deadlock): a move is an update that takes the row lock itself.
 */
export async function append(
  ctx: EngineContext,
  { runId, epoch }: Lease,
  entries: Entry[],
  move?: Move,
): Promise<Written | undefined> {
  const events = JSON.stringify(rowsOf(entries.map((entry) => entry.event)));
  const lines = JSON.stringify(entries.flatMap(({ tell }, n) => (tell.line ? [{ n: n + 1, line: tell.line }] : [])));
  const posts = JSON.stringify(
    entries.flatMap(({ tell }, n) => postsOf(runId, tell).map((post) => ({ n: n + 1, ...post }))),
  );
  const statement = sql<{ seq: number | null; at: Date }>`
    with ${headOf(ctx, { runId, epoch }, move)},
    e as (
      insert into muster.step_event (run, step, kind, epoch, payload, signal)
      select mine.id, x.step, x.kind, ${epoch}, x.payload, x.signal
        from mine, jsonb_to_recordset(${events}::jsonb) x(n int, step text, kind text, payload jsonb, signal int)
       order by x.n
      returning seq, at),
    numbered as (select seq, at, row_number() over (order by seq) as n from e),
    lines as (
      insert into muster.timeline (run, at, line)
      select ${runId}, numbered.at, t.line
        from numbered join jsonb_to_recordset(${lines}::jsonb) t(n int, line text) using (n) order by n),
    posts as (
      insert into muster.outbox (thread, dedupe_key, payload)
      select t.thread, ${runId} || ':' || numbered.seq || ':' || t.k, t.payload
        from numbered join jsonb_to_recordset(${posts}::jsonb) t(n int, k int, thread text, payload jsonb) using (n)
       order by n, k),
    drawn as (
      update muster.card set wanted_version = wanted_version + 1
       where run in (select id from mine union all select r.parent from muster.run r join mine using (id)))
    select numbered.seq, numbered.at from mine left join numbered on true order by numbered.seq`;
  const { rows } = await call(ctx, `db.journal ${writes(entries, move)}`, () =>
    statement.execute(ctx.db).catch(explain),
  );
  if (rows.length === 0) return undefined;
  wakeOutbox();
  const written = rows.flatMap(({ seq, at }) => (seq === null ? [] : [{ seq, at }]));
  ctx.highWater.raise(written.at(-1));
  return written;
}

/** The first part of the statement: finds the run if it is still mine, and moves it where that is asked for. */
function headOf(
  { highWater }: EngineContext,
  { runId, epoch }: Pick<Lease, "runId" | "epoch">,
  move: Move | undefined,
): RawBuilder<unknown> {
  const mine = sql`id = ${runId} and epoch = ${epoch} and ended_at is null and ${stands(highWater.position)}`;
  switch (move?.to) {
    case undefined:
      return sql`mine as (select id from muster.run where ${mine} for share)`;
    case "approved":
      // In one order, so that two runs over the same services wait for each other instead of in a circle.
      return sql`
        mine as (update muster.run set state = 'approved' where ${mine} returning id),
        locks as (
          insert into muster.run_service (service, run)
          select wanted.service, mine.id from mine, unnest(${move.locks.toSorted()}::text[]) wanted(service)
           where not exists (select from muster.run_service x where x.service = wanted.service and x.run = mine.id)
           order by wanted.service)`;
    case "running":
      return sql`mine as (update muster.run set state = 'running' where ${mine} returning id)`;
    case "ended":
      return sql`
        mine as (
          update muster.run
             set state = ${move.outcome}, outcome = ${move.outcome}, ended_at = muster.now(),
                 owner = null, lease_until = null, next_wake_at = null
           where ${mine} and signals = ${move.signals} returning id),
        freed as (delete from muster.run_service where run in (select id from mine))`;
  }
}

/** Says what a journal write is about: crash points and slow log lines name it. */
function writes([first]: Entry[], move: Move | undefined): string {
  if (!first) return move?.to ?? "nothing";
  const { event } = first;
  return "step" in event ? `${event.kind} ${event.step}` : event.kind;
}

/** Events as rows. A signal is answered once: where one has several events, the first carries it in its column. */
function rowsOf(events: EventBody[]) {
  const answered = new Set<number>();
  return events.map((event, index) => {
    const { kind, ...rest } = event;
    const { step, ...payload } = "step" in rest ? rest : { ...rest, step: undefined };
    const answers = "signal" in event ? event.signal : undefined;
    const signal = answers === undefined || answered.has(answers) ? null : answers;
    if (signal !== null) answered.add(signal);
    return { n: index + 1, step: step ?? null, kind, payload, signal };
  });
}

/** What goes out because of an event, each in its thread. Pure. */
export function postsOf(
  runId: string,
  { milestone, chart, mail, announcements = [] }: Tell,
): { k: number; thread: string; payload: MessagePayload }[] {
  const posts: { thread: string; payload: MessagePayload }[] = [];
  if (milestone) posts.push({ thread: `run:${runId}`, payload: { ...milestone, runId } });
  if (chart) posts.push({ thread: `chart:${runId}`, payload: { ...chart, runId } });
  for (const person of mail?.people ?? []) {
    const { subject, lines } = mail as NonNullable<Tell["mail"]>;
    posts.push({ thread: `mail:${person}`, payload: { subject, lines, runId } });
  }
  for (const { to, payload } of announcements) posts.push({ thread: `${to}:${runId}`, payload: { ...payload, runId } });
  return posts.map((post, k) => ({ k, ...post }));
}

function explain(error: unknown): never {
  const { code, constraint } = error as { code?: string; constraint?: string };
  if (code === "23505" && constraint === "run_service_pkey") throw new ServiceLocked("locked", { cause: error });
  throw error;
}
