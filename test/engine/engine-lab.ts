import { sql } from "kysely";
import { Activity } from "../../src/activity.ts";
import type { Log } from "../../src/call.ts";
import { Clock } from "../../src/clock.ts";
import type { Context } from "../../src/context.ts";
import { openDb, readClock, type Db } from "../../src/db/connect.ts";
import type { JournalEvent } from "../../src/engine/events.ts";
import { HighWater } from "../../src/engine/high-water.ts";
import { engineVersion } from "../../src/engine/lease.ts";
import { loadJournal } from "../../src/engine/journal.ts";
import { hashPlan, inOrder, type Plan, type PlanNode } from "../../src/engine/plan.ts";
import { sendSignal, type NewSignal } from "../../src/engine/signals.ts";
import { openMusterDatabase, type MusterDatabase } from "../../src/lab/postgres.ts";

/** A Postgres with Muster's tables, and contexts of as many workers as a test wants. */
export type EngineLab = { url: string; db: Db; clock: Clock; server: MusterDatabase; close(): Promise<void> };

export async function openEngineLab(): Promise<EngineLab> {
  const server = await openMusterDatabase(undefined, { migrated: true });
  const db = openDb(server.url, { max: 6, leaseMs: 10_000, log: quiet });
  const clock = new Clock(await readClock(db));
  const close = async () => {
    await db.destroy();
    await server.close();
  };
  return { url: server.url, db, clock, server, close };
}

const nothing = () => undefined;
export const quiet: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
/** Says on stderr what a test that fails would like to know. */
const loud: Log = {
  ...quiet,
  error: (fields, message) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
};

/** What the engine reaches of a context; the rest is not there, and a step that asks for it fails. */
export function engineContext(parts: Partial<Context> & Pick<Context, "db" | "clock" | "worker">): Context {
  return {
    now: () => parts.clock.now(),
    newId: () => crypto.randomUUID(),
    random: Math.random,
    engineVersion,
    highWater: new HighWater(),
    // What a busy machine does not outlast: nobody sweeps here, and a run whose lease is lost is driven by nobody.
    leaseMs: 10_000,
    callTimeoutMs: 4_000,
    point: () => Promise.resolve(),
    activity: new Activity(),
    log: loud,
    redact: (text) => text,
    ring: () => Promise.resolve(),
    steps: new Map(),
    brokenClaims: () => Promise.resolve([]),
    senders: new Map(),
    ...parts,
  } as Context;
}

const approvers = ["ana", "ben", "cleo"];

/** Makes a plan of nodes, asked for by ana, with two approvals wanted. */
export function planOf(nodes: PlanNode[], more: Partial<Plan> = {}): Plan {
  return {
    job: "test",
    title: "change the small world",
    input: {},
    nodes: inOrder(nodes),
    locks: [...new Set(nodes.map((node) => node.service))],
    claims: [],
    approvers,
    needed: 2,
    blockers: [],
    warnings: [],
    ...more,
  };
}

/** Inserts a run as a proposal does: the row, its first event, its card. */
export async function propose(db: Db, plan: Plan, id: string = crypto.randomUUID()): Promise<string> {
  const planHash = hashPlan(plan, {});
  const payload = JSON.stringify({ by: "ana", planHash });
  // At once, as a proposal is written: a run that a worker meets without its first event is not the one that was shown.
  await db.transaction().execute(async (trx) => {
    await trx
      .insertInto("run")
      .values({
        id,
        job: plan.job,
        title: plan.title,
        plan: JSON.stringify(plan),
        facts: "{}",
        plan_hash: planHash,
        engine_version: engineVersion,
        requested_by: "ana",
        place: JSON.stringify({ kind: "terminal" }),
        approve_until: sql<Date>`muster.now() + interval '15 minutes'`,
        next_wake_at: sql<Date>`muster.now()`,
      })
      .execute();
    await trx.insertInto("step_event").values({ run: id, kind: "proposed", epoch: 0, payload }).execute();
    await trx.insertInto("card").values({ run: id, channel: "C01" }).execute();
  });
  return id;
}

/** Says something to a run, as a click or a terminal does. */
export function say(ctx: Context, runId: string, signal: Omit<NewSignal, "key"> & { key?: string }) {
  return sendSignal(ctx, runId, { key: crypto.randomUUID(), ...signal });
}

/** Lets two people approve. */
export async function approve(ctx: Context, runId: string): Promise<void> {
  await say(ctx, runId, { verb: "approve", by: "ben" });
  await say(ctx, runId, { verb: "approve", by: "cleo" });
}

export const eventsOf = async (db: Db, runId: string): Promise<JournalEvent[]> =>
  (await loadJournal(db, runId))?.events ?? [];

/** The kinds of a run's events, steps' with their step: "done checkout/set". */
export async function story(db: Db, runId: string): Promise<string[]> {
  return (await eventsOf(db, runId)).map((event) => ("step" in event ? `${event.kind} ${event.step}` : event.kind));
}

/** Moves Muster's clock, in the database and in this process. */
export async function moveClock({ db, clock }: Pick<EngineLab, "db" | "clock">, seconds: number): Promise<void> {
  await sql`update muster.clock set shows = muster.now() + make_interval(secs => ${seconds}), anchor_at = clock_timestamp()`.execute(
    db,
  );
  clock.set(await readClock(db));
}

/** Sets how fast Muster's clock runs. */
export async function setRate({ db, clock }: Pick<EngineLab, "db" | "clock">, rate: number): Promise<void> {
  await sql`update muster.clock set shows = muster.now(), anchor_at = clock_timestamp(), rate = ${rate}`.execute(db);
  clock.set(await readClock(db));
}

/** Waits until something is so, on the wall. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  milliseconds = 30_000,
): Promise<T> {
  const giveUpAt = performance.now() + milliseconds;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > giveUpAt) throw new Error(`it did not happen in ${milliseconds} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
