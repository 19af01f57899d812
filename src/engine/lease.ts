import { sql } from "kysely";
import { call } from "../call.ts";
import type { Context } from "../context.ts";
import { messageOf } from "../errors.ts";
import { stands } from "./high-water.ts";

/**
 * What this code can read and writes: raised by a release that adds a kind of event, or a step, which the release before
 * would misread. A run carries the highest version that held it, and is left to those who read that: servers of two releases
 * may stand side by side, and no run goes back to the older.
 */
export const engineVersion = 1;

/** Another worker holds the run, or may by now. Whatever was under way stops; the journal tells the next one. */
export class LeaseLost extends Error {
  constructor(runId: string, why: string) {
    super(`the lease on run ${runId} is lost: ${why}`);
    this.name = "LeaseLost";
  }
}

/** What the engine's own statements need of the context. */
export type EngineContext = Pick<
  Context,
  | "db"
  | "worker"
  | "engineVersion"
  | "leaseMs"
  | "callTimeoutMs"
  | "point"
  | "activity"
  | "log"
  | "redact"
  | "clock"
  | "hostClock"
  | "meters"
  | "highWater"
>;

type Row = { id: string; epoch: number; before: string | null; late: number; trace: string | null };

/** The right to drive one run, for as long as it is renewed. */
export type Lease = {
  runId: string;
  epoch: number;
  /** Who held it and never gave it back: this lease is a take-over. */
  takenOverFrom?: string;
  /** How long ago the run was due, in clock seconds: so long nobody worked on it. */
  lateSeconds: number;
  /** The trace it was asked for in. */
  trace: string | null;
  /** Fires when the lease is lost, or may be. */
  signal: AbortSignal;
  /** @throws LeaseLost when the lease is over by this process's monotonic clock: it may have slept. */
  check(): void;
  /** Makes sure that a call of so many wall milliseconds ends within the lease. @throws LeaseLost when it cannot. */
  ensure(milliseconds: number): Promise<void>;
  /** Called with the run's count of signals at every renewal. */
  onRenewed(listener: (signals: number) => void): void;
  /** Ends the run's right to run here; "moved" when signals came that were not read yet: read them, decide again. */
  release(wakeAt: Date | undefined, signals: number): Promise<"released" | "moved">;
  /** Gives the run to whoever comes first, so many seconds from now. Tries until the lease would be over. */
  handOver(afterSeconds?: number): Promise<void>;
  /** Takes it as lost: somebody else's epoch was seen. */
  forget(why: string): void;
  /** Stops renewing without a word: the run has ended. */
  close(): void;
};

const interval = (milliseconds: number) => sql`make_interval(secs => ${milliseconds / 1000})`;

/**
 * Takes a run that is due, or returns undefined because it is not, or another worker holds it. Every lease raises the
 * epoch. A run counts as due 20 ms early, because two clocks that show the same are never read at the same moment. None is
 * due in a journal that lacks what this process has seen in it.
 */
export async function leaseRun(ctx: EngineContext, runId: string): Promise<Lease | undefined> {
  const askedAt = performance.now();
  const { rows } = await call(ctx, "db.lease", () =>
    sql<Row>`
      with due as (
        select id, owner as before, extract(epoch from (select muster.now()) - next_wake_at)::float8 as late from muster.run
         where id = ${runId} and ended_at is null and engine_version <= ${ctx.engineVersion}
           and next_wake_at <= (select muster.now() + interval '20 milliseconds' * rate from muster.clock)
           and (owner is null or lease_until < clock_timestamp()) and ${stands(ctx.highWater.position)}
           for no key update)
      update muster.run r
         set owner = ${ctx.worker}, epoch = r.epoch + 1, engine_version = ${ctx.engineVersion},
             lease_until = clock_timestamp() + ${interval(ctx.leaseMs)}
        from due where r.id = due.id
      returning r.id, r.epoch, due.before, due.late, r.trace`.execute(ctx.db),
  );
  return rows[0] && hold(ctx, rows[0], askedAt);
}

/** Takes up to `limit` due runs, the longest due first. Skips rows that somebody is busy with, and those that are not wanted. */
export async function leaseDueRuns(
  ctx: EngineContext,
  limit: number,
  unwanted: readonly string[] = [],
): Promise<Lease[]> {
  const askedAt = performance.now();
  const { rows } = await call(ctx, "db.sweep", () =>
    // Not "for update": an open insert of a signal would hide its run. Not bare muster.now(): it would scan the table.
    sql<Row>`
      with due as (
        select id, owner as before, extract(epoch from (select muster.now()) - next_wake_at)::float8 as late from muster.run
         where ended_at is null and next_wake_at <= (select muster.now()) and engine_version <= ${ctx.engineVersion}
           and (owner is null or lease_until < clock_timestamp()) and id <> all(${unwanted}::text[])
           and ${stands(ctx.highWater.position)}
         order by next_wake_at limit ${limit}
           for no key update skip locked)
      update muster.run r
         set owner = ${ctx.worker}, epoch = r.epoch + 1, engine_version = ${ctx.engineVersion},
             lease_until = clock_timestamp() + ${interval(ctx.leaseMs)}
        from due where r.id = due.id
      returning r.id, r.epoch, due.before, due.late, r.trace`.execute(ctx.db),
  );
  return rows.map((row) => hold(ctx, row, askedAt));
}

/** Finds the live runs that are left to a newer Muster, the oldest first. */
export async function findNewerRuns({
  db,
  engineVersion,
}: Pick<EngineContext, "db" | "engineVersion">): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from muster.run where ended_at is null and engine_version > ${engineVersion} order by proposed_at limit 20`.execute(
    db,
  );
  return rows.map(({ id }) => id);
}

function hold(ctx: EngineContext, { id: runId, epoch, before, late, trace }: Row, askedAt: number): Lease {
  const lost = new AbortController();
  const listeners: ((signals: number) => void)[] = [];
  let over = askedAt + ctx.leaseMs;
  let ended = false;
  ctx.meters?.lease("taken");
  let expiry: NodeJS.Timeout | undefined;

  const end = () => {
    ended = true;
    clearTimeout(expiry);
    clearInterval(renewals);
  };
  const lose = (why: string) => {
    if (lost.signal.aborted || ended) return;
    end();
    ctx.meters?.lease("lost");
    ctx.log.warn({ run: runId, epoch, why }, "lease lost");
    lost.abort(new LeaseLost(runId, why));
  };
  const extend = (from: number) => {
    over = from + ctx.leaseMs;
    clearTimeout(expiry);
    expiry = setTimeout(() => lose("it was not renewed in time"), Math.max(0, over - performance.now()));
  };
  const check = () => {
    if (performance.now() >= over) lose("this process was away for longer than it lasts");
    lost.signal.throwIfAborted();
    if (ended) throw new LeaseLost(runId, "it was given back");
  };
  const renew = async () => {
    const from = performance.now();
    if (from >= over) return lose("this process was away for longer than it lasts");
    const { rows } = await call(ctx, "db.renew", () =>
      sql<{ signals: number }>`
        update muster.run set lease_until = clock_timestamp() + ${interval(ctx.leaseMs)}
         where id = ${runId} and epoch = ${epoch} and owner = ${ctx.worker} returning signals`.execute(ctx.db),
    );
    if (ended) return;
    const [row] = rows;
    if (!row) return lose("another worker took it over");
    if (performance.now() >= over) return lose("this process was away for longer than it lasts");
    extend(from);
    for (const listener of listeners) listener(row.signals);
  };
  // A renewal that fails is tried again at the next; the lease ends by itself when none gets through.
  const renewals = setInterval(() => {
    renew().catch((error: unknown) => ctx.log.warn({ run: runId, error: messageOf(error) }, "lease not renewed"));
  }, ctx.leaseMs / 5);
  extend(askedAt);

  const giveBack = async (wakeAt: Date | undefined, signals: number) => {
    const { rows } = await call(ctx, "db.release", () =>
      sql`update muster.run set owner = null, lease_until = null, next_wake_at = ${wakeAt ?? null}
           where id = ${runId} and epoch = ${epoch} and signals = ${signals} returning id`.execute(ctx.db),
    );
    if (rows.length === 0) return "moved";
    end();
    return "released";
  };
  return {
    runId,
    epoch,
    ...(before === null ? {} : { takenOverFrom: before }),
    lateSeconds: Math.max(0, late),
    trace,
    signal: lost.signal,
    check,
    ensure: async (milliseconds) => {
      check();
      const wanted = Math.min(milliseconds, ctx.leaseMs / 2) + ctx.leaseMs / 20;
      if (over - performance.now() >= wanted) return;
      await renew();
      check();
      if (over - performance.now() < wanted) lose("too little of it is left for a call");
      check();
    },
    onRenewed: (listener) => listeners.push(listener),
    release: giveBack,
    handOver: (afterSeconds = 0) => handOver(ctx, { runId, epoch, before, until: () => over, end, afterSeconds }),
    forget: lose,
    close: end,
  };
}

type HandOver = {
  runId: string;
  epoch: number;
  before: string | null;
  until: () => number;
  end: () => void;
  afterSeconds: number;
};

/** A take-over that nobody could tell of (the journal did not answer) stays one: the next holder takes over from the same. */
async function handOver(
  ctx: EngineContext,
  { runId, epoch, before, until, end, afterSeconds }: HandOver,
): Promise<void> {
  end();
  for (;;) {
    try {
      await call(ctx, "db.hand-over", () =>
        sql`with told as (
              select from muster.step_event where run = ${runId} and epoch = ${epoch} and kind = 'taken-over')
            update muster.run
               set owner = case when not exists (select from told) then ${before} end,
                   lease_until = clock_timestamp() - interval '1 second', next_wake_at = muster.now() + make_interval(secs => ${afterSeconds})
             where id = ${runId} and epoch = ${epoch} and owner = ${ctx.worker}`.execute(ctx.db),
      );
      ctx.meters?.lease("handed-over");
      return;
    } catch (error) {
      ctx.log.warn({ run: runId, error: messageOf(error) }, "lease not given back");
      const pause = ctx.leaseMs / 5;
      if (performance.now() + pause >= until()) return;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}
