import { setTimeout as pause } from "node:timers/promises";
import type { Context } from "../context.ts";
import { messageOf } from "../errors.ts";
import { drawOne } from "./cards.ts";
import { drainOne } from "./drain.ts";
import { cardLane, findDue } from "./rows.ts";
import type { CardSender } from "./sender.ts";
import { parkTooOld } from "./too-old.ts";
import { makeBell, onWake, type Bell } from "./wake.ts";

/** Wall milliseconds between looks when nobody wakes us. */
const pollMs = 300;

export type Outbox = {
  /** Stops taking messages and waits for the ones under way. */
  stop(): Promise<void>;
};

/** Takes out what is due of one kind of thread, or of the cards, whenever its bell rings. */
type Lane = { name: string; bell: Bell; work: () => Promise<boolean> };

/**
 * Takes messages and cards out until it is stopped: one lane for each kind of thread that has a sender, and one for the
 * cards, so that a slow Slack never holds back a mail. A kind without a sender waits; what it holds goes out, in order,
 * from a process that has one. One look serves all lanes: most of the time nothing is due in any.
 */
export function startOutbox(ctx: Context, { cards }: { cards?: CardSender } = {}): Outbox {
  const stopping = new AbortController();
  const lookOut = makeBell();
  const forget = onWake(lookOut.ring);
  const lanes: Lane[] = [...ctx.senders.keys()].map((kind) => ({
    name: kind,
    bell: makeBell(),
    work: () => drainOne(ctx, kind, stopping.signal),
  }));
  if (cards) lanes.push({ name: cardLane, bell: makeBell(), work: () => drawOne(ctx, cards) });
  // First of all: who was just given a sender must not be sent what was news months ago.
  const running = leaveOutOld(ctx, stopping.signal).then(() =>
    Promise.all([
      keepLooking(ctx, lanes, lookOut, stopping.signal),
      ...lanes.map((lane) => keepDraining(ctx, lane, lookOut, stopping.signal)),
    ]),
  );
  return {
    async stop() {
      forget();
      stopping.abort();
      for (const { bell } of lanes) bell.ring();
      await running;
    },
  };
}

async function leaveOutOld(ctx: Context, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      return await parkTooOld(ctx);
    } catch (error) {
      await complain(ctx, error, signal);
    }
  }
}

/** Rings the lanes in which something is due: when somebody wakes it, when the next thing is due, and a few times a second. */
async function keepLooking(ctx: Context, lanes: readonly Lane[], bell: Bell, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const found = new Map((await findDue(ctx.db, ctx.engineVersion)).map((due) => [due.lane, due]));
      const ours = lanes.flatMap(({ name, bell }) => {
        const due = found.get(name);
        return due ? [{ ...due, bell }] : [];
      });
      for (const { isDue, bell } of ours) if (isDue) bell.ring();
      const later = ours.flatMap(({ isDue, due }) => (isDue ? [] : [due.getTime()]));
      await rest(ctx, later.length > 0 ? new Date(Math.min(...later)) : undefined, bell, signal);
    } catch (error) {
      await complain(ctx, error, signal);
    }
  }
}

async function keepDraining(ctx: Context, { bell, work }: Lane, lookOut: Bell, signal: AbortSignal): Promise<void> {
  for (;;) {
    await bell.heard();
    if (signal.aborted) return;
    try {
      let worked = false;
      while (!signal.aborted && (await ctx.activity.during(work))) worked = true;
      // What failed has another time now, and what had to wait for this may go.
      if (worked) lookOut.ring();
    } catch (error) {
      await complain(ctx, error, signal);
      lookOut.ring();
    }
  }
}

async function complain(ctx: Context, error: unknown, signal: AbortSignal): Promise<void> {
  ctx.log.warn({ error: messageOf(error) }, "the outbox could not be looked at");
  await pause(1000, undefined, { signal }).catch(() => undefined);
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
