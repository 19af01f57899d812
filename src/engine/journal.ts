import { call } from "../call.ts";
import type { Place } from "../chat.ts";
import type { RunState } from "../db/schema.ts";
import { append, type Move } from "./append.ts";
import { eventKinds, type EventBody, type JournalEvent } from "./events.ts";
import { LeaseLost, type EngineContext, type Lease } from "./lease.ts";
import { measure } from "./measure.ts";
import type { Plan } from "./plan.ts";
import { tell } from "./tell.ts";
import { fold, type RunView } from "./view.ts";

/** A run's row, as far as it never changes while it is driven. */
export type Run = {
  id: string;
  job: string;
  title: string;
  state: RunState;
  plan: Plan;
  planHash: string;
  /** The highest engine version that held it. */
  engineVersion: number;
  requestedBy: string;
  reason?: string;
  place: Place;
  parent?: string;
  endedAt?: Date;
};

/** Reads a run and its journal from the first event to the last; undefined when there is no such run. */
export async function loadJournal(
  db: EngineContext["db"],
  runId: string,
): Promise<{ run: Run; events: JournalEvent[] } | undefined> {
  const row = await db
    .selectFrom("run")
    .select([
      "id",
      "job",
      "title",
      "state",
      "plan",
      "plan_hash",
      "engine_version",
      "requested_by",
      "reason",
      "place",
      "parent",
      "ended_at",
    ])
    .where("id", "=", runId)
    .executeTakeFirst();
  if (!row) return undefined;
  const {
    plan_hash: planHash,
    engine_version: engineVersion,
    requested_by: requestedBy,
    reason,
    parent,
    ended_at: endedAt,
    ...same
  } = row;
  const run: Run = {
    ...same,
    planHash,
    engineVersion,
    requestedBy,
    ...(reason === null ? {} : { reason }),
    ...(parent === null ? {} : { parent }),
    ...(endedAt === null ? {} : { endedAt }),
  };
  const events = await db
    .selectFrom("step_event")
    .select(["seq", "step", "kind", "epoch", "payload", "at"])
    .where("run", "=", runId)
    .orderBy("seq")
    .execute();
  return { run, events: events.map(eventOf) };
}

function eventOf({ step, payload, ...row }: { step: string | null; payload: object; kind: string }): JournalEvent {
  // What stands in the row was an EventBody when this engine version wrote it.
  return { ...payload, ...row, ...(step === null ? {} : { step }) } as unknown as JournalEvent;
}

/** A journal holds what this Muster does not know. A newer one wrote it, and reads it; here nothing is made of it. */
export class LeftToNewer extends Error {
  constructor(runId: string, kinds: readonly string[]) {
    super(`run ${runId} is left to a newer Muster: its journal holds ${kinds.join(", ")}`);
    this.name = "LeftToNewer";
  }
}

/**
 * What to write, decided from the newest view; undefined: nothing. `after` shows the view as it would be after some
 * events, for what must be decided one by one and written at once.
 */
export type Make = (
  view: RunView,
  after: (events: EventBody[]) => RunView,
) => { events: EventBody[]; move?: Move } | undefined;

/** A run's journal in the hands of the one worker that may write it. */
export type Journal = {
  run: Run;
  view(): RunView;
  /**
   * Writes what `make` says. One writer at a time: each decides from a view in which everything before it stands, so
   * that no change is begun after a person's "undo" was written, and none is overlooked by it.
   *
   * Resolves to false when nothing was written: `make` had nothing, or the end met a signal that nobody has read.
   * @throws LeaseLost when the run is no longer this worker's; ServiceLocked when a move needs another run's lock.
   */
  write(make: Make): Promise<boolean>;
};

/**
 * Opens the journal of a leased run. Reads after the lease was taken, so that nothing its predecessor wrote is missed.
 * @throws LeftToNewer when not all of it can be read.
 */
export async function openJournal(ctx: EngineContext & { now(): Date }, lease: Lease): Promise<Journal> {
  const loaded = await call(ctx, "db.load-journal", () => loadJournal(ctx.db, lease.runId));
  if (!loaded) throw new Error(`Run ${lease.runId} is gone.`);
  const { run, events } = loaded;
  const unknown = new Set(events.map(({ kind }) => kind).filter((kind) => !eventKinds.includes(kind)));
  if (unknown.size > 0) throw new LeftToNewer(run.id, [...unknown]);
  let view = fold(run.plan, events);
  let last: Promise<unknown> = Promise.resolve();

  const writeNow = async (make: Make): Promise<boolean> => {
    lease.check();
    const after = (more: EventBody[]) => fold(run.plan, [...events, ...asIfWritten(more, events, ctx.now(), lease)]);
    const wanted = make(view, after);
    if (!wanted) return false;
    // Each event is told as of the moment before it: those before it in the batch have happened by then.
    const entries = wanted.events.map((event, index) => ({
      event,
      tell: tell(run, index === 0 ? view : after(wanted.events.slice(0, index)), event, ctx.now()),
    }));
    const written = await append(ctx, lease, entries, wanted.move);
    if (!written) {
      // Signals that moved and a lease that is lost look the same here; whoever reads the signals next can tell.
      if (wanted.move?.to === "ended") return false;
      lease.forget("another worker took it over");
      throw new LeaseLost(lease.runId, "another worker took it over");
    }
    written.forEach(({ seq, at }, index) => {
      const event = wanted.events[index];
      if (!event) return;
      measure(ctx.meters, run.job, view, event, at);
      events.push({ ...event, seq, at, epoch: lease.epoch });
    });
    view = fold(run.plan, events);
    lease.check();
    return true;
  };
  return {
    run,
    view: () => view,
    write: (make) => {
      const writing = last.then(() => writeNow(make));
      last = writing.catch(() => undefined);
      return writing;
    },
  };
}

function asIfWritten(more: EventBody[], before: JournalEvent[], at: Date, { epoch }: Lease): JournalEvent[] {
  const last = before.at(-1)?.seq ?? 0;
  return more.map((event, index) => ({ ...event, seq: last + index + 1, at, epoch }));
}
