import type { Context } from "../context.ts";
import { messageOf } from "../errors.ts";
import { Bell } from "./bell.ts";
import { driveRun } from "./drive-run.ts";
import { LeftToNewer } from "./journal.ts";
import { LeaseLost, leaseRun, type Lease } from "./lease.ts";
import { Slots } from "./slots.ts";
import { inSpan } from "../trace.ts";

/** What drives runs in one process. */
export type Driver = {
  /**
   * Drives a run that is due until nothing is, and sets a timer for when something will be. Resolves at once where it is
   * not due, or another process has it.
   */
  drive(runId: string): Promise<void>;
  /** Answers a ring: wakes the run here or leases it, and does not wait until it rests. */
  answer(runId: string): Promise<void>;
  /** Drives a run that the sweep has leased. */
  take(lease: Lease): Promise<void>;
  /** Runs that this process cannot read, and leaves alone for now. */
  left(): string[];
  /** Waits until there is room for more runs, and tells for how many. */
  room(): Promise<number>;
  /** Hands everything over: no new change is begun, a call under way is waited for as long as it may last. */
  stop(): Promise<void>;
};

/** Wall milliseconds before a run whose drive broke is tried again: two seconds, or a lease where that is less. */
const againAfterMs = 2_000;

/** Wall milliseconds for which a run that cannot be read here is left to others. */
const leftForMs = 30_000;

/**
 * How many runs are loaded and decided about at once. When hundreds are due in the same moment, each would wait for a
 * connection longer than a call may take.
 */
const atOnce = 8;

type Driven = { bell: Bell; leased: Promise<unknown>; rests: Promise<void> };

const spanOf = ({ worker, redact }: Context, { runId, epoch, trace, takenOverFrom }: Lease) => ({
  parent: trace,
  redact,
  attributes: {
    "muster.run": runId,
    "muster.epoch": epoch,
    "muster.worker": worker,
    ...(takenOverFrom === undefined ? {} : { "muster.taken_over_from": takenOverFrom }),
  },
});

/** Starts what drives runs in this process. Nothing happens before it is told of a run, by ring, sweep or call. */
export function openDriver(ctx: Context): Driver {
  const stopping = new AbortController();
  const driven = new Map<string, Driven>();
  const slots = new Slots(atOnce);
  const timers = new Map<string, AbortController>();
  /** Runs that a newer Muster wrote, and until when they are left to it. */
  const leftUntil = new Map<string, number>();
  const left = () => {
    for (const [runId, until] of leftUntil) if (performance.now() >= until) leftUntil.delete(runId);
    return [...leftUntil.keys()];
  };

  const setTimer = (runId: string, wakeAt: Date) => {
    const timer = new AbortController();
    timers.set(runId, timer);
    const wait = ctx.activity.waiting(runId, () => ctx.clock.until(wakeAt, timer.signal));
    wait.then(
      () => drive(runId),
      () => undefined,
    );
  };
  // On Muster's clock, so that a fast lab does not spin.
  const againAfterSeconds = () => (Math.min(againAfterMs, ctx.leaseMs) / 1000) * ctx.clock.rate;
  const setTimerSoon = (runId: string) => {
    if (stopping.signal.aborted) return;
    clearTimer(runId);
    setTimer(runId, new Date(ctx.now().getTime() + againAfterSeconds() * 1000));
  };
  const clearTimer = (runId: string) => {
    timers.get(runId)?.abort();
    timers.delete(runId);
  };

  const driveLease = async (lease: Lease, bell: Bell, onWait: () => void): Promise<void> => {
    const { runId } = lease;
    clearTimer(runId);
    try {
      // One span a lease, each in the run's own trace: nobody lives as long as a run may.
      const rest = await inSpan("drive run", spanOf(ctx, lease), () =>
        driveRun(ctx, lease, { bell, stopping: stopping.signal, onWait }),
      );
      if (rest.kind === "released" && rest.wakeAt && !stopping.signal.aborted) setTimer(runId, rest.wakeAt);
    } catch (error) {
      if (error instanceof LeaseLost || lease.signal.aborted) return;
      if (error instanceof LeftToNewer) {
        leftUntil.set(runId, performance.now() + leftForMs);
        ctx.log.warn({ run: runId, error: error.message }, "a run is left to a newer Muster");
        return lease.handOver();
      }
      ctx.log.error({ run: runId, error: messageOf(error), stack: (error as Error).stack }, "driving a run failed");
      await lease.handOver(againAfterSeconds());
      setTimerSoon(runId);
    }
  };

  const register = (runId: string, bell: Bell, slot: Promise<() => void>, lease: () => Promise<Lease | undefined>) => {
    const leased = slot.then(lease).catch((error: unknown) => {
      ctx.log.warn({ run: runId, error: messageOf(error) }, "a run could not be leased");
      setTimerSoon(runId);
      return undefined;
    });
    const driving = async () => {
      const [lease, release] = await Promise.all([leased, slot]);
      if (lease) await driveLease(lease, bell, release);
      release();
      if (driven.get(runId) === entry) driven.delete(runId);
      // Rung after the release: whoever rang was told that somebody listens.
      if (bell.rung && !stopping.signal.aborted && !driven.has(runId)) start(runId);
    };
    const entry: Driven = { bell, leased, rests: driving() };
    driven.set(runId, entry);
    return entry;
  };

  const leaseHeard = async (runId: string) => {
    await ctx.heard;
    return leaseRun(ctx, runId);
  };
  const mayLease = () => !stopping.signal.aborted && ctx.hostClock?.refusal === undefined;
  const start = (runId: string): Driven =>
    register(runId, new Bell(), slots.takeFree(), () =>
      mayLease() && !left().includes(runId) ? leaseHeard(runId) : Promise.resolve(undefined),
    );
  const wake = (runId: string): Driven | undefined => {
    if (stopping.signal.aborted) return undefined;
    const mine = driven.get(runId);
    mine?.bell.ring();
    return mine ?? start(runId);
  };
  const drive = async (runId: string) => wake(runId)?.rests;

  return {
    drive,
    answer: async (runId) => {
      await wake(runId)?.leased;
    },
    take: (lease) => {
      // An older entry can only be one whose lease was lost without its knowledge; it ends by itself.
      return register(lease.runId, new Bell(), Promise.resolve(slots.take()), () => Promise.resolve(lease)).rests;
    },
    left,
    room: () => slots.room(),
    stop: async () => {
      stopping.abort();
      slots.open();
      for (const runId of timers.keys()) clearTimer(runId);
      const resting = Promise.all([...driven.values()].map((entry) => entry.rests));
      const { promise: tooLong, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ctx.callTimeoutMs + ctx.leaseMs / 2);
      await Promise.race([resting, tooLong]);
      clearTimeout(timer);
    },
  };
}
