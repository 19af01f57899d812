import { sql } from "kysely";
import { call } from "../call.ts";
import type { Signal, Verb } from "./events.ts";
import { LeaseLost, type EngineContext, type Lease } from "./lease.ts";

export type NewSignal = {
  /** Names this saying for ever: a click that is delivered twice counts once. */
  key: string;
  verb: Verb;
  step?: string;
  /** Which time that step was parked, where the person saw that. */
  park?: number;
  by: string;
  /** Of the plan the person saw. */
  planHash?: string;
};

/** What became of a signal: written, known already, or there is no such run (any more). */
export type Sent = "sent" | "known" | "no such run" | "over";

/**
 * Says something to a run, which wakes up. Ring it afterwards. It takes effect at most once, and whoever drives the run
 * answers it: with the deed, or with a refusal that says why.
 */
export async function sendSignal(
  ctx: Pick<EngineContext, "db" | "point" | "activity" | "callTimeoutMs" | "log" | "redact">,
  runId: string,
  { key, verb, by, step, park, planHash }: NewSignal,
): Promise<Sent> {
  const payload = JSON.stringify({ step, park, planHash });
  const { rows } = await call(ctx, "db.signal", () =>
    // The counter on the run row is what a driver's release checks: rows of other tables it could not see in time.
    sql<{ found: boolean; over: boolean; sent: boolean }>`
      with r as (
        update muster.run
           set next_wake_at = least(next_wake_at, muster.now()), signals = signals + 1
         where id = ${runId} and ended_at is null
        returning id, signals),
      s as (
        insert into muster.signal (run, seq, key, verb, payload, by)
        select id, signals, ${key}, ${verb}, ${payload}::jsonb, ${by} from r
        on conflict (run, key) do nothing
        returning seq)
      select exists (select from muster.run where id = ${runId}) as found,
             not exists (select from r) as over, exists (select from s) as sent`.execute(ctx.db),
  );
  const [row] = rows;
  if (!row?.found) return "no such run";
  if (row.over) return "over";
  return row.sent ? "sent" : "known";
}

/** Tells whether a run was said this, under this key. */
export async function wasSaid({ db }: Pick<EngineContext, "db">, runId: string, key: string): Promise<boolean> {
  const { rows } = await sql`select 1 from muster.signal where run = ${runId} and key = ${key}`.execute(db);
  return rows.length > 0;
}

type Row = {
  epoch: number;
  counter: number;
  seq: number | null;
  verb: Verb;
  by: string;
  at: Date;
  payload: { step?: string; park?: number; planHash?: string; because?: string };
};

/** Reads what was said since a signal, and the counter that a release must find unmoved. One snapshot holds both. */
export async function readSignals(
  ctx: EngineContext,
  lease: Lease,
  after: number,
): Promise<{ counter: number; signals: Signal[] }> {
  const { rows } = await call(ctx, "db.read-signals", () =>
    sql<Row>`
      select r.epoch, r.signals as counter, s.seq, s.verb, s.by, s.at, s.payload
        from muster.run r left join muster.signal s on s.run = r.id and s.seq > ${after}
       where r.id = ${lease.runId} order by s.seq`.execute(ctx.db),
  );
  const [first] = rows;
  if (!first || first.epoch !== lease.epoch) {
    lease.forget("another worker took it over");
    throw new LeaseLost(lease.runId, "another worker took it over");
  }
  const signals = rows.flatMap(({ seq, verb, by, at, payload }) =>
    seq === null ? [] : [{ seq, verb, by, at, ...payload }],
  );
  return { counter: first.counter, signals };
}
