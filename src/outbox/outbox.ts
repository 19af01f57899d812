import { setTimeout as pause } from "node:timers/promises";
import type { Context } from "../context.ts";
import { messageOf } from "../errors.ts";
import { drawOne } from "./cards.ts";
import { drainOne } from "./drain.ts";
import { nextDueOut } from "./rows.ts";
import type { CardSender } from "./sender.ts";
import { makeBell, onWake, type Bell } from "./wake.ts";

/** Wall milliseconds between looks when nobody wakes us. */
const pollMs = 300;

export type Outbox = {
  /** Stops taking messages and waits for the ones under way. */
  stop(): Promise<void>;
};

/**
 * Takes messages and cards out until it is stopped: one lane for each kind of thread that has a sender, and one for the
 * cards, so that a slow Slack never holds back a mail. A kind without a sender waits; what it holds goes out, in order,
 * from a process that has one.
 */
export function startOutbox(ctx: Context, { cards }: { cards?: CardSender } = {}): Outbox {
  const stopping = new AbortController();
  const lanes = [...ctx.senders.keys()].map((kind) => ({
    work: () => drainOne(ctx, kind),
    due: () => nextDueOut(ctx.db, [kind], undefined),
  }));
  if (cards) lanes.push({ work: () => drawOne(ctx, cards), due: () => nextDueOut(ctx.db, [], ctx.engineVersion) });
  const running = Promise.all(lanes.map((lane) => keepDraining(ctx, lane, stopping.signal)));
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

type Lane = { work: () => Promise<boolean>; due: () => Promise<Date | undefined> };

async function keepDraining(ctx: Context, { work, due }: Lane, signal: AbortSignal): Promise<void> {
  const bell = makeBell();
  const forget = onWake(bell.ring);
  while (!signal.aborted) {
    try {
      while (!signal.aborted && (await ctx.activity.during(work)));
      if (!signal.aborted) await rest(ctx, await due(), bell, signal);
    } catch (error) {
      ctx.log.warn({ error: messageOf(error) }, "the outbox could not be looked at");
      await pause(1000, undefined, { signal }).catch(() => undefined);
    }
  }
  forget();
}

/** Waits for a message, a due time on Muster's clock, or the next look, whichever is first. */
async function rest(ctx: Context, due: Date | undefined, bell: Bell, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const waits: Promise<unknown>[] = [bell.heard(), pause(pollMs, undefined, { signal: either })];
  // The database's clock and ours may differ by a hair: what it calls not yet due is due in a moment.
  if (due) waits.push(ctx.clock.until(new Date(Math.max(due.getTime(), ctx.now().getTime()) + 10), either));
  await Promise.race(waits.map((wait) => wait.catch(() => undefined)));
  over.abort();
}
