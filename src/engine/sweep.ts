import { readClock } from "../db/connect.ts";
import { call } from "../call.ts";
import type { Context } from "../context.ts";
import { messageOf } from "../errors.ts";
import type { Driver } from "./drive.ts";

import { findNewerRuns, leaseDueRuns, type EngineContext } from "./lease.ts";
import { lookBack } from "./set-back.ts";

/** Wall milliseconds between two looks for due runs. */
const everyMs = 1_000;
/** After so many of these it also looks which runs are left to a newer Muster. */
const newerEvery = 10;
/** Readings that differ from our clock by less, in wall milliseconds, are noise of the round trip. */
const noiseMs = 20;
/** Readings that differ by more, in wall seconds, are no drift: somebody set the clock. */
const jumpSeconds = 2;

/**
 * Sees every second that the journal is no older copy, and looks for due runs: again at once while it finds as many as there is room for, and drives them here.
 * Every process does; the database sees that each run is taken once.
 */
export function openSweep(ctx: Context, driver: Pick<Driver, "take" | "room" | "left">): { stop(): Promise<void> } {
  let stopped = false;
  let ticks = 0;
  const told = new Set<string>();
  const tellNewer = async () => {
    for (const run of await findNewerRuns(ctx)) {
      if (!told.has(run)) ctx.log.warn({ run }, "a run is left to a newer Muster");
      told.add(run);
    }
  };
  let ticking = Promise.resolve();
  const tick = async () => {
    try {
      await refreshClock(ctx);
      await lookBack(ctx);
      await ctx.heard;
      // Said in the log, in the metrics and by /readyz; other processes find what is due.
      if (ctx.hostClock?.refusal !== undefined) return;
      for (let [found, wanted] = [0, 0]; found === wanted && !stopped;) {
        // No more than can be driven now: a lease that waits for its turn would run out.
        wanted = await driver.room();
        if (stopped) break;
        const leases = await leaseDueRuns(ctx, wanted, driver.left());
        found = leases.length;
        // Not awaited: a run is driven for minutes, and the driver knows what it drives.
        for (const lease of leases) void driver.take(lease);
      }
      if (ticks % newerEvery === 0) await tellNewer();
      ticks += 1;
    } catch (error) {
      ctx.log.warn({ error: messageOf(error) }, "the sweep could not look for due runs");
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const loop = () => {
    ticking = tick().then(() => {
      if (!stopped) timer = setTimeout(loop, everyMs);
    });
  };
  loop();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await ticking;
    },
  };
}

/** Sets the process's clock to what the database shows, where they differ by more than the round trip explains. */
export async function refreshClock(ctx: EngineContext): Promise<void> {
  const { clock } = ctx;
  const askedAt = performance.now();
  const shown = clock.now().getTime();
  const reading = await call(ctx, "db.clock", () => readClock(ctx.db));
  ctx.hostClock?.compare(reading);
  const expected = shown + (performance.now() - askedAt) * clock.rate;
  const noise = noiseMs * clock.rate;
  // Somebody set the clock while we asked: what we read may be older than that.
  if (Math.abs(clock.now().getTime() - expected) > 5 * clock.rate) return;
  const ahead = reading.shows.getTime() - expected;
  if (reading.rate === clock.rate && Math.abs(ahead) <= noise) return;
  // A clock that drifts is set right in silence, a jump is news: approvals and deadlines move with it.
  if (reading.rate === clock.rate && Math.abs(ahead) > jumpSeconds * 1000 * clock.rate)
    ctx.log.warn(
      { seconds: Math.round(ahead / 1000) },
      "the clock of Muster's database jumped; every deadline follows it",
    );
  clock.set(reading);
}
