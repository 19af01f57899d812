import type { Context } from "../context.ts";
import { messageOf } from "../errors.ts";
import { Bell } from "./bell.ts";
import { driveRun } from "./drive-run.ts";
import { LeaseLost, leaseRun, type Lease } from "./lease.ts";

/** What drives runs in one process. */
export type Driver = {
  /** Drives a run that is due until nothing is, and sets a timer for when something will be. Resolves at once where another process has it. */
  drive(runId: string): Promise<void>;
  /** Answers a ring: wakes the run here or leases it, and does not wait until it rests. */
  answer(runId: string): Promise<void>;
  /** Drives a run that the sweep has leased. */
  take(lease: Lease): Promise<void>;
  /** Hands everything over: no new change is begun, a call under way is waited for as long as it may last. */
  stop(): Promise<void>;
};

/** Wall seconds before a run whose drive broke is tried again. */
const againAfterSeconds = 2;

type Driven = { bell: Bell; leased: Promise<unknown>; rests: Promise<void> };

/** Starts what drives runs in this process. Nothing happens before it is told of a run, by ring, sweep or call. */
export function openDriver(ctx: Context): Driver {
  const stopping = new AbortController();
  const driven = new Map<string, Driven>();
  const timers = new Map<string, AbortController>();

  const setTimer = (runId: string, wakeAt: Date) => {
    const timer = new AbortController();
    timers.set(runId, timer);
    ctx.clock.until(wakeAt, timer.signal).then(
      () => drive(runId),
      () => undefined,
    );
  };
  const clearTimer = (runId: string) => {
    timers.get(runId)?.abort();
    timers.delete(runId);
  };

  const driveLease = async (lease: Lease, bell: Bell): Promise<void> => {
    const { runId } = lease;
    try {
      const rest = await driveRun(ctx, lease, bell, stopping.signal);
      if (rest.kind === "released" && rest.wakeAt && !stopping.signal.aborted) setTimer(runId, rest.wakeAt);
    } catch (error) {
      if (error instanceof LeaseLost || lease.signal.aborted) return;
      ctx.log.error({ run: runId, error: messageOf(error), stack: (error as Error).stack }, "driving a run failed");
      // On Muster's clock, so that a fast lab does not spin.
      const afterSeconds = againAfterSeconds * ctx.clock.rate;
      await lease.handOver(afterSeconds);
      if (!stopping.signal.aborted) setTimer(runId, new Date(ctx.now().getTime() + afterSeconds * 1000));
    }
  };

  const register = (runId: string, bell: Bell, leasing: Promise<Lease | undefined>): Driven => {
    const leased = leasing.catch((error: unknown) => {
      ctx.log.warn({ run: runId, error: messageOf(error) }, "a run could not be leased");
      return undefined;
    });
    const entry: Driven = {
      bell,
      leased,
      rests: leased
        .then((lease) => {
          if (!lease) return undefined;
          clearTimer(runId);
          return driveLease(lease, bell);
        })
        .then(() => {
          if (driven.get(runId) === entry) driven.delete(runId);
          // Rung after the last look: whoever rang was told that somebody listens.
          if (bell.rung && !stopping.signal.aborted && !driven.has(runId)) start(runId);
        }),
    };
    driven.set(runId, entry);
    return entry;
  };

  const start = (runId: string): Driven => {
    const bell = new Bell();
    return register(runId, bell, leaseRun(ctx, runId));
  };
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
      return register(lease.runId, new Bell(), Promise.resolve(lease)).rests;
    },
    stop: async () => {
      stopping.abort();
      for (const runId of [...timers.keys()]) clearTimer(runId);
      const resting = Promise.all([...driven.values()].map((entry) => entry.rests));
      const { promise: tooLong, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ctx.callTimeoutMs + ctx.leaseMs / 2);
      await Promise.race([resting, tooLong]);
      clearTimeout(timer);
    },
  };
}
