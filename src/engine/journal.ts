import { call } from "../call.ts";
import type { Place } from "../chat.ts";
import type { RunState } from "../db/schema.ts";
import { append, ServiceLocked, type Entry, type Move, type Written } from "./append.ts";
import { Draft, extended } from "./draft.ts";
import { eventKinds, type EventBody, type JournalEvent } from "./events.ts";
import { LeaseLost, type EngineContext, type Lease } from "./lease.ts";
import { measure } from "./measure.ts";
import type { Plan } from "./plan.ts";
import { tell } from "./tell.ts";
import { fold } from "./fold.ts";
import type { RunView } from "./view.ts";

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
  return { run, events: await loadEvents(db, runId) };
}

/** Reads a run's journal, or what came after an event of it. What comes later in time has a greater number. */
export async function loadEvents(db: EngineContext["db"], runId: string, after = 0): Promise<JournalEvent[]> {
  const events = await db
    .selectFrom("step_event")
    .select(["seq", "step", "kind", "epoch", "payload", "at"])
    .where("run", "=", runId)
    .where("seq", ">", after)
    .orderBy("seq")
    .execute();
  return events.map(eventOf);
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
   * @throws LeaseLost when the run is no longer this worker's; ServiceLocked when a move needs another run's lock; else what the
   * database said. Unless it was a lock, this journal writes nothing after that: open it anew.
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
  ctx.highWater.raise(events.at(-1));
  const unknown = new Set(events.map(({ kind }) => kind).filter((kind) => !eventKinds.includes(kind)));
  if (unknown.size > 0) throw new LeftToNewer(run.id, [...unknown]);
  let view = fold(run.plan, events);
  let lastSeq = events.at(-1)?.seq ?? 0;
  const waiting: Writer[] = [];
  let isWriting = false;
  /** Why nothing more is written. */
  let broken: { because: unknown } | undefined;

  /** Decides for the first of those who wait, or for some of them, and returns those it decided for with their events. */
  const decideFor = (writers: Writer[]): { decided: Decided[]; move?: Move } => {
    const draft = new Draft(view);
    const decided: Decided[] = [];
    const numbered = (more: EventBody[]) => asIfWritten(more, lastSeq, ctx.now(), lease);
    const begunAt = performance.now();
    for (const writer of writers) {
      const wanted = made(writer, draft.view, (more) => extended(draft.view, numbered(more)));
      // What moves the run's own row is written by itself.
      if (wanted?.move && decided.some(({ entries }) => entries !== undefined)) return { decided };
      const entries = wanted?.events.map((event): Entry => {
        // Told as of the moment before it: what stands before it has happened by then.
        const entry = { event, tell: tell(run, draft.view, event, ctx.now()) };
        for (const as of numbered([event])) draft.add(as);
        return entry;
      });
      decided.push({ writer, entries });
      if (wanted?.move) return { decided, move: wanted.move };
      if (performance.now() - begunAt > mostMs) return { decided };
    }
    return { decided };
  };

  const keep = (entries: Entry[], written: Written) => {
    const draft = new Draft(view);
    written.forEach(({ seq, at }, index) => {
      const event = entries[index]?.event;
      if (!event) return;
      measure(ctx.meters, run.job, draft.view, event, at);
      draft.add({ ...event, seq, at, epoch: lease.epoch });
      lastSeq = seq;
    });
    view = draft.view;
  };

  const writeSome = async (): Promise<void> => {
    const writers = waiting.slice(0, waiting.length > mostAlone ? mostTogether : 1);
    let settled = writers.slice(0, 1);
    try {
      lease.check();
      const { decided, move } = decideFor(writers);
      settled = decided.map(({ writer }) => writer);
      const entries = decided.flatMap((one) => one.entries ?? []);
      const isNothing = decided.every((one) => one.entries === undefined);
      const written = isNothing ? [] : await append(ctx, lease, entries, move);
      if (!written && move?.to !== "ended") {
        lease.forget("another worker took it over");
        throw new LeaseLost(lease.runId, "another worker took it over");
      }
      if (written) keep(entries, written);
      lease.check();
      // Signals that moved and a lease that is lost look the same here; whoever reads the signals next can tell.
      for (const one of decided) one.writer.resolve(one.entries !== undefined && written !== undefined);
    } catch (error) {
      // Whether it was written nobody knows: whoever wrote next would decide from a view that may lack it.
      if (!(error instanceof ServiceLocked)) broken ??= { because: error };
      for (const writer of settled) writer.reject(error);
    }
    waiting.splice(0, settled.length);
  };
  const writeAll = async () => {
    isWriting = true;
    while (waiting.length > 0 && !broken) await writeSome();
    if (broken) for (const writer of waiting.splice(0)) writer.reject(broken.because);
    isWriting = false;
  };
  return {
    run,
    view: () => view,
    write: (make) =>
      new Promise((resolve, reject) => {
        waiting.push({ make, resolve, reject });
        if (!isWriting) void writeAll();
      }),
  };
}

/** Somebody who waits to write. */
type Writer = { make: Make; resolve: (written: boolean) => void; reject: (error: unknown) => void };
/** What a writer wants to write; no entries where it has nothing. */
type Decided = { writer: Writer; entries: Entry[] | undefined };

/**
 * Up to so many writers wait for one statement each. More of them, as a thousand services are, share one: else each would
 * wait for all those before it.
 */
const mostAlone = 16;
const mostTogether = 200;

/** After so many milliseconds of deciding the rest wait for the next statement: meanwhile nobody renews a lease or answers. */
const mostMs = 50;

/** A writer that cannot decide fails alone, and writes nothing. */
function made({ make, reject }: Writer, view: RunView, after: (more: EventBody[]) => RunView): ReturnType<Make> {
  try {
    return make(view, after);
  } catch (error) {
    reject(error);
    return undefined;
  }
}

function asIfWritten(more: EventBody[], last: number, at: Date, { epoch }: Lease): JournalEvent[] {
  return more.map((event, index) => ({ ...event, seq: last + index + 1, at, epoch }));
}
