import { call } from "../call.ts";
import type { Context } from "../context.ts";
import { messageOf } from "../errors.ts";
import { absorb } from "./absorb.ts";
import { advance } from "./advance.ts";
import { ServiceLocked } from "./append.ts";
import type { Bell } from "./bell.ts";
import { decide, type Decision } from "./decide.ts";
import type { EventBody } from "./events.ts";
import { Going } from "./going.ts";
import { openJournal, type Journal } from "./journal.ts";
import type { Lease } from "./lease.ts";
import type { PlanNode } from "./plan.ts";
import { brokenSeal } from "./seal.ts";
import { readSignals } from "./signals.ts";
import type { AnyGate, Json, Reads } from "./step.ts";
import { undo } from "./undo.ts";

/** What whoever has a run driven holds. */
export type Reins = {
  /** Rung when there may be news. */
  bell: Bell;
  /** Fires when the process stops. */
  stopping: AbortSignal;
  /** Called when the run begins to wait for its steps: from there on it costs little. */
  onWait: () => void;
};

/** Why a run is no longer driven here. */
export type Rest = { kind: "ended" } | { kind: "released"; wakeAt: Date | undefined } | { kind: "handed-over" };

/** How long to wait before claims that could not be looked at are looked at again, in clock seconds. */
const claimsAgainSeconds = 5;

/** A run that was due for longer than a minute waited for a server, in clock seconds; a sweep finds it within one. */
const lateSeconds = 60;

/**
 * Drives a leased run: absorbs what was said, decides, starts every step that is ready, and decides again as each
 * settles, until nothing is due. The bell wakes it between.
 *
 * @throws LeaseLost when another worker has the run, else what nobody could turn into a sentence; every loop has ended
 * by then.
 */
export async function driveRun(ctx: Context, lease: Lease, reins: Reins): Promise<Rest> {
  const { bell, stopping } = reins;
  const going = new Going(() => bell.ring());
  const wake = () => bell.ring();
  lease.signal.addEventListener("abort", wake);
  stopping.addEventListener("abort", wake);
  try {
    return await driveLoop(ctx, lease, going, reins);
  } finally {
    await going.haltAll();
    lease.signal.removeEventListener("abort", wake);
    stopping.removeEventListener("abort", wake);
  }
}

async function driveLoop(ctx: Context, lease: Lease, going: Going, reins: Reins): Promise<Rest> {
  const { bell, stopping } = reins;
  const journal = await openJournal(ctx, lease);
  const { takenOverFrom: from } = lease;
  if (from !== undefined) await journal.write(() => ({ events: [{ kind: "taken-over", from, to: ctx.worker }] }));
  else if (lease.lateSeconds >= lateSeconds && journal.view().startedAt)
    await journal.write(() => ({ events: [{ kind: "taken-up-late", seconds: lease.lateSeconds }] }));
  let signals = -1;
  lease.onRenewed((counter) => {
    if (counter !== signals) bell.ring();
  });
  let claimsAt: Date | undefined;
  const broken = await brokenSeal(ctx, journal);

  for (;;) {
    lease.check();
    going.throwFailure();
    if (stopping.aborted) {
      await going.haltAll();
      going.throwFailure();
      await lease.handOver();
      return { kind: "handed-over" };
    }
    signals = await absorbSignals(ctx, lease, journal, going);
    if (journal.view().ended) return end(lease);
    if (broken !== undefined && !journal.view().voided) {
      if (await writeBroken(journal, broken, signals)) return end(lease);
      continue;
    }

    const now = ctx.now();
    const decision = decide(journal.run.plan, journal.view(), now, (node, reads) => question(ctx, node, reads));
    if (decision.write.length > 0) {
      await journal.write(() => ({ events: decision.write }));
      continue;
    }
    if (decision.final) {
      if (going.size > 0) await going.haltAll();
      else if (await writeEnd(journal, decision.final, signals)) return end(lease);
      continue;
    }
    if (decision.checkClaims && (!claimsAt || claimsAt <= now)) {
      claimsAt = await startRun(ctx, lease, journal, going);
      continue;
    }
    going.haltAllBut(decision.start, decision.undo);
    if (journal.view().heldBy !== undefined) going.withdrawChanges();
    for (const node of decision.start)
      going.start(node, "forward", now, (heard) => advance({ ctx, lease, journal, node, ...heard, stopping }));
    for (const node of decision.undo)
      going.start(node, "back", now, (heard) => undo({ ctx, lease, journal, node, ...heard, stopping }));

    const wakeAt = earliest(decision.wakeAt, going.nextDue, decision.checkClaims ? claimsAt : undefined);
    if (going.size > 0) {
      reins.onWait();
      await waitFor(ctx, bell, wakeAt);
      continue;
    }
    // A signal before this moves the counter; a ring after it is for whoever looks after the release.
    bell.clear();
    if ((await lease.release(wakeAt, signals)) === "released") return { kind: "released", wakeAt };
  }
}

function end(lease: Lease): Rest {
  lease.close();
  return { kind: "ended" };
}

/** Answers everything that was said since the last answer, at once and in order. Returns the count that was read. */
async function absorbSignals(ctx: Context, lease: Lease, journal: Journal, going: Going): Promise<number> {
  for (;;) {
    const { counter, signals } = await readSignals(ctx, lease, journal.view().lastSignal);
    if (signals.length === 0) return counter;
    going.forgetWaits();
    // An end that a person asks for waits for the calls under way, so that nothing happens after it.
    if (signals.some((signal) => signal.verb === "abandon")) await going.haltAll();
    const answered = await journal.write((_, after) => {
      const events: EventBody[] = [];
      for (const signal of signals) events.push(...absorb(journal.run.plan, after(events), signal));
      const ended = events.find((event) => event.kind === "ended");
      return { events, ...(ended ? { move: { to: "ended", outcome: ended.outcome, signals: counter } } : {}) };
    });
    if (answered) return counter;
  }
}

function writeEnd(journal: Journal, final: NonNullable<Decision["final"]>, signals: number): Promise<boolean> {
  return journal.write(() => ({
    events: [{ kind: "ended", ...final }],
    move: { to: "ended", outcome: final.outcome, signals },
  }));
}

/** What runs is what people approved: voids the approvals, or ends a run that has started. Returns true when it is over. */
async function writeBroken(journal: Journal, because: string, signals: number): Promise<boolean> {
  if (journal.view().startedAt) return writeEnd(journal, { outcome: "failed", because }, signals);
  await journal.write(() => ({ events: [{ kind: "voided", because: [because] }] }));
  return false;
}

/** Locks what the plan names, looks at its claims once more, and starts it or says why not. Returns when to try again. */
async function startRun(ctx: Context, lease: Lease, journal: Journal, going: Going): Promise<Date | undefined> {
  const { run } = journal;
  let broken: string[];
  try {
    await journal.write(() => ({ events: [], move: { to: "approved", locks: run.plan.locks } }));
    broken = await ctx.brokenClaims(run.id);
  } catch (error) {
    lease.check();
    if (error instanceof ServiceLocked) broken = await lockedBy(ctx, run.id, run.plan.locks);
    else {
      ctx.log.warn({ run: run.id, error: messageOf(error) }, "the claims could not be looked at");
      return new Date(ctx.now().getTime() + claimsAgainSeconds * 1000);
    }
  }
  await absorbSignals(ctx, lease, journal, going);
  await journal.write((view) => {
    if (view.ended || view.declinedBy || view.startedAt) return undefined;
    if (broken.length > 0) return { events: [{ kind: "voided", because: broken }] };
    return { events: [{ kind: "started" }], move: { to: "running" } };
  });
  return undefined;
}

async function lockedBy(ctx: Context, runId: string, locks: string[]): Promise<string[]> {
  const held = await call(ctx, "db.locks", () =>
    ctx.db
      .selectFrom("run_service")
      .innerJoin("run", "run.id", "run_service.run")
      .select(["run_service.service", "run.id", "run.title"])
      .where("run_service.service", "in", locks)
      .where("run.id", "!=", runId)
      .execute(),
  );
  if (held.length === 0) return ["another run worked on the same service a moment ago"];
  return held.map(({ service, id, title }) => `${service} is in the hands of run ${id} (${title})`);
}

/** A gate whose evidence cannot be read asks all the same: it never lets a run pass by mistake. */
function question(ctx: Context, node: PlanNode, reads: Reads): string | undefined {
  try {
    const definition = ctx.steps.get(node.step);
    if (definition?.kind !== "gate") throw new Error(`this Muster has no question "${node.step}"`);
    return (definition as unknown as AnyGate & { question(input: Json, reads: Reads): string | undefined }).question(
      node.input,
      reads,
    );
  } catch (error) {
    return `The evidence for "${node.title}" could not be read (${messageOf(error)}). Go on without it?`;
  }
}

async function waitFor(ctx: Context, bell: Bell, wakeAt: Date | undefined): Promise<void> {
  const awake = new AbortController();
  const due =
    wakeAt &&
    ctx.clock.until(wakeAt, awake.signal).then(
      () => bell.ring(),
      () => undefined,
    );
  await bell.wait();
  awake.abort();
  await due;
}

function earliest(...dates: (Date | undefined)[]): Date | undefined {
  const known = dates.filter((date) => date !== undefined).map((date) => date.getTime());
  return known.length === 0 ? undefined : new Date(Math.min(...known));
}
